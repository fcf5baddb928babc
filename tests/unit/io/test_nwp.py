"""Weather onto a panel: interpolation by hand, the turn at 360°, runs and the blindfold on them."""

import numpy as np
import pandas as pd
import pytest

from cblcast.features.nwp import Nwp
from cblcast.frames.panel import panel_of
from cblcast.frames.rolling import rolling_origins
from cblcast.frames.schema import DataError
from cblcast.io.nwp import AGE, attach


def panel(hours=6, step="10min"):
    times = pd.date_range("2020-01-01", periods=int(hours * 60 / int(step[:-3])), freq=step, tz="UTC").as_unit("us")
    return panel_of(pd.DataFrame({"site_id": "farm", "time": times, "observed_kw": 1.0}))


def hourly(values, name="wind_speed_100m_ms", start="2020-01-01"):
    return pd.DataFrame(
        {name: values}, index=pd.date_range(start, periods=len(values), freq="h", tz="UTC", name="time")
    )


def test_instants_are_interpolated_to_the_centre_of_each_interval():
    found = attach(panel(2), hourly([0.0, 6.0, 12.0])).data["wind_speed_100m_ms"]
    # The interval 00:00-00:10 has its centre at 00:05: 6 m/s per hour * 5 min
    np.testing.assert_allclose(found, 0.5 + np.arange(12))


def test_hourly_means_stamped_at_their_start_are_moved_to_their_centre():
    found = attach(panel(3), hourly([0.0, 6.0, 12.0]), centre_offset_min=30).data["wind_speed_100m_ms"]
    # The mean of 00-01 stands for 00:30; before it nothing is known, the interval 00:30-00:40 is at 00:35
    assert found.iloc[:3].isna().all()
    np.testing.assert_allclose(found.iloc[3:15], 0.5 + np.arange(12))


def test_a_direction_goes_the_short_way_round():
    found = attach(panel(1), hourly([350.0, 10.0], "wind_dir_100m_deg")).data["wind_dir_100m_deg"]
    off_north = (found + 180) % 360 - 180
    assert off_north.abs().max() <= 10.0
    assert (np.diff(off_north) > 0).all()


def test_gaps_are_not_bridged():
    weather = hourly(np.arange(7.0)).drop(pd.date_range("2020-01-01T01", periods=4, freq="h", tz="UTC"))
    found = attach(panel(6), weather, max_gap_h=3).data["wind_speed_100m_ms"]
    assert found.iloc[:30].isna().all()
    assert found.iloc[30:].notna().all()


def runs(count=4):
    """A run every six hours, each worth its own number, hours 0 to 24 ahead."""
    parts = {}
    for number in range(count):
        issued = pd.Timestamp("2019-12-31", tz="UTC") + number * pd.Timedelta("6h")
        parts[issued] = hourly(np.full(25, float(number)), start=issued.tz_localize(None))
    return pd.concat(parts, names=["issue_time"])


def test_every_interval_takes_the_newest_run_that_was_there_the_horizon_before():
    found = attach(panel(6), runs(), horizon_h=3, delay_h=2).data
    # 00:00 minus 5 h is 19:00: the run of 18:00 (number 3) had arrived at 20:00, so hours until 18+5=23 take number 2
    np.testing.assert_allclose(found["wind_speed_100m_ms"], 3.0)
    late = attach(panel(6), runs(), horizon_h=6, delay_h=2).data
    assert late["wind_speed_100m_ms"].tolist() == [2.0] * 12 + [3.0] * 24
    assert late[AGE].iloc[12] == pytest.approx(2 + 6 - 2)  # age counts from the arrival


def slow_choice(time, horizon, delay):
    issued = [pd.Timestamp("2019-12-31", tz="UTC") + k * pd.Timedelta("6h") for k in range(4)]
    usable = [k for k, t in enumerate(issued) if t + pd.Timedelta(hours=horizon + delay) <= time]
    return max(usable)


@pytest.mark.parametrize(("horizon", "delay"), [(0, 0), (3, 0), (3, 4), (8, 1.5)])
def test_the_choice_of_runs_matches_the_slow_loop(horizon, delay):
    found = attach(panel(6), runs(), horizon_h=horizon, delay_h=delay).data["wind_speed_100m_ms"].loc["farm"]
    assert found.tolist() == [slow_choice(time, horizon, delay) for time in found.index]


def test_a_case_sees_no_run_issued_after_its_origin():
    short = attach(panel(8), runs(6), horizon_h=0)
    cases = rolling_origins(short, [10, 60, 180], every_min=30)
    with pytest.raises(DataError, match=r"weather run issued .* after it .* longer horizon_h"):
        Nwp()(short, cases)
    enough = attach(panel(8), runs(6), horizon_h=3)
    assert Nwp()(enough, cases).notna().all(axis=None)


@pytest.mark.parametrize(("weather", "options", "sentence"), [
    (lambda: runs(), {}, "give horizon_h"),
    (lambda: hourly([1.0, 2.0]).tz_localize(None), {}, "times without a zone"),
    (lambda: hourly([1.0, 2.0], start="2031-01-01"), {}, "does not reach into the panel's span"),
    (lambda: hourly([1.0, 2.0]).iloc[[0, 0]], {}, "duplicated or unsorted"),
    (lambda: hourly(["a", "b"]), {}, "are numbers"),
    (lambda: hourly([1.0, 2.0]).reset_index(drop=True), {}, "not by time"),
])  # fmt: skip
def test_bad_weather_is_refused_with_a_remedy(weather, options, sentence):
    with pytest.raises(DataError, match=sentence):
        attach(panel(), weather(), **options)


def test_components_without_a_speed_get_their_norm():
    weather = hourly([3.0, 3.0], "wind_u_10m_ms").assign(
        wind_v_10m_ms=-4.0, wind_u_50m_ms=6.0, wind_v_50m_ms=8.0, wind_speed_50m_ms=11.0
    )
    found = attach(panel(1), weather, "x_").data
    np.testing.assert_allclose(found["x_wind_speed_10m_ms"], 5.0)
    np.testing.assert_allclose(found["x_wind_speed_50m_ms"], 11.0)  # what the product gives is kept
