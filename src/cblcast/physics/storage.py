"""A store of energy: what it can take, what it can give, and what it holds after a step. Pure functions.

Power is measured at the terminals (on the side of the grid), energy inside the store. With a charging efficiency η_c and a
discharging efficiency η_d, a step of Δt hours changes the content by

    E(t+1) = E(t) + η_c P_c Δt − P_d Δt / η_d,        0 <= E_min <= E <= C.

Source: the bargaining paper (vehicle-to-grid in a microgrid, Manjil), section 4; its equation 5, lost in print, is
derived in :func:`absorption_kw`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError

Array = NDArray[np.float64]


def check_efficiency(value: float, what: str) -> None:
    """Raise :class:`DataError` unless 0 < `value` <= 1 (NaN is refused too)."""
    if not 0 < value <= 1:
        raise DataError(f"{what} is {value}: an efficiency or a share lies in (0, 1]; divide per cent by 100")


def _check_step(step_h: float) -> None:
    if not step_h > 0:
        raise DataError(f"a step of {step_h} h does not advance: give hours above 0")


def absorption_kw(
    energy_kwh: ArrayLike, capacity_kwh: ArrayLike, power_kw: ArrayLike, charge_efficiency: float, step_h: float
) -> Array:
    """Power absorption capability (PAC): the power that a store can take from the grid through a whole step [kW].

    Derivation (equation 5 of the bargaining paper). A converter takes at most its nominal power P. A store that holds E of
    C kWh has room for C − E; taking p through Δt adds η_c p Δt, so p <= (C − E) / (η_c Δt). Both hold:

        PAC = min(P, (C − E) / (η_c Δt)),  and the sum of it over the vehicles of a fleet.

    Parameters
    ----------
    energy_kwh, capacity_kwh : array_like
        Content and size of the store [kWh], any shapes that broadcast.
    power_kw : array_like
        Nominal power of its converter [kW].
    charge_efficiency : float
        η_c in (0, 1].
    step_h : float
        Δt [h], > 0.

    Returns
    -------
    ndarray
        >= 0; a store that is fuller than full takes nothing.
    """
    check_efficiency(charge_efficiency, "charge_efficiency")
    _check_step(step_h)
    room = np.maximum(np.asarray(capacity_kwh, dtype=np.float64) - np.asarray(energy_kwh, dtype=np.float64), 0.0)
    return np.minimum(np.asarray(power_kw, dtype=np.float64), room / (charge_efficiency * step_h))


def delivery_kw(
    energy_kwh: ArrayLike, floor_kwh: ArrayLike, power_kw: ArrayLike, discharge_efficiency: float, step_h: float
) -> Array:
    """Power that a store can give to the grid through a whole step [kW]: min(P, (E − E_min) η_d / Δt), >= 0."""
    check_efficiency(discharge_efficiency, "discharge_efficiency")
    _check_step(step_h)
    above = np.maximum(np.asarray(energy_kwh, dtype=np.float64) - np.asarray(floor_kwh, dtype=np.float64), 0.0)
    return np.minimum(np.asarray(power_kw, dtype=np.float64), above * discharge_efficiency / step_h)


def after_step(
    energy_kwh: ArrayLike,
    charge_kw: ArrayLike,
    discharge_kw: ArrayLike,
    charge_efficiency: float,
    discharge_efficiency: float,
    step_h: float,
) -> Array:
    """Content of the store after a step [kWh]; both powers are >= 0, at the terminals [kW]."""
    check_efficiency(charge_efficiency, "charge_efficiency")
    check_efficiency(discharge_efficiency, "discharge_efficiency")
    _check_step(step_h)
    gained = np.asarray(charge_kw, dtype=np.float64) * (charge_efficiency * step_h)
    given = np.asarray(discharge_kw, dtype=np.float64) * (step_h / discharge_efficiency)
    return np.asarray(energy_kwh, dtype=np.float64) + gained - given


def equivalent_full_cycles(state_of_charge: ArrayLike) -> float:
    """Equivalent full cycles of a series of states of charge (0-1): half of the distance it travels."""
    return float(np.abs(np.diff(np.asarray(state_of_charge, dtype=np.float64))).sum() / 2)


def driving_energy_kwh(vehicles: float, km_per_day: float, kwh_per_100km: float, days: float = 365.0) -> float:
    """Energy that a fleet needs to drive [kWh], at the wheels' consumption as a data sheet gives it.

    Examples
    --------
    26 cars that drive 15 km a day at 18 kWh/100 km:

    >>> round(driving_energy_kwh(26, 15, 18) / 1000, 1)  # MWh a year
    25.6
    """
    for value, what in (
        (vehicles, "vehicles"),
        (km_per_day, "km_per_day"),
        (kwh_per_100km, "kwh_per_100km"),
        (days, "days"),
    ):
        if not (math.isfinite(value) and value >= 0):
            raise DataError(f"{what} is {value}: give a number >= 0")
    return vehicles * km_per_day * kwh_per_100km / 100 * days
