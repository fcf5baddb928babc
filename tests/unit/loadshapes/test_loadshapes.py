"""Load shapes against a slow obvious loop, by hand, and on the days of the clock changes."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.errors import DataError, StudyError
from cblcast.frames.panel import Panel, panel_of
from cblcast.loadshapes import average_days, difference_of_curves, duck_of_days, duck_shape, representative_days
from cblcast.loadshapes.grouping import season_of


@pytest.fixture(scope="module")
def buildings() -> Panel:
    panel = datasets.load("cambridge_sme").select(["b1", "b9", "b14"])
    time = panel.data.index.get_level_values("time")
    part = panel.data[(time >= "2019-01-01") & (time < "2019-12-01")]
    return Panel(part, panel.sites.assign(city=["A", "A", "B"]))


def test_average_days_are_those_of_a_slow_loop(buildings):
    found = average_days(buildings, by=("city", "month", "day_type"), day_types="working")
    local = buildings.data["observed_kw"].reset_index()
    clock = local["time"].dt.tz_convert("Europe/London")
    local["hour"], local["month"], local["day"] = clock.dt.hour, clock.dt.month, clock.dt.date
    local["city"] = local["site_id"].map(buildings.sites["city"])
    one = local[(local["month"] == 7) & (local["city"] == "A") & (clock.dt.day_of_week < 5)]
    for hour in (3, 12, 18):
        rows = one[one["hour"] == hour]
        here = found.loc[("A", 7, "working", hour)]
        assert here["mean_kw"] == pytest.approx(rows["observed_kw"].mean(), rel=1e-6)
        of_days = rows.groupby("day")["observed_kw"].mean()
        assert here["q90_kw"] == pytest.approx(np.nanquantile(of_days, 0.9), rel=1e-6)
        assert here["n_days"] == rows.dropna()["day"].nunique()
        assert here["n_sites"] == 2


def test_site_days_spread_wider_than_days(buildings):
    days = average_days(buildings, by=("season",))
    homes = average_days(buildings, by=("season",), spread="site_days")
    assert days.index.get_level_values("season").unique().to_list() == ["winter", "spring", "summer", "autumn"]
    assert np.allclose(days["mean_kw"], homes["mean_kw"])
    assert ((homes["q90_kw"] - homes["q10_kw"]) > (days["q90_kw"] - days["q10_kw"])).mean() > 0.9


def test_seasons_of_the_south_are_turned_round():
    days = np.array(["2019-01-15", "2019-04-15", "2019-07-15", "2019-10-15", "2019-12-01"], dtype="M8[D]")
    assert season_of(days).tolist() == [0, 1, 2, 3, 0]
    assert season_of(days, True).tolist() == [2, 3, 0, 1, 2]


def test_difference_of_curves_is_that_of_the_means_and_its_limits_hold_it(buildings):
    found = difference_of_curves(buildings, "observed_kw", "city", "A", "B", by=("season",), n_bootstrap=200)
    means = average_days(buildings, by=("city", "season"))["mean_kw"]
    # A cohort's curve is the mean of its sites' own average days, whatever share of days each was metered.
    assert np.allclose(found["difference_kw"], found["first_kw"] - found["second_kw"])
    assert np.allclose(found["second_kw"], means["B"].loc[found.index], rtol=1e-6)
    assert (found["lower_kw"] <= found["difference_kw"] + 1e-9).all()
    assert (found["upper_kw"] >= found["difference_kw"] - 1e-9).all()
    pd.testing.assert_frame_equal(
        found, difference_of_curves(buildings, "observed_kw", "city", "A", "B", by=("season",), n_bootstrap=200)
    )
    with pytest.raises(DataError, match="no site has city 'C'"):
        difference_of_curves(buildings, "observed_kw", "city", "A", "C")


def test_duck_by_hand():
    """Night 2, sun digs to -1 at noon, head of 5 at 19: a climb of 6 from 16 to 19."""
    day = np.full(24, 2.0)
    day[10:16] = [0, -0.5, -1, -0.5, 0, 0]
    day[16:20] = [-1 + 0.0, 1, 3, 5]
    day[16] = -0.9
    shape = duck_shape(day).iloc[0]
    assert (shape["peak"], shape["peak_hour"]) == (5, 19)
    assert (shape["belly"], shape["belly_hour"]) == (-1, 12)
    assert shape["ramp"] == pytest.approx(5.9)
    assert shape["ramp_hour"] == 16
    assert shape["load_factor"] == pytest.approx(day.mean() / 5)
    assert duck_shape(np.where(np.arange(24) == 3, np.nan, day)).isna().all(axis=None)
    assert np.isnan(duck_shape(-np.ones(24))["load_factor"].iloc[0])
    quarter = duck_shape(np.repeat(day, 4)).iloc[0]
    assert quarter["ramp"] == pytest.approx(5.9)
    with pytest.raises(StudyError, match="no whole number of intervals"):
        duck_shape(day, ramp_hours=2.5)
    with pytest.raises(StudyError, match="midday lies between"):
        duck_shape(day, midday=(17, 9))


def test_days_of_the_clock_changes_are_days(buildings):
    found = duck_of_days(buildings)
    assert found.loc[["2019-03-31", "2019-10-27"], "peak_kw"].notna().all()
    assert (found["n_sites"].dropna() <= 3).all()


def test_days_that_stand_for_their_months(buildings):
    found = representative_days(buildings, ["temp_air_c"], n=4)
    assert np.allclose(found.groupby("period")["share"].sum(), 1)
    temperature = buildings.data["temp_air_c"].xs("b1", level="site_id")
    daily = temperature.groupby(temperature.index.tz_convert("Europe/London").date).mean()
    for period, days in found.groupby("period"):
        month = daily[[str(day).startswith(period) for day in daily.index]]
        told = (days["temp_air_c_mean"] * days["share"]).sum()
        assert abs(told - month.mean()) < 0.3 * month.std()
        assert len(days) == 4
    assert found.equals(representative_days(buildings, ["temp_air_c"], n=4))
    assert set(representative_days(buildings, ["temp_air_c", "ghi_wm2"], n=3, by="season")["period"]) >= {"summer 2019"}
    one = representative_days(buildings, n=1)
    assert (one["share"] == 1).all()


def test_what_cannot_be_grouped_is_told(buildings):
    with pytest.raises(StudyError, match="days cannot be grouped by 'seasons': did you mean 'season'"):
        average_days(buildings, by=("seasons",))
    with pytest.raises(StudyError, match="quantiles lie between 0 and 1"):
        average_days(buildings, quantiles=(10, 90))
    with pytest.raises(DataError, match="has no column 'pv_kw'"):
        average_days(buildings, "pv_kw")
    with pytest.raises(StudyError, match="at least 1"):
        representative_days(buildings, n=0)
    with pytest.raises(StudyError, match="name one column of weather"):
        representative_days(buildings, [])
    six_hours = panel_of(
        pd.DataFrame(
            {"site_id": "a", "time": pd.date_range("2019-01-01", periods=40, freq="6h", tz="UTC"), "observed_kw": 1.0}
        )
    )
    with pytest.raises(DataError, match="need a step of an hour or less"):
        average_days(six_hours)
