"""When does a method err, and how do bias and spread of methods compare?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.errors import DataError, nearest
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, TIME
from cblcast.plots import tables
from cblcast.plots.event import one_method
from cblcast.plots.style import BLUE, GREEN, LEAN, MAGNITUDE, SERIES, axes_of, legend, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MOST_TICKS = 24
BY = ("hour", "weekday", "month", "temperature")
_LABELS = {"hour": "local hour", "weekday": "", "month": "", "temperature": "outdoor temperature [°C]"}


def error_by(scored: pd.DataFrame, panel: Panel, by: str = "hour", *, ax: Axes | None = None) -> Axes:
    """Mean absolute error and bias of one method by local hour, weekday, month or temperature [% of the mean load then].

    Parameters
    ----------
    scored : DataFrame, index (site_id, origin, time)
    panel : Panel
        With ``temp_air_c`` where `by` is temperature.
    by : {"hour", "weekday", "month", "temperature"}
    ax : Axes, optional

    Raises
    ------
    DataError
    """
    method, table = one_method(scored), error_table(scored, panel, by)
    axes = axes_of(ax)
    places = np.arange(len(table))
    axes.axhline(0, color="#777777", lw=0.8)
    axes.bar(places, table["mape"], width=0.6, color=MAGNITUDE, label="MAPE")
    axes.plot(places, table["mpe"], "D", color=LEAN, ms=5, label="MPE, > 0 overestimates")
    every = -(-len(table) // _MOST_TICKS)
    axes.set_xticks(places[::every], _ticks(table.index[::every], by))
    axes.set_xlabel(_LABELS[by])
    axes.set_ylabel("% of mean load")
    axes.set_title(f"{method}: error by {by}", fontsize=10, loc="left")
    quiet(axes)
    legend(axes, above=True)
    return axes


def error_table(scored: pd.DataFrame, panel: Panel, by: str = "hour") -> pd.DataFrame:
    """Errors by group, see :func:`cblcast.plots.tables.errors_by`; temperatures in fifths, named by their mean."""
    if by not in BY:
        raise DataError(f"errors are grouped by {', '.join(BY)}, not by {by!r}: {nearest(by, BY)}")
    if by == "temperature":
        if tables.TEMPERATURE not in panel.data.columns:
            raise DataError("the panel has no temperature: attach weather with temp_air_c, or group by hour")
        return tables.error_by_temperature(scored, panel, fewest=1)
    group = {"hour": tables.error_by_hour, "weekday": tables.error_by_weekday, "month": tables.error_by_month}[by]
    return group(scored, panel.sites["tz"], fewest=1)


def _ticks(index: pd.Index, by: str) -> list[str]:
    if by == "weekday":
        return [_DAYS[int(day)] for day in index]
    return [str(month) for month in index] if by == "month" else [f"{value:.3g}" for value in index]


def bias_and_spread(board: pd.DataFrame, *, most: int = 12, ax: Axes | None = None) -> Axes:
    """Methods by bias (MPE) and spread, what is left of nRMSE without it: good ones lie low and near zero.

    Parameters
    ----------
    board : DataFrame, index method
        With ``mpe`` and ``nrmse`` [%].
    most : int
        How many of the best have their name beside their mark.
    """
    for name in ("mpe", "nrmse"):
        if name not in board.columns:
            raise DataError(f"the leaderboard has no column {name!r}: evaluate with the metrics mpe and nrmse")
    shown = board[np.isfinite(board[["mpe", "nrmse"]].to_numpy(dtype=float)).all(axis=1)].sort_values("nrmse")
    axes = axes_of(ax, height=4.5)
    axes.axvline(0, color="#777777", lw=0.8)
    spread = tables.spread(shown)
    axes.scatter(shown["mpe"], spread, color=[GREEN, *[BLUE] * (len(shown) - 1)], s=28, zorder=3)
    for number, (name, row) in enumerate(shown.head(most).iterrows()):
        away = (6, 3) if number % 2 == 0 else (6, -9)
        axes.annotate(str(name), (row["mpe"], spread[name]), away, textcoords="offset points", fontsize=7.5)
    axes.set_xlabel("bias: MPE [%], > 0 overestimates")
    axes.set_ylabel("spread: what is left of nRMSE without the bias [%]")
    axes.set_ylim(bottom=0)
    axes.set_title("Bias against spread", fontsize=10, loc="left")
    quiet(axes, grid="both")
    return axes


def error_by_lead(scored: pd.DataFrame, rated_kw: float | None = None, *, ax: Axes | None = None) -> Axes:
    """nRMSE of nowcasts by lead time, a line each method [% of the rated power].

    Parameters
    ----------
    scored : DataFrame, index (site_id, origin, time)
        One or several methods.
    rated_kw : float, optional
        What the RMSE is divided by [kW]; the mean of the observations unless given.
    """
    if scored.empty:
        raise DataError("no nowcast was scored: see the excluded ones for the reasons")
    own = scored if "method" in scored.columns else scored.assign(method="nowcast")
    sites = own.index.unique(SITE)
    scale = None if rated_kw is None else pd.Series(float(rated_kw), index=sites)
    table = tables.error_by_lead(own, _step(own), scale)
    axes = axes_of(ax)
    for number, (name, row) in enumerate(table.iterrows()):
        axes.plot(row.index, row, "o-", ms=3, lw=1.5, color=SERIES[number % len(SERIES)], label=str(name))
    axes.set_xlabel("lead: end of the interval after the issue [min]")
    axes.set_ylabel(f"nRMSE [% of {'mean power' if rated_kw is None else 'rated power'}]")
    axes.set_ylim(bottom=0)
    axes.set_title("Error by lead time", fontsize=10, loc="left")
    quiet(axes)
    legend(axes)
    return axes


def _step(scored: pd.DataFrame) -> pd.Timedelta:
    """Length of an interval, as the rows tell it."""
    times = pd.DatetimeIndex(scored.index.unique(TIME)).sort_values()
    return times.to_series().diff().min() if len(times) > 1 else pd.Timedelta(hours=1)
