"""A world of homes whose truth is known: devices, thermostats, roofs, and a program of events. Homes are streamed in groups.

Every home is lived once without and once with the program from the SAME random numbers, so the difference is what the program
did and nothing else. What no device explains is set so that the mean day of the homes is that of measured ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from cblcast.errors import DataError
from cblcast.simulate.device_runs import Runs, load_of
from cblcast.simulate.drawn_rooms import draw_customers
from cblcast.simulate.household_devices import (
    FRIDGE_AT_C,
    FRIDGE_KW,
    FRIDGE_PER_K,
    HABITS,
    Calendar,
    Habit,
    checked_habits,
    draw_runs,
)
from cblcast.simulate.household_program import HouseholdProgram, with_program
from cblcast.simulate.room_fleet import stream_rooms
from cblcast.simulate.rooms import Drive, Signals

Array = np.ndarray
HOMES_AT_ONCE, VALUES_AT_ONCE = 1000, 12_000_000  # fewer homes where a year has quarter hours: memory is bounded
FRIDGE, OTHER, COOLING, SUN = "refrigerator", "other", "heating_cooling", "pv"


@dataclass(frozen=True, eq=False)
class HouseholdWeather:
    """Outdoor temperature [°C], irradiance [W/m²] and the PV of one installed kW [kW], from midnight of the first local day.

    Every array has the shape (n_steps,), one value an interval; steps run in elapsed time, and the local clock is that of the
    first day throughout (a simulated world has no clock changes).
    """

    out_c: Array
    ghi_wm2: Array
    pv_per_kw: Array

    def __post_init__(self) -> None:
        for name, values in vars(self).items():
            if len(values) != len(self.out_c) or not np.isfinite(values).all():
                raise DataError(
                    f"{name} of the weather needs a finite value for each of {len(self.out_c)} intervals: fill gaps"
                )


@dataclass(frozen=True)
class HouseholdWorld:
    """Homes, devices, days.

    Attributes
    ----------
    homes : int
    calendar : Calendar
    step_h : float
        Length of an interval [h]: 1, 0.5, 0.25 or 1/60.
    habits : mapping name -> Habit
    cooling_share : float
        Of the homes with an air conditioner (heat pump).
    pv_share, pv_kw : float
        Of the homes with PV, and its mean installed power [kW].
    program : HouseholdProgram or None
    event_days : tuple of int
        Ascending, counted from the first day.
    enrolled : float
        Share of the homes that are in the program at all.
    noise : float
        Standard deviation of what is left over, as a share of it, hour by hour and home by home.
    seed : int
    """

    homes: int
    calendar: Calendar
    step_h: float = 1.0
    habits: Mapping[str, Habit] = field(default_factory=lambda: dict(HABITS))
    cooling_share: float = 0.7
    pv_share: float = 0.5
    pv_kw: float = 4.5
    program: HouseholdProgram | None = None
    event_days: tuple[int, ...] = ()
    enrolled: float = 1.0
    noise: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        checked_habits(self.habits)
        if self.homes < 1:
            raise DataError(f"a world of {self.homes} homes has nothing in it: give 1 or more")
        if round(1 / self.step_h, 9) not in (1, 2, 4, 12, 60):
            raise DataError(f"step_h is {self.step_h}: give 1, 0.5, 0.25, 1/12 or 1/60")
        for name in ("cooling_share", "pv_share", "enrolled"):
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(f"{name} is {getattr(self, name)}: it is a share, between 0 and 1")
        if not (self.pv_kw >= 0 and 0 <= self.noise < 1):
            raise DataError("pv_kw is 0 or more, and noise a share below 1")
        if self.program is not None:
            self.program.check_world(self.habits, self.step_h)
        days = np.asarray(self.event_days)
        if len(days) and not ((np.diff(days) > 0).all() and days[0] >= 0 and days[-1] < self.calendar.days):
            raise DataError("event_days are days of the calendar, counted from 0 and ascending")
        if len(days) and self.program is None:
            raise DataError("event_days need a program")

    @property
    def n_steps(self) -> int:
        """Intervals of the span."""
        return round(self.calendar.days * 24 / self.step_h)


class HomesBlock(NamedTuple):
    """Some homes with the program and without.

    Attributes
    ----------
    first : int
        Number of the first home.
    load_kw, truth_kw, pv_kw : ndarray of float32, shape (n, n_steps)
        What the homes use with the program and without, and what their roofs make.
    enrolled : ndarray of bool, shape (n,)
        Who is in the program, and is called.
    follows : ndarray of bool, shape (n_events, n)
    device_kw, device_truth_kw : mapping name -> ndarray of float32, shape (n, n_steps)
        Only where asked for: each device with the program and without.
    warmest_k : ndarray, shape (n_events, n)
        Highest indoor temperature within an event with the program less that without [K]; what comfort it cost.
    """

    first: int
    load_kw: Array
    truth_kw: Array
    pv_kw: Array
    enrolled: Array
    follows: Array
    device_kw: Mapping[str, Array]
    device_truth_kw: Mapping[str, Array]
    warmest_k: Array


def stream_homes(
    world: HouseholdWorld, weather: HouseholdWeather, other_kw: Array | None = None, *, keep_devices: bool = False
) -> Iterator[HomesBlock]:
    """Simulate homes, at most a thousand at a time; the same seed gives the same homes, whatever is kept.

    Parameters
    ----------
    world : HouseholdWorld
    weather : HouseholdWeather
    other_kw : ndarray, shape (n_steps,), optional
        Mean load that no device explains, ≥ 0 (:func:`cblcast.simulate.household_fit.left_over`); none unless given.
    keep_devices : bool
        Hand out each device.
    """
    if len(weather.out_c) != world.n_steps:
        raise DataError(
            f"the weather has {len(weather.out_c)} intervals and the world {world.n_steps}: give one an interval"
        )
    other = np.zeros(world.n_steps) if other_kw is None else np.asarray(other_kw, dtype=np.float64)
    at_once = min(HOMES_AT_ONCE, max(1, VALUES_AT_ONCE // world.n_steps))
    starts = range(0, world.homes, at_once)
    seeds = np.random.SeedSequence(world.seed).spawn(len(starts))
    for first, seed in zip(starts, seeds, strict=True):
        n = min(at_once, world.homes - first)
        yield _block(world, weather, other, first, n, np.random.default_rng(seed), keep_devices)


def _block(
    world: HouseholdWorld,
    weather: HouseholdWeather,
    other: Array,
    first: int,
    n: int,
    rng: np.random.Generator,
    keep: bool,
) -> HomesBlock:
    size = np.exp(rng.normal(0, 0.35, n) - 0.35**2 / 2)  # of homes: mean 1
    runs, owns = draw_runs(world.habits, n, world.calendar, rng)
    has_pv = rng.random(n) < world.pv_share
    installed = np.where(has_pv, world.pv_kw * np.exp(rng.normal(0, 0.25, n) - 0.25**2 / 2), 0.0)
    noise = rng.standard_normal((n, world.n_steps), dtype=np.float32) if world.noise > 0 else None
    enrolled, follows = _who_follows(world, weather, n, rng)
    changed = runs
    if world.program is not None and len(world.event_days):
        waits = np.array([habit.waits for habit in world.habits.values()], dtype=bool)
        days = np.asarray(world.event_days)
        changed = with_program(runs, list(world.habits), waits, world.program, days, follows, owns, rng)
    cool, cool_truth, warmest = _thermostats(world, weather, n, follows, rng)
    base = _unmoved(world, weather, other, size, noise)
    load, truth = cool, cool_truth
    devices: dict[str, Array] = {}
    devices_truth: dict[str, Array] = {}
    if keep:
        for number, name in enumerate(world.habits):
            devices[name] = _load(changed.take(changed.device == number), n, world)
            devices_truth[name] = _load(runs.take(runs.device == number), n, world)
        fridge = _fridge(weather, size)
        devices |= {COOLING: cool, FRIDGE: fridge, OTHER: base - fridge}
        devices_truth |= {COOLING: cool_truth, FRIDGE: fridge, OTHER: base - fridge}
    truth = truth + base
    truth += _load(runs, n, world)
    load = load + base
    load += _load(changed, n, world)
    pv = (installed[:, None] * weather.pv_per_kw).astype(np.float32)
    return HomesBlock(first, load, truth, pv, enrolled, follows, devices, devices_truth, warmest)


def _load(runs: Runs, n: int, world: HouseholdWorld) -> Array:
    return load_of(runs, n, world.n_steps, world.step_h)


def _fridge(weather: HouseholdWeather, size: Array) -> Array:
    warmer = np.maximum(1 + FRIDGE_PER_K * (weather.out_c - FRIDGE_AT_C), 0.5)
    return (FRIDGE_KW * size[:, None] * warmer).astype(np.float32)


def _unmoved(world: HouseholdWorld, weather: HouseholdWeather, other: Array, size: Array, noise: Array | None) -> Array:
    """Refrigerators and what no device explains: no program reaches them."""
    rest = (size[:, None] * other).astype(np.float32)
    if noise is not None:
        # Lognormal, so that it never falls below 0 and its mean is what was asked.
        sigma = np.float32(np.sqrt(np.log1p(world.noise**2)))
        noise *= sigma
        noise -= sigma**2 / 2
        rest *= np.exp(noise, out=noise)
    rest += _fridge(weather, size)
    return rest


def _who_follows(
    world: HouseholdWorld, weather: HouseholdWeather, n: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Who is in the program, and who of them follows each event."""
    enrolled = rng.random(n) < world.enrolled
    if world.program is None or not world.event_days:
        return enrolled, np.zeros((0, n), dtype=bool)
    a_day = round(24 / world.step_h)
    days = np.asarray(world.event_days)
    hottest = weather.out_c[: world.calendar.days * a_day].reshape(-1, a_day).max(1)[days]
    share = world.program.share_of(days, hottest)
    return enrolled, np.asarray((rng.random((len(days), n)) < share[:, None]) & enrolled)


def _thermostats(
    world: HouseholdWorld, weather: HouseholdWeather, n: int, follows: Array, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Electricity of heating and cooling with the program and without [kW], and what the program cost in comfort [K]."""
    low, high = np.quantile(weather.out_c, [0.01, 0.99])
    drawn = draw_customers("home", n, rng, float(low), float(high), heating="none")
    owns = rng.random(n) < world.cooling_share
    hour = np.arange(world.n_steps) * world.step_h % 24
    drive = Drive(weather.out_c, weather.ghi_wm2, hour)
    truth, air = _cooled(drawn.rooms, drive, world, None, None)
    program = world.program
    nobody = np.zeros(follows.shape)
    moves = program is not None and (program.shift_k > 0 or program.load_fraction < 1) and follows.any()
    if program is None or not moves:
        return truth * owns[:, None], truth * owns[:, None], nobody
    day = np.floor(np.arange(world.n_steps) * world.step_h / 24).astype(np.int64)
    event = np.searchsorted(np.asarray(world.event_days), day)
    inside = np.isin(day, world.event_days) & (hour >= program.start_h) & (hour < program.stop_h)
    signals = Signals(
        np.where(inside, program.shift_k, 0.0),
        np.where(inside, program.load_fraction if program.control == "automatic" else 1.0, 1.0),
        np.full(world.n_steps, np.inf),
        np.where(inside, event, -1),
    )
    load, air_with = _cooled(drawn.rooms, drive, world, signals, follows)
    warmest = nobody
    for number in range(len(world.event_days)):
        at = inside & (event == number)
        warmest[number] = np.where(owns, (air_with[:, at].max(1) - air[:, at].max(1)), 0.0)
    return load * owns[:, None], truth * owns[:, None], warmest


def _cooled(
    rooms: object, drive: Drive, world: HouseholdWorld, signals: Signals | None, follows: Array | None
) -> tuple[Array, Array]:
    load = np.empty((world.n_steps, len(rooms)), dtype=np.float32)  # type: ignore[arg-type]
    air = np.empty_like(load)
    for block in stream_rooms(rooms, drive, world.step_h, signals, follows, keep_air=True):  # type: ignore[arg-type]
        rows = slice(block.first, block.first + len(block.hvac_kw))
        load[rows] = block.hvac_kw
        air[rows] = block.air_c
    return load.T, air.T
