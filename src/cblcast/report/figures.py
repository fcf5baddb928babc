"""Figures of a scored frame: one event per method, and the error by hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.frames.instants import DAY_US, HOUR_US, local_microseconds, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import LOWER, OBSERVED, ORIGIN, PREDICTED, SITE, UPPER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METERED, ESTIMATED, SHADE = "#333333", "#c44e52", "#f1e3c6"


def empty_figure(width: float = 8.0, height: float = 3.6) -> Figure:
    """An empty figure with fixed margins: a layout engine would draw everything a second time to find them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=90)
    figure.subplots_adjust(left=0.085, right=0.985, top=0.915, bottom=0.125)
    return figure


def typical_event(scored: pd.DataFrame) -> tuple[str, pd.Timestamp]:
    """The event whose absolute error is the median one: neither the best nor the worst picture."""
    error = (scored[PREDICTED] - scored[OBSERVED]).abs().groupby([SITE, ORIGIN]).mean().sort_values(kind="stable")
    site, origin = error.index[len(error) // 2]
    return str(site), origin


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
    event : (site_id, origin), optional
        The event of median error unless given.
    hours_beside : float
        Hours shown before and after [h].
    """
    site, origin = event or typical_event(scored)
    rows = scored.xs((site, origin), level=(SITE, ORIGIN)).sort_index()
    tz = str(panel.sites.loc[site, "tz"])
    stop = rows.index[-1] + panel.step
    beside = pd.Timedelta(hours=hours_beside)
    load = panel.data.loc[site, OBSERVED].loc[origin - beside : stop + beside]
    figure = empty_figure()
    axes = figure.subplots()
    axes.axvspan(_local(origin, tz), _local(stop, tz), color=SHADE, zorder=0, label="event")
    axes.step(_local(load.index, tz), load.to_numpy(), where="post", color=METERED, lw=1.4, label="metered")
    edges = rows.index.append(pd.DatetimeIndex([stop]))
    if load.reindex(rows.index).isna().any():  # a real event is masked; it is judged only where its truth is known
        truth = np.r_[rows[OBSERVED], rows[OBSERVED].iloc[-1]]
        axes.step(_local(edges, tz), truth, where="post", color=METERED, lw=1.4, ls=":", label="without the event")
    axes.step(
        _local(edges, tz),
        np.r_[rows[PREDICTED], rows[PREDICTED].iloc[-1]],
        where="post",
        color=ESTIMATED,
        lw=2,
        label=method,
    )
    if np.isfinite(rows[LOWER]).all() and np.isfinite(rows[UPPER]).all():
        axes.fill_between(
            _local(edges, tz),
            np.r_[rows[LOWER], rows[LOWER].iloc[-1]],
            np.r_[rows[UPPER], rows[UPPER].iloc[-1]],
            step="post",
            color=ESTIMATED,
            alpha=0.2,
            lw=0,
            label="interval",
        )
    axes.set_ylabel("mean power [kW]")
    axes.set_ylim(bottom=min(0, float(np.nanmin(load.to_numpy()))))
    axes.set_title(f"{method}: {site}, {_local(origin, tz):%Y-%m-%d} ({tz}); the event of median error", fontsize=10)
    axes.legend(loc="best", fontsize=8, frameon=False)
    _hours(axes)
    return figure


def error_by_hour_figure(panel: Panel, scored: pd.DataFrame, method: str) -> Figure:
    """Bias and mean absolute error by local hour, each over the mean load of that hour [%]; bias > 0 overestimates."""
    table = error_by_hour(panel, scored)
    figure = empty_figure()
    axes = figure.subplots()
    axes.axhline(0, color="#999999", lw=0.8)
    axes.bar(table.index, table["mape"], width=0.6, color="#a8c4dd", label="mean absolute error (MAPE)")
    axes.plot(table.index, table["mpe"], "o", color=ESTIMATED, label="bias (MPE, > 0 overestimates)")
    axes.set_xticks(table.index)
    axes.set_xlabel("local hour")
    axes.set_ylabel("% of mean load")
    axes.set_title(f"{method}: error by hour", fontsize=10)
    axes.legend(loc="best", fontsize=8, frameon=False)
    return figure


def error_by_hour(panel: Panel, scored: pd.DataFrame) -> pd.DataFrame:
    """MPE and MAPE by local hour [%], index ``hour``."""
    tz = panel.sites["tz"].reindex(scored.index.get_level_values(SITE)).to_numpy(dtype=object)
    hour = local_microseconds(microseconds(scored.index.get_level_values("time")), tz) % DAY_US // HOUR_US
    error = (scored[PREDICTED] - scored[OBSERVED]).to_numpy()
    grouped = (
        pd.DataFrame({"error": error, "absolute": np.abs(error), "load": scored[OBSERVED].to_numpy()})
        .groupby(hour)
        .mean()
    )
    grouped.index.name = "hour"
    return pd.DataFrame(
        {"mpe": 100 * grouped["error"] / grouped["load"], "mape": 100 * grouped["absolute"] / grouped["load"]}
    )


def _local(times: pd.Timestamp | pd.DatetimeIndex, tz: str) -> pd.Timestamp | pd.DatetimeIndex:
    """Wall clock without zone, which is what matplotlib should print."""
    return times.tz_convert(tz).tz_localize(None)


def _hours(axes: object) -> None:
    from matplotlib.dates import DateFormatter, HourLocator

    axes.xaxis.set_major_locator(HourLocator(interval=2))  # type: ignore[attr-defined]
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))  # type: ignore[attr-defined]
