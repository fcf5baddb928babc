import numpy as np
import pandas as pd
import pytest

from cblcast.frames.panel import panel_of
from cblcast.frames.schema import DataError, check_cases, check_panel, check_sites, nearest, utc


def frame(**columns: object) -> pd.DataFrame:
    times = pd.date_range("2019-06-01", periods=4, freq="60min", tz="UTC", unit="us")
    index = pd.MultiIndex.from_product([["a"], times], names=["site_id", "time"])
    return pd.DataFrame({"observed_kw": [1.0, 2.0, 3.0, 4.0], **columns}, index=index)


def test_a_sound_panel_passes() -> None:
    check_panel(frame(temp_air_c=[1.0, np.nan, 3.0, 4.0]))


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (lambda f: f.reset_index(), r"indexed by \['site_id', 'time'\]"),
        (lambda f: f.iloc[:0], "has no rows"),
        (
            lambda f: f.rename(columns={"observed_kw": "observed_kwh"}),
            r"lacks the column 'observed_kw': did you mean 'observed_kwh'\?",
        ),
        (lambda f: pd.concat([f, f.iloc[[1]]]), r"site 'a' has 1 duplicated times, the first at 2019-06-01 01:00"),
        (lambda f: f.assign(temp_air_c=list("wxyz")), "column 'temp_air_c' is .* not a number"),
        (lambda f: f.assign(observed_kw=[1.0, np.inf, 1.0, 1.0]), r"infinite at site 'a', 2019-06-01 01:00"),
        (
            lambda f: f.set_axis(f.index.set_levels(f.index.levels[1].tz_localize(None), level=1)),
            r"panel times are datetime64\[us\]",
        ),
        (
            lambda f: f.set_axis(
                pd.MultiIndex.from_arrays([[None, "a", "a", "a"], f.index.get_level_values(1)], names=f.index.names)
            ),
            "row 0 of the panel has no site_id",
        ),
    ],
)
def test_a_broken_panel_gets_one_sentence(broken, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        check_panel(broken(frame()))


@pytest.mark.parametrize(
    ("sites", "sentence"),
    [
        (pd.DataFrame({"tz": ["UTC"]}), "indexed by 'site_id'"),
        (pd.DataFrame({"zone": ["UTC"]}, index=pd.Index(["a"], name="site_id")), "lacks the column 'tz'"),
        (
            pd.DataFrame({"tz": ["UTC"]}, index=pd.Index(["b"], name="site_id")),
            "no row for 1 sites of the panel, e.g. 'a'",
        ),
        (pd.DataFrame({"tz": ["UTC", "UTC"]}, index=pd.Index(["a", "a"], name="site_id")), "names 'a' twice"),
        (pd.DataFrame({"tz": ["Rome"]}, index=pd.Index(["a"], name="site_id")), "'Rome' is no IANA time zone"),
    ],
)
def test_broken_sites_get_one_sentence(sites: pd.DataFrame, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        check_sites(sites, pd.Index(["a"]))


def test_naive_times_are_refused() -> None:
    with pytest.raises(DataError, match=r"event start has times without a zone, e\.g\. 2019-06-01 17:00:00"):
        utc(pd.DatetimeIndex(["2019-06-01 17:00"]), "event start")


def test_nearest_offers_what_is_close_and_else_what_is_known() -> None:
    assert nearest("Ridgge", ["ridge", "lasso"]) == "did you mean 'ridge'?"
    assert nearest("xyz", ["ridge", "lasso"]) == "known are lasso, ridge"


def test_cases_must_be_sorted() -> None:
    time = pd.DatetimeIndex(["2019-06-01 01:00", "2019-06-01 00:00"], tz="UTC")
    index = pd.MultiIndex.from_arrays([["a", "a"], time[[0, 0]], time], names=["site_id", "origin", "time"])
    columns = {"hidden_from": time, "hidden_until": time, "event_stop": time, "scored": True}
    with pytest.raises(DataError, match="not sorted"):
        check_cases(pd.DataFrame(columns, index=index))


def test_panel_of_gives_every_site_the_same_zone() -> None:
    assert panel_of(frame(), "Europe/Rome", country="IT").sites.loc["a"].to_dict() == {
        "tz": "Europe/Rome",
        "country": "IT",
    }
