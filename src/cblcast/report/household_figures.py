"""Figures of homes: average days by season with their bands, an event day with and without its program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"winter": "#4c72b0", "spring": "#55a868", "summer": "#c44e52", "autumn": "#dd8452"}
WITH, WITHOUT, SUN = "#c44e52", "#333333", "#ccb974"


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", dpi=110)


def duck_figure(curves: pd.DataFrame, title: str = "", unit: str = "kW per home") -> Figure:
    """Average day of each season with its band of days.

    Parameters
    ----------
    curves : DataFrame, index (season, hour)
        ``mean_kw``, ``q10_kw``, ``q90_kw``: :func:`cblcast.loadshapes.average_days` by season.
    """
    figure = _figure(7.5, 4.2)
    axes = figure.subplots()
    for season, rows in curves.groupby(level="season", sort=False):
        hour = rows.index.get_level_values("hour")
        colour = COLOURS.get(str(season), "#8172b3")
        axes.fill_between(hour, rows["q10_kw"], rows["q90_kw"], color=colour, alpha=0.12, lw=0)
        axes.plot(hour, rows["mean_kw"], color=colour, label=str(season), lw=1.8)
    axes.axhline(0, color="#999999", lw=0.8)
    axes.set_xticks(range(0, 25, 3))
    axes.set_xlabel("local hour")
    axes.set_ylabel(f"net load [{unit}]")
    axes.set_title(f"{title} (bands: 10 to 90 % of days)" if title else "", fontsize=10)
    axes.legend(frameon=False, fontsize=9, ncols=4, loc="upper left")
    return figure


def event_day_figure(
    load_kw: np.ndarray, truth_kw: np.ndarray, pv_kw: np.ndarray, event: tuple[float, float], title: str = ""
) -> Figure:
    """Mean event day: what homes take from the grid with the program and without.

    Parameters
    ----------
    load_kw, truth_kw, pv_kw : ndarray, shape (n_slots,)
        Use with and without the program, and PV [kW per home].
    event : (float, float)
        Local hours.
    """
    figure = _figure(7.5, 4.0)
    axes = figure.subplots()
    hour = np.arange(len(load_kw) + 1) * 24 / len(load_kw)
    load_kw, truth_kw, pv_kw = (np.append(each, each[-1]) for each in (load_kw, truth_kw, pv_kw))
    axes.axvspan(*event, color="#999999", alpha=0.15, lw=0, label="event")
    axes.step(hour, truth_kw - pv_kw, where="post", color=WITHOUT, label="net load without the program", lw=1.6)
    axes.step(hour, load_kw - pv_kw, where="post", color=WITH, label="with it", lw=1.8)
    axes.step(hour, pv_kw, where="post", color=SUN, label="PV", lw=1.2)
    axes.axhline(0, color="#999999", lw=0.8)
    axes.set_xticks(range(0, 25, 3))
    axes.set_xlabel("local hour (standard time)")
    axes.set_ylabel("mean power [kW per home]")
    axes.set_title(title, fontsize=10)
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    return figure
