"""Figures of a scored frame, for files: one event per method, and the error by hour, as :mod:`cblcast.plots` draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cblcast import plots
from cblcast.frames.panel import Panel
from cblcast.plots.style import figure_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def empty_figure(width: float = 8.0, height: float = 3.6) -> Figure:
    """An empty figure with fixed margins: a layout engine would draw everything a second time to find them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=90)
    figure.subplots_adjust(left=0.085, right=0.985, top=0.915, bottom=0.125)
    return figure


def event_figure(
    panel: Panel,
    scored: pd.DataFrame,
    method: str,
    event: tuple[str, pd.Timestamp] | None = None,
    hours_beside: float = 8.0,
) -> Figure:
    """Metered load around one event and the estimate within it [kW].

    Parameters
    ----------
    panel : Panel
    scored : DataFrame
        Scored rows of one method.
    method : str
        What the estimate is called.
    event : (site_id, origin), optional
        The event of median error unless given.
    hours_beside : float
        Hours shown before and after [h].
    """
    return figure_of(plots.event, scored.assign(method=method), panel, event or "median", hours_beside=hours_beside)


def error_by_hour_figure(panel: Panel, scored: pd.DataFrame, method: str) -> Figure:
    """Bias and mean absolute error by local hour, each over the mean load of that hour [%]; bias > 0 overestimates."""
    return figure_of(plots.error_by, scored.assign(method=method), panel, "hour")
