"""Customers drawn: rooms with heating and cooling sized for the weather that they stand in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cblcast.errors import DataError
from cblcast.simulate.rooms import Rooms

Array = np.ndarray


@dataclass(frozen=True)
class Kind:
    """What customers of a kind are like: (low, high) of an even draw, on a log scale where both ends are above 0.

    Attributes
    ----------
    floor_m2, loss_w_m2_k, time_constant_h : (float, float)
        Floor area [m²], loss per kelvin and m² of floor (transmission and air), time constant of the room [h].
    gain_w_m2, aperture_share : (float, float)
        Internal gains when occupied [W/m²]; effective solar aperture over floor area.
    base_w_m2 : (float, float)
        Mean load that is neither heating nor cooling [W/m²].
    heat_set_c, cool_set_c, setback_k : (float, float)
    opens_h, closes_h : (float, float)
        Occupied hours, drawn in half hours.
    rest_days : bool
        Whether nobody is there on Saturdays and Sundays in the base load.
    """

    floor_m2: tuple[float, float]
    loss_w_m2_k: tuple[float, float]
    time_constant_h: tuple[float, float]
    gain_w_m2: tuple[float, float]
    aperture_share: tuple[float, float]
    base_w_m2: tuple[float, float]
    heat_set_c: tuple[float, float]
    cool_set_c: tuple[float, float]
    setback_k: tuple[float, float]
    opens_h: tuple[float, float]
    closes_h: tuple[float, float]
    rest_days: bool


# Orders of magnitude of European stock: loss from the TABULA typologies, capacities of table 12 of ISO 13790 over them.
KINDS = {
    "home": Kind(
        (60, 220), (1.0, 2.6), (15, 80), (3, 6), (0.01, 0.04), (2.5, 5),
        (19, 21.5), (24, 26.5), (0, 3), (5.5, 7.5), (21.5, 23.5), False,
    ),
    "sme": Kind(
        (200, 1500), (1.2, 3.0), (20, 120), (6, 15), (0.01, 0.05), (6, 20),
        (20, 22), (23.5, 25.5), (0, 4), (6, 9), (18, 22), True,
    ),
}  # fmt: skip
HEATING_COP = {"heat_pump": 3.0, "resistive": 1.0}
COOLING_COP = 3.0
OVERSIZED = (1.15, 1.6)  # plant over the load of the coldest and hottest design hour
AIR_SHARE, AIR_COUPLING = (0.05, 0.15), (3.0, 8.0)  # of rooms of two capacities


@dataclass(frozen=True, eq=False)
class DrawnCustomers:
    """Customers: their rooms, floor areas [m²] and mean base load [kW]; arrays of shape (n,)."""

    rooms: Rooms
    floor_m2: Array
    base_kw: Array
    rest_days: bool


def draw_customers(
    kind: str,
    count: int,
    rng: np.random.Generator,
    coldest_c: float,
    hottest_c: float,
    *,
    room: str = "2R2C",
    heating: str = "heat_pump",
    cooling: bool = True,
) -> DrawnCustomers:
    """Draw customers; the same generator state gives the same ones.

    Parameters
    ----------
    kind : {"home", "sme"}
    count : int
    rng : Generator
    coldest_c, hottest_c : float
        Design temperatures [°C]: the 1 % and 99 % hours of the weather.
    room : {"1R1C", "2R2C"}
    heating : {"heat_pump", "resistive", "none"}
    cooling : bool
    """
    for what, value, known in (
        ("kind", kind, tuple(KINDS)),
        ("room", room, ("1R1C", "2R2C")),
        ("heating", heating, (*HEATING_COP, "none")),
    ):
        if value not in known:
            raise DataError(f"{what} is {value!r}: one of {', '.join(known)}")
    if count < 1:
        raise DataError(f"a world of {count} customers has nothing in it: give 1 or more")
    like = KINDS[kind]

    def even(span: tuple[float, float]) -> Array:
        return rng.uniform(*span, count)

    def scaled(span: tuple[float, float]) -> Array:
        return np.exp(rng.uniform(float(np.log(span[0])), float(np.log(span[1])), count))

    floor = scaled(like.floor_m2)
    loss = floor * scaled(like.loss_w_m2_k) / 1000
    time_constant = scaled(like.time_constant_h)
    gain, aperture = floor * even(like.gain_w_m2) / 1000, floor * even(like.aperture_share)
    base = floor * scaled(like.base_w_m2) / 1000
    heat_set, cool_set, setback = even(like.heat_set_c), even(like.cool_set_c), even(like.setback_k)
    opens, closes = (np.rint(2 * even(span)) / 2 for span in (like.opens_h, like.closes_h))
    oversized_heat, oversized_cool = even(OVERSIZED), even(OVERSIZED)
    air_share, coupling = even(AIR_SHARE), even(AIR_COUPLING)
    heat_max = oversized_heat * loss * np.maximum(heat_set - coldest_c, 0)
    cool_max = oversized_cool * (loss * np.maximum(hottest_c - cool_set, 0) + gain + 0.5 * aperture)
    two = room == "2R2C"
    rooms = Rooms(
        loss_kw_k=loss,
        time_constant_h=time_constant,
        heat_set_c=heat_set,
        cool_set_c=cool_set,
        setback_k=setback,
        occupied_from_h=opens,
        occupied_until_h=closes,
        heat_max_kw=heat_max * (heating != "none"),
        cool_max_kw=cool_max * cooling,
        heat_cop=np.full(count, HEATING_COP.get(heating, 1.0)),
        cool_cop=np.full(count, COOLING_COP),
        gain_kw=gain,
        aperture_m2=aperture,
        air_share=air_share if two else None,
        air_coupling=coupling if two else None,
    )
    return DrawnCustomers(rooms, floor, base, like.rest_days)
