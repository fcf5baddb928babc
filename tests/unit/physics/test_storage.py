import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cblcast.errors import DataError
from cblcast.physics.storage import absorption_kw, after_step, delivery_kw, driving_energy_kwh, equivalent_full_cycles

SHARE = st.floats(0.05, 1.0)


@given(
    charge=st.floats(0, 1),
    floor=st.floats(0, 1),
    size=st.floats(0.1, 100),
    power=st.floats(0, 50),
    eta_c=SHARE,
    eta_d=SHARE,
    step=st.floats(0.05, 2),
)
def test_a_step_at_full_capability_stays_in_bounds(charge, floor, size, power, eta_c, eta_d, step):
    energy, least = charge * size, min(floor, charge) * size
    pac = absorption_kw(energy, size, power, eta_c, step)
    assert 0 <= pac <= power
    assert after_step(energy, pac, 0.0, eta_c, eta_d, step) <= size * (1 + 1e-9)
    able = delivery_kw(energy, least, power, eta_d, step)
    assert 0 <= able <= power
    assert after_step(energy, 0.0, able, eta_c, eta_d, step) >= least - 1e-9 * size


def test_absorption_is_limited_by_power_then_by_room():
    assert absorption_kw(0.0, 12.0, 3.0, 0.95, 1 / 6) == 3.0
    assert absorption_kw(11.9, 12.0, 3.0, 0.95, 1 / 6) == pytest.approx(0.1 / (0.95 / 6))
    assert absorption_kw(12.0000001, 12.0, 3.0, 0.95, 1 / 6) == 0.0


def test_the_round_trip_loses_what_the_efficiencies_say():
    filled = after_step(0.0, 3.0, 0.0, 0.95, 0.95, 1.0)
    back = delivery_kw(filled, 0.0, 10.0, 0.95, 1.0)
    assert back / 3.0 == pytest.approx(0.9025)  # the paper: "approximately 0.9"


@pytest.mark.parametrize("bad", [0.0, -0.5, 1.2, float("nan")])
def test_efficiencies_lie_above_0_and_up_to_1(bad):
    with pytest.raises(DataError, match=r"\(0, 1\]"):
        absorption_kw(1.0, 2.0, 1.0, bad, 1.0)
    with pytest.raises(DataError, match=r"\(0, 1\]"):
        delivery_kw(1.0, 0.0, 1.0, bad, 1.0)


def test_fleet_energy_of_a_mobility_study():
    # 26 cars × 15 km a day × 18 kWh/100 km; a mobility tool gave 10 MWh for it.
    assert driving_energy_kwh(26, 15, 18) == pytest.approx(25_623)
    with pytest.raises(DataError, match="km_per_day"):
        driving_energy_kwh(26, -1, 18)


def test_equivalent_full_cycles():
    assert equivalent_full_cycles([0.8, 0.5, 0.8]) == pytest.approx(0.3)
    assert equivalent_full_cycles(np.tile([1.0, 0.0], 10)) == pytest.approx(9.5)


def test_steps_that_do_not_advance():
    for wrong in (
        lambda: absorption_kw(1, 2, 3, 0.9, 0),
        lambda: delivery_kw(1, 0, 3, 0.9, 0),
        lambda: after_step(1, 2, 3, 0.9, 0.9, -1),
        lambda: after_step(1, 2, 3, 0, 0.9, 1),
    ):
        with pytest.raises(DataError):
            wrong()
