"""A microgrid cut off from the grid: turbines, a diesel set, a fleet of vehicles and a critical load, step by step.

The rule is the bargaining paper's (section 4). Its equations 5-8 are lost in print; they follow from the text. In a step
with critical load L, turbines W_1 … W_K, diesel rating D and a fleet whose absorption capability is PAC (equation 5, see
:func:`cblcast.physics.storage.absorption_kw`):

1. *Wind.* Turbines are disconnected one by one until what they generate is at most L + PAC: W is the largest sum of the
   first k turbines with W_1 + … + W_k <= L + PAC. Where turbines can be curtailed, W = min(W_1 + … + W_K, L + PAC).
2. *Diesel* (equation 6). Batteries are charged whenever it is possible, so the set supplies what load and batteries could
   still take, up to its rating:  P_D = min(D, max(0, L + PAC − W)).
3. *Exchange* (equation 7).  P_ex = L − P_D − W. Positive: the vehicles are asked to deliver; negative: they are charged with
   −P_ex, which is at most PAC because W + P_D <= L + PAC.
4. *Energy not supplied* (equation 8). Vehicles deliver at most G = min(n P, (E − E_min) η_d / Δt):
   ENS = max(0, P_ex − G) Δt.

Only available vehicles take part: n = availability × N. They are alike, so that one content stands for all. Solar power,
where there is any, is always curtailable and fills what the turbines leave, so that it never costs a whole turbine.

Under curtailment more vehicles or more diesel never supply less. With whole turbines this can fail by a step: a fuller fleet
has a smaller PAC, so that one more turbine trips (shown in the tests).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError
from cblcast.physics.storage import check_efficiency

Array = NDArray[np.float64]
Cut = Literal["units", "curtail"]
_CHUNK = 24_000  # (design, scenario) pairs worked on together: what a core's cache holds


@dataclass(frozen=True)
class Fleet:
    """The contracted vehicles' batteries, all alike.

    Attributes
    ----------
    battery_kwh, power_kw : float
        Size of a battery, and what its converter takes or gives at most [kWh, kW].
    charge_efficiency, discharge_efficiency : float
        In (0, 1]; the paper's 0.95 each.
    availability : float
        Share of the contracted vehicles that are parked and connected, in (0, 1].
    initial_charge : float
        State of charge when the island begins, between `least_charge` and 1.
    least_charge : float
        State of charge below which nothing is delivered, in [0, 1).
    """

    battery_kwh: float = 12.0
    power_kw: float = 3.0
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    availability: float = 0.7
    initial_charge: float = 1.0
    least_charge: float = 0.0

    def __post_init__(self) -> None:
        for name in ("charge_efficiency", "discharge_efficiency", "availability"):
            check_efficiency(getattr(self, name), f"fleet.{name}")
        for name in ("battery_kwh", "power_kw"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise DataError(f"fleet.{name} is {getattr(self, name)}: give a number above 0")
        if not 0 <= self.least_charge <= self.initial_charge <= 1:
            raise DataError(
                f"the fleet starts at a charge of {self.initial_charge} and may fall to {self.least_charge}: "
                "both are shares of the battery with 0 <= least_charge <= initial_charge <= 1"
            )


@dataclass(frozen=True, eq=False)
class Islands:
    """What is given from outside in each scenario: wind, sun and load.

    Attributes
    ----------
    turbine_kw : ndarray (n_scenarios, n_steps, n_turbines)
        What each turbine could generate [kW], in the order in which they stay connected (the last one is cut first).
    load_kw : ndarray (n_scenarios, n_steps)
        Critical load [kW].
    step_h : float
        Length of a step [h].
    solar_kw : ndarray (n_scenarios, n_steps), optional
        What the solar plant could generate [kW].
    diesel_share : ndarray (n_scenarios, n_steps), optional
        Share of the diesel rating that works, 0-1 (generators that fail); 1 unless given.
    """

    turbine_kw: Array
    load_kw: Array
    step_h: float
    solar_kw: Array | None = None
    diesel_share: Array | None = None

    def __post_init__(self) -> None:
        for name in ("turbine_kw", "load_kw", "solar_kw", "diesel_share"):
            if not isinstance(getattr(self, name), np.ndarray | None):
                raise DataError(f"{name} is a {type(getattr(self, name)).__name__}: give an array of numbers")
        shape = self.load_kw.shape
        if self.turbine_kw.shape[:2] != shape or self.turbine_kw.ndim != 3:
            raise DataError(
                f"turbine_kw is {self.turbine_kw.shape} and load_kw {shape}: give (scenarios, steps, turbines) and "
                "(scenarios, steps)"
            )
        if not (np.isfinite(self.step_h) and self.step_h > 0):
            raise DataError(f"a step of {self.step_h} h does not advance: give hours above 0")
        for name in ("turbine_kw", "load_kw", "solar_kw", "diesel_share"):
            values = getattr(self, name)
            if values is None:
                continue
            if name in ("solar_kw", "diesel_share") and values.shape != shape:
                raise DataError(f"{name} is {values.shape}: give (scenarios, steps) = {shape}")
            if name == "diesel_share" and (values > 1).any():
                raise DataError("diesel_share holds values above 1: it is the share of the rating that works")
            if not np.isfinite(values).all() or (values < 0).any():
                raise DataError(f"{name} holds values that are missing or below 0: mend them, or draw other scenarios")

    @property
    def n_scenarios(self) -> int:
        """How many islands there are."""
        return int(self.load_kw.shape[0])

    @property
    def hours(self) -> float:
        """Length of each island [h]."""
        return float(self.load_kw.shape[1] * self.step_h)

    def take(self, rows: ArrayLike) -> Islands:
        """The islands that `rows` (indices or a mask) choose."""
        chosen = np.asarray(rows)
        solar = None if self.solar_kw is None else self.solar_kw[chosen]
        share = None if self.diesel_share is None else self.diesel_share[chosen]
        return replace(
            self,
            turbine_kw=self.turbine_kw[chosen],
            load_kw=self.load_kw[chosen],
            solar_kw=solar,
            diesel_share=share,
        )


def energy_not_supplied(
    islands: Islands, diesel_kw: ArrayLike, vehicles: ArrayLike, fleet: Fleet, cut: Cut = "units"
) -> Array:
    """Energy not supplied in each island by each design [kWh].

    Parameters
    ----------
    islands : Islands
    diesel_kw, vehicles : array_like (n_designs,)
        Rating of the diesel set [kW] and contracted vehicles of each design.
    fleet : Fleet
    cut : {"units", "curtail"}
        Whether turbines are disconnected one by one (the paper) or can be curtailed.

    Returns
    -------
    ndarray (n_designs, n_scenarios)
    """
    diesel, count = _designs(diesel_kw, vehicles)
    found = np.empty((len(diesel), islands.n_scenarios))
    rows = max(_CHUNK // max(islands.n_scenarios, 1), 1)
    wide = max(min(_CHUNK, islands.n_scenarios), 1)
    for first in range(0, islands.n_scenarios, wide):
        part = islands.take(slice_of(first, wide, islands.n_scenarios)) if wide < islands.n_scenarios else islands
        prepared = _prepare(part, cut)
        for at in range(0, len(diesel), rows):
            chosen = slice(at, at + rows)
            found[chosen, first : first + wide] = _ens(part, prepared, diesel[chosen], count[chosen], fleet)
    return found


def slice_of(first: int, length: int, most: int) -> NDArray[np.int64]:
    """Indices first … first + length, at most `most`."""
    return np.arange(first, min(first + length, most))


def _designs(diesel_kw: ArrayLike, vehicles: ArrayLike) -> tuple[Array, Array]:
    try:
        diesel, count = np.broadcast_arrays(
            np.atleast_1d(np.asarray(diesel_kw, dtype=np.float64)),
            np.atleast_1d(np.asarray(vehicles, dtype=np.float64)),
        )
    except (TypeError, ValueError):
        raise DataError("designs need one number of diesel_kw and one of vehicles each, or one for all") from None
    for values, what in ((diesel, "diesel_kw"), (count, "vehicles")):
        if values.ndim != 1 or not np.isfinite(values).all() or (values < 0).any():
            raise DataError(f"{what} of a design is a number >= 0, not {values.ravel()[:3]}")
    return diesel, count


@dataclass(frozen=True)
class _Prepared:
    """Per step, contiguous over scenarios: net load before and after solar, and sums of the first k turbines."""

    levels: list[list[Array]]
    curtail: bool


def _prepare(islands: Islands, cut: Cut) -> _Prepared:
    if cut not in ("units", "curtail"):
        raise DataError(f"cut is {cut!r}: turbines are cut in whole 'units', or can be made to 'curtail'")
    sums = np.cumsum(islands.turbine_kw, axis=2)
    if cut == "curtail":
        sums = sums[:, :, -1:]
    levels = [[np.ascontiguousarray(sums[:, t, k]) for k in range(sums.shape[2])] for t in range(sums.shape[1])]
    return _Prepared(levels, cut == "curtail")


def _ens(islands: Islands, prepared: _Prepared, diesel: Array, count: Array, fleet: Fleet) -> Array:
    """The rule for a block of designs; every array is (designs, scenarios), and works in place."""
    shape, step_h, share = (len(diesel), islands.n_scenarios), islands.step_h, islands.diesel_share
    n = (fleet.availability * count)[:, None]
    most, size = n * fleet.power_kw, n * fleet.battery_kwh
    least = size * fleet.least_charge
    energy = np.broadcast_to(size * fleet.initial_charge, shape).copy()
    into, out_of = fleet.charge_efficiency * step_h, fleet.discharge_efficiency / step_h
    ens, pac, room, used = np.zeros(shape), np.empty(shape), np.empty(shape), np.empty(shape)
    rating: Array = diesel[:, None]
    for t, levels in enumerate(prepared.levels):
        np.subtract(size, energy, out=pac)
        pac /= into
        np.minimum(pac, most, out=pac)
        np.maximum(pac, 0.0, out=pac)  # rounding can leave a battery a hair over full
        np.add(pac, islands.load_kw[:, t], out=room)  # what may be generated: L + PAC
        _wind(levels, prepared.curtail, room, used)
        room -= used
        if islands.solar_kw is not None:
            room -= np.minimum(islands.solar_kw[:, t], room)
        np.minimum(room, rating if share is None else rating * share[:, t], out=used)
        room -= used  # L + PAC − W − S − P_D
        room -= pac  # P_ex: > 0 the vehicles deliver, < 0 they are charged
        np.minimum(room, 0.0, out=pac)
        pac *= -into
        np.maximum(room, 0.0, out=room)
        np.subtract(energy, least, out=used)
        used *= out_of
        np.minimum(used, most, out=used)
        np.maximum(used, 0.0, out=used)
        np.minimum(used, room, out=used)  # what is delivered
        room -= used
        ens += room
        energy += pac
        used /= out_of
        energy -= used
    ens *= step_h
    return ens


def _wind(levels: list[Array], curtail: bool, limit: Array, out: Array) -> None:
    """What the turbines give under `limit`, into `out`."""
    if curtail:
        np.minimum(levels[0], limit, out=out)
        return
    out[...] = 0.0
    for level in levels:  # rising sums: the largest that fits is the last one written
        np.copyto(out, np.broadcast_to(level, out.shape), where=level <= limit)
