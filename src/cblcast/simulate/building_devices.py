"""What else draws power in a building: hot water, a cold room, and everything that is used as people come and go."""

from __future__ import annotations

import numpy as np

from cblcast.simulate.drawn_rooms import KINDS, DrawnCustomers
from cblcast.simulate.hot_water import draws, heat_water
from cblcast.simulate.room_fleet import stream_rooms
from cblcast.simulate.rooms import Drive, Rooms

Array = np.ndarray
# Load that is neither heating nor cooling nor a device of its own, over its mean, by local hour.
BASE_BY_HOUR = {
    "home": np.array([6, 5, 5, 5, 5, 6, 9, 11, 10, 9, 8, 8, 9, 9, 8, 8, 9, 12, 15, 16, 15, 13, 10, 8.0]),
    "sme": np.array([4, 4, 4, 4, 4, 5, 7, 10, 14, 16, 17, 17, 16, 17, 17, 17, 16, 14, 11, 8, 6, 5, 4, 4.0]),
}
REST_SHARE = 0.45  # of the base load on days of rest where nobody comes
COLD_SET_C, COLD_AROUND_C = 4.0, 21.0


def hot_water_kw(litres_per_day: Array, hour: Array, step_h: float, rng: np.random.Generator) -> Array:
    """Electricity of drawn water heaters [kW], shape (n_steps, n); 0 for a home that draws nothing.

    Parameters
    ----------
    litres_per_day : ndarray, shape (n,)
        Mean hot water [l/d].
    hour : ndarray, shape (n_steps,)
        Local hour.
    """
    n = len(litres_per_day)
    drawn = draws(litres_per_day, hour, step_h, rng)
    litres, loss = rng.uniform(100, 300, n), rng.uniform(0.001, 0.003, n)
    power, _ = heat_water(drawn, step_h, litres, loss, rng.uniform(52, 60, n), rng.uniform(1.5, 3, n))
    return np.where(litres_per_day > 0, power, 0.0)


def cold_room_kw(customers: DrawnCustomers, hour: Array, step_h: float) -> Array:
    """Electricity of a cold room behind each door [kW], shape (n_steps, n), by the same exact steps as any room.

    One capacity kept at 4 °C in surroundings of 21 °C, and warmed by use while the customer is open.
    """
    n, rooms = len(customers.floor_m2), customers.rooms
    size, one = customers.floor_m2 / 400, np.ones(n)
    cold = Rooms(
        loss_kw_k=0.02 * size,
        time_constant_h=12 * one,
        heat_set_c=-60 * one,
        cool_set_c=COLD_SET_C * one,
        setback_k=0 * one,
        occupied_from_h=rooms.occupied_from_h,
        occupied_until_h=rooms.occupied_until_h,
        heat_max_kw=0 * one,
        cool_max_kw=1.2 * size,
        heat_cop=one,
        cool_cop=2 * one,
        gain_kw=0.15 * size,
        aperture_m2=0 * one,
    )
    drive = Drive(np.full(len(hour), COLD_AROUND_C), np.zeros(len(hour)), hour)
    return np.concatenate([block.hvac_kw.astype(np.float64) for block in stream_rooms(cold, drive, step_h)]) + 0.0


def base_kw(
    customers: DrawnCustomers, kind: str, hour: Array, day: Array, day_spread: float, rng: np.random.Generator
) -> Array:
    """Load that follows people [kW], shape (n_steps, n): a day's shape, days of rest, and good and slow days.

    Parameters
    ----------
    hour, day : ndarray, shape (n_steps,)
        Local hour and local day (days since 1970-01-01).
    day_spread : float
        Standard deviation from day to day, as a share.
    """
    shape = BASE_BY_HOUR[kind]
    by_hour = np.interp(hour, np.arange(25), np.r_[shape, shape[0]]) / shape.mean()
    share = np.where(((day + 3) % 7 >= 5) & KINDS[kind].rest_days, REST_SHARE, 1.0)
    number = day - day[0]
    lively = np.exp(day_spread * rng.standard_normal((number.max() + 1, len(customers.base_kw))))[number]
    return np.asarray((by_hour * share)[:, None] * customers.base_kw * lively)
