"""A world of buildings (PBLM): measured weather, drawn customers, a program, and the truth without it.

Everything is simulated twice, with the program and without it, from the same random numbers: what differs is the program's
doing and nothing else. Power is electric [kW], load > 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PANEL_INDEX, SITE
from cblcast.physics.recovery import Response, response
from cblcast.simulate.building_devices import base_kw, cold_room_kw, hot_water_kw
from cblcast.simulate.building_program import BuildingProgram, hottest_days
from cblcast.simulate.building_weather import SteppedWeather
from cblcast.simulate.drawn_rooms import PLANT_SIZE, DrawnCustomers, draw_customers
from cblcast.simulate.room_fleet import stream_rooms

Array = np.ndarray
TRUTH = "truth_kw"
BEFORE_H, AFTER_H = 12.0, 24.0  # what is looked at around an event to read its response off
MOST_VALUES = 60_000_000


@dataclass(frozen=True)
class BuildingWorld:
    """How many customers of what kind stand in the weather, and what is asked of them.

    Attributes
    ----------
    kind, count, room, heating, cooling, plant_size
        As :func:`~cblcast.simulate.drawn_rooms.draw_customers`.
    hot_water_share, refrigeration_share : float
        Share of the customers with an electric water heater, with a cold room.
    litres_per_day : float
        Mean hot water of a home [l/d].
    program : BuildingProgram or None
    event_days : int or sequence of str
        So many of the hottest (with ``coldest``: coldest) working days, or local dates.
    coldest, participation : bool, float
        Take the coldest days; share of the customers that follow.
    deadband_k : float or None
        On/off thermostats with this dead band [K]; None: ideal ones of limited power.
    noise : float
        Standard deviation of the meter's noise as a share of the load, independent from step to step.
    day_spread : float
        Standard deviation of the base load from day to day, as a share: good and slow days.
    seed : int
    """

    kind: str = "home"
    count: int = 50
    room: str = "2R2C"
    heating: str = "heat_pump"
    cooling: bool = True
    plant_size: tuple[float, float] = PLANT_SIZE
    hot_water_share: float = 0.0
    litres_per_day: float = 100.0
    refrigeration_share: float = 0.0
    program: BuildingProgram | None = field(default_factory=lambda: BuildingProgram(shift_k=2.0))
    event_days: int | Sequence[str] = 10
    coldest: bool = False
    participation: float = 1.0
    deadband_k: float | None = None
    noise: float = 0.02
    day_spread: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("hot_water_share", "refrigeration_share", "participation"):
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(f"{name} is {getattr(self, name)}: a share lies between 0 and 1")
        for name in ("noise", "day_spread"):
            if not 0 <= getattr(self, name) < 1:
                raise DataError(f"{name} is {getattr(self, name)}: a share of the load, 0 or more and below 1")
        if self.deadband_k is not None and not self.deadband_k > 0:
            raise DataError(
                f"deadband_k is {self.deadband_k}: give more than 0 K, or leave it out for an ideal thermostat"
            )


@dataclass(frozen=True, eq=False)
class BuildingResult:
    """What a world of buildings left behind.

    Attributes
    ----------
    panel : Panel
        ``observed_kw`` (with noise and the program), ``temp_air_c``, ``ghi_wm2``, and ``truth_kw``: what the meter would
        have read without the program, with the same noise.
    devices : DataFrame, index (site_id, time)
        ``hvac_kw``, ``hot_water_kw``, ``refrigeration_kw``, ``base_kw`` with the program, without noise.
    events : DataFrame
        ``site_id``, ``start``, ``stop``, ``notified``, ``truth_kw`` and ``shed_kw`` (means over the event), of those who follow.
    moved_kw : DataFrame, index time, columns site_id
        What the program moved: load without it minus load with it, without noise [kW].
    spans : list of (int, int)
        First step of each event, and the step after its last.
    responses : list of Response
        One an event, in time, over all customers.
    customers : DrawnCustomers
    follows : ndarray of bool, shape (n,)
    saturated : ndarray, shape (n,)
        Share of the event hours with the plant at its limit without the program; NaN without events.
    notes : tuple of str
    """

    panel: Panel
    devices: pd.DataFrame
    events: pd.DataFrame
    moved_kw: pd.DataFrame
    spans: list[tuple[int, int]]
    responses: list[Response]
    customers: DrawnCustomers
    follows: Array
    saturated: Array
    notes: tuple[str, ...]


def simulate_building(world: BuildingWorld, weather: SteppedWeather) -> BuildingResult:
    """Simulate a world of buildings in the weather."""
    return _World(world, weather).result()


class _World:
    def __init__(self, world: BuildingWorld, weather: SteppedWeather) -> None:
        self.world, self.weather = world, weather
        self.step_h = (weather.times[1] - weather.times[0]) / pd.Timedelta(hours=1)
        if world.program is not None:
            world.program.check_steps(self.step_h)
        if len(weather.times) * world.count > MOST_VALUES:
            raise DataError(
                f"{world.count} customers in {len(weather.times)} steps are more than a panel should hold: take fewer or a "
                "longer step, or stream them with cblcast.simulate.room_fleet.stream_rooms"
            )
        # One stream of random numbers a purpose: a device more or less leaves the others as they were.
        self.rng = dict(
            zip(("rooms", "who", "base", "water", "noise"), np.random.default_rng(world.seed).spawn(5), strict=True)
        )
        cold, hot = np.quantile(weather.drive.out_c, [0.01, 0.99])
        self.customers = draw_customers(
            world.kind, world.count, self.rng["rooms"], float(cold), float(hot),
            room=world.room, heating=world.heating, cooling=world.cooling, plant_size=world.plant_size,
        )  # fmt: skip
        n, who = world.count, self.rng["who"]
        self.follows = who.random(n) < world.participation
        self.has_water, self.has_cold = who.random(n) < world.hot_water_share, who.random(n) < world.refrigeration_share
        self.kept = slice(weather.warm_up, None)
        self.day, self.hour = weather.day[self.kept], weather.drive.hour[self.kept]
        self.event_days = self._event_days()

    def result(self) -> BuildingResult:
        world, weather = self.world, self.weather
        program = world.program
        without = self._rooms(None)
        with_it = without if program is None or len(self.event_days) == 0 else self._rooms(self.event_days)
        fixed = self._devices()
        others = sum(fixed.values())
        noise = 1.0 + world.noise * self.rng["noise"].standard_normal(without.shape)
        observed, truth = (with_it + others) * noise, (without + others) * noise
        spans = [] if program is None else program.spans(self.day, self.hour, self.event_days)
        responses = [self._response(with_it, without, span, spans) for span in spans]
        saturated = self._saturated(without, spans)
        panel = self._panel(observed, truth)
        devices = self._long({"hvac_kw": with_it, **fixed})
        events = self._events(spans, observed, truth)
        told = self._told(responses, saturated, without)
        notes = (*weather.notes, "customers are drawn, their weather is measured", *told)
        moved = pd.DataFrame(without - with_it, index=panel.data.index.levels[1], columns=panel.site_ids)
        return BuildingResult(
            panel, devices, events, moved, spans, responses, self.customers, self.follows, saturated, notes
        )

    def _event_days(self) -> Array:
        asked, day = self.world.event_days, self.day
        if self.world.program is None:
            return np.empty(0, dtype=np.int64)
        if isinstance(asked, int):
            working = np.unique(day)[(np.unique(day) + 3) % 7 < 5]
            return hottest_days(day, self.weather.drive.out_c[self.kept], working, asked, self.world.coldest)
        days = np.array([np.datetime64(str(one)[:10], "D") for one in asked]).astype(np.int64)
        outside = np.array(asked)[~np.isin(days, day)]
        if len(outside):
            raise DataError(f"the event day {outside[0]} lies outside the world's days: mend it, or add days")
        return np.unique(days)  # a day that is named twice has one event

    def _rooms(self, event_days: Array | None) -> Array:
        weather, program = self.weather, self.world.program
        signals = None
        if event_days is not None and program is not None:
            signals = program.signals(weather.day, weather.drive.hour, event_days)
        out = np.empty((len(weather.times), self.world.count))
        for block in stream_rooms(
            self.customers.rooms, weather.drive, self.step_h, signals, self.follows, deadband_k=self.world.deadband_k
        ):
            out[block.first : block.first + len(block.hvac_kw)] = block.hvac_kw
        return out[self.kept] + 0.0

    def _devices(self) -> dict[str, Array]:
        """Load that no program moves, by device, each of shape (n_steps, n)."""
        world, water = self.world, self.rng["water"]
        litres = np.where(self.has_water, world.litres_per_day, 0.0)
        return {
            "hot_water_kw": hot_water_kw(litres, self.hour, self.step_h, water),
            "refrigeration_kw": cold_room_kw(self.customers, self.hour, self.step_h) * self.has_cold,
            "base_kw": base_kw(self.customers, world.kind, self.hour, self.day, world.day_spread, self.rng["base"]),
        }

    def _response(
        self, with_it: Array, without: Array, span: tuple[int, int], spans: list[tuple[int, int]]
    ) -> Response:
        """Read off up to the next event or a day later, whatever comes first."""
        first, stop = span
        begin = max(0, first - round(BEFORE_H / self.step_h))
        later = [other[0] - round(BEFORE_H / self.step_h) for other in spans if other[0] > first]
        end = min([len(with_it), stop + round(AFTER_H / self.step_h), *[max(stop, one) for one in later]])
        return response(with_it[begin:end], without[begin:end], first - begin, stop - begin, self.step_h)

    def _at_limit(self, without: Array) -> Array:
        rooms = self.customers.rooms
        limits = rooms.cool_max_kw / rooms.cool_cop, rooms.heat_max_kw / rooms.heat_cop
        return np.logical_or.reduce([np.isclose(without, limit, rtol=1e-3) & (limit > 0) for limit in limits])

    def _saturated(self, without: Array, spans: list[tuple[int, int]]) -> Array:
        if not spans or self.world.deadband_k is not None:
            return np.full(self.world.count, np.nan)
        return self._at_limit(without)[np.concatenate([np.arange(*span) for span in spans])].mean(axis=0)

    def _told(self, responses: list[Response], saturated: Array, without: Array) -> list[str]:
        told = []
        program = self.world.program
        rooms, shed = self.customers.rooms, np.abs([one.shed_kw for one in responses])
        by_set_point = (
            program is not None and program.load_fraction == 1 and not np.isfinite(program.power_set_point_kw)
        )
        if responses and by_set_point:
            plant = np.maximum(rooms.cool_max_kw / rooms.cool_cop, rooms.heat_max_kw / rooms.heat_cop)
            nothing = (saturated >= 0.999) & (shed.max(axis=0) < 0.01 * plant) & self.follows & (plant > 0)
            if nothing.any():
                told.append(
                    f"{int(nothing.sum())} of {self.world.count} customers have a plant at its limit throughout the events and a "
                    "room beyond the moved set point already: it sheds nothing there"
                )
        if self.world.deadband_k is None:
            full = self._at_limit(without).sum(axis=0) > 0.5 * np.maximum((without > 0).sum(axis=0), 1)
            if full.any():
                told.append(
                    f"{int(full.sum())} of {self.world.count} customers have a plant too small to reach its set point: "
                    "it is at its limit in more than half of the time that it runs"
                )
        idle = int((without.max(axis=0) <= 0).sum())
        if idle:
            told.append(f"{idle} of {self.world.count} customers neither heat nor cool in these days")
        return told

    def _sites(self) -> list[str]:
        width = len(str(self.world.count))
        return [f"{self.world.kind}{number:0{width}d}" for number in range(1, self.world.count + 1)]

    def _long(self, columns: dict[str, Array]) -> pd.DataFrame:
        index = pd.MultiIndex.from_product([self._sites(), self.weather.times[self.kept]], names=PANEL_INDEX)
        return pd.DataFrame({name: values.T.ravel() for name, values in columns.items()}, index=index)

    def _panel(self, observed: Array, truth: Array) -> Panel:
        data = self._long({OBSERVED: observed, TRUTH: truth})
        drive = self.weather.drive
        data["temp_air_c"] = np.tile(drive.out_c[self.kept], self.world.count)
        if drive.ghi_wm2.any():
            data["ghi_wm2"] = np.tile(drive.ghi_wm2[self.kept], self.world.count)
        rooms = self.customers.rooms
        sites = pd.DataFrame(
            {
                "tz": self.weather.tz, "segment": self.world.kind, "floor_m2": self.customers.floor_m2,
                "loss_kw_k": rooms.loss_kw_k, "time_constant_h": rooms.time_constant_h, "follows": self.follows,
            },
            index=pd.Index(self._sites(), name=SITE),
        )  # fmt: skip
        return Panel(data, sites)

    def _events(self, spans: list[tuple[int, int]], observed: Array, truth: Array) -> pd.DataFrame:
        times, program = self.weather.times[self.kept], self.world.program
        names = np.array(self._sites())[self.follows]
        parts = []
        for first, stop in spans:
            start = times[first]
            without, with_it = (values[first:stop, self.follows].mean(axis=0) for values in (truth, observed))
            end = times[stop - 1] + (times[1] - times[0])
            notice = pd.Timedelta(hours=0.0 if program is None else program.notice_h)
            parts.append(pd.DataFrame(
                {SITE: names, "start": start, "stop": end, "notified": start - notice, TRUTH: without, "shed_kw": without - with_it}
            ))  # fmt: skip
        if not parts:
            return pd.DataFrame(columns=[SITE, "start", "stop", "notified", TRUTH, "shed_kw"])
        return pd.concat(parts).sort_values([SITE, "start"], ignore_index=True)
