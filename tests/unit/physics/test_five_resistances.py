import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cblcast.errors import DataError, DataWarning
from cblcast.physics.five_resistances import MASS_CLASSES, Zone, gain_fractions, zone_of_floor, zone_step

# The office of the tests of RC_BuildingSimulator (A/S, ETH Zurich; tests/testRCmodel.py), which takes H_tr,op for H_tr,em.
OFFICE = Zone(
    window_w_k=1.1 * 13.5,
    opaque_w_k=0.2 * (15.19 - 13.5),
    air_w_k=1200 * 106.33 * 2.0 / 3600,
    capacity_j_k=165_000 * 34.3,
    mass_area_m2=2.5 * 34.3,
    surface_area_m2=142.38,
    couple_em=False,
)


@pytest.mark.parametrize(
    ("out", "mass", "solar", "heat", "mass_mean"),
    [
        (10, 22, 2000, 0.0, 22.33),
        (25, 24, 4000, -264.75, 25.15),
        (10, 20, 2000, 328.09, 20.46),
        (30, 25, 5000, -411.6, 26.49),
        (5, 19, 2000, 411.6, 19.39),
    ],
)
def test_single_hours_of_the_reference_implementation(out, mass, solar, heat, mass_mean):
    hour = zone_step(OFFICE, mass, out, 10, solar, 20, 26, 12 * 34.3, 12 * 34.3)
    assert round(float(hour.heat_w[0]), 2) == heat
    assert round(float(hour.mass_mean_c[0]), 2) == mass_mean


def test_a_met_set_point_is_the_temperature_of_the_air():
    hour = zone_step(OFFICE, [18.0, 30.0], 10.0, 0.0, [0.0, 3000.0], 20.0, 26.0)
    assert hour.air_c[0] == pytest.approx(20.0)
    assert hour.air_c[1] == pytest.approx(26.0)


@given(st.floats(0.5, 60), st.floats(1, 500), st.floats(1, 400))
def test_gain_fractions_are_shares_whatever_the_areas(window, mass_area, surface_area):
    zone = Zone(window, 20.0, 30.0, 5e6, mass_area, surface_area)
    odd = mass_area / surface_area + window / (9.1 * surface_area) > 1
    with pytest.warns(DataWarning, match="check the areas") if odd else _quiet():
        to_mass, to_surface = gain_fractions(zone)
    assert 0 <= to_mass <= 1
    assert 0 <= to_surface <= 1
    assert to_mass + to_surface <= 1 + 1e-12


class _quiet:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


@pytest.mark.parametrize("mass", MASS_CLASSES)
def test_the_classes_of_table_12_make_zones_and_heavy_ones_swing_less(mass):
    zone = zone_of_floor(100.0, 30.0, 40.0, 50.0, mass)
    temperature, swing = 20.0, []
    for hour in range(240):
        step = zone_step(zone, temperature, 10 + 8 * np.sin(hour / 24 * 2 * np.pi), 0, 0, -50, 100)
        temperature = step.mass_end_c[0]
        swing.append(temperature)
    light = zone_of_floor(100.0, 30.0, 40.0, 50.0, "very_light").capacity_j_k
    assert np.ptp(swing[-24:]) < 9 * light / zone.capacity_j_k


def test_an_unknown_mass_is_named():
    with pytest.raises(DataError, match="mass is 'soft'"):
        zone_of_floor(100.0, 30.0, 40.0, 50.0, "soft")
