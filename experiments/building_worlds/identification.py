"""What an event tells of a room: identification on drawn customers whose truth is known."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from cblcast import datasets
from cblcast.simulate.building import BuildingResult, BuildingWorld, simulate_building
from cblcast.simulate.building_program import BuildingProgram
from cblcast.simulate.building_weather import SteppedWeather, stepped_weather
from cblcast.simulate.room_identification import identify_room
from cblcast.simulate.rooms import Signals
from cblcast.simulate.thermostat_room import Asked

EVENT_DAYS = tuple(f"2019-{day}" for day in ("06-12", "06-19", "06-26", "07-03", "07-10", "07-17", "07-24", "07-31"))
PROGRAM = BuildingProgram(14, 17, shift_k=2.0)
CUSTOMERS = 12
LEAD_STEPS, TAIL_STEPS = 4 * 96, 96
WHAT = ("shed_kw", "snapback_kwh", "first_hour_kwh")


def season(first: str = "2019-06-01", days: int = 75) -> SteppedWeather:
    """Turin's measured summer in quarter hours."""
    return stepped_weather(datasets.load("turin"), "turin_building", first, days, 15)


def asked_of(
    result: BuildingResult,
    weather: SteppedWeather,
    customer: int,
    program: BuildingProgram,
    event_days: tuple[str, ...],
) -> Asked:
    """What the customer's thermostat knows: the program, its set-back, its hours, its two set points."""
    kept, rooms = slice(weather.warm_up, None), result.customers.rooms
    hour, days = weather.drive.hour[kept], np.array(event_days, dtype="M8[D]").astype(np.int64)
    occupied = (hour >= rooms.occupied_from_h[customer]) & (hour < rooms.occupied_until_h[customer])
    between = rooms.cool_set_c[customer] - rooms.heat_set_c[customer]
    return Asked(
        program.signals(weather.day[kept], hour, days), np.where(occupied, 0.0, rooms.setback_k[customer]), occupied,
        np.full(len(hour), between),
    )  # fmt: skip


def part(asked: Asked, rows: slice) -> Asked:
    program = Signals(*(values[rows] for values in vars(asked.program).values()))
    return Asked(program, asked.schedule_k[rows], asked.occupied[rows], asked.other_k[rows])


def errors(noise: float, room: str = "1R1C", day_spread: float = 0.0) -> pd.DataFrame:
    """Relative errors of each customer."""
    weather = season()
    world = BuildingWorld(
        kind="sme",
        room=room,
        count=CUSTOMERS,
        program=PROGRAM,
        event_days=EVENT_DAYS,
        noise=noise,
        day_spread=day_spread,
    )
    result = simulate_building(world, weather)
    load = result.panel.data["observed_kw"].unstack("site_id").to_numpy()
    kept = slice(weather.warm_up, None)
    day, hour, out = weather.day[kept], weather.drive.hour[kept], weather.drive.out_c[kept]
    spans = PROGRAM.spans(day, hour, np.array(EVENT_DAYS, dtype="M8[D]").astype(np.int64))
    rows = []
    for customer in range(CUSTOMERS):
        asked = asked_of(result, weather, customer, PROGRAM, EVENT_DAYS)
        begun = time.process_time()
        found = identify_room(load[:, customer], out, hour, day, 0.25, asked)
        seconds = time.process_time() - begun
        expected = []
        for first, stop in spans:
            near = slice(first - LEAD_STEPS, stop + TAIL_STEPS)
            told = found.response(out[near], part(asked, near), (LEAD_STEPS, LEAD_STEPS + stop - first), 0.25)
            expected.append([float(getattr(told, key)[0]) for key in WHAT])
        true = np.mean([[getattr(one, key)[customer] for key in WHAT] for one in result.responses], axis=0)
        tau = result.customers.rooms.time_constant_h[customer]
        rows.append({
            "time_constant": found.time_constant_h / tau - 1, **dict(zip(WHAT, np.mean(expected, axis=0) / true - 1, strict=True)),
            "covered": found.range_h[0] <= tau <= found.range_h[1], "seconds": seconds,
        })  # fmt: skip
    return pd.DataFrame(rows)


if __name__ == "__main__":
    for noise in (0.0, 0.1):
        table = errors(noise)
        print(noise, table.round(3).to_string())
