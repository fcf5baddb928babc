"""When does a method err, and how do bias and spread of methods compare?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.errors import DataError, nearest
from cblcast.frames.instants import DAY_US, HOUR_US, local_microseconds, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE, TIME
from cblcast.plots.event import one_method
from cblcast.plots.leaderboard import measure_words
from cblcast.plots.style import BLUE, GREEN, LEAN, MAGNITUDE, SERIES, axes_of, legend, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
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
    axes.set_xticks(places, _ticks(table.index, by))
    axes.set_xlabel(_LABELS[by])
    axes.set_ylabel("% of mean load")
    axes.set_title(f"{method}: error by {by}", fontsize=10, loc="left")
    quiet(axes)
    legend(axes, above=True)
    return axes


def error_table(scored: pd.DataFrame, panel: Panel, by: str = "hour") -> pd.DataFrame:
    """MPE and MAPE by group [%] with the number of intervals ``n``; temperatures in bins of 5 °C, named by their middle."""
    group = _group(scored, panel, by)
    error = (scored[PREDICTED] - scored[OBSERVED]).to_numpy()
    frame = pd.DataFrame({"error": error, "absolute": np.abs(error), "load": scored[OBSERVED].to_numpy()})
    kept = frame.groupby(group)
    means = kept.mean()
    scale = means["load"].abs()
    return pd.DataFrame(
        {"mpe": 100 * means["error"] / scale, "mape": 100 * means["absolute"] / scale, "n": kept.size()}
    )


def _group(scored: pd.DataFrame, panel: Panel, by: str) -> pd.Series:
    if by not in BY:
        raise DataError(f"errors are grouped by {', '.join(BY)}, not by {by!r}: {nearest(by, BY)}")
    if by == "temperature":
        if "temp_air_c" not in panel.data.columns:
            raise DataError("the panel has no temperature: attach weather with temp_air_c, or group by hour")
        at = pd.MultiIndex.from_arrays([scored.index.get_level_values(SITE), scored.index.get_level_values(TIME)])
        temperature = panel.data["temp_air_c"].reindex(at).to_numpy(dtype=float)
        return pd.Series(np.floor(temperature / 5) * 5 + 2.5, name=by)
    tz = panel.sites["tz"].reindex(scored.index.get_level_values(SITE)).to_numpy(dtype=object)
    local = local_microseconds(microseconds(scored.index.get_level_values(TIME)), tz)
    if by == "hour":
        return pd.Series(local % DAY_US // HOUR_US, name=by)
    days = pd.DatetimeIndex(local.astype("M8[us]"))
    return pd.Series(days.day_of_week if by == "weekday" else days.month, name=by)


def _ticks(index: pd.Index, by: str) -> list[str]:
    if by == "weekday":
        return [_DAYS[int(day)] for day in index]
    return [_MONTHS[int(month) - 1] for month in index] if by == "month" else [f"{value:g}" for value in index]


def bias_and_spread(board: pd.DataFrame, *, most: int = 12, ax: Axes | None = None) -> Axes:
    """Methods by bias (MPE) and size of error (nRMSE): good ones lie low and near zero.

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
    axes.scatter(shown["mpe"], shown["nrmse"], color=[GREEN, *[BLUE] * (len(shown) - 1)], s=28, zorder=3)
    for number, (name, row) in enumerate(shown.head(most).iterrows()):
        away = (6, 3) if number % 2 == 0 else (6, -9)
        axes.annotate(str(name), (row["mpe"], row["nrmse"]), away, textcoords="offset points", fontsize=7.5)
    axes.set_xlabel("bias: MPE [%], > 0 overestimates")
    axes.set_ylabel(f"size of error: {measure_words('nrmse')}")
    axes.set_ylim(bottom=0)
    axes.set_title("Bias against size of error", fontsize=10, loc="left")
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
    origin, time = (pd.DatetimeIndex(scored.index.get_level_values(level)) for level in (ORIGIN, TIME))
    lead = (time - origin).total_seconds().to_numpy() / 60
    lead = lead + np.min(np.diff(np.unique(lead)), initial=lead.max() + 1) if lead.min() == 0 else lead
    methods = scored["method"].to_numpy() if "method" in scored.columns else np.full(len(scored), "nowcast")
    scale = float(np.abs(scored[OBSERVED].mean())) if rated_kw is None else rated_kw
    square = pd.Series(((scored[PREDICTED] - scored[OBSERVED]) ** 2).to_numpy())
    table = 100 * np.sqrt(square.groupby([methods, lead]).mean()) / scale
    axes = axes_of(ax)
    for number, name in enumerate(dict.fromkeys(methods)):
        axes.plot(
            table[name].index, table[name], "o-", ms=3, lw=1.5, color=SERIES[number % len(SERIES)], label=str(name)
        )
    axes.set_xlabel("lead: end of the interval after the issue [min]")
    axes.set_ylabel(f"nRMSE [% of {'mean power' if rated_kw is None else 'rated power'}]")
    axes.set_ylim(bottom=0)
    axes.set_title("Error by lead time", fontsize=10, loc="left")
    quiet(axes)
    legend(axes)
    return axes
