"""Figures of a microgrid: one island, fronts of designs, prices by subsidy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOAD, WIND, DIESEL, BATTERY, LOST, SUN = "#222222", "#4c72b0", "#c44e52", "#55a868", "#e8a33d", "#d9b41f"
_SHADES = ("#222222", "#8172b3", "#4c72b0", "#55a868", "#c44e52", "#e8a33d", "#937860", "#17becf")


def _new(width: float = 8.0, height: float = 3.8) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", dpi=110)


def island_figure(steps: pd.DataFrame, step_h: float, title: str) -> Figure:
    """Powers and charge through one island, from :func:`cblcast.simulate.island_trace.trace_island`."""
    figure = _new(8.0, 5.0)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    draw_island(above, steps, step_h)
    above.set_title(f"Microgrid in {title}")
    above.legend(ncols=3, fontsize=8, frameon=False)
    hours = np.arange(len(steps) + 1) * step_h
    if steps["charge_share"].notna().any():
        charge = 100 * steps["charge_share"].to_numpy()
        below.plot(hours[1:], charge, color=BATTERY, lw=1.8)
        below.set_ylim(0, 105)
        below.set_ylabel("charge [%]")
    else:
        below.text(0.5, 0.5, "no vehicles", ha="center", va="center", transform=below.transAxes)
        below.set_yticks([])
    below.set_xlabel("hours since the grid was lost")
    return figure


def draw_island(axes: Axes, steps: pd.DataFrame, step_h: float) -> None:
    """Powers of one island [kW]: load, wind that was there and that was used, diesel, exchange with the fleet, what was lost."""
    hours = np.arange(len(steps) + 1) * step_h

    def line(values: pd.Series, color: str, label: str, **style: object) -> None:
        y = np.r_[values, values.iloc[-1]]
        axes.step(hours, y, where="post", color=color, label=label, **style)  # type: ignore[arg-type]

    line(steps["wind_available_kw"], WIND, "wind there", lw=0.9, ls=":")
    line(steps["wind_kw"], WIND, "wind used", lw=1.6)
    line(steps["diesel_kw"], DIESEL, "diesel", lw=1.6)
    line(steps["discharge_kw"] - steps["charge_kw"], BATTERY, "vehicles (> 0 deliver)", lw=1.6)
    if (steps["solar_kw"] > 0).any():
        line(steps["solar_kw"], SUN, "sun", lw=1.4)
    lost = steps["unserved_kw"]
    if (lost > 0).any():
        top = np.r_[steps["load_kw"], steps["load_kw"].iloc[-1]]
        down = top - np.r_[lost, lost.iloc[-1]]
        axes.fill_between(hours, down, top, step="post", color=LOST, alpha=0.8, lw=0, label="not supplied")
    line(
        steps["load_kw"], LOAD, "critical load", lw=4.5, alpha=0.3, zorder=1
    )  # beneath: what meets it exactly stays seen
    axes.axhline(0, color="#999999", lw=0.6)
    axes.set_ylabel("power [kW]")
    axes.margins(x=0)


def front_figure(fronts: pd.DataFrame, limit_minutes: float, title: str = "Pareto fronts of sizing") -> Figure:
    """Cost against system minutes for each subsidy; the limit is the dashed line. Designs without vehicles are drawn for comparison."""
    figure = _new(8.0, 4.4)
    axes = figure.subplots()
    for shade, (subsidy, front) in zip(_SHADES, fronts.groupby("subsidy_usd", sort=True), strict=False):
        ordered = front.sort_values("cost_usd")
        axes.plot(
            ordered["cost_usd"] / 1000,
            ordered["system_minutes"],
            ".-",
            ms=3,
            lw=1.1,
            color=shade,
            label=f"subsidy {subsidy:g} $",
        )
    axes.axhline(limit_minutes, color="#777777", ls="--", lw=0.9)
    at = ("axes fraction", "data")
    axes.annotate(f"{limit_minutes:g} system minutes", (0.01, limit_minutes), xycoords=at, va="bottom", fontsize=8)
    axes.set_yscale("symlog", linthresh=10)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("present cost [thousand $]")
    axes.set_ylabel("system minutes (48 islands)")
    axes.set_title(title)
    axes.legend(frameon=False, fontsize=9)
    return figure


def price_figure(priced: pd.DataFrame) -> Figure:
    """Vehicles, diesel and the price of an hour of availability by subsidy."""
    figure = _new(8.0, 3.4)
    left, right = figure.subplots(1, 2)
    names = [f"{subsidy:g}" for subsidy in priced.index]
    place = np.arange(len(names))
    left.bar(place - 0.2, priced["vehicles"], width=0.4, color=BATTERY, label="vehicles")
    left.bar(place + 0.2, priced["diesel_kw"], width=0.4, color=DIESEL, label="diesel [kW]")
    left.set_title("cheapest reliable design")
    left.legend(frameon=False, fontsize=8)
    price = priced["price_usd_per_hour"].to_numpy(np.float64)
    right.bar(place, np.nan_to_num(price), width=0.5, color=WIND)
    for x, value in zip(place, price, strict=True):
        text = f"{value:.1f}" if np.isfinite(value) else "no deal"
        right.annotate(text, (x, np.nan_to_num(value)), ha="center", va="bottom", fontsize=8)
    right.set_title("price of an hour of availability [$]")
    right.margins(y=0.15)
    for axes in (left, right):
        axes.set_xticks(place, names)
        axes.set_xlabel("subsidy per vehicle [$]")
    return figure
