"""The figure of run.py: a winter week told apart, homes beside their truth, a day minute by minute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from homes import Month, Year
from matplotlib.figure import Figure

from cblcast.end_uses import PanelEndUses

COLOURS = {
    "base": "#999999", "occupancy": "#4c72b0", "heating": "#c44e52", "cooling": "#55a868", "unexplained": "#dddddd",
}  # fmt: skip
DEVICES = {
    "cooling": "#55a868", "cooking": "#dd8452", "water_heater": "#c44e52", "dryer": "#8172b3", "dishwasher": "#937860",
    "washer": "#da8bc3", "vehicle": "#4c72b0", "pool_pump": "#64b5cd", "unknown": "#ccb974",
}  # fmt: skip
WEEK, DAY = slice(24 * 35, 24 * 42), slice(1440 * 8, 1440 * 9)


def end_uses_figure(homes: pd.DataFrame, year: Year, found: PanelEndUses, home: Month, loads: pd.DataFrame) -> Figure:
    """A heated home's week, all homes' heating and cooling, and an event day of a home minute by minute."""
    figure = Figure(figsize=(10, 10), layout="constrained", dpi=110)
    axes = figure.subplot_mosaic("AA;BC;DD")
    week(axes["A"], year, found)
    for axis, part in ((axes["B"], "heating"), (axes["C"], "cooling")):
        beside_truth(axis, homes[(homes["part"] == part) & (homes["step"] == "hour")], part)
    event_day(axes["D"], home, loads)
    return figure


def week(axis: Any, year: Year, found: PanelEndUses) -> None:
    number = int(np.argsort(year.hvac_kw.mean(1))[-len(year.hvac_kw) // 4])  # heats more than most
    parts = found.parts.xs(year.panel.site_ids[number], level="site_id").iloc[WEEK]
    hour = np.arange(len(parts)) / 24
    axis.stackplot(
        hour, *(parts[f"{name}_kw"] for name in COLOURS), colors=COLOURS.values(), labels=list(COLOURS), step="post"
    )
    axis.step(hour, year.hvac_kw[number][WEEK], where="post", color="black", lw=1.3, label="true heating")
    axis.set_title("A week in February, home with a heat pump (simulated): parts that add up to the load", fontsize=10)
    axis.set_xlabel("days")
    axis.set_ylabel("kW")
    axis.legend(frameon=False, fontsize=8, ncols=6, loc="upper left")


def beside_truth(axis: Any, homes: pd.DataFrame, part: str) -> None:
    true, got = homes["true_kw"], homes["found_kw"]
    error = [np.maximum(got - homes["lower_kw"], 0), np.maximum(homes["upper_kw"] - got, 0)]
    axis.errorbar(true, got, yerr=error, fmt="o", ms=3, lw=0.8, color=COLOURS[part], label="a home, 90 % limits")
    top = 1.05 * max(true.max(), homes["upper_kw"].max())
    axis.plot([0, top], [0, top], color="#999999", lw=0.8)
    axis.set_xlabel(f"true {part}, mean of the year [kW]")
    axis.set_ylabel("found [kW]")
    axis.set_title(f"{part.capitalize()} of {len(homes)} simulated homes, by the hour", fontsize=10)
    axis.legend(frameon=False, fontsize=8, loc="upper left")


def event_day(axis: Any, home: Month, loads: pd.DataFrame) -> None:
    hour = np.arange(1440) / 60
    shown = [name for name in DEVICES if loads[name].iloc[DAY].max() > 0]
    axis.plot(hour, home.load_kw[DAY], color="black", lw=0.6, label="load")
    axis.stackplot(
        hour,
        *(loads[name].iloc[DAY] for name in shown),
        colors=[DEVICES[name] for name in shown],
        labels=shown,
        step="post",
    )
    axis.plot(
        hour,
        -home.device_kw["heating_cooling"][DAY],
        color=DEVICES["cooling"],
        lw=0.8,
        label="true cooling (downwards)",
    )
    axis.axvspan(17, 20, color="#999999", alpha=0.15, lw=0)
    axis.axhline(0, color="#999999", lw=0.6)
    axis.set_xlim(0, 24)
    axis.set_xticks(range(0, 25, 3))
    axis.set_xlabel("local hour (grey: event, set point raised by 3 K)")
    axis.set_ylabel("kW")
    axis.set_title("A July day of a simulated home, minute by minute: runs from edges", fontsize=10)
    axis.legend(frameon=False, fontsize=8, ncols=5, loc="upper left")
