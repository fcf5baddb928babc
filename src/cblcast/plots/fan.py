"""What will a farm make, and how sure is that?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE, TIME
from cblcast.plots.event import local_clock, one_method, show_hours, step_end
from cblcast.plots.style import ESTIMATED, METERED, axes_of, legend, quiet
from cblcast.plots.tables import shown_bands

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ISSUED = "nowcast_kw"  # what a nowcast that is issued now calls its estimate


def forecast_fan(
    forecast: pd.DataFrame,
    panel: Panel,
    which: tuple[str, pd.Timestamp] | None = None,
    *,
    hours_before: float = 3.0,
    ax: Axes | None = None,
) -> Axes:
    """One forecast with its quantiles or limits, and what was measured before and after [kW], by the clock of the site.

    Parameters
    ----------
    forecast : DataFrame
        The rows of a nowcast that was issued (``nowcast_kw``, see :class:`cblcast.forecast.nowcast.Issued`), or of one method
        of a backtest.
    panel : Panel
        The measurements.
    which : (site_id, origin), optional
        The newest unless given.
    hours_before : float
        Hours of measurements shown before the origin [h].
    ax : Axes, optional

    Raises
    ------
    DataError
        Rows of several methods, no such forecast, one without an estimate, or one without quantiles or limits.
    """
    method = one_method(forecast)
    rows = forecast.reset_index() if SITE not in forecast.columns else forecast
    rows = rows.rename(columns={_ISSUED: PREDICTED})
    if rows.empty:
        raise DataError("there is no forecast: see the excluded ones for the reasons")
    newest = rows.loc[rows[ORIGIN].idxmax()]
    site, origin = (str(newest[SITE]), newest[ORIGIN]) if which is None else which
    own = rows[(rows[SITE] == site) & (rows[ORIGIN] == origin)].set_index(TIME).sort_index()
    if own.empty or own[PREDICTED].isna().all():
        raise DataError(f"there is no forecast of site {site!r} from {origin}: choose one of its rows")
    bands = shown_bands(own)
    if not bands:
        raise DataError(f"{method} gives neither quantiles nor limits: take one that does, or plots.event")
    tz = str(panel.sites.loc[site, "tz"])
    stop = own.index[-1] + panel.step
    edges = local_clock(own.index.append(pd.DatetimeIndex([stop])), tz)
    axes = axes_of(ax)
    for lower, upper, share in bands:
        words = "limits" if share is None else f"middle {100 * share:g} %"
        low, high, alpha = step_end(own[lower]), step_end(own[upper]), 0.75 / (1 + len(bands))
        axes.fill_between(edges, low, high, label=words, step="post", color=ESTIMATED, alpha=alpha, lw=0)
    load = panel.data.loc[site, OBSERVED].loc[origin - pd.Timedelta(hours=hours_before) : own.index[-1]]
    if len(load):
        times = local_clock(load.index.append(pd.DatetimeIndex([load.index[-1] + panel.step])), tz)
        axes.step(times, step_end(load), where="post", color=METERED, lw=1.4, label="measured")
    axes.step(edges, step_end(own[PREDICTED]), where="post", color=ESTIMATED, lw=2, label=method)
    axes.axvline(local_clock(origin, tz), color="#777777", lw=0.8, ls=":")
    axes.set_ylabel("mean power [kW]")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_xlabel(f"local time ({tz}); dotted: the forecast is issued")
    axes.set_title(f"{site}: forecast of {local_clock(origin, tz):%Y-%m-%d %H:%M}", fontsize=10, loc="left")
    quiet(axes)
    show_hours(axes)
    legend(axes, above=True)
    return axes
