"""Golden numbers: IEC bins worked by hand; published points from the manufacturers' sheets (windpowerlib's table)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError
from cblcast.physics.power_curve import PowerCurve, fit_power_curve, published_power_curve, published_turbines


def test_bins_are_centred_on_multiples_of_half_a_metre_per_second():
    # 4.75 opens the bin of 5.0, 5.25 the bin of 5.5 (IEC 61400-12-1, clause 9.2)
    speed = [4.75, 4.9, 5.24, 5.25, 5.4, 5.7]
    power = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    curve = fit_power_curve(speed, power, min_count=3)
    np.testing.assert_allclose(curve.speed, [(4.75 + 4.9 + 5.24) / 3, (5.25 + 5.4 + 5.7) / 3])
    np.testing.assert_allclose(curve.power, [20.0, 50.0])
    np.testing.assert_allclose(curve.spread, [10.0, 10.0])
    np.testing.assert_allclose(curve.standard_uncertainty, 10.0 / np.sqrt(3))


def slow_bins(speed, power, width, min_count):
    points = []
    for centre in np.arange(0, 40, width):
        inside = (speed >= centre - width / 2) & (speed < centre + width / 2)
        if inside.sum() >= min_count:
            points.append((speed[inside].mean(), power[inside].mean()))
    return np.array(points).T


def test_fit_matches_the_slow_loop():
    rng = np.random.default_rng(1)
    speed = np.round(rng.weibull(2.0, 4000) * 7, 3)
    power = np.clip(speed, 3, 12) ** 3 + rng.normal(0, 40, 4000)
    v, p = slow_bins(speed, power, 0.5, 5)
    curve = fit_power_curve(speed, power)
    np.testing.assert_allclose(curve.speed, v)
    np.testing.assert_allclose(curve.power, p)


def test_gaps_are_left_out_and_stay_gaps():
    curve = fit_power_curve([5, 5, 6, 6, np.nan, 6], [10, 12, 20, 22, 99, np.nan], min_count=2)
    np.testing.assert_allclose(curve([5.0, 5.5, 6.0, 99.0, np.nan]), [11, 16, 21, 21, np.nan])


def test_too_little_data_is_refused_with_a_remedy():
    with pytest.raises(DataError, match="two bins of 5 intervals or more, got 1"):
        fit_power_curve(np.full(9, 5.0), np.full(9, 100.0))
    with pytest.raises(DataError, match="speed has 2 values and power 3"):
        fit_power_curve([1, 2], [1, 2, 3])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-50, 2000), min_size=2, max_size=30))
def test_monotone_never_falls_keeps_the_mean_and_leaves_a_rising_curve_alone(power):
    power = np.array(power)
    n = len(power)
    curve = PowerCurve(np.arange(n) / 2, power, np.full(n, 7.0), np.ones(n))
    rising = curve.monotone()
    assert (np.diff(rising.power) >= -1e-9).all()
    assert rising.power.mean() == pytest.approx(power.mean(), abs=1e-6)
    np.testing.assert_allclose(rising.monotone().power, rising.power, atol=1e-6)


def test_the_mean_of_the_curve_is_not_the_curve_of_the_mean():
    curve = PowerCurve(np.array([0.0, 10.0, 20.0]), np.array([0.0, 1000.0, 1000.0]), np.ones(3), np.ones(3))
    assert curve.expected(5.0, 0.5) == pytest.approx(500.0)  # a straight line: no difference
    # At the bend E[min(V, 10)] = 10 - sd / sqrt(2 pi), 100 kW per m/s; nine nodes are near it
    assert curve.expected(10.0, 1.0) == pytest.approx(1000 - 100 / np.sqrt(2 * np.pi), abs=5)
    assert curve.expected(np.array([[4.0], [6.0]]), 0.1).shape == (2, 1)


@pytest.mark.parametrize(
    ("turbine", "speed", "power"),
    [("V80/2000", 10.0, 1289.0), ("V80/2000", 21.5, 2000.0), ("E-82/2300", 22.0, 2350.0), ("V112/3000", 25.0, 3075.0)],
)
def test_published_points(turbine, speed, power):
    curve = published_power_curve(turbine)
    assert curve(speed) == pytest.approx(power)
    assert curve(0.0) == 0.0
    assert curve(40.0) == 0.0  # above cut-out


def test_an_unknown_turbine_is_answered_with_the_nearest():
    assert "MM92/2050" in published_turbines()
    with pytest.raises(DataError, match="did you mean 'V80/2000'"):
        published_power_curve("v80-2000")


@pytest.mark.parametrize("turbine", published_turbines())
def test_a_published_curve_gives_nothing_where_its_sheet_has_not_begun(turbine):
    curve = published_power_curve(turbine)
    first = curve.speed[curve.power > 0].min()
    assert curve(np.array([0.0, 0.5])).max() == 0.0
    assert curve(np.array([first]))[0] > 0
