"""Island dispatch by a receding horizon: at every step the rest of the island is planned as a linear program (scipy's HiGHS).

Of each plan only the first diesel set-point and the first limit on charging are carried out; then the wind comes, the batteries follow,
and the next step plans anew from the charge that is there. Energy left at the end is worth what refilling costs, so that a battery
is neither emptied for nothing nor filled for free.

    min  Σ_u Δt (V unserved_u + F diesel_u) − R energy_T
    s.t. diesel + wind + discharge + unserved = load + charge,  0 <= wind <= expected,  diesel <= rating,
         energy_(u+1) = energy_u + η_c Δt charge − Δt discharge / η_d,  least <= energy <= size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cblcast.errors import DataError
from cblcast.simulate.island import Fleet, Islands
from cblcast.simulate.scheduled_island import Batteries, Operated

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Prices:
    """What the plan weighs against each other [$ per kWh].

    Attributes
    ----------
    unserved : float
        Value of lost load.
    diesel : float
        Fuel per kWh generated.
    refill : float
        Grid energy after the island, per kWh at the terminals.
    """

    unserved: float = 10.0
    diesel: float = 0.3
    refill: float = 0.1

    def __post_init__(self) -> None:
        if not self.unserved > self.diesel >= 0 or not self.refill >= 0:
            raise DataError(
                f"lost load at {self.unserved}, diesel at {self.diesel}, refilling at {self.refill} $/kWh: a plan needs lost load to "
                "be dearer than diesel, and no price below 0"
            )


PRICES = Prices()


def operate_by_plan(
    islands: Islands, forecast_kw: Array, diesel_kw: float, vehicles: float, fleet: Fleet, prices: Prices = PRICES
) -> Operated:
    """Operate one design through every island on a forecast; turbines can be curtailed.

    Parameters
    ----------
    forecast_kw : ndarray (n_scenarios, n_steps, n_steps)
        See :mod:`cblcast.simulate.island_forecasts`.

    Returns
    -------
    Operated
        With one design: (1, n_scenarios).
    """
    n_scenarios, n_steps = islands.load_kw.shape
    if forecast_kw.shape != (n_scenarios, n_steps, n_steps):
        raise DataError(
            f"forecast_kw is {forecast_kw.shape}: give (scenarios, steps, steps) = {(n_scenarios, n_steps, n_steps)}"
        )
    state = Batteries(islands, np.array([[float(diesel_kw)]]), np.array([[float(vehicles)]]), fleet)
    available = islands.turbine_kw.sum(axis=2)
    for t in range(n_steps):
        plans = [
            first_set_point(
                islands.load_kw[s, t:],
                np.maximum(forecast_kw[s, t, t:], 0.0),
                float(diesel_kw),
                float(state.energy[0, s]),
                float(state.size[0, s]),
                float(state.most[0, s]),
                fleet,
                islands.step_h,
                prices,
            )
            for s in range(n_scenarios)
        ]
        state.follow(t, np.array([plans]), available[None, :, t], available[:, t])
    return state.done()


def first_set_point(
    load_kw: Array,
    wind_kw: Array,
    diesel_kw: float,
    energy_kwh: float,
    size_kwh: float,
    most_kw: float,
    fleet: Fleet,
    step_h: float,
    prices: Prices = PRICES,
) -> float:
    """Diesel set-point [kW] of the first step of the best plan for the steps of `load_kw` and `wind_kw`."""
    return float(plan_island(load_kw, wind_kw, diesel_kw, energy_kwh, size_kwh, most_kw, fleet, step_h, prices)[0, 0])


def plan_island(
    load_kw: Array,
    wind_kw: Array,
    diesel_kw: float,
    energy_kwh: float,
    size_kwh: float,
    most_kw: float,
    fleet: Fleet,
    step_h: float,
    prices: Prices = PRICES,
) -> Array:
    """The best plan: rows diesel, wind, charge, discharge, unserved [kW] and energy at the end of each step [kWh], (6, n_steps)."""
    from scipy.optimize import linprog
    from scipy.sparse import diags_array, eye_array, hstack, vstack

    n = len(load_kw)
    one, zero = np.ones(n), np.zeros(n)
    least = min(size_kwh * fleet.least_charge, energy_kwh)
    cost = np.r_[prices.diesel * step_h * one, zero, zero, zero, prices.unserved * step_h * one, zero]
    cost[-1] = -prices.refill / fleet.charge_efficiency
    same = eye_array(n)
    balance = hstack([same, same, -same, same, same, 0 * same])
    kept = diags_array([one, -one[1:]], offsets=[0, -1])
    nothing = 0 * same
    storage = hstack(
        [
            nothing,
            nothing,
            -fleet.charge_efficiency * step_h * same,
            step_h / fleet.discharge_efficiency * same,
            nothing,
            kept,
        ]
    )
    begin = np.r_[energy_kwh, zero[1:]]
    upper = np.r_[diesel_kw * one, wind_kw, most_kw * one, most_kw * one, load_kw, max(size_kwh, energy_kwh) * one]
    lower = np.r_[zero, zero, zero, zero, zero, least * one]
    found = linprog(
        cost,
        A_eq=vstack([balance, storage]).tocsr(),
        b_eq=np.r_[load_kw, begin],
        bounds=np.c_[lower, upper],
        method="highs",
    )
    if found.status != 0:
        raise DataError(f"the plan of an island was not found ({found.message}): check load, wind and prices")
    return np.asarray(found.x).reshape(6, n)
