"""Dataport's files: made by the tests as Dataport writes them, from the text of the notebook's own output."""

import re
import warnings
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from cblcast.cohorts import cut_to_pv_share
from cblcast.errors import DataError, DataWarning
from cblcast.frames.panel import Panel
from cblcast.io.formats import looks_like, read_meter
from cblcast.io.pecan_street import read_metadata, read_pecan_street

METADATA = """dataid,active_record,building_type,city,state,egauge_1min_min_time,egauge_1min_max_time,\
egauge_1min_data_availability,air1,total_square_footage,pv,total_amount_of_pv,house_construction_year
Identifier,yes if active,kind,city,state,first,last,share,circuit,sq ft,has PV,kW,year
545,yes,Single-Family Home 001 (Master),Austin,Texas,2012-08-12 19:00:00-05:00,2021-01-03 02:59:00-06:00,98%,yes,2345,yes,3.15,2007
3840,yes,Single-Family Home 001 (Master),Ithaca,New York,2019-05-22 19:00:00-05:00,2021-01-03 02:59:00-06:00,100%,,1484,yes,,1835
4090,yes,Single-Family Home 001 (Master),Austin,Texas,2019-03-14 19:00:00-05:00,2021-01-03 02:59:00-06:00,100%,yes,,,9.99,2008
6069,yes,Single-Family Home 001 (Master),Ithaca,New York,2019-05-17 19:00:00-05:00,2021-01-03 02:59:00-06:00,100%,,1728,,,2015
2836,,Single-Family Home 001 (Master),Austin,Texas,,,,,,,,
"""


@pytest.fixture
def metadata(tmp_path) -> pd.DataFrame:
    path = tmp_path / "metadata.csv"
    path.write_text(METADATA)
    return read_metadata(path)


def export(n_days: int = 30, step: str = "1h", homes=("545", "3840")) -> pd.DataFrame:
    """An export as Dataport writes it: local times with their offset; 545 has sun on two meters, 3840 has none."""
    times = pd.date_range(
        "2019-10-20", periods=int(n_days * pd.Timedelta("1D") / pd.Timedelta(step)), freq=step, tz="America/Chicago"
    )
    sun = np.clip(np.sin((times.hour + times.minute / 60 - 6) / 12 * np.pi), 0, None).to_numpy()
    use = 1 + 0.5 * np.cos(times.hour.to_numpy() / 4)
    stamp = times.strftime("%Y-%m-%d %H:%M:%S%z").str.slice(0, -2)  # -05, as PostgreSQL writes an offset
    first = pd.DataFrame(
        {
            "dataid": homes[0],
            "localminute": stamp,
            "air1": 0.3 * use,
            "grid": use - 3 * sun,
            "solar": 2 * sun - 0.004,
            "solar2": sun,
        }
    )
    second = pd.DataFrame(
        {"dataid": homes[1], "localminute": stamp, "air1": np.nan, "grid": use, "solar": np.nan, "solar2": np.nan}
    )
    return pd.concat([first, second], ignore_index=True).assign(leg1v=120.3)


def told(source, **options) -> tuple[Panel, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        panel = read_pecan_street(source, **options)
    return panel, [str(each.message) for each in caught]


def test_metadata_is_cleaned_as_the_notebook_cleans_it(metadata):
    assert metadata.index.to_list() == ["545", "3840", "4090", "6069", "2836"]
    assert metadata["egauge_1min_data_availability"].to_list()[:4] == [98, 100, 100, 100]
    assert metadata["pv"].to_list() == [True, True, False, False, False]
    assert metadata["active_record"].to_list() == [True, True, True, True, False]
    assert metadata.loc["545", "egauge_1min_min_time"] == pd.Timestamp("2012-08-13 00:00", tz="UTC")
    assert metadata.loc["545", "egauge_1min_max_time"] == pd.Timestamp("2021-01-03 08:59", tz="UTC")
    assert metadata.loc["545", "egauge_1min_min_time_local"] == pd.Timestamp("2012-08-12 19:00")
    assert np.isnan(metadata.loc["4090", "total_square_footage"])
    kept = cut_to_pv_share(metadata)
    assert kept.index.to_list() == ["3840", "4090", "6069"]  # 545 goes: half of either city had PV
    assert kept.loc["4090", "size_gap_sqft"] == pytest.approx(abs(2345 - (1484 + 1728) / 2))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            (",98%,", ",198%,"),
            "line 3 of metadata.csv: 'egauge_1min_data_availability' is '198%', and a share lies between",
        ),
        ((",98%,", ",most,"), "line 3 of metadata.csv: 'egauge_1min_data_availability' is 'most', not a number"),
        (
            ("2012-08-12 19:00:00-05:00", "last summer"),
            "line 3 of metadata.csv: 'egauge_1min_min_time' is 'last summer', not a time",
        ),
        (("\n3840,", "\n545,"), "line 4 of metadata.csv: home 545 stands there a second time"),
        (("\n3840,", "\nhome,"), "line 4 of metadata.csv: the dataid is 'home', not a number"),
        (("dataid,", "data,"), "metadata.csv has no column 'dataid'"),
    ],
)
def test_bad_metadata_is_one_sentence(tmp_path, change, sentence):
    path = tmp_path / "metadata.csv"
    path.write_text(METADATA.replace(*change))
    with pytest.raises(DataError, match=re.escape(sentence)):
        read_metadata(path)


def test_an_export_is_net_sun_and_use(tmp_path, metadata):
    path = tmp_path / "export.csv"
    export().to_csv(path, index=False)
    assert looks_like(path) == "pecan_street"
    panel, _ = told(path, metadata=metadata)
    assert panel.sites["tz"].to_dict() == {"3840": "America/New_York", "545": "America/Chicago"}
    assert panel.sites["city"].to_dict() == {"3840": "Ithaca", "545": "Austin"}
    home = panel.data.xs("545", level="site_id")
    noon = home.loc[pd.Timestamp("2019-10-22 12:00", tz="America/Chicago").tz_convert("UTC")]
    assert noon["pv_kw"] == pytest.approx(3 - 0.004)
    assert noon["load_kw"] == pytest.approx(noon["observed_kw"] + noon["pv_kw"])
    assert noon["device_air1_kw"] == pytest.approx(0.3 * (1 + 0.5 * np.cos(3)))
    other = panel.data.xs("3840", level="site_id")
    assert (other["pv_kw"] == 0).all()
    assert other["device_air1_kw"].isna().all()
    assert (home["pv_kw"] >= 0).all()
    assert not any("leg1v" in column for column in panel.data.columns)
    # Thirty days with the end of summer time among them.
    assert len(home) == 30 * 24
    read = read_meter(path, tz="America/Chicago")
    assert read.data["observed_kw"].equals(panel.data["observed_kw"])


def test_parquet_and_minutes_and_step(tmp_path, metadata):
    path = tmp_path / "export.parquet"
    minutes = export(2, "1min")
    minutes.to_parquet(path)
    panel, _ = told(path, metadata=metadata, step="15min", devices=False)
    assert panel.step == pd.Timedelta("15min")
    assert list(panel.data.columns) == ["observed_kw", "pv_kw", "load_kw"]
    first = minutes[minutes["dataid"] == "545"]["grid"].iloc[:15].mean()
    assert panel.data.xs("545", level="site_id")["observed_kw"].iloc[0] == pytest.approx(first)


def test_an_older_export_with_use_and_gen(metadata):
    frame = export()
    older = frame.assign(use=frame["grid"] + 3.0, gen=3.0)[["dataid", "localminute", "use", "gen"]]
    panel, _ = told(older, tz="America/Chicago")
    assert np.allclose(panel.data["pv_kw"], 3)
    assert np.allclose(panel.data["load_kw"] - panel.data["observed_kw"], 3)


def test_signs_that_are_turned_are_found_not_guessed():
    frame = export()
    with pytest.raises(
        DataError, match=r"grid of home '545' .* rises with its sun.* read it with export_positive=True"
    ):
        told(frame.assign(grid=-frame["grid"]), tz="America/Chicago")
    panel, _ = told(frame.assign(grid=-frame["grid"]), tz="America/Chicago", export_positive=True)
    right, _ = told(frame, tz="America/Chicago")
    assert np.allclose(panel.data["observed_kw"], right.data["observed_kw"])
    with pytest.raises(DataError, match="leave out export_positive=True"):
        told(frame, tz="America/Chicago", export_positive=True)
    with pytest.raises(DataError, match=r"the sun of home '545' .* is negative, -2 kW"):
        told(frame.assign(solar=-frame["solar"], solar2=np.nan), tz="America/Chicago")


def test_minutes_given_twice(metadata):
    frame = export()
    again = pd.concat([frame, frame.iloc[[5]].assign(grid=9.0)])
    with pytest.raises(DataError, match=r"gives site '545' the time .* a second time"):
        told(again, metadata=metadata)
    panel, _ = told(again, metadata=metadata, on_duplicates="last")
    assert panel.data.xs("545", level="site_id")["observed_kw"].iloc[5] == 9


def test_what_is_missing_is_named(metadata):
    frame = export()
    with pytest.raises(DataError, match="has neither 'grid' nor 'use'"):
        told(frame.drop(columns="grid"), metadata=metadata)
    with pytest.raises(DataError, match="is no Dataport export"):
        told(frame.drop(columns="localminute"), metadata=metadata)
    with pytest.raises(DataError, match="home '1' of the meter frame is not in the metadata"):
        told(export(homes=("545", "1")), metadata=metadata)
    with pytest.raises(DataError, match="zone of home '545' cannot be told"):
        told(frame, metadata=metadata.assign(state="Ontario"))
    frame["solar"] = frame["solar"].astype(object)
    frame.loc[3, "solar"] = "a lot"
    with pytest.raises(DataError, match="'solar' is 'a lot', not a number"):
        told(frame, metadata=metadata)
    assert DataWarning is not None


def grid_only(home: str, grid: np.ndarray) -> pd.DataFrame:
    return export(homes=(home, "3840")).iloc[: len(grid)][["dataid", "localminute"]].assign(grid=grid)


def test_a_grid_of_the_wrong_sign_is_refused_with_a_sun_that_explains_little_and_without_one():
    rng = np.random.default_rng(0)
    small = export().iloc[:720].drop(columns="solar2")
    # A roof of 0.1 kW does not make the grid rise visibly; that the home gives back at night does.
    small = small.assign(solar=0.05 * small["solar"], grid=-1 - rng.random(720))
    for frame in (small, grid_only("545", -1 - rng.random(720))):
        with pytest.raises(
            DataError, match=r"'545' .* gives back power even without sun, .* read it with export_positive=True"
        ):
            read_pecan_street(frame, tz="America/Chicago")
        assert (read_pecan_street(frame, tz="America/Chicago", export_positive=True).data["load_kw"] > 0).all()
    with pytest.raises(DataError, match="leave out export_positive=True"):
        read_pecan_street(grid_only("545", 1 + rng.random(720)), tz="America/Chicago", export_positive=True)


def test_a_home_that_gives_back_without_a_sun_is_told():
    first = export().iloc[:720]
    with pytest.warns(DataWarning, match="1 homes give back power and have no sun, first '545'"):
        read_pecan_street(grid_only("545", first["grid"].to_numpy()), tz="America/Chicago")


def test_gen_of_one_home_counts_beside_the_solar_of_another():
    both = export(homes=("545", "77"))
    first = both.iloc[:720].assign(gen=np.nan)
    second = first.assign(dataid="77", gen=first["solar"] + first["solar2"], solar=np.nan, solar2=np.nan)
    panel = read_pecan_street(pd.concat([first, second]), tz="America/Chicago")
    sun = panel.data["pv_kw"].unstack("site_id")
    np.testing.assert_allclose(sun["77"], sun["545"], atol=1e-5)


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [("pv", "maybe", "'pv' is 'maybe': write yes"), ("total_square_footage", "-5", "'-5', not a number of 0 or more")],
)
def test_what_is_no_answer_in_the_metadata_is_one_sentence(tmp_path, column, value, sentence):
    path = tmp_path / "metadata.csv"
    path.write_text(METADATA)
    table = pd.read_csv(path, dtype=str)
    with pytest.raises(DataError, match=sentence):
        read_metadata(table.assign(**{column: value}))


def test_nothing_is_told_as_nothing(metadata):
    with pytest.raises(DataError, match="has no home"):
        read_metadata(pd.read_csv(StringIO(METADATA), dtype=str).iloc[:1])
    with pytest.raises(DataError, match="has no rows"):
        read_pecan_street(export().iloc[:0], tz="America/Chicago")
