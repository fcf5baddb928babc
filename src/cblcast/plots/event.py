"""What did the meter read around one event, and what does the estimate say it would have read?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.panel import Panel
from cblcast.frames.schema import LOWER, OBSERVED, ORIGIN, PREDICTED, SITE, UPPER
from cblcast.plots.style import ESTIMATED, EVENT_SHADE, METERED, TRUTH, axes_of, legend, quiet
from cblcast.plots.tables import event_errors, shown_events

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WHICH = ("best", "median", "worst")


def event(
    scored: pd.DataFrame,
    panel: Panel,
    which: str | tuple[str, pd.Timestamp] = "median",
    *,
    hours_beside: float = 8.0,
    ax: Axes | None = None,
) -> Axes:
    """Metered power around one event, and the estimate with its limits within it [kW], by the clock of the site.

    Parameters
    ----------
    scored : DataFrame, index (site_id, origin, time)
        Of one method.
    panel : Panel
    which : {"best", "median", "worst"} or (site_id, origin)
        By the mean absolute error of the event.
    hours_beside : float
        Hours shown before and after [h].
    ax : Axes, optional

    Raises
    ------
    DataError
        Rows of several methods, or no such event.
    """
    method = one_method(scored)
    site, origin = chosen_event(scored, which) if isinstance(which, str) else which
    try:
        rows = scored.xs((site, origin), level=(SITE, ORIGIN)).sort_index()
    except KeyError:
        raise DataError(f"no event of site {site!r} was scored at {origin}: choose one of its index") from None
    tz = str(panel.sites.loc[site, "tz"])
    stop = rows.index[-1] + panel.step
    beside = pd.Timedelta(hours=hours_beside)
    load = panel.data.loc[site, OBSERVED].loc[origin - beside : stop + beside]
    axes = axes_of(ax)
    axes.axvspan(local_clock(origin, tz), local_clock(stop, tz), color=EVENT_SHADE, zorder=0, label="event")
    axes.step(local_clock(load.index, tz), load.to_numpy(), where="post", color=METERED, lw=1.4, label="metered")
    edges = local_clock(rows.index.append(pd.DatetimeIndex([stop])), tz)
    if load.reindex(rows.index).isna().any():  # a real event is masked; it is judged only where its truth is known
        axes.step(edges, step_end(rows[OBSERVED]), where="post", color=TRUTH, lw=1.4, ls=":", label="without the event")
    axes.step(edges, step_end(rows[PREDICTED]), where="post", color=ESTIMATED, lw=2, label=method)
    if np.isfinite(rows[LOWER]).all() and np.isfinite(rows[UPPER]).all():
        axes.fill_between(
            edges,
            step_end(rows[LOWER]),
            step_end(rows[UPPER]),
            step="post",
            color=ESTIMATED,
            alpha=0.2,
            lw=0,
            label="limits",
        )
    axes.set_ylabel("mean power [kW]")
    axes.set_ylim(bottom=min(0, float(np.nanmin(load.to_numpy()))))
    what = f"; the event of {which} error" if isinstance(which, str) else ""
    axes.set_title(f"{method}: {site}, {local_clock(origin, tz):%Y-%m-%d}{what}", fontsize=10, loc="left")
    axes.set_xlabel(f"local time ({tz})")
    quiet(axes)
    legend(axes)
    show_hours(axes)
    return axes


def chosen_event(scored: pd.DataFrame, which: str = "median") -> tuple[str, pd.Timestamp]:
    """The event whose mean absolute error is the least, the median or the largest one."""
    if which not in _WHICH:
        raise DataError(f"an event is best, median or worst, or (site_id, origin), not {which!r}")
    if scored.empty:
        raise DataError("no event was scored: see the excluded ones for the reasons")
    site, origin = shown_events(event_errors(scored, 1.0))[f"{which}_event"]
    return str(site), origin


def one_method(scored: pd.DataFrame) -> str:
    """The method of a scored frame; several are drawn one by one."""
    if "method" not in scored.columns:
        return "estimate"
    names = scored["method"].unique()
    if len(names) > 1:
        raise DataError(
            f"the frame holds {len(names)} methods: choose one, scored[scored['method'] == {str(names[0])!r}]"
        )
    return str(names[0]) if len(names) else "estimate"


def step_end(values: pd.Series) -> np.ndarray:
    """With the last value once more, so that a step line ends where the event does."""
    return np.r_[values, values.iloc[-1]]


def local_clock(times: pd.Timestamp | pd.DatetimeIndex, tz: str) -> Any:
    """Wall clock without zone, which is what matplotlib should print."""
    return times.tz_convert(tz).tz_localize(None)


def show_hours(axes: Axes) -> None:
    """Label the axis of time with as few words as it needs."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
