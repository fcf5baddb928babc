"""Figures of nowcasts: a measure against the lead, and how often the power stays below what was promised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.frames.schema import OBSERVED, ORIGIN, TIME, quantile_levels
from cblcast.metrics import UNITS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OWN, OTHERS, IDEAL = "#c44e52", "#9aa7b4", "#333333"
_IN_WORDS = {"kw": "kW", "pct": "%"}
PARTS = 3  # of the leads: the nearest, the middle and the furthest third are drawn apart


def reliability(scored: pd.DataFrame) -> pd.DataFrame:
    """How often the power stayed below each quantile, by thirds of the leads.

    Parameters
    ----------
    scored : DataFrame, index (site_id, origin, time)
        Rows of one method with ``q05_kw`` …; without these its limits stand for nothing and are not drawn.

    Returns
    -------
    DataFrame, index (ahead, level)
        ``ahead`` in words, ``observed_share`` [1], ``n_intervals``.
    """
    levels = quantile_levels(scored.columns[scored.notna().all()])
    ahead = _minutes_ahead(scored)
    known = np.unique(ahead)
    parts = [part for part in np.array_split(known, min(PARTS, len(known))) if len(part)]
    rows = []
    for part in parts:
        mine = scored[(ahead >= part[0]) & (ahead <= part[-1])]
        name = f"{part[0]:g} to {part[-1]:g} min after the origin"
        y = mine[OBSERVED].to_numpy()
        rows += [
            {
                "ahead": name,
                "level": level,
                "observed_share": float((y <= mine[q].to_numpy()).mean()),
                "n_intervals": len(y),
            }
            for q, level in levels.items()
        ]
    return pd.DataFrame(rows, columns=["ahead", "level", "observed_share", "n_intervals"]).set_index(["ahead", "level"])


def reliability_figure(scored: pd.DataFrame, method: str) -> Figure:
    """Reliability diagram of one method: share of intervals below a quantile against its level, by thirds of the leads."""
    table = reliability(scored)
    figure = _figure(4.6, 4.4)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=IDEAL, lw=0.8, label="as promised")
    for shade, (name, part) in zip(("#4c72b0", "#55a868", OWN), table.groupby(level="ahead", sort=False), strict=False):
        axes.plot(
            part.index.get_level_values("level"), part["observed_share"], "o-", ms=3, lw=1.2, color=shade, label=name
        )
    axes.set_xlabel("quantile level")
    axes.set_ylabel("share of intervals below it")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_title(f"{method}: reliability", fontsize=10)
    axes.legend(loc="upper left", fontsize=7, frameon=False)
    return figure


def by_lead_figure(table: pd.DataFrame, measure: str, method: str, nominal: float | None = None) -> Figure:
    """A measure against the lead [min], of one method among the others.

    Parameters
    ----------
    table : DataFrame, index (method, lead_min)
    measure : str
        Column of `table`.
    method : str
        The one that stands out.
    nominal : float, optional
        Coverage that was asked for, in (0, 1), drawn as a line.
    """
    figure = _figure(8.0, 3.6)
    axes = figure.subplots()
    names = [name for name in table.index.unique("method") if name != method]
    for name in names:
        own = table[measure].xs(name, level="method")
        axes.plot(own.index, own, "-", lw=1, color=OTHERS)
        end = (own.index[-1], own.iloc[-1])
        axes.annotate(name, end, fontsize=7, color=OTHERS, xytext=(2, 0), textcoords="offset points")
    own = table[measure].xs(method, level="method")
    axes.plot(own.index, own, "o-", ms=4, lw=2, color=OWN, label=method)
    if nominal is not None and measure == "coverage":
        axes.axhline(100 * nominal, color=IDEAL, lw=0.8, ls=":", label=f"asked for: {100 * nominal:g} %")
    unit = _IN_WORDS.get(UNITS.get(measure, ""), "")
    axes.set_xlabel("lead [min]")
    axes.set_ylabel(f"{measure} [{unit}]" if unit else measure)
    axes.set_title(f"{method}: {measure} by lead", fontsize=10)
    axes.legend(loc="best", fontsize=8, frameon=False)
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=90)
    figure.subplots_adjust(left=0.85 / width, right=1 - 0.3 / width, top=1 - 0.3 / height, bottom=0.5 / height)
    return figure


def _minutes_ahead(scored: pd.DataFrame) -> np.ndarray:
    ahead = scored.index.get_level_values(TIME) - scored.index.get_level_values(ORIGIN)
    return np.asarray(ahead / pd.Timedelta(minutes=1), dtype=np.float64)
