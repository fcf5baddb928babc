"""Figures of commuters: energy by purpose and case, presence by time of day, a map of links by office load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OFFICE, HOME, TRANSPORT = "#4c72b0", "#dd8452", "#55a868"
CASES = ("#333333", "#c44e52", "#4c72b0", "#8172b3", "#937860")
PURPOSE_COLUMNS = {
    "office_kwh": ("office", OFFICE),
    "home_kwh": ("home", HOME),
    "transport_kwh": ("transport", TRANSPORT),
}


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", dpi=110)


def energy_figure(energy: pd.DataFrame, title: str = "") -> Figure:
    """Energy of the base case, and what the other cases differ by (as figure 2 of the commuters paper).

    Parameters
    ----------
    energy : DataFrame, index case (the base first)
        ``office_kwh``, ``home_kwh``, ``transport_kwh`` of a day [kWh].
    """
    figure = _figure(8.0, 3.6)
    left, right = figure.subplots(1, 2, width_ratios=[1, 2.2])
    base = energy.iloc[0]
    others = energy.iloc[1:] - base
    for place, (column, (name, colour)) in enumerate(PURPOSE_COLUMNS.items()):
        left.bar(place, base[column] / 1000, color=colour)
        left.text(place, base[column] / 1000, f"{base[column] / 1000:.4g}", ha="center", va="bottom", fontsize=8)
        right.bar(np.arange(len(others)) + (place - 1) * 0.27, others[column] / 1000, 0.27, color=colour, label=name)
    left.set_xticks(range(3), [name for name, _ in PURPOSE_COLUMNS.values()])
    left.margins(y=0.12)
    left.set_ylabel("energy of a day [MWh]")
    left.set_title(str(energy.index[0]), fontsize=10)
    right.axhline(0, color="#999999", lw=0.8)
    right.set_xticks(range(len(others)), [str(case) for case in others.index])
    right.set_ylabel("difference to the base case [MWh]")
    right.set_title(title, fontsize=10)
    right.legend(fontsize=8, frameon=False)
    return figure


def presence_figure(presence: Mapping[str, np.ndarray], title: str = "", slice_h: float = 0.25) -> Figure:
    """Probability of being at work by time of day, and its difference to the base case (as figure 3).

    Parameters
    ----------
    presence : mapping case -> ndarray, shape (n_slices,)
        The base case first; mean over each slice, between 0 and 1. A lone case has no differences.
    """
    compared = len(presence) > 1
    figure = _figure(8.0 if compared else 4.8, 3.4)
    axes = figure.subplots(1, 1 + compared, sharex=True, squeeze=False)[0]
    base = next(iter(presence.values()))
    for number, (case, values) in enumerate(presence.items()):
        edges = np.arange(len(values) + 1) * slice_h
        colour = CASES[number % len(CASES)]
        axes[0].stairs(values, edges, color=colour, lw=1.3, label=case)
        if number:
            axes[1].stairs(values - base, edges, color=colour, lw=1.3, label=case, baseline=None)
    axes[0].set_ylabel("probability of being at work")
    axes[0].legend(fontsize=8, frameon=False)
    if compared:
        axes[1].axhline(0, color="#999999", lw=0.8)
        axes[1].set_ylabel("difference to the base case")
    for one in axes:
        one.set_xlim(0, 24)
        one.set_xticks(range(0, 25, 4))
        one.set_xlabel("time of day [h]")
    figure.suptitle(title, fontsize=10)
    return figure


def link_map_figure(
    nodes: pd.DataFrame, links: pd.DataFrame, load_kw: pd.Series, title: str = "", label: str = "peak office load [kW]"
) -> Figure:
    """The network with links coloured by a load [kW].

    Parameters
    ----------
    nodes : DataFrame, index node, ``x_m``, ``y_m``
    links : DataFrame, index link, ``from_node``, ``to_node``
    load_kw : Series, index link
        Links without a value are grey.
    """
    from matplotlib.collections import LineCollection

    ends = (
        np.stack([nodes.loc[links[end], ["x_m", "y_m"]].to_numpy() for end in ("from_node", "to_node")], axis=1) / 1000
    )
    known = links.index.get_indexer(load_kw.index)
    load = load_kw[known >= 0].sort_values()
    middle = ends[links.index.get_indexer(load.index)].mean(axis=1)
    low, high = _middle_span(middle)
    width, height = high - low
    figure = _figure(
        float(np.clip(5.6 * width / height, 3.0, 8.0)) + 1.8, float(np.clip(8.0 * height / width, 3.0, 6.0)) + 0.6
    )
    axes = figure.subplots()
    axes.add_collection(LineCollection(list(ends), colors="#d0d0d0", linewidths=0.5, zorder=1))
    # A city's links are too short to see; a dot stands for what lies on one, the largest on top.
    size = 4 + 60 * load.to_numpy() / max(load.max(), 1e-9)
    dots = axes.scatter(
        middle[:, 0], middle[:, 1], c=load.to_numpy(), s=size, cmap="viridis", zorder=2, edgecolors="none"
    )
    figure.colorbar(dots, ax=axes, label=label, shrink=0.7)
    axes.set_aspect("equal")
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_xlabel("x [km]")
    axes.set_ylabel("y [km]")
    axes.set_title(title, fontsize=10)
    return figure


def _middle_span(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where nearly all points lie, with a margin, wider than a point."""
    low, high = np.quantile(points, 0.005, axis=0), np.quantile(points, 0.995, axis=0)
    margin = np.maximum(0.08 * (high - low).max(), 1.0)
    return low - margin, high + margin
