"""Which end use fell, where only the whole load is metered by the quarter hour: one part of run.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from claims import claim
from homes import homes_with_events, panel_of_homes

from cblcast.end_uses import end_uses, share_that_ran
from cblcast.simulate.household_program import HouseholdProgram

SOURCE = "simulated homes (this project)"
HOMES, EVENTS = 100, 20
PROGRAMS = {
    "thermostats": HouseholdProgram(devices=(), shift_k=3.0, share=1.0, tires=1.0),
    "devices": HouseholdProgram(shift_k=0.0, share=1.0, tires=1.0),
    "both": HouseholdProgram(shift_k=3.0, share=1.0, tires=1.0),
}


def events(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Mean load of a hundred homes; true and found share of cooling and of occupancy that ran."""
    rows = []
    for name, program in PROGRAMS.items():
        days = hottest()
        measured, weather, block = homes_with_events(HOMES, program, days)
        panel = panel_of_homes(
            block.load_kw.mean(0, keepdims=True), weather.out_c, measured.first, pd.Timedelta(minutes=15)
        )
        starts = [measured.first + pd.Timedelta(days=day, hours=program.start_h) for day in days]
        hours = pd.Timedelta(hours=program.stop_h - program.start_h)
        table = pd.DataFrame({"site_id": "home 000", "start": starts, "stop": [start + hours for start in starts]})
        # Rebound, too, is no ordinary load: the fit sees nothing from the start of an event to midnight.
        masked = panel.with_events(table.assign(stop=[start.normalize() + pd.Timedelta(days=1) for start in starts]))
        expected = end_uses(masked).expected
        time = panel.data.index.get_level_values("time")
        number = np.full(len(time), -1)
        for k, (start, stop) in enumerate(zip(table["start"], table["stop"], strict=True)):
            number[(time >= start) & (time < stop)] = k
        inside = number >= 0
        found = share_that_ran(panel.column("observed_kw")[inside], expected[inside], number[inside])
        cool, cool_truth = (
            each["heating_cooling"].mean(0)[inside] for each in (block.device_kw, block.device_truth_kw)
        )
        fell = (block.truth_kw - block.load_kw).mean(0)[inside]
        true = {"cooling_kw": (cool_truth - cool).mean(), "occupancy_kw": fell.mean() - (cool_truth - cool).mean()}
        rows.append(found.assign(program=name, true_fell_kw=pd.Series(true), true_cooling_kw=cool_truth.mean()))
    table = pd.concat(rows).reset_index()
    told(records, table)
    return table


def hottest() -> tuple[int, ...]:
    """The twenty warmest working days."""
    from homes import fontana

    measured = fontana()
    warmth = measured.weather.out_c.reshape(-1, 24).max(1)
    working = np.flatnonzero(~measured.calendar.weekend)
    return tuple(sorted(int(day) for day in working[np.argsort(-warmth[working])][:EVENTS]))


def told(records: list[dict[str, Any]], table: pd.DataFrame) -> None:
    for row in table.itertuples():
        part = row.end_use.removesuffix("_kw")
        records.append(
            claim(
                f"events of {row.program}, {part}: what fell, found",
                SOURCE,
                row.fell_kw,
                "kW per home",
                digits=3,
                true_kw=round(float(row.true_fell_kw), 3),
                ran=round(row.ran, 2),
                lower=round(row.lower, 2),
                upper=round(row.upper, 2),
                tells=bool(row.tells),
            )
        )
