"""One part of a fleet of rooms, its state and its scratch vectors: loops over time, vectors over customers, float32.

The hot loop is some sixteen in-place vector operations a step. What changes rarely (set points, limits, gains) is made
anew only when somebody's occupancy or the program's signal changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cblcast.simulate.rooms import Drive, Rooms, Signals

Array = np.ndarray
F32 = np.float32


class RoomRun:
    """Rooms on their way through time.

    Parameters
    ----------
    rooms : Rooms
    step_h : float
        Δt [h].
    first_out_c : float
        Outdoor temperature at the beginning [°C]: rooms begin as near to it as their set points allow.
    follows : ndarray of bool, shape (n,) or (n_events, n)
        Who follows the signals; with events of their own, who follows which.
    deadband_k : float or None
        Dead band of an on/off thermostat [K]; None for an ideal one.
    """

    def __init__(
        self, rooms: Rooms, step_h: float, first_out_c: float, follows: Array, deadband_k: float | None = None
    ) -> None:
        self.rooms, self.follows, self.deadband = rooms, follows, deadband_k
        # Any: a room of one capacity has no mass, and is never asked for it.
        self.c: Any = rooms.steps(step_h).astype(np.float32)
        self.has_mass = self.c.air_mass is not None
        self.gain_to_air = self.c.air_heat if self.c.air_gain is None else self.c.air_gain
        # A plant may run only as hot as float32 carries; one that never runs is 0.
        self.inverse = (1 / self.c.air_heat).astype(F32)
        self.heat_per_kw, self.cool_per_kw = (1 / rooms.heat_cop).astype(F32), (-1 / rooms.cool_cop).astype(F32)
        self.aperture = (rooms.aperture_m2 / 1000).astype(F32)
        self.sunny = bool((rooms.aperture_m2 > 0).any())
        self.edges = np.unique(np.r_[rooms.occupied_from_h, rooms.occupied_until_h])
        self.air = np.clip(first_out_c, rooms.heat_set_c, rooms.cool_set_c).astype(F32)
        self.mass = self.air.copy()
        self.on = np.zeros(len(rooms), dtype=bool)
        self.heats = np.zeros(len(rooms), dtype=bool)
        self.free, self.q, self.r, self.s = (np.empty(len(rooms), dtype=F32) for _ in range(4))
        self.told: tuple[float, ...] | None = None

    def advance(self, drive: Drive, signals: Signals, hvac_kw: Array, air_c: Array | None) -> None:
        """Advance through the steps of `drive`.

        Parameters
        ----------
        hvac_kw, air_c : ndarray, shape (at least n_steps, n)
            Where electricity [kW] and air temperature [°C] are written.
        """
        c, free, q, r, air = self.c, self.free, self.q, self.r, self.air
        period = np.searchsorted(self.edges, drive.hour, side="right")
        out_c, ghi = drive.out_c.astype(F32), drive.ghi_wm2.astype(F32)
        asked = list(
            zip(
                period.tolist(), signals.set_point_shift_k.tolist(), signals.load_fraction.tolist(),
                signals.power_set_point_kw.tolist(),
                [-1] * len(drive.hour) if signals.event is None else signals.event.tolist(), strict=True,
            )
        )  # fmt: skip
        for t, told in enumerate(asked):
            if told != self.told:
                self.told = told
                self._ask(float(drive.hour[t]), *told[1:])
            # By differences, since rows of the network sum to 1: float32 then loses nothing in a short step.
            np.subtract(out_c[t], air, out=r)
            r *= c.air_out
            np.add(air, r, out=free)
            free += self.gained
            if self.sunny and ghi[t] > 0:
                np.multiply(self.sun_to_air, ghi[t], out=r)
                free += r
            if self.has_mass:
                np.subtract(self.mass, air, out=r)
                r *= c.air_mass
                free += r
            if self.deadband is None:
                self._ideal(free)
            else:
                self._switched()
            if self.has_mass:
                self._warm_mass(out_c[t], ghi[t])
            np.multiply(c.air_heat, q, out=air)
            air += free
            if air_c is not None:
                air_c[t] = air
            # Of heating and cooling one is 0, and the other sign makes the wrong one negative.
            np.multiply(q, self.cool_per_kw, out=r)
            q *= self.heat_per_kw
            np.maximum(q, r, out=hvac_kw[t])

    def _ask(self, hour: float, shift: float, fraction: float, power: float, event: int) -> None:
        """Set points, limits and gains under the program's signal at a local hour."""
        rooms = self.rooms
        occupied = (hour >= rooms.occupied_from_h) & (hour < rooms.occupied_until_h)
        follows = self.follows if self.follows.ndim == 1 else self.follows[event] & (event >= 0)
        apart = np.where(occupied, 0.0, rooms.setback_k) + shift * follows
        heat, cool = rooms.heat_set_c - apart, rooms.cool_set_c + apart
        middle = (heat + cool) / 2  # pre-cooling never meets heating: the set points stop where they meet
        self.heat_set, self.cool_set = np.minimum(heat, middle).astype(F32), np.maximum(cool, middle).astype(F32)
        share, most = np.where(follows, fraction, 1.0), np.where(follows, power, np.inf)
        self.heat_max = np.minimum(rooms.heat_max_kw * share, most * rooms.heat_cop).astype(F32)
        self.cool_max = np.minimum(rooms.cool_max_kw * share, most * rooms.cool_cop).astype(F32)
        self.cool_least = -self.cool_max
        gain = (rooms.gain_kw * np.where(occupied, 1.0, 1 / 3)).astype(F32)
        self.gained = self.gain_to_air * gain
        self.sun_to_air = self.gain_to_air * self.aperture
        if self.has_mass:
            self.gained_by_mass, self.sun_to_mass = self.c.mass_gain * gain, self.c.mass_gain * self.aperture

    def _ideal(self, free: Array) -> None:
        """Heat that meets the set points as far as the plant can: :func:`cblcast.physics.thermal.ideal_heat_kw` in place."""
        q, r = self.q, self.r
        np.subtract(self.cool_set, free, out=q)  # < 0: too warm
        np.minimum(q, 0, out=q)
        np.subtract(self.heat_set, free, out=r)  # > 0: too cold
        np.maximum(q, r, out=q)
        q *= self.inverse
        np.minimum(q, self.heat_max, out=q)
        np.maximum(q, self.cool_least, out=q)

    def _switched(self) -> None:
        """All or nothing: :func:`cblcast.physics.thermal.switched_on` for a heater and a cooler in one room."""
        half = F32(self.deadband or 0.0) / 2
        air = self.air
        cold, hot = air < self.heat_set - half, air > self.cool_set + half
        enough = np.where(self.heats, air > self.heat_set + half, air < self.cool_set - half)
        self.heats = np.where(cold, True, np.where(hot, False, self.heats))
        self.on = cold | hot | (self.on & ~enough)
        np.copyto(self.q, np.where(self.on, np.where(self.heats, self.heat_max, self.cool_least), 0))

    def _warm_mass(self, out_c: np.float32, ghi: np.float32) -> None:
        c, mass, r = self.c, self.mass, self.r
        np.subtract(self.air, mass, out=r)
        r *= c.mass_air
        np.subtract(out_c, mass, out=self.s)
        mass += r
        self.s *= c.mass_out
        mass += self.s
        np.multiply(c.mass_heat, self.q, out=r)
        mass += r
        mass += self.gained_by_mass
        if self.sunny and ghi > 0:
            np.multiply(self.sun_to_mass, ghi, out=r)
            mass += r
