"""The fleet on the grid, every day of the year (the paper's "future study").

Energy is bought and sold at day-ahead prices, peaks are shaved, batteries are worn. State: the mean content of a contracted
vehicle's battery [kWh]. There is one owner of it at any time: the plan while the grid is there,
:func:`cblcast.simulate.island_trace.trace_island` while it is not; each begins with what the other left, so that an outage neither
fills nor empties a battery. Vehicles that are away drive, and come back with less.

A month is one linear program (scipy's HiGHS), hour by hour, for a fleet of N vehicles behind one connection:

    min  Σ Δt (λ+ import − λ− export + w discharge / η_d) + demand charge × peak
    s.t. import − export = load + charge − discharge,  0 <= import, export <= limit,  import <= peak,
         charge, discharge <= plugged × N × P,  energy' = energy + η_c Δt charge − Δt discharge / η_d − driving,
         reserve <= energy <= size, energy at the end of the month >= at its beginning.

A fleet that an island has left below its reserve is charged back to it as fast as chargers and connection allow.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cblcast.errors import DataError
from cblcast.simulate.island import Fleet

Array = NDArray[np.float64]
# Share of vehicles at a charger by local hour: away in the working hours of the day, 70 % on average.
PLUGGED = (0.95,) * 7 + (0.7, 0.35, 0.3, 0.3, 0.35, 0.4, 0.4, 0.35, 0.35, 0.45, 0.6, 0.8, 0.9, 0.95, 0.95, 0.95, 0.95)


@dataclass(frozen=True)
class DailyUse:
    """How the fleet is used while the grid is there.

    Attributes
    ----------
    feed_in : float
        Share of the purchase price that exported energy earns, in [0, 1].
    demand_charge_per_kw_month : float
        Paid for the highest import of each month.
    wear_per_kwh : float
        Charged in the plan for each kWh taken out of the batteries.
    connection_kw : float
        Limit in both directions.
    reserve : float
        State of charge that is kept for an island, in [0, 1).
    km_per_day, kwh_per_100km : float
        Driving, of every vehicle.
    discharge : bool
        False: the fleet is only charged when it is cheap (no vehicle-to-grid).
    plugged : tuple of 24 floats
        Share of vehicles at a charger in each local hour.
    """

    feed_in: float = 1.0
    demand_charge_per_kw_month: float = 0.0
    wear_per_kwh: float = 0.0
    connection_kw: float = 5000.0
    reserve: float = 0.5
    km_per_day: float = 15.0
    kwh_per_100km: float = 18.0
    discharge: bool = True
    plugged: tuple[float, ...] = field(default=PLUGGED)

    def __post_init__(self) -> None:
        if len(self.plugged) != 24 or not all(0 <= share <= 1 for share in self.plugged):
            raise DataError("plugged holds a share between 0 and 1 for each of the 24 hours of the day")
        if not 0 <= self.reserve < 1 or not 0 <= self.feed_in <= 1 or not self.connection_kw > 0:
            raise DataError(
                f"reserve {self.reserve}, feed_in {self.feed_in}, connection_kw {self.connection_kw}: a reserve lies in [0, 1), "
                "a feed-in in [0, 1], a connection above 0"
            )


def plan_month(
    price_per_kwh: pd.Series, load_kw: Array, vehicles: float, fleet: Fleet, use: DailyUse, energy_kwh: float
) -> pd.DataFrame:
    """The best hours of a month.

    Parameters
    ----------
    price_per_kwh : Series, hourly, index in local time
        Day-ahead price [currency/kWh].
    load_kw : ndarray (n,)
        Load behind the same connection [kW].
    energy_kwh : float
        Content of the fleet's batteries when the month begins [kWh].

    Returns
    -------
    DataFrame, index as `price_per_kwh`
        ``import_kw``, ``export_kw``, ``charge_kw``, ``discharge_kw``, ``driving_kwh``, ``energy_kwh`` (at the END of the hour).

    Raises
    ------
    DataError
        Missing prices; a load or driving that connection and batteries cannot carry.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, diags_array, eye_array, hstack, vstack

    price, load = price_per_kwh.to_numpy(np.float64), np.asarray(load_kw, dtype=np.float64)
    if not (np.isfinite(price).all() and np.isfinite(load).all() and len(price) == len(load)):
        raise DataError("the plan of a month needs a price and a load for each hour: fill the gaps")
    n, one = len(price), np.ones(len(price))
    hour = np.asarray(pd.DatetimeIndex(price_per_kwh.index).hour)
    plugged = np.array(use.plugged)[hour]
    away = (1 - plugged) / (1 - np.array(use.plugged)).sum()
    driving = vehicles * use.km_per_day * use.kwh_per_100km / 100 * away
    most, size = vehicles * fleet.power_kw * plugged, vehicles * fleet.battery_kwh
    out_most = most if use.discharge else 0 * most
    cost = np.r_[
        price,
        -_feed_in_price(price, use),
        1e-6 * one,
        use.wear_per_kwh / fleet.discharge_efficiency * one,
        0 * one,
        use.demand_charge_per_kw_month,
    ]
    same, none, column = eye_array(n), csr_array((n, n)), csr_array((n, 1))
    balance = hstack([same, -same, -same, same, none, column])
    kept = diags_array([one, -one[1:]], offsets=[0, -1])
    storage = hstack([none, none, -fleet.charge_efficiency * same, same / fleet.discharge_efficiency, kept, column])
    peak = hstack([same, none, none, none, none, csr_array(-np.ones((n, 1)))])
    refill = np.minimum(most, np.maximum(use.connection_kw - load, 0.0)) * fleet.charge_efficiency
    floor = _floor(size * max(use.reserve, fleet.least_charge), energy_kwh, size, refill - driving)
    floor[-1] = max(floor[-1], min(energy_kwh, size))
    zero = 0 * one
    bounds = np.c_[
        np.r_[zero, zero, zero, zero, floor, 0.0],
        np.r_[use.connection_kw * one, use.connection_kw * one, most, out_most, size * one, use.connection_kw],
    ]
    found = linprog(
        cost,
        A_ub=peak.tocsr(),
        b_ub=zero,
        A_eq=vstack([balance, storage]).tocsr(),
        b_eq=np.r_[load, np.r_[energy_kwh, zero[1:]] - driving],
        bounds=bounds,
        method="highs",
    )
    if found.status != 0:
        raise DataError(
            f"no plan for {price_per_kwh.index[0]:%Y-%m}: the load (up to {load.max():.0f} kW) and {driving.sum():.0f} kWh of "
            f"driving do not fit the connection of {use.connection_kw:g} kW and the batteries: raise the limit, lower the "
            "reserve, or drive less"
        )
    x = np.asarray(found.x)[:-1].reshape(5, n)
    names = ["import_kw", "export_kw", "charge_kw", "discharge_kw", "energy_kwh"]
    return pd.DataFrame(dict(zip(names, x, strict=True)), index=price_per_kwh.index).assign(driving_kwh=driving)


def _floor(reserve_kwh: float, energy_kwh: float, size_kwh: float, most_gain_kwh: Array) -> Array:
    """Least content at the end of each hour: the reserve; from a charge below it (after an island), what full charging reaches."""
    floor = np.full(len(most_gain_kwh), reserve_kwh)
    if energy_kwh < reserve_kwh:
        reached = energy_kwh
        for hour, gain in enumerate(most_gain_kwh):
            reached = min(size_kwh, reached + gain)
            floor[hour] = max(min(reserve_kwh, reached), 0.0)
    return floor


def _feed_in_price(price: Array, use: DailyUse) -> Array:
    """What exports earn; a negative price is charged in full, lest importing and exporting at once should pay."""
    return np.where(price < 0, price, use.feed_in * price)


def plan_year(
    price_per_kwh: pd.Series,
    load_kw: Array,
    vehicles: float,
    fleet: Fleet,
    use: DailyUse,
    energy_kwh: float | None = None,
) -> pd.DataFrame:
    """Month after month; each begins with the charge that the last one left."""
    energy = vehicles * fleet.battery_kwh * fleet.initial_charge if energy_kwh is None else energy_kwh
    index = pd.DatetimeIndex(price_per_kwh.index)
    months, parts = index.year * 12 + index.month, []
    for month in dict.fromkeys(months):
        rows = np.asarray(months == month)
        part = plan_month(price_per_kwh[rows], np.asarray(load_kw)[rows], vehicles, fleet, use, energy)
        energy = float(part["energy_kwh"].iloc[-1])
        parts.append(part)
    return pd.concat(parts)


def yearly_bill(plan: pd.DataFrame, price_per_kwh: pd.Series, use: DailyUse) -> dict[str, float]:
    """What a plan costs: ``energy`` (bought less sold), ``demand`` (monthly peaks), ``total``; ``throughput_kwh`` out of the batteries."""
    price = price_per_kwh.to_numpy(np.float64)
    index = pd.DatetimeIndex(plan.index)
    energy = float((price * plan["import_kw"] - _feed_in_price(price, use) * plan["export_kw"]).sum())
    peaks = plan["import_kw"].groupby(np.asarray(index.year * 12 + index.month)).max().sum()
    demand = float(use.demand_charge_per_kw_month * peaks)
    return {
        "energy": energy,
        "demand": demand,
        "total": energy + demand,
        "throughput_kwh": float(plan["discharge_kw"].sum()),
    }
