import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from cblcast.errors import DataError
from cblcast.physics.thermal import ideal_heat_kw, one_capacity, switched_on, two_capacities

conductance = st.floats(0.02, 3.0)
capacity = st.floats(0.05, 60.0)
step = st.sampled_from([1 / 60, 0.25, 1.0])


def by_matrix_exponential(out, between, direct, air, mass, step_h):
    """Slow oracle: the augmented matrix exponential; columns air, mass, outdoors, heat to air, heat to mass."""
    a = np.zeros((5, 5))
    a[0] = [-(between + direct) / air, between / air, direct / air, 1 / air, 0]
    a[1] = [between / mass, -(between + out) / mass, out / mass, 0, 1 / mass]
    return expm(a * step_h)[:2]


@given(conductance, conductance, st.floats(0, 2), capacity, capacity, step)
def test_two_capacities_step_as_the_matrix_exponential(out, between, direct, air, mass, step_h):
    c = two_capacities(out, between, air, mass, step_h, direct)
    found = [
        [c.air_air, c.air_mass, c.air_out, c.air_heat, c.air_gain],
        [c.mass_air, c.mass_mass, c.mass_out, c.mass_heat, c.mass_gain],
    ]
    wanted = by_matrix_exponential(out, between, direct, air, mass, step_h)
    np.testing.assert_allclose(np.squeeze(found), wanted, rtol=1e-7, atol=1e-9)


@given(conductance, capacity, step)
def test_one_capacity_decays_and_a_step_is_as_many_small_ones(loss, size, step_h):
    c = one_capacity(loss, size, step_h)
    fine = one_capacity(loss, size, step_h / 10)
    temperature = 21.0
    for _ in range(10):
        temperature = fine.air_air * temperature + fine.air_out * 5.0 + fine.air_heat * 0.7
    assert temperature == pytest.approx(c.air_air * 21.0 + c.air_out * 5.0 + c.air_heat * 0.7, rel=1e-9)
    assert c.air_air == pytest.approx(np.exp(-step_h * loss / size))


@given(conductance, conductance, capacity, capacity)
def test_a_room_comes_to_rest_where_losses_meet_the_heat(out, between, air, mass):
    c = two_capacities(out, between, air, mass, 1e6)  # a hundred years: any such room is at rest
    # Without a way out of its own the air sits q (1/H_am + 1/H_mo) above the outdoors.
    rest = c.air_out * 4.0 + c.air_heat * 0.5
    assert rest == pytest.approx(4.0 + 0.5 * (1 / between + 1 / out), rel=1e-6)


def test_the_thermostat_is_ideal_until_its_plant_is_at_its_limit():
    heat = ideal_heat_kw([15.0, 21.0, 30.0, 10.0], 20.0, 25.0, 2.0, 3.0, 4.0)
    np.testing.assert_allclose(heat, [2.5, 0.0, -2.5, 3.0])


def test_an_on_off_thermostat_waits_for_the_other_side_of_its_dead_band():
    on = np.array([False, True, False, True])
    temperature = np.array([24.4, 24.4, 24.6, 23.4])
    assert switched_on(on, temperature, 24.0, 1.0, False).tolist() == [False, True, True, False]
    assert switched_on(np.array([False]), np.array([19.4]), 20.0, 1.0, True).tolist() == [True]


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_a_room_without_a_loss_or_a_mass_is_refused(bad):
    with pytest.raises(DataError, match="capacity_kwh_k"):
        one_capacity(0.2, bad, 1.0)
    with pytest.raises(DataError, match="conductance_kw_k"):
        one_capacity(bad, 5.0, 1.0)
    with pytest.raises(DataError, match="air_mass_kw_k"):
        two_capacities(0.2, bad, 1.0, 5.0, 1.0)
