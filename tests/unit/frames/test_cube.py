"""The day cube against a slow loop over rows, above all on the days of the clock change."""

import warnings
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.cube import DAY_US, build_cube, local_day_and_slot
from cblcast.frames.panel import Panel, panel_of


def panel(tz: str, start: str, periods: int, step: str = "60min", sites: int = 1, seed: int = 0) -> Panel:
    times = pd.date_range(start, periods=periods, freq=step, tz="UTC", unit="us")
    values = np.random.default_rng(seed).uniform(1, 100, sites * periods)
    index = pd.MultiIndex.from_product([[f"s{i}" for i in range(sites)], times], names=["site_id", "time"])
    return panel_of(pd.DataFrame({"observed_kw": values}, index=index), tz)


def slow_cube(of: Panel) -> dict[tuple[str, str, int], float]:
    """One row after the other, by the standard library's clock: mean of what a wall-clock slot was given."""
    slots: dict[tuple[str, str, int], list[float]] = {}
    for (site, time), row in of.data.iterrows():
        local = time.to_pydatetime().astimezone(ZoneInfo(of.sites.loc[site, "tz"]))
        slot = int((local.hour * 60 + local.minute) * 60_000_000 // of.step_us)
        slots.setdefault((site, local.date().isoformat(), slot), []).append(row["observed_kw"])
    return {key: np.nanmean(values) if np.isfinite(values).any() else np.nan for key, values in slots.items()}


@pytest.mark.parametrize(
    ("tz", "start", "step"),
    [
        ("Europe/Madrid", "2019-03-30 00:00", "60min"),
        ("Europe/Madrid", "2019-10-26 00:00", "15min"),
        ("America/Los_Angeles", "2019-11-02 05:00", "30min"),
        ("America/Los_Angeles", "2019-03-09 05:00", "60min"),
        ("Asia/Kolkata", "2019-06-01 00:00", "30min"),
        ("Australia/Lord_Howe", "2019-04-05 00:00", "30min"),  # its clock moves by half an hour
    ],
)
def test_cube_is_the_slow_loop_over_rows(tz: str, start: str, step: str) -> None:
    here = panel(tz, start, int(pd.Timedelta("3D") / pd.Timedelta(step)), step, sites=2)
    cube, expected = here.cube(), slow_cube(here)
    assert np.isfinite(cube.values).sum() == len(expected)
    for (site, day, slot), value in expected.items():
        position = (np.datetime64(day) - cube.days[0]).astype(int)
        assert cube.values[here.site_ids.get_loc(site), position, slot] == pytest.approx(value, rel=1e-6)


def test_spring_lacks_an_hour_and_autumn_means_two() -> None:
    spring = panel("Europe/Madrid", "2019-03-30 23:00", 23).cube()
    assert spring.values.shape == (1, 1, 24)
    assert np.flatnonzero(np.isnan(spring.values[0, 0])).tolist() == [2]
    autumn = panel("Europe/Madrid", "2019-10-26 22:00", 25)
    kw = autumn.data["observed_kw"].to_numpy()
    assert autumn.cube().values[0, 0, 2] == pytest.approx((kw[2] + kw[3]) / 2, rel=1e-6)
    assert autumn.cube().values[0, 0, 3] == pytest.approx(kw[4], rel=1e-6)


@pytest.mark.parametrize("missing", [2, 3])
def test_half_a_double_hour_is_what_was_metered(missing: int) -> None:
    autumn = panel("Europe/Madrid", "2019-10-26 22:00", 25)
    data = autumn.data.copy()
    data.iloc[missing, 0] = np.nan
    other = autumn.data["observed_kw"].iloc[5 - missing]
    assert Panel(data, autumn.sites).cube().values[0, 0, 2] == pytest.approx(other, rel=1e-6)


def test_a_record_that_begins_inside_the_double_hour_is_not_averaged_with_another_slot() -> None:
    # 00:30 UTC is the first 02:30, 01:00 UTC the second 02:00, whose first showing was never metered.
    here = panel("Europe/Madrid", "2019-10-27 00:30", 8, "30min")
    kw = here.data["observed_kw"].to_numpy()
    assert here.cube().values[0, 0, 4] == pytest.approx(kw[1], rel=1e-6)
    assert here.cube().values[0, 0, 5] == pytest.approx((kw[0] + kw[2]) / 2, rel=1e-6)


def test_sites_in_two_zones_keep_their_own_days() -> None:
    times = pd.date_range("2019-06-01", periods=48, freq="60min", tz="UTC", unit="us")
    index = pd.MultiIndex.from_product([["la", "rome"], times], names=["site_id", "time"])
    sites = pd.DataFrame({"tz": ["America/Los_Angeles", "Europe/Rome"]}, index=pd.Index(["la", "rome"], name="site_id"))
    cube = Panel(pd.DataFrame({"observed_kw": np.arange(96.0)}, index=index), sites).cube()
    assert str(cube.days[0]) == "2019-05-31"
    assert cube.values[0, 0, 17] == 0.0  # midnight UTC is 17:00 the day before in Los Angeles
    assert cube.values[1, 1, 2] == 48.0  # and 02:00 in Rome


def test_lookup_is_nan_outside_the_cube() -> None:
    cube = build_cube(
        np.arange(24.0), np.arange(24) * 3_600_000_000, np.zeros(24, dtype=int), np.array(["UTC"]), 1, 3_600_000_000
    )
    assert cube.lookup(np.array([0]), np.array([0]), np.array([5])).tolist() == [5.0]
    assert np.isnan(cube.lookup(np.array([0, 0]), np.array([-1, 1]), np.array([5, 5]))).all()


def test_day_and_slot_before_the_epoch() -> None:
    day, slot = local_day_and_slot(np.array([-1_000_000]), "UTC", 900_000_000)
    assert (day[0], slot[0]) == (-1, 95)
    assert DAY_US == 24 * 3_600_000_000


def test_sites_on_two_grids_keep_the_slot_in_which_each_reading_begins() -> None:
    # One meter reads at half past, the other at the full hour, and the record begins with the first.
    parts = [
        pd.DataFrame({"site_id": site, "time": pd.date_range(first, periods=48, freq="h", unit="us", tz="UTC")})
        for site, first in (("full", "2019-06-01 01:00"), ("half", "2019-06-01 00:30"))
    ]
    frame = pd.concat(parts).assign(observed_kw=np.arange(1.0, 97.0))
    cube = panel_of(frame).cube()
    for code in (0, 1):
        assert cube.values[code, 0, :3].tolist() == pytest.approx([[np.nan, 1, 2], [49, 50, 51]][code], nan_ok=True)


def test_a_long_gap_leaves_days_without_a_reading() -> None:
    times = pd.DatetimeIndex([f"2019-06-{day:02d} {hour:02d}:00" for day in (1, 20) for hour in range(24)], tz="UTC")
    cube = build_cube(
        np.arange(48.0), times.as_unit("us").asi8, np.zeros(48, dtype=int), np.array(["UTC"]), 1, 3_600_000_000
    )
    assert cube.n_days == 20
    assert np.flatnonzero(np.isfinite(cube.values[0]).any(1)).tolist() == [0, 19]
    assert cube.values[0, 19].tolist() == list(range(24, 48))
    # Day counts are those since 1970, here of a cube that begins on 2019-06-01.
    first = (np.datetime64("2019-06-01") - np.datetime64("1970-01-01")).astype(int)
    assert cube.first_day == first
    site, slot = np.zeros(4, dtype=int), np.array([5, 5, 5, 5])
    found = cube.lookup(site, np.array([first - 1, first, first + 19, first + 20]), slot)
    np.testing.assert_array_equal(found, [np.nan, 5, 29, np.nan])


def test_a_record_that_ends_in_the_double_hour_keeps_its_mean() -> None:
    autumn = panel("Europe/Madrid", "2019-10-26 22:00", 4)
    kw = autumn.data["observed_kw"].to_numpy()
    assert autumn.cube().values[0, 0, :3] == pytest.approx([kw[0], kw[1], (kw[2] + kw[3]) / 2], rel=1e-6)


def test_a_double_hour_that_was_not_metered_is_nan_and_others_are_not_touched() -> None:
    autumn = panel("Europe/Madrid", "2019-10-26 22:00", 25, sites=2)
    data = autumn.data.copy()
    data.iloc[[2, 3]] = np.nan
    cube = Panel(data, autumn.sites).cube()
    assert np.isnan(cube.values[0, 0, 2])
    kw = data.loc["s1", "observed_kw"].to_numpy()
    assert cube.values[1, 0, 2] == pytest.approx((kw[2] + kw[3]) / 2, rel=1e-6)
    assert np.isfinite(cube.values[:, 0]).sum() == 47


@pytest.mark.parametrize("hours", [(0, 24 * 9), (24 * 3 + 1, 100), (30, 5)])
def test_meters_of_one_clock_are_copied_to_what_each_is_alone(
    monkeypatch: pytest.MonkeyPatch, hours: tuple[int, int]
) -> None:
    first, count = hours
    begin = np.datetime64("2018-10-24T21", "us").astype(np.int64)  # the clock is put back on the 28th
    times = begin + (first + np.arange(count)) * 3_600_000_000
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, count))
    values[rng.random(values.shape) < 0.2] = np.nan
    arguments = (
        values.ravel(),
        np.tile(times, 3),
        np.repeat(np.arange(3), count),
        np.array(["Europe/London"] * 3),
        3,
        3_600_000_000,
    )
    fast = build_cube(*arguments)
    monkeypatch.setattr("cblcast.frames.cube._one_clock", lambda *_: None)
    slow = build_cube(*arguments)
    assert fast.first_day == slow.first_day
    np.testing.assert_array_equal(fast.values, slow.values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        usual = np.nanmean(fast.values.astype(np.float64), axis=2)
    np.testing.assert_allclose(fast.day_means, usual, rtol=1e-12)
