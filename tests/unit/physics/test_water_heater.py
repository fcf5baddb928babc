import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cblcast.physics.water_heater import KWH_PER_LITRE_K, tank_step


@given(st.floats(20, 70), st.floats(0, 120), st.floats(5, 18), st.floats(0, 0.01), st.sampled_from([1 / 60, 0.25, 1.0]))
def test_energy_is_conserved(water, drawn, cold, loss, step_h):
    step = tank_step(water, 150.0, drawn, cold, 20.0, loss, 60.0, 2.0, step_h)
    stored = 150.0 * KWH_PER_LITRE_K * (step.water_c - water)
    assert float(step.heater_kw * step_h) == pytest.approx(float(stored + step.drawn_kwh + step.lost_kwh), abs=1e-9)
    assert 0 <= step.heater_kw <= 2.0
    assert step.water_c <= max(60.0, water) + 1e-9


@given(st.floats(0, 200), st.floats(0.001, 0.01))
def test_a_step_is_as_many_small_ones_while_the_heater_is_off(drawn, loss):
    whole = tank_step(60.0, 150.0, drawn, 10.0, 20.0, loss, 0.0, 2.0, 1.0)
    water, used, lost = 60.0, 0.0, 0.0
    for _ in range(20):
        step = tank_step(water, 150.0, drawn / 20, 10.0, 20.0, loss, 0.0, 2.0, 0.05)
        water, used, lost = step.water_c, used + step.drawn_kwh, lost + step.lost_kwh
    np.testing.assert_allclose(
        [whole.water_c, whole.drawn_kwh, whole.lost_kwh], [water, used, lost], rtol=1e-9, atol=1e-12
    )


def test_a_tank_nobody_draws_from_uses_its_standing_loss():
    step = tank_step(60.0, 150.0, 0.0, 10.0, 20.0, 0.002, 60.0, 2.0, 0.25)
    assert step.heater_kw == pytest.approx(0.002 * 40)
