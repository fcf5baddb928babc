import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cblcast.physics.sun import on_surface, sun_position


def test_noon_of_the_solstices_and_the_equinox():
    lat = 40.0
    for day, declination in ((172, 23.45), (355, -23.45), (80, 0.0)):
        noon = sun_position(day, 12.0, lat, 0.0, 0.0)
        assert noon.zenith_deg == pytest.approx(lat - declination, abs=1.0)
        assert noon.azimuth_deg == pytest.approx(180, abs=6)


def test_the_morning_sun_is_in_the_east_and_longitude_shifts_the_clock():
    assert 60 < sun_position(172, 7.0, 40, 0, 0).azimuth_deg < 120
    assert 240 < sun_position(172, 17.0, 40, 0, 0).azimuth_deg < 300
    east, west = (sun_position(80, 12.0, 40, lon, 0).azimuth_deg for lon in (7.5, -7.5))
    assert east > 180 > west


@given(st.floats(0, 1000), st.floats(0, 500), st.integers(1, 365), st.floats(0, 24))
def test_a_flat_surface_sees_the_whole_sky_and_no_ground(dni, dhi, day, hour):
    sun = sun_position(day, hour, 45, 7, 1)
    flat = on_surface(sun, dni, dhi, 0, 0)
    assert flat.beam_wm2 == pytest.approx(dni * max(np.cos(np.radians(sun.zenith_deg)), 0), abs=1e-6)
    if sun.zenith_deg < 80:  # near the horizon the bright part round the sun is bounded, as in the paper
        assert flat.diffuse_wm2 == pytest.approx(dhi, rel=1e-6, abs=1e-6)
    wall = on_surface(sun, dni, dhi, 90, 180)
    assert wall.beam_wm2 >= 0
    assert wall.diffuse_wm2 >= 0


def test_a_wall_that_looks_away_gets_no_beam():
    sun = sun_position(172, 12.0, 40, 0, 0)
    assert on_surface(sun, 800, 100, 90, 0).beam_wm2 == 0
    assert on_surface(sun, 800, 100, 90, 180).beam_wm2 > 100
    assert on_surface(sun, 0, 100, 90, 180).beam_wm2 == 0
