"""The check that finds wrong time labels, on the bundled farm: right, shifted, and as the origin's file labels it."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.frames.schema import DataError
from cblcast.io.time_axis import best_lag, check_time_axis, lag_scan


@pytest.fixture(scope="module")
def farm():
    """Wind of 2014 at La Haute Borne and ERA5 beside it."""
    data = datasets.load("la_haute_borne").data.loc["la_haute_borne"]
    era5 = datasets.load_reanalysis("era5")
    return data.loc[:"2014-12-31", "wind_speed_nacelle_ms"].astype("float64"), era5["wind_speed_100m_ms"].astype(
        "float64"
    )


def check(wind, weather, times=None):
    return check_time_axis(
        wind.index if times is None else times, wind.to_numpy(), weather.index, weather.to_numpy(), "Europe/Paris"
    )


def test_right_labels_are_found_right(farm):
    report = check(*farm)
    assert report.verdict == "right"
    assert abs(report.lag_winter_min) < 25
    assert abs(report.lag_summer_min) < 25
    # True instants: 23 h and 25 h days of 10 min have 138 and 150 rows
    assert (report.short_day_rows, report.long_day_rows, report.day_rows) == (138, 150, 144)


def test_labels_off_by_an_hour_are_found(farm):
    wind, weather = farm
    report = check(wind, weather, wind.index + pd.Timedelta("1h"))
    assert report.verdict == "shifted"
    assert report.lag_winter_min == pytest.approx(60, abs=15)
    assert "move them by -" in report.message


def test_digits_in_utc_under_local_offsets_are_found_as_in_the_origin_s_file(farm):
    # The origin prints +01:00/+02:00 behind digits that are UTC: labels are early by an hour in winter, two in summer
    # (data/README.md: 60 and 120 minutes), and every local day keeps 144 rows.
    wind, weather = farm
    digits = wind.index.tz_localize(None)
    offset = wind.index.tz_convert("Europe/Paris").tz_localize(None) - digits
    labelled = pd.DatetimeIndex(digits - offset).tz_localize("UTC")
    report = check(wind, weather, labelled)
    assert report.verdict == "digits are UTC"
    assert report.lag_winter_min == pytest.approx(-60, abs=15)
    assert report.lag_summer_min == pytest.approx(-120, abs=15)
    assert "as UTC" in report.message


def test_lag_scan_matches_the_slow_loop():
    rng = np.random.default_rng(0)
    weather_us = np.arange(0, 400) * 3_600_000_000
    weather = np.cumsum(rng.normal(size=400))
    times = np.arange(20, 380 * 6) * 600_000_000
    measured = np.interp(times - 40 * 60_000_000, weather_us, weather)
    lags = np.arange(-60.0, 61.0, 20.0)
    slow = [
        np.corrcoef(measured[60:-60], [np.interp(t - lag * 60e6, weather_us, weather) for t in times[60:-60]])[0, 1]
        for lag in lags
    ]
    found = lag_scan(times[60:-60], measured[60:-60], weather_us, weather, lags)
    np.testing.assert_allclose(found, slow)
    assert lags[found.argmax()] == 40


def test_the_parabola_finds_the_top_between_two_lags():
    lags = np.arange(-30.0, 31.0, 10.0)
    assert best_lag(lags, 1 - (lags - 4) ** 2 / 1e4) == pytest.approx(4.0)
    assert best_lag(lags, lags) == 30.0


@pytest.mark.parametrize(
    ("part", "sentence"), [(slice(0, 50), "200 measured intervals"), (slice(None), "does not cover")]
)
def test_too_little_data_is_refused(part, sentence):
    times = pd.date_range("2014-01-01", periods=1000, freq="10min", tz="UTC")[part]
    weather = pd.date_range("2010-01-01", periods=100, freq="h", tz="UTC")
    with pytest.raises(DataError, match=sentence):
        lag_scan(
            times.as_unit("us").asi8,
            np.ones(len(times)),
            weather.as_unit("us").asi8,
            np.ones(100),
            np.arange(-60, 61, 10),
        )


def test_naive_times_are_refused(farm):
    wind, weather = farm
    with pytest.raises(DataError, match="with a zone"):
        check(wind, weather, wind.index.tz_localize(None))
