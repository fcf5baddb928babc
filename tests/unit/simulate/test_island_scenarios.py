import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError
from cblcast.physics.power_curve import published_power_curve
from cblcast.simulate.island_scenarios import (
    IslandYear,
    all_islands,
    draw_islands,
    on_calendar,
    on_grid,
    steps_of,
    turbine_power,
)


@pytest.fixture(scope="module")
def year():
    times = pd.date_range("2015-01-01", "2016-01-01", freq="10min", inclusive="left", tz="UTC", unit="us")
    speed = 8 + 4 * np.sin(np.arange(len(times)) / 50)
    return IslandYear(times, turbine_power(speed, published_power_curve("V47/660"), 2), np.full(len(times), 500.0))


def test_the_paper_draws_four_a_month(year):
    drawn = draw_islands(year, 6, 4, seed=3)
    assert drawn.islands.load_kw.shape == (48, 36)
    assert (drawn.starts.month.value_counts() == 4).all()
    assert drawn.redrawn == 0
    assert (draw_islands(year, 6, 4, seed=3).first_row == drawn.first_row).all()
    assert (draw_islands(year, 6, 4, seed=4).first_row != drawn.first_row).any()
    row = drawn.first_row[5]
    assert drawn.islands.turbine_kw[5] == pytest.approx(year.turbine_kw[row : row + 36])


def test_missing_wind_is_redrawn_and_counted(year):
    holes = year.turbine_kw.copy()
    holes[::30] = np.nan
    holes[60 * 144 : 75 * 144] = year.turbine_kw[60 * 144 : 75 * 144]  # March has two whole weeks
    with pytest.raises(DataError, match="month 1 has no window"):
        draw_islands(IslandYear(year.times, holes, year.load_kw))
    some = year.turbine_kw.copy()
    some[: 20 * 144] = np.nan
    drawn = draw_islands(IslandYear(year.times, some, year.load_kw), seed=0)
    assert drawn.redrawn > 0
    assert np.isfinite(drawn.islands.turbine_kw).all()
    every = all_islands(IslandYear(year.times, some, year.load_kw))
    assert (every.islands.n_scenarios, every.redrawn) == (365 * 4 - 80, 80)


@pytest.mark.parametrize(("hours", "step"), [(6, 25 / 60), (6, 0.7), (0, 1 / 6), (float("nan"), 1)])
def test_a_step_that_does_not_divide_the_island(hours, step):
    with pytest.raises(DataError, match="does not divide"):
        steps_of(hours, step)


def test_the_published_curve_of_the_papers_turbine():
    curve = published_power_curve("V47/660")
    assert curve([0, 3.9, 4.0, 8.0, 15.0, 20, 25]) == pytest.approx([0, 0, 0, 254.8, 661, 662.4, 662.4], abs=1.0)
    assert curve([25.1, 30]) == pytest.approx([0, 0])


def test_values_are_held_and_gaps_stay_gaps():
    series = pd.Series(
        [1.0, 2.0, 4.0], pd.DatetimeIndex(["2015-01-01 00:00", "2015-01-01 01:00", "2015-01-01 03:00"], tz="UTC")
    )
    times = pd.date_range("2015-01-01", periods=9, freq="30min", tz="UTC")
    assert on_grid(series, times, "load").tolist()[:4] == [1, 1, 2, 2]
    assert np.isnan(on_grid(series, times, "load")[[4, 5, 8]]).all()
    with pytest.raises(DataError, match="must rise"):
        on_grid(series[::-1], times, "load")


def test_another_year_keeps_season_weekday_and_clock():
    index = pd.date_range("2019-01-01", "2020-01-01", freq="h", inclusive="left", tz="Europe/Rome")
    local = index.tz_localize(None)
    code = local.day_of_year * 10_000.0 + local.day_of_week * 100 + local.hour
    times = pd.date_range("2015-01-01", "2016-01-01", freq="h", inclusive="left", tz="UTC")
    found = on_calendar(pd.Series(np.asarray(code), index.tz_convert("UTC")), times, "Europe/Rome", "load")
    wall = times.tz_convert("Europe/Rome").tz_localize(None)
    seen = np.isfinite(found)
    assert seen.mean() > 0.999
    assert (found[seen] % 100 == wall.hour[seen]).all()
    assert (found[seen] // 100 % 100 == wall.day_of_week[seen]).all()
    moved = np.abs(found[seen] // 10_000 - wall.day_of_year[seen])
    assert np.minimum(moved, 365 - moved).max() <= 10


def test_impossible_turbines():
    curve = published_power_curve("V47/660")
    with pytest.raises(DataError, match="above 0"):
        turbine_power(np.ones(3), curve, 2, scale=0.0)
    with pytest.raises(DataError, match="turbines"):
        turbine_power(np.ones(3), curve, -1)


def test_a_longer_step_takes_the_mean_of_all_it_covers():
    """A step of an hour is not its first ten minutes."""
    index = pd.date_range("2015-01-01", periods=12, freq="10min", tz="UTC")
    series = pd.Series(np.arange(12.0), index)
    hours = pd.date_range(index[0], periods=2, freq="h")
    assert on_grid(series, hours, "wind").tolist() == [2.5, 8.5]
    quarters = pd.date_range(index[0], periods=4, freq="15min")
    assert on_grid(series, quarters, "wind") == pytest.approx([1 / 3, 5 / 3, 10 / 3, 14 / 3])
    assert np.isnan(on_grid(series.drop(index[7]), hours, "wind")).tolist() == [False, True]
    with pytest.raises(DataError, match="choose a multiple"):
        on_grid(series, pd.date_range(index[0], periods=2, freq="3600000007us"), "wind")


def test_another_years_longer_step_takes_the_mean_too():
    index = pd.date_range("2019-01-01", "2020-01-01", freq="30min", inclusive="left", tz="UTC")
    series = pd.Series(np.where(index.minute == 0, 1.0, 3.0), index)
    found = on_calendar(series, pd.date_range("2015-01-01", periods=8760, freq="h", tz="UTC"), "UTC", "load")
    assert np.isfinite(found).mean() > 0.99
    assert found[np.isfinite(found)] == pytest.approx(2.0)


def test_a_month_without_windows_says_what_is_missing():
    times = pd.date_range("2015-01-01", "2016-01-01", freq="h", inclusive="left", tz="UTC")
    load = np.where(times.month == 5, np.nan, 1.0)
    with pytest.raises(DataError, match=r"month 5 .*0 % of the wind, 100 % of the load"):
        draw_islands(IslandYear(times, np.ones((len(times), 1)), load))
    with pytest.raises(DataError, match="seed"):
        draw_islands(IslandYear(times, np.ones((len(times), 1)), np.ones(len(times))), seed=-1)


def test_a_year_is_whole():
    times = pd.date_range("2015-01-01", periods=5, freq="h", tz="UTC")
    with pytest.raises(DataError, match="4 rows of load_kw"):
        IslandYear(times, np.ones((5, 1)), np.ones(4))
    with pytest.raises(DataError, match="at least two"):
        IslandYear(times[:1], np.ones((1, 1)), np.ones(1))
    with pytest.raises(DataError, match="does not divide"):
        steps_of(6.0, 0.0)
