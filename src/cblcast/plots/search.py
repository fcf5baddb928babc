"""What did a search find, and which parameter mattered?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.plots.style import BLUE, OTHER, SKY, VERMILION, axes_of, legend, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def tuning_history(
    trials: pd.DataFrame, given: float | None = None, metric: str = "error", *, ax: Axes | None = None
) -> Axes:
    """Error of each trial and the least so far.

    Parameters
    ----------
    trials : DataFrame, index number
        ``state`` and ``value`` as :func:`cblcast.tuning.tune` leaves them.
    given : float, optional
        Error of the method as it was given: a line.
    metric : str
        What the value is.
    """
    known = trials[np.isfinite(trials["value"].to_numpy(dtype=float))].sort_index()
    if known.empty:
        raise DataError("no trial has a value: there is nothing to show")
    from matplotlib.ticker import MaxNLocator

    axes = axes_of(ax)
    complete = known[known["state"] == "complete"]
    stopped = known[known["state"] != "complete"]
    axes.plot(complete.index, complete["value"], "o", color=BLUE, ms=4, label="trial")
    if len(stopped):
        axes.plot(stopped.index, stopped["value"], "x", color=OTHER, ms=5, label="stopped early")
    axes.step(complete.index, complete["value"].cummin(), where="post", color=VERMILION, lw=1.5, label="least so far")
    if given is not None and np.isfinite(given):
        axes.axhline(given, color="#777777", lw=1, ls="--", label="as given")
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel(f"{metric}, mean of the folds")
    axes.set_title(f"{len(trials)} trials, {len(complete)} carried to the end", fontsize=10, loc="left")
    quiet(axes)
    legend(axes)
    return axes


def tuning_importance(importance: Mapping[str, float], *, ax: Axes | None = None) -> Axes:
    """Share of the variation of the error that each searched parameter accounts for."""
    if not importance:
        raise DataError("no parameter has an importance: it takes several trials that were carried to the end")
    shown = pd.Series(dict(importance)).sort_values()
    axes = axes_of(ax, height=1.2 + 0.35 * len(shown))
    axes.barh(range(len(shown)), 100 * shown.to_numpy(), color=SKY, height=0.6)
    axes.set_yticks(range(len(shown)), [name.replace("estimator__", "") for name in shown.index], fontsize=8)
    axes.set_xlabel("share of the error's variation [%]")
    axes.set_title(f"{shown.index[-1].replace('estimator__', '')} matters most", fontsize=10, loc="left")
    quiet(axes, grid="x")
    return axes
