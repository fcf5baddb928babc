"""Simulated homes whose end uses are known: a year in Fontana's and in Bedford's weather, and a month minute by minute."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from cblcast import datasets
from cblcast.frames.panel import Panel, panel_of
from cblcast.simulate.drawn_rooms import draw_customers
from cblcast.simulate.household_devices import HABITS, Calendar
from cblcast.simulate.household_fit import left_over
from cblcast.simulate.household_program import HouseholdProgram
from cblcast.simulate.household_weather import MeasuredSpan, measured_span
from cblcast.simulate.households import HomesBlock, HouseholdWeather, HouseholdWorld, stream_homes
from cblcast.simulate.room_fleet import stream_rooms
from cblcast.simulate.rooms import Drive, Signals

SEED = 13
LIGHT_KW, DARK_WM2 = (
    0.15,
    20.0,
)  # light between 6 and 23 h while the sun is down: a use that follows the season, not the weather
HOUR = pd.Timedelta(hours=1)


class Year(NamedTuple):
    """Homes of a year by hour: loads [kW], what heats or cools in them, everything else by name; arrays (n_homes, n_steps)."""

    panel: Panel
    load_kw: np.ndarray
    hvac_kw: np.ndarray
    device_kw: dict[str, np.ndarray]


def fontana() -> MeasuredSpan:
    return measured_span(datasets.load("fontana_homes"))


def bedford() -> HouseholdWeather:
    """Weather of 2018 by hour, UTC."""
    data = datasets.load("cambridge_sme").data
    one = data.xs(data.index[0][0], level="site_id").loc["2018-01-01":"2018-12-31"]
    return HouseholdWeather(one["temp_air_c"].to_numpy(), one["ghi_wm2"].to_numpy(), np.zeros(len(one)))


def other_kw(measured: MeasuredSpan, calendar: Calendar, ghi_wm2: np.ndarray) -> np.ndarray:
    """What no device explains, by hour: Fontana's mean working and free day over the year, and light while it is dark.

    Its seasons are left out on purpose: they hold the measured homes' own heating and cooling, of which no truth is known.
    """
    world = HouseholdWorld(500, measured.calendar, seed=SEED)
    days = left_over(world, measured).other_kw.reshape(-1, 24)
    rest = measured.calendar.weekend
    both = np.stack([days[~rest].mean(0), days[rest].mean(0)])
    hour = np.arange(24)
    dark = (ghi_wm2.reshape(-1, 24) < DARK_WM2) & (hour >= 6) & (hour < 23)
    return (both[calendar.weekend.astype(int)] + LIGHT_KW * dark).ravel()


def finer(values: np.ndarray, times: int) -> np.ndarray:
    """Hourly means as `times` values an hour: straight lines between the middles of the hours."""
    n = len(values)
    return np.interp((np.arange(n * times) + 0.5) / times, np.arange(n) + 0.5, values)


def weather_of(weather: HouseholdWeather, times: int) -> HouseholdWeather:
    return HouseholdWeather(*(finer(values, times) for values in vars(weather).values()))


def panel_of_homes(load_kw: np.ndarray, out_c: np.ndarray, first: pd.Timestamp, step: pd.Timedelta) -> Panel:
    times = pd.date_range(first, periods=load_kw.shape[1], freq=step).tz_convert("UTC").as_unit("us")
    frames = [
        pd.DataFrame({"site_id": f"home {k:03d}", "time": times, "observed_kw": load, "temp_air_c": out_c})
        for k, load in enumerate(load_kw.astype(np.float64))
    ]
    return panel_of(pd.concat(frames, ignore_index=True), tz=str(first.tz))


def year_of_homes(place: str, homes: int, per_hour: int = 1) -> Year:
    """A year of homes with cooling in Fontana's weather, or with heat pumps in Bedford's."""
    measured = fontana()
    cools = place == "Fontana"
    weather = measured.weather if cools else bedford()
    first = measured.first if cools else pd.Timestamp("2018-01-01", tz="Etc/GMT")
    calendar = Calendar(f"{first:%Y-%m-%d}", len(weather.out_c) // 24)
    rest = np.repeat(other_kw(measured, calendar, weather.ghi_wm2), per_hour)
    weather = weather_of(weather, per_hour)
    world = HouseholdWorld(homes, calendar, step_h=1 / per_hour, cooling_share=0.7 if cools else 0.0, seed=SEED)
    block = next(stream_homes(world, weather, rest, keep_devices=True))
    devices = {name: kw for name, kw in block.device_kw.items() if name != "heating_cooling"}
    hvac = block.device_kw["heating_cooling"] if cools else heated(homes, weather, 1 / per_hour)
    load = block.load_kw if cools else block.load_kw + hvac
    return Year(panel_of_homes(load, weather.out_c, first, HOUR / per_hour), load, hvac, devices)


def heated(homes: int, weather: HouseholdWeather, step_h: float) -> np.ndarray:
    """Electricity of heat pumps in seven of ten homes [kW]."""
    rng = np.random.default_rng(SEED)
    low, high = np.quantile(weather.out_c, [0.01, 0.99])
    rooms = draw_customers("home", homes, rng, float(low), float(high), heating="heat_pump", cooling=False).rooms
    owns = rng.random(homes) < 0.7
    hour = np.arange(len(weather.out_c)) * step_h % 24
    blocks = stream_rooms(rooms, Drive(weather.out_c, weather.ghi_wm2, hour), step_h)
    return np.concatenate([block.hvac_kw.copy() for block in blocks]).T * owns[:, None]


def homes_with_events(
    homes: int, program: HouseholdProgram, days: tuple[int, ...]
) -> tuple[MeasuredSpan, HouseholdWeather, HomesBlock]:
    """A year of quarter hours in Fontana with a program on some days."""
    measured = fontana()
    rest = np.repeat(other_kw(measured, measured.calendar, measured.weather.ghi_wm2), 4)
    weather = weather_of(measured.weather, 4)
    world = HouseholdWorld(homes, measured.calendar, step_h=0.25, program=program, event_days=days, seed=SEED)
    return measured, weather, next(stream_homes(world, weather, rest, keep_devices=True))


class Month(NamedTuple):
    """One home of four weeks by the minute: load without and with heating and cooling that switches [kW], devices, weather."""

    load_kw: np.ndarray
    device_kw: dict[str, np.ndarray]
    out_c: np.ndarray
    rated: dict[str, float]


DAYS, FIRST_DAY = 28, "2017-07-03"
EVENT_DAYS, EVENT_H, SHIFT_K = (3, 8, 12, 16, 22), (17.0, 20.0), 3.0


def month_of_homes(groups: int, each: int, noise: float) -> list[Month]:
    """Homes in July, by groups whose devices have powers of their own, up to 15 % from the table; all have air conditioners that
    switch on and off within a dead band of 1 K, and whose set point is raised by 3 K in five events. `noise` is that of what no
    device explains, minute by minute, over its mean."""
    measured = measured_span(datasets.load("fontana_homes"), FIRST_DAY, DAYS)
    rest = np.repeat(other_kw(fontana(), measured.calendar, measured.weather.ghi_wm2), 60)
    weather, step_h = weather_of(measured.weather, 60), 1 / 60
    rng = np.random.default_rng(SEED)
    found = []
    for group in range(groups):
        habits = {
            name: replace(habit, kw=habit.kw * np.exp(rng.uniform(-0.15, 0.15))) for name, habit in HABITS.items()
        }
        world = HouseholdWorld(
            each, measured.calendar, step_h=step_h, habits=habits, cooling_share=0.0, noise=noise, seed=SEED + group
        )
        block = next(stream_homes(world, weather, rest, keep_devices=True))
        cooled = switching(each, weather, step_h, rng)
        rated = {name: habit.kw for name, habit in habits.items()}
        for k in range(each):
            devices = {name: kw[k].astype(np.float64) for name, kw in block.device_kw.items()} | {
                "heating_cooling": cooled[k]
            }
            found.append(Month(block.load_kw[k] + cooled[k], devices, weather.out_c, rated))
    return found


def switching(homes: int, weather: HouseholdWeather, step_h: float, rng: np.random.Generator) -> np.ndarray:
    n = len(weather.out_c)
    low, high = np.quantile(weather.out_c, [0.01, 0.99])
    rooms = draw_customers("home", homes, rng, float(low), float(high), heating="none").rooms
    hour = np.arange(n) * step_h
    inside = np.isin(hour // 24, EVENT_DAYS) & (hour % 24 >= EVENT_H[0]) & (hour % 24 < EVENT_H[1])
    signals = Signals(np.where(inside, SHIFT_K, 0.0), np.ones(n), np.full(n, np.inf))
    drive = Drive(weather.out_c, weather.ghi_wm2, hour % 24)
    blocks = stream_rooms(rooms, drive, step_h, signals, deadband_k=1.0)
    return np.concatenate([block.hvac_kw.copy() for block in blocks]).T.astype(np.float64)
