"""Rooms as thermal networks of one or two capacities, and a thermostat of limited power. Pure functions.

Heat flows into a room are > 0, temperatures in °C, conductances in kW/K, capacities in kWh/K, so that a time constant
C/H comes out in hours. Within a step all inputs are constant and the networks are linear, so every step is EXACT: it
does not depend on how finely time is cut, and nothing can become unstable.

One capacity (1R1C): C dT/dt = H (T_out − T) + q. Two (2R2C: outdoors, mass, air): the air exchanges heat with the mass
(and, where given, directly with the outdoors by windows and ventilation), the mass with the outdoors.

Sources: Bacher and Madsen (2011), Energy and Buildings 43, 1511-1522 (models TiTe …); Sonderegger (1978), LBL-7405; a
thermostat of limited ideal power as in ISO 13790:2008, annex C.4.2, steps 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class RoomSteps:
    """Coefficients of one exact step for n rooms, each of shape (n,).

    The air temperature after a step, with `q` heat to the air and `p` heat to the mass [kW] through the step, is

        air_air T_air + air_mass T_mass + air_out T_out + air_heat q + air_gain p

    and likewise ``mass_…``. A room of one capacity has no mass: its ``…_mass`` and ``mass_…`` are None, and all heat goes
    to the air.
    """

    air_air: Array
    air_out: Array
    air_heat: Array
    air_mass: Array | None = None
    air_gain: Array | None = None
    mass_air: Array | None = None
    mass_mass: Array | None = None
    mass_out: Array | None = None
    mass_heat: Array | None = None
    mass_gain: Array | None = None

    def astype(self, dtype: type) -> RoomSteps:
        """The same coefficients in another precision."""
        given = {key: value for key, value in vars(self).items() if value is not None}
        return RoomSteps(**{key: np.ascontiguousarray(value, dtype=dtype) for key, value in given.items()})


def _positive(what: str, value: ArrayLike, least: float = 0.0, strict: bool = True) -> Array:
    given = np.asarray(value, dtype=np.float64)
    bad = ~(given > least) if strict else ~(given >= least)
    if bad.any() or not np.isfinite(given).all():
        raise DataError(
            f"{what} is {given[bad].flat[0] if bad.any() else given.max()}: give a finite number above {least:g}"
        )
    return given


def one_capacity(conductance_kw_k: ArrayLike, capacity_kwh_k: ArrayLike, step_h: float) -> RoomSteps:
    """Exact step of rooms of one capacity (1R1C): decay by exp(−Δt H/C) towards T_out + q/H.

    Parameters
    ----------
    conductance_kw_k : array_like, shape (n,)
        H, heat lost per kelvin [kW/K], > 0.
    capacity_kwh_k : array_like, shape (n,)
        C [kWh/K], > 0; the time constant is C/H [h].
    step_h : float
        Δt [h], > 0.
    """
    loss = _positive("conductance_kw_k", conductance_kw_k)
    capacity = _positive("capacity_kwh_k", capacity_kwh_k)
    keeps = np.exp(-float(_positive("step_h", step_h)) * loss / capacity)
    return RoomSteps(keeps, 1.0 - keeps, (1.0 - keeps) / loss)


def two_capacities(
    mass_out_kw_k: ArrayLike,
    air_mass_kw_k: ArrayLike,
    air_capacity_kwh_k: ArrayLike,
    mass_capacity_kwh_k: ArrayLike,
    step_h: float,
    air_out_kw_k: ArrayLike = 0.0,
) -> RoomSteps:
    """Exact step of rooms of two capacities (2R2C, with `air_out_kw_k` a third resistance).

    Parameters
    ----------
    mass_out_kw_k, air_mass_kw_k, air_out_kw_k : array_like, shape (n,)
        Conductances between mass and outdoors, air and mass (> 0), air and outdoors [kW/K]; not both ways out may be 0.
    air_capacity_kwh_k, mass_capacity_kwh_k : array_like, shape (n,)
        [kWh/K], > 0.
    step_h : float
        Δt [h], > 0.

    Notes
    -----
    The matrix exponential of a 2×2 matrix with real eigenvalues s ± w in closed form:
    exp(A Δt) = e^{s Δt} (cosh(w Δt) I + sinh(w Δt)/w (A − s I)); the response to constant inputs is A⁻¹ (exp(A Δt) − I) B.
    """
    out, between, direct = (
        _positive("mass_out_kw_k", mass_out_kw_k, strict=False),
        _positive("air_mass_kw_k", air_mass_kw_k),
        _positive("air_out_kw_k", air_out_kw_k, strict=False),
    )
    air, mass = (
        _positive("air_capacity_kwh_k", air_capacity_kwh_k),
        _positive("mass_capacity_kwh_k", mass_capacity_kwh_k),
    )
    out, between, direct, air, mass = np.broadcast_arrays(np.atleast_1d(out), between, direct, air, mass)
    _positive("mass_out_kw_k + air_out_kw_k", out + direct)
    step = float(_positive("step_h", step_h))
    a = np.array([[-(between + direct) / air, between / air], [between / mass, -(between + out) / mass]])
    half_trace = (a[0, 0] + a[1, 1]) / 2
    width = np.sqrt(((a[0, 0] - a[1, 1]) / 2) ** 2 + a[0, 1] * a[1, 0])
    # e^{(s±w)Δt} one by one: cosh alone would overflow for a light room and a long step.
    fast, slow = np.exp((half_trace - width) * step), np.exp((half_trace + width) * step)
    even, odd = (slow + fast) / 2, (slow - fast) / (2 * width)
    eye = np.eye(2)[:, :, None]
    moved = even * eye + odd * (a - half_trace * eye)
    determinant = a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
    inverse = np.array([[a[1, 1], -a[0, 1]], [-a[1, 0], a[0, 0]]]) / determinant
    answer = np.einsum("ijn,jkn->ikn", inverse, moved - eye)
    to_air, to_mass = answer[:, 0] / air, answer[:, 1] / mass
    from_out = to_air * direct + to_mass * out
    return RoomSteps(
        moved[0, 0], from_out[0], to_air[0], moved[0, 1], to_mass[0],
        moved[1, 0], moved[1, 1], from_out[1], to_air[1], to_mass[1],
    )  # fmt: skip


def ideal_heat_kw(
    free_c: ArrayLike, heat_set_c: ArrayLike, cool_set_c: ArrayLike, per_kw: ArrayLike,
    heat_max_kw: ArrayLike, cool_max_kw: ArrayLike,
) -> Array:  # fmt: skip
    """Heat that keeps a room at its set points through a step, as far as its plant can [kW], > 0 heating, < 0 cooling.

    Parameters
    ----------
    free_c : array_like
        Air temperature at the end of the step without heating or cooling [°C].
    heat_set_c, cool_set_c : array_like
        Set points [°C], heating at most cooling.
    per_kw : array_like
        How much 1 kW through the step warms the air [K/kW]: :attr:`RoomSteps.air_heat`.
    heat_max_kw, cool_max_kw : array_like
        Capacity of the plant [kW of heat], both ≥ 0; a plant at its limit is *saturated*.
    """
    free = np.asarray(free_c, dtype=np.float64)
    per = np.asarray(per_kw, dtype=np.float64)
    heating = np.clip((np.asarray(heat_set_c) - free) / per, 0.0, heat_max_kw)
    cooling = np.clip((free - np.asarray(cool_set_c)) / per, 0.0, cool_max_kw)
    return np.asarray(heating - cooling)


def switched_on(on: Array, temperature_c: Array, set_c: ArrayLike, deadband_k: ArrayLike, heats: ArrayLike) -> Array:
    """State of an on/off thermostat with a dead band, bool: it switches at set point ± half the dead band.

    Parameters
    ----------
    on : ndarray of bool, shape (n,)
        State before.
    temperature_c : ndarray, shape (n,)
        What the thermostat feels [°C].
    set_c, deadband_k : array_like
    heats : array_like of bool
        True for a heater, False for a cooler.
    """
    above = np.where(heats, -1.0, 1.0) * (temperature_c - np.asarray(set_c))  # > 0: the plant is wanted
    half = np.asarray(deadband_k) / 2
    return np.asarray(np.where(above > half, True, np.where(above < -half, False, on)))
