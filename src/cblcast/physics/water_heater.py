"""A storage water heater: one well-mixed tank, its standing loss, and what is drawn. Pure functions.

M c dT/dt = q − U (T − T_room) − ṁ c (T − T_cold): in a step with constant inputs the tank decays exactly towards its
equilibrium with the time constant M c / (U + ṁ c). Source: the one-node tank of Xu, Diao, Lu, Lian and Zhang (2014), IEEE
Trans. Smart Grid 5, 2203-2212, section II.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.physics.thermal import ideal_heat_kw

Array = NDArray[np.float64]
KWH_PER_LITRE_K = 4.186 / 3600  # heat capacity of a litre of water


class TankStep(NamedTuple):
    """A tank after a step: temperature [°C], mean heater power [kW of heat], heat drawn, heat lost [kWh]."""

    water_c: Array
    heater_kw: Array
    drawn_kwh: Array
    lost_kwh: Array


def tank_step(
    water_c: ArrayLike, litres: ArrayLike, drawn_litres: ArrayLike, cold_c: ArrayLike, room_c: ArrayLike,
    loss_kw_k: ArrayLike, set_c: ArrayLike, heater_max_kw: ArrayLike, step_h: float,
) -> TankStep:  # fmt: skip
    """One exact step of a tank under an ideal thermostat of limited power.

    Parameters
    ----------
    water_c : array_like
        Temperature before [°C].
    litres, drawn_litres : array_like
        Size of the tank; hot water drawn in the step (evenly, replaced by cold water), ≥ 0.
    cold_c, room_c : array_like
        Inlet and surroundings [°C].
    loss_kw_k : array_like
        Standing loss U [kW/K].
    set_c, heater_max_kw : array_like
        Set point [°C] and heater [kW of heat].
    step_h : float
        Δt [h].

    Notes
    -----
    Energy is conserved by construction: heater = drawn + lost + stored, with drawn and lost taken at the step's mean
    temperature, which is exact as well.
    """
    before = np.asarray(water_c, dtype=np.float64)
    capacity = np.asarray(litres, dtype=np.float64) * KWH_PER_LITRE_K
    flow = np.asarray(drawn_litres, dtype=np.float64) * KWH_PER_LITRE_K / step_h  # kW/K
    loss = np.asarray(loss_kw_k, dtype=np.float64) + flow
    loses = loss > 1e-9 * capacity  # a tank that would take 100,000 years to cool keeps its heat
    safe = np.where(loses, loss, 1.0)
    keeps = np.where(loses, np.exp(-step_h * safe / capacity), 1.0)
    per_kw = np.where(loses, (1.0 - keeps) / safe, step_h / capacity)
    pull = np.asarray(loss_kw_k) * np.asarray(room_c) + flow * np.asarray(cold_c)
    free = keeps * before + per_kw * pull
    heater = np.asarray(ideal_heat_kw(free, set_c, np.inf, per_kw, heater_max_kw, 0.0), dtype=np.float64)
    after = free + per_kw * heater
    stored = capacity * (after - before)
    # Mean temperature of the step, from the balance itself: pull + heater − loss·mean = stored / Δt.
    mean = np.where(loses, (pull + heater - stored / step_h) / safe, (before + after) / 2)
    drawn = flow * (mean - np.asarray(cold_c)) * step_h
    lost = np.asarray(loss_kw_k) * (mean - np.asarray(room_c)) * step_h
    return TankStep(after, heater, drawn, lost)
