"""Golden numbers: Dupré et al. 2020 equations 1-3 worked by hand; ISO 2533 standard atmosphere; compass geometry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError
from cblcast.physics import wind


def test_height_law_by_hand():
    # Equation 2 with U10 = 5, U100 = 10: (ln 5 - ln 10) / (ln 10 - ln 100) = ln 2 / ln 10
    alpha = wind.shear_exponent(5.0, 10.0, 10.0, 100.0)
    assert alpha == pytest.approx(np.log10(2.0))
    # Equation 3 at 85 m: 10 * 0.85 ** log10(2) = 9.5226...
    assert wind.speed_at_height(10.0, 100.0, 85.0, alpha) == pytest.approx(10 * 0.85 ** np.log10(2.0))


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 20), st.floats(1.01, 3), st.floats(5, 60), st.floats(1.1, 10))
def test_the_exponent_carries_one_height_to_the_other(low, ratio, height, factor):
    alpha = wind.shear_exponent(low, low * ratio, height, height * factor)
    assert wind.speed_at_height(low, height, height * factor, alpha) == pytest.approx(low * ratio)


@pytest.mark.parametrize("arguments", [(0.0, 6.0, 10.0, 100.0), (4.0, 6.0, 100.0, 100.0), (4.0, 6.0, 0.0, 100.0)])
def test_height_law_refuses_what_has_no_exponent(arguments):
    with pytest.raises(DataError, match="height law needs"):
        wind.shear_exponent(*arguments)


def test_density_of_the_standard_atmosphere():
    # ISO 2533: 1013.25 hPa and 15 °C give 1.225 kg/m³; humid air is lighter
    assert wind.air_density(101_325.0, 288.15) == pytest.approx(1.225, abs=5e-4)
    assert wind.air_density(101_325.0, 288.15, 1.0) < wind.air_density(101_325.0, 288.15)


def test_density_of_humid_air_by_hand():
    # IEC 61400-12-1:2017 eq. 12 at 95 000 Pa, 293.15 K, 60 %: P_w = 2.05e-5 exp(0.0631846 * 293.15) = 2270.6 Pa
    vapour = 2.05e-5 * np.exp(0.0631846 * 293.15)
    expected = (95_000 / 287.05 - 0.6 * vapour * (1 / 287.05 - 1 / 461.5)) / 293.15
    assert wind.air_density(95_000.0, 293.15, 0.6) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [((101_325.0, 15.0), "kelvin"), ((1013.25, 288.0), "pascal"), ((101_325.0, 288.0, 60.0), "per cent")],
)
def test_density_notices_a_wrong_unit(arguments, hint):
    with pytest.raises(DataError, match=hint):
        wind.air_density(*arguments)


def test_density_normalisation_keeps_the_power_in_the_wind():
    normal = wind.density_normalised_speed(10.0, 1.1)
    assert 1.225 * normal**3 == pytest.approx(1.1 * 10.0**3)
    assert wind.density_normalised_power(1100.0, 1.1) == pytest.approx(1225.0)


@pytest.mark.parametrize(
    ("u", "v", "direction"),
    [(0.0, -5.0, 0.0), (-5.0, 0.0, 90.0), (0.0, 5.0, 180.0), (5.0, 0.0, 270.0), (1e-17, -5.0, 0.0)],
)
def test_direction_is_where_the_wind_comes_from(u, v, direction):
    speed, found = wind.speed_and_direction(u, v)
    assert speed == pytest.approx(5.0)
    assert float(found) == pytest.approx(direction)
    assert 0.0 <= float(found) < 360.0


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 40), st.floats(0, 359.99))
def test_components_and_direction_are_inverse(speed, direction):
    back, angle = wind.speed_and_direction(*wind.components(speed, direction))
    assert back == pytest.approx(speed)
    assert abs(wind.direction_difference(angle, direction)) < 1e-6


def test_direction_wraps_at_360():
    assert wind.direction_difference(10.0, 350.0) == pytest.approx(20.0)
    assert wind.direction_difference(350.0, 10.0) == pytest.approx(-20.0)
    assert wind.mean_direction([350.0, 10.0]) == pytest.approx(0.0)
    assert wind.mean_direction([350.0, 350.0, np.nan]) == pytest.approx(350.0)
    assert np.isnan(wind.mean_direction([np.nan, np.nan]))
