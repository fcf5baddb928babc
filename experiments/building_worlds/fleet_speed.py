"""Processor seconds of ten thousand thermal customers: a year of quarter hours, and a month of minutes, streamed."""

from __future__ import annotations

import time

import numpy as np

from cblcast import datasets
from cblcast.simulate.building_weather import stepped_weather
from cblcast.simulate.drawn_rooms import draw_customers
from cblcast.simulate.room_fleet import stream_rooms

CUSTOMERS, NOISE = 10_000, 0.05


def seconds(first: str, days: int, step_min: float, room: str = "1R1C") -> tuple[float, float]:
    """Processor seconds on one core with noise on every value, and the mean kWh a customer as proof of work."""
    weather = stepped_weather(datasets.load("turin"), "turin_building", first, days, step_min, warm_up_days=0)
    cold, hot = np.quantile(weather.drive.out_c, [0.01, 0.99])
    customers = draw_customers("home", CUSTOMERS, np.random.default_rng(1), float(cold), float(hot), room=room)
    noise = np.random.Generator(np.random.SFC64(2))
    factor = np.empty((672, CUSTOMERS), dtype=np.float32)
    begun, total = time.process_time(), 0.0
    for block in stream_rooms(customers.rooms, weather.drive, step_min / 60):
        drawn = factor[: len(block.hvac_kw)]
        noise.standard_normal(out=drawn, dtype=np.float32)
        drawn *= NOISE
        drawn += 1
        drawn *= block.hvac_kw
        total += float(drawn.sum(dtype=np.float64))
    return time.process_time() - begun, total * step_min / 60 / CUSTOMERS


def measure() -> dict[str, float]:
    year, kwh = seconds("2019-01-01", 364, 15)
    month, _ = seconds("2019-07-01", 30, 1)
    two, _ = seconds("2019-01-01", 364, 15, "2R2C")
    return {"year_s": year, "month_s": month, "year_2r2c_s": two, "kwh": kwh}


if __name__ == "__main__":
    print(measure())
