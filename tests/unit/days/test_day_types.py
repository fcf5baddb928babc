import numpy as np
import pandas as pd
import pytest

from cblcast.days.day_types import day_type_labels, holiday_days, site_day_types
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, StudyError


def test_holidays_of_england_2019() -> None:
    # gov.uk/bank-holidays, England and Wales 2019
    days = holiday_days("GB", "ENG", 2019, 2019).astype("M8[D]").astype(str).tolist()
    assert days == [
        "2019-01-01",
        "2019-04-19",
        "2019-04-22",
        "2019-05-06",
        "2019-05-27",
        "2019-08-26",
        "2019-12-25",
        "2019-12-26",
    ]
    assert len(holiday_days("", "", 2019, 2019)) == 0


def test_an_unknown_country_is_named() -> None:
    with pytest.raises(DataError, match="country 'XX'"):
        holiday_days("XX", "", 2019, 2019)


def test_day_types_name_the_nearest_and_count_their_labels() -> None:
    with pytest.raises(StudyError, match="did you mean 'working'"):
        day_type_labels("workin")
    with pytest.raises(StudyError, match="eight labels"):
        day_type_labels(["any"] * 7)


def test_a_holiday_is_no_working_day_and_sites_differ_by_country() -> None:
    times = pd.date_range("2019-12-20", periods=240, freq="60min", tz="UTC", unit="us")
    index = pd.MultiIndex.from_product([["gb", "none"], times], names=["site_id", "time"])
    sites = pd.DataFrame(
        {"tz": "Europe/London", "country": ["GB", None], "subdivision": ["ENG", None]},
        index=pd.Index(["gb", "none"], name="site_id"),
    )
    panel = Panel(pd.DataFrame({"observed_kw": 1.0}, index=index), sites)
    first = int(np.datetime64("2019-12-23").astype(int))
    codes = site_day_types(panel, "working", first, 5)  # Monday 23 … Friday 27 December 2019
    names = np.array(sorted({"working", "rest"}))
    assert names[codes[0]].tolist() == ["working", "working", "rest", "rest", "working"]
    assert names[codes[1]].tolist() == ["working"] * 5
