"""Hot water of many homes: what is drawn, and the tanks that it is drawn from."""

from __future__ import annotations

import numpy as np

from cblcast.errors import DataError
from cblcast.physics.water_heater import tank_step

Array = np.ndarray
# Share of a day's hot water by hour: morning and evening (shape after EN 15450, tapping cycle M).
BY_HOUR = np.array([1, 0.5, 0.5, 0.5, 1, 3, 8, 12, 9, 6, 5, 4, 4, 3, 3, 3, 3, 5, 7, 8, 6, 4, 2.5, 1.5])
LITRES_A_DRAW = 8.0


def draws(
    litres_per_day: Array, hour: Array, step_h: float, rng: np.random.Generator, litres_a_draw: float = LITRES_A_DRAW
) -> Array:
    """Litres drawn in each step, float32, shape (n_steps, n): so many draws, each of a random volume.

    The number of draws is Poisson, a volume exponential, so that the mean is what was asked for: `litres_per_day` a day.

    Parameters
    ----------
    litres_per_day : ndarray, shape (n,)
        Mean hot water of each home [l/d], ≥ 0.
    hour : ndarray, shape (n_steps,)
        Local hour of each step.
    step_h : float
    rng : Generator
    litres_a_draw : float
        Mean volume of a draw [l].
    """
    wanted = np.asarray(litres_per_day, dtype=np.float64)
    if not (np.isfinite(wanted) & (wanted >= 0)).all():
        raise DataError("litres_per_day needs a number of 0 or more for every home")
    share = BY_HOUR[np.floor(hour).astype(int) % 24] / BY_HOUR.sum() * step_h  # of a day, in this step
    count = rng.poisson(share[:, None] * wanted / litres_a_draw)
    volume = rng.standard_gamma(np.maximum(count, 1e-12)) * litres_a_draw  # a sum of exponentials is a gamma
    return np.where(count > 0, volume, 0.0).astype(np.float32)


def heat_water(
    drawn_litres: Array,
    step_h: float,
    litres: Array,
    loss_kw_k: Array,
    set_c: Array,
    heater_kw: Array,
    load_fraction: Array | None = None,
    cold_c: float = 12.0,
    room_c: float = 20.0,
) -> tuple[Array, Array]:
    """Electricity [kW] and water temperature [°C] of tanks with an immersion heater, both of shape (n_steps, n).

    Parameters
    ----------
    drawn_litres : ndarray, shape (n_steps, n)
    litres, loss_kw_k, set_c, heater_kw : ndarray, shape (n,)
    load_fraction : ndarray, shape (n_steps,) or (n_steps, n), optional
        Share of the heater that may run.
    """
    power, water = np.empty(drawn_litres.shape), np.empty(drawn_litres.shape)
    now = np.asarray(set_c, dtype=np.float64).copy()
    for t, litres_now in enumerate(drawn_litres):
        most = heater_kw if load_fraction is None else heater_kw * load_fraction[t]
        step = tank_step(now, litres, litres_now, cold_c, room_c, loss_kw_k, set_c, most, step_h)
        now, power[t], water[t] = step.water_c, step.heater_kw, step.water_c
    return power, water
