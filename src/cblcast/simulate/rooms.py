"""What a fleet of rooms is made of: the customers, what a program asks of them, and what drives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from cblcast.errors import DataError
from cblcast.physics.thermal import RoomSteps, one_capacity, two_capacities

Array = np.ndarray
MASS_ROUTE = (
    0.8  # share of the loss of a room of two capacities that leaves through its mass; the rest is windows and air
)


@dataclass(frozen=True, eq=False)
class Rooms:
    """Customers with heating and cooling; every array has the shape (n,).

    Attributes
    ----------
    loss_kw_k : ndarray
        Heat lost per kelvin [kW/K].
    time_constant_h : ndarray
        Of the whole room (all capacity over all loss) [h].
    heat_set_c, cool_set_c : ndarray
        Set points when occupied [°C].
    setback_k : ndarray
        How far set points move apart when not occupied [K].
    occupied_from_h, occupied_until_h : ndarray
        Local hours between which the room is occupied [h]; 0 and 24 for always.
    heat_max_kw, cool_max_kw : ndarray
        Plant [kW of heat], ≥ 0.
    heat_cop, cool_cop : ndarray
        Heat per electricity.
    gain_kw : ndarray
        Internal gains when occupied; a third of them otherwise [kW].
    aperture_m2 : ndarray
        Effective solar aperture [m²]: gain = aperture × irradiance.
    air_share : ndarray or None
        Share of the capacity that is in the air node (2R2C); None: one capacity (1R1C).
    air_coupling : ndarray or None
        Conductance between air and mass over the loss (2R2C).
    """

    loss_kw_k: Array
    time_constant_h: Array
    heat_set_c: Array
    cool_set_c: Array
    setback_k: Array
    occupied_from_h: Array
    occupied_until_h: Array
    heat_max_kw: Array
    cool_max_kw: Array
    heat_cop: Array
    cool_cop: Array
    gain_kw: Array
    aperture_m2: Array
    air_share: Array | None = None
    air_coupling: Array | None = None

    def __len__(self) -> int:
        return len(self.loss_kw_k)

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and (len(value) != len(self.loss_kw_k) or not np.isfinite(value).all()):
                raise DataError(f"{name} needs one finite number a customer, {len(self.loss_kw_k)} in all")
        if (self.heat_set_c > self.cool_set_c).any():
            raise DataError("a room is to be heated to more than it is cooled to: mend heat_set_c and cool_set_c")
        for name in ("heat_max_kw", "cool_max_kw", "setback_k", "gain_kw", "aperture_m2"):
            if (getattr(self, name) < 0).any():
                raise DataError(f"{name} is below 0: give 0 or more")
        for name in ("heat_cop", "cool_cop"):
            if not (getattr(self, name) > 0).all():
                raise DataError(f"{name} must be above 0")

    def take(self, rows: slice | Array) -> Rooms:
        """Some of the customers."""
        taken: dict[str, Any] = {name: None if value is None else value[rows] for name, value in vars(self).items()}
        return Rooms(**taken)

    def steps(self, step_h: float) -> RoomSteps:
        """Exact coefficients of a step; in a room of two capacities :data:`MASS_ROUTE` of the loss takes the mass's way."""
        capacity = self.time_constant_h * self.loss_kw_k
        if self.air_share is None or self.air_coupling is None:
            return one_capacity(self.loss_kw_k, capacity, step_h)
        direct, between = (1 - MASS_ROUTE) * self.loss_kw_k, self.air_coupling * self.loss_kw_k
        through = MASS_ROUTE * self.loss_kw_k  # of air and mass in series: the mass's own way out is larger
        if not (between > through).all():
            raise DataError(f"air_coupling must exceed {MASS_ROUTE}: air and mass are in series with the way out")
        outside = 1 / (1 / through - 1 / between)
        air = self.air_share * capacity
        return two_capacities(outside, between, air, capacity - air, step_h, direct)


@dataclass(frozen=True, eq=False)
class Signals:
    """What a program asks, step by step, by the names of residential control; every array has the shape (n_steps,).

    Attributes
    ----------
    set_point_shift_k : ndarray
        > 0 sheds (cooling set point up, heating set point down), < 0 prepares (pre-cooling, pre-heating) [K].
    load_fraction : ndarray
        Share of the plant that may run: 1 free, 0 off, 0.5 cycled half of the time.
    power_set_point_kw : ndarray
        Most electric power of the plant [kW]; inf where none is set.
    event : ndarray of int or None
        Number of the event that a step belongs to, -1 for none; only where different customers follow different events.
    """

    set_point_shift_k: Array
    load_fraction: Array
    power_set_point_kw: Array
    event: Array | None = None

    def part(self, steps: slice) -> Signals:
        """Some of the steps."""
        event = None if self.event is None else self.event[steps]
        return Signals(self.set_point_shift_k[steps], self.load_fraction[steps], self.power_set_point_kw[steps], event)

    @classmethod
    def none(cls, n_steps: int) -> Signals:
        """No program."""
        return cls(np.zeros(n_steps), np.ones(n_steps), np.full(n_steps, np.inf))

    def __post_init__(self) -> None:
        share = self.load_fraction
        if not ((share >= 0) & (share <= 1)).all():
            raise DataError("load_fraction lies between 0 (off) and 1 (free)")
        if not np.isfinite(self.set_point_shift_k).all() or (self.power_set_point_kw < 0).any():
            raise DataError("set_point_shift_k must be finite and power_set_point_kw 0 or more")


class Drive(NamedTuple):
    """What drives the rooms, one value a step: outdoor temperature [°C], irradiance [W/m²], local hour [0, 24)."""

    out_c: Array
    ghi_wm2: Array
    hour: Array
