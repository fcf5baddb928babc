"""Lags as of the origin: by hand, against a slow loop, over gaps and off the grid."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.features.lags import Lags
from cblcast.features.origin_clock import OriginClock
from cblcast.frames.panel import panel_of
from cblcast.frames.rolling import rolling_origins
from cblcast.frames.schema import StudyError


def panel(values, sites=("a",)):
    times = pd.date_range("2020-01-01", periods=len(values), freq="10min", tz="UTC").as_unit("us")
    return panel_of(
        pd.concat(
            [
                pd.DataFrame(
                    {
                        "site_id": s,
                        "time": times,
                        "observed_kw": np.asarray(values, dtype=float) + 100 * k,
                        "wind_dir_nacelle_deg": 90.0,
                    }
                )
                for k, s in enumerate(sites)
            ]
        )
    )


def at(frame, origin):
    return frame.xs(pd.Timestamp(origin, tz="UTC"), level="origin").iloc[0]


def test_the_last_interval_is_the_one_that_has_ended():
    made = panel(np.arange(12))
    cases = rolling_origins(made, [10, 30])
    found = Lags(ago=(1, 2), means=(3,), spreads=(3,), ramps=(2,))(made, cases)
    # Origin 01:00 has seen the labels up to 00:50, whose value is 5
    row = at(found, "2020-01-01 01:00")
    assert row["observed_kw_ago_1"] == 5
    assert row["observed_kw_ago_2"] == 4
    assert row["observed_kw_mean_3"] == pytest.approx(4)
    assert row["observed_kw_sd_3"] == pytest.approx(np.sqrt(2 / 3))
    assert row["observed_kw_ramp_2"] == 2
    both = found.xs(pd.Timestamp("2020-01-01 01:00", tz="UTC"), level="origin")
    np.testing.assert_array_equal(both.iloc[0], both.iloc[1], "what is known at the origin does not depend on the lead")


def slow_mean(values, end, n):
    window = [v for v in values[max(0, end - n) : end] if np.isfinite(v)]
    return np.mean(window) if len(window) >= max(1, n / 3) else np.nan


def slow_ago(values, end, k, hold):
    for row in range(end - k, max(-1, end - k - hold - 1), -1):
        if np.isfinite(values[row]):
            return values[row]
    return np.nan


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.one_of(st.just(np.nan), st.floats(0, 5000)), min_size=12, max_size=40),
    st.integers(1, 7),
    st.integers(0, 3),
)
def test_lags_and_means_match_the_slow_loop(values, n, hold):
    made = panel(values, sites=("a", "b"))
    cases = rolling_origins(made, [10])
    found = Lags(ago=(1, n), means=(n,), spreads=(n,), hold=hold)(made, cases)
    for number, site in enumerate(("a", "b")):
        own = np.array(values) + 100 * number
        for origin, row in found.loc[site].droplevel("time").iterrows():
            end = int((origin - pd.Timestamp("2020-01-01", tz="UTC")) / pd.Timedelta("10min"))
            np.testing.assert_allclose(row[f"observed_kw_ago_{n}"], slow_ago(own, end, n, hold) if end >= n else np.nan)
            np.testing.assert_allclose(row[f"observed_kw_mean_{n}"], slow_mean(own, end, n), rtol=1e-9, atol=1e-6)
            window = own[max(0, end - n) : end]
            spread = np.nan if np.isnan(slow_mean(own, end, n)) else np.nanstd(window)
            np.testing.assert_allclose(row[f"observed_kw_sd_{n}"], spread, rtol=1e-6, atol=2e-3)


def test_a_held_value_lasts_so_long_and_no_longer():
    made = panel([7.0, *[np.nan] * 9, 3.0, 3.0])
    found = Lags(ago=(1,), hold=4)(made, rolling_origins(made, [10]))["observed_kw_ago_1"].to_numpy()
    np.testing.assert_array_equal(found[:6], [7, 7, 7, 7, 7, np.nan])


def test_a_blindfold_off_the_grid_hides_the_interval_it_cuts():
    made = panel(np.arange(12))
    cases = rolling_origins(made, [10])
    cases = cases.assign(hidden_from=cases["hidden_from"] - pd.Timedelta("5min"))
    row = at(Lags(ago=(1,))(made, cases), "2020-01-01 01:00")
    assert row["observed_kw_ago_1"] == 4  # 00:50-01:00 reaches behind 00:55


def test_directions_come_as_sine_and_cosine():
    made = panel(np.arange(12))
    row = at(
        Lags(directions=("wind_dir_nacelle_deg",), direction_ago=(1,))(made, rolling_origins(made, [10])),
        "2020-01-01 01:00",
    )
    assert row["wind_dir_nacelle_deg_sin_ago_1"] == pytest.approx(1.0)
    assert row["wind_dir_nacelle_deg_cos_ago_1"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("wrong", [{"ago": (0,)}, {"means": (-1,)}, {"ramps": (1.5,)}])
def test_numbers_of_intervals_start_at_one(wrong):
    with pytest.raises(StudyError, match="must be a list, each item a whole number from 1"):
        Lags(**wrong)


def test_the_clock_of_the_origin_is_the_same_for_all_leads():
    made = panel(np.arange(200))
    found = OriginClock(harmonics=1)(made, rolling_origins(made, [10, 60]))
    row = found.xs(pd.Timestamp("2020-01-01 06:00", tz="UTC"), level="origin")
    np.testing.assert_allclose(row["origin_day_sin_1"], [1.0, 1.0])
    np.testing.assert_allclose(row["origin_year_sin"], np.sin(2 * np.pi * 0.25 / 365.25))
