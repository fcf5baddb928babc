"""What a program asks of homes, who follows it, and what becomes of the runs of their devices.

Manual: people are asked, and some do something; fewer when it is hot, more when it pays, fewer the more often they were asked.
Automatic: devices are switched by the program; what people do is opt out. Shifted runs begin after the event; shed ones are given
up. How many follow, tire and opt out are assumptions of a simulated world: no source of ours measures them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cblcast.errors import DataError, nearest
from cblcast.simulate.device_runs import Runs, overlap_h
from cblcast.simulate.fatigue import events_of_late

Array = np.ndarray


@dataclass(frozen=True)
class HouseholdProgram:
    """One kind of event at homes.

    Attributes
    ----------
    start_h, stop_h : float
        Local wall clock [h], 0 ≤ start < stop ≤ 24.
    control : {"manual", "automatic"}
    response : {"shift", "advance", "shed"}
        Whether runs are put off, begun earlier in the hours of `fill` (people know a day ahead), or given up; a device that
        cannot wait is given up either way.
    devices : tuple of str
        Names of the devices that take part.
    share : float
        Of the homes that follow at most: manually those who do something, automatically those who do not opt out.
    tires : float
        What each event of the seven days before leaves of that share, in (0, 1].
    heat_k : float
        Above `hot_c` the share falls linearly to 0 over so many kelvin (manual only); inf: heat does not matter.
    hot_c : float
    pay_per_kwh, half_pay_per_kwh : float
        Manual response is share × pay / (pay + half_pay): half of the share follows at `half_pay_per_kwh`; 0 for a program whose
        share does not depend on pay.
    shift_k : float
        How far thermostats are moved [K].
    load_fraction : float
        Share of the time that cooling and heating may run in an automatic event.
    fill : (float, float)
        Local hours in which advanced runs begin [h], before the event: where a belly is to be filled; read by ``advance`` only.
    rebound_h : float
        Put-off runs begin within so many hours after the event, evenly spread [h].
    gives_back_kw : float
        What a vehicle gives back in the event [kW]; its charge is made good afterwards, with `round_trip` of it kept.
    round_trip : float
    """

    start_h: float = 17.0
    stop_h: float = 20.0
    control: str = "automatic"
    response: str = "shift"
    devices: tuple[str, ...] = ("dishwasher", "washer", "dryer", "pool_pump", "vehicle", "water_heater")
    share: float = 0.8
    tires: float = 0.9
    hot_c: float = 32.0
    heat_k: float = float("inf")
    pay_per_kwh: float = 0.0
    half_pay_per_kwh: float = 0.0
    shift_k: float = 2.0
    load_fraction: float = 1.0
    fill: tuple[float, float] = (10.0, 14.0)
    rebound_h: float = 2.0
    gives_back_kw: float = 0.0
    round_trip: float = 0.85

    def __post_init__(self) -> None:
        if not 0 <= self.start_h < self.stop_h <= 24:
            raise DataError(
                f"an event from {self.start_h} h to {self.stop_h} h: give hours of one local day, the start first"
            )
        for name, known in (("control", ("manual", "automatic")), ("response", ("shift", "advance", "shed"))):
            if getattr(self, name) not in known:
                raise DataError(f"{name} is {getattr(self, name)!r}: one of {', '.join(known)}")
        for name in ("share", "load_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(f"{name} is {getattr(self, name)}: it lies between 0 and 1")
        for name in ("tires", "round_trip"):
            if not 0 < getattr(self, name) <= 1:
                raise DataError(f"{name} is {getattr(self, name)}: it lies above 0 and at most at 1")
        for name in ("pay_per_kwh", "half_pay_per_kwh", "rebound_h", "gives_back_kw", "shift_k"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise DataError(f"{name} is {getattr(self, name)}: give a finite number of 0 or more")
        if self.response == "advance" and not 0 <= self.fill[0] < self.fill[1] <= self.start_h:
            raise DataError(
                f"fill is {self.fill}: give two hours before the event at {self.start_h:g} h, the earlier first"
            )
        if not self.heat_k > 0:
            raise DataError(f"heat_k is {self.heat_k}: give kelvins above 0, inf if heat does not matter")

    def check_world(self, devices: Iterable[str], step_h: float) -> None:
        """Raise :class:`DataError` where the program names no device of a world, or does not keep to its steps [h]."""
        known = list(devices)
        for name in self.devices:
            if name not in known:
                raise DataError(f"the program switches {name!r}, which is no device: {nearest(name, known)}")
        for hour in (self.start_h, self.stop_h):
            if abs(hour / step_h - round(hour / step_h)) > 1e-6:
                raise DataError(
                    f"an event from {self.start_h:g} h to {self.stop_h:g} h cuts an interval of {60 * step_h:g} min: begin and "
                    "end it with one"
                )

    @property
    def hours(self) -> float:
        """Length of an event [h]."""
        return self.stop_h - self.start_h

    def share_of(self, event_days: Array, hottest_c: Array) -> Array:
        """Share of the homes that follow each event, float64, shape (n_events,).

        Parameters
        ----------
        event_days : ndarray of int, shape (n_events,)
            Ascending local days.
        hottest_c : ndarray, shape (n_events,)
            Highest outdoor temperature of each [°C].
        """
        days = np.asarray(event_days)
        share = self.share * self.tires ** events_of_late(days)
        if self.control == "manual":
            share = share * np.clip(1 - np.maximum(hottest_c - self.hot_c, 0) / self.heat_k, 0, 1)
            if self.half_pay_per_kwh > 0:
                share = share * self.pay_per_kwh / (self.pay_per_kwh + self.half_pay_per_kwh)
        return np.asarray(share, dtype=np.float64)


def with_program(
    runs: Runs,
    names: list[str],
    waits: Array,
    program: HouseholdProgram,
    event_days: Array,
    follows: Array,
    owns: Array,
    rng: np.random.Generator,
) -> Runs:
    """The runs that the program leaves of `runs`.

    Parameters
    ----------
    runs : Runs
        Times since midnight of day 0.
    names : list of str
        Device of each number in ``runs.device``.
    waits : ndarray of bool, shape (n_devices,)
        Which devices can wait.
    event_days : ndarray of int, shape (n_events,)
        Ascending, counted from day 0.
    follows : ndarray of bool, shape (n_events, n_homes)
    owns : ndarray of bool, shape (n_devices, n_homes)
        Who has a vehicle that could give back; it is at home in the event.
    rng : Generator
        Draws when put-off runs begin.

    Returns
    -------
    Runs
        With the parts that were moved and, where a vehicle gives back, its runs of negative power and of making good. Shifted
        energy is kept exactly; shed energy is gone.
    """
    taking_part = np.array([name in program.devices for name in names], dtype=bool)
    chance = rng.random(len(runs))
    moved = []
    for event, day in enumerate(event_days):
        first, last = 24.0 * day + program.start_h, 24.0 * day + program.stop_h
        inside = overlap_h(runs, first, last)
        hit = (inside > 0) & taking_part[runs.device] & follows[event][runs.home]
        if program.control == "manual":
            hit &= runs.start_h >= first  # what already runs is left alone
        at = np.flatnonzero(hit)
        if len(at) == 0:
            continue
        kept, put_off = _split(runs.take(at), first, last, chance[at], program, waits)
        runs = Runs(runs.home, runs.start_h, _written(runs.hours, at, kept), runs.kw, runs.device)
        moved.append(put_off)
    given = _given_back(names, program, event_days, follows, owns, rng)
    return Runs.joined([runs, *moved, *given])


def _written(hours: Array, at: Array, kept: Array) -> Array:
    changed = hours.copy()
    changed[at] = kept
    return changed


def _split(
    hit: Runs, first: float, last: float, chance: Array, program: HouseholdProgram, waits: Array
) -> tuple[Array, Runs]:
    """How much of each run stays where it was [h], and the runs that begin after the event."""
    before = np.clip(first - hit.start_h, 0.0, hit.hours)
    inside = overlap_h(hit, first, last)
    after = np.maximum(hit.hours - before - inside, 0.0)  # but for rounding it is
    again = np.where(waits[hit.device] & (program.response != "shed"), inside, 0.0) + after
    if program.response == "advance":
        begins, ends = first - program.start_h + np.array(program.fill)
        start = begins + chance * (np.minimum(ends, first - again) - begins)
        # What already runs, or would not be done before the event, is put off after all.
        earlier = waits[hit.device] & (hit.start_h >= first) & (again <= first - begins)
        start = np.where(earlier, start, last + chance * program.rebound_h)
        return before, Runs(hit.home, start, again, hit.kw, hit.device)
    return before, Runs(hit.home, last + chance * program.rebound_h, again, hit.kw, hit.device)


def _given_back(
    names: list[str],
    program: HouseholdProgram,
    event_days: Array,
    follows: Array,
    owns: Array,
    rng: np.random.Generator,
) -> list[Runs]:
    """Vehicles of homes that follow, back in the event and charged again after it."""
    if program.gives_back_kw == 0 or "vehicle" not in names or "vehicle" not in program.devices:
        return []
    event, home = np.nonzero(follows & owns[names.index("vehicle")])
    device = np.full(len(home), names.index("vehicle"), dtype=np.int8)
    start = 24.0 * np.asarray(event_days)[event] + program.start_h
    power = np.full(len(home), program.gives_back_kw)
    hours = np.full(len(home), program.hours)
    later = start + program.hours + rng.random(len(home)) * program.rebound_h
    return [
        Runs(home, start, hours, -power, device),
        Runs(home, later, hours / program.round_trip, power, device),
    ]
