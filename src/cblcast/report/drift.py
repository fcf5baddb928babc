"""Figure of a refitted backtest: the error of each method by span."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.report.figures import empty_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_LABELS = 12


def drift_figure(table: pd.DataFrame, measure: str, refit: str) -> Figure:
    """One measure by span, a line for each method.

    Parameters
    ----------
    table : DataFrame, index (method, span)
        As :func:`cblcast.workflow.leaderboard.drift` makes it.
    measure : str
        A column of `table`.
    refit : str
        How often was refitted, for the title.
    """
    wide = table[measure].unstack("method")
    wide = wide.reindex(table.index.unique("span"))[list(table.index.unique("method"))]
    figure = empty_figure()
    axes = figure.subplots()
    place = np.arange(len(wide))
    for method in wide.columns:
        axes.plot(place, wide[method].to_numpy(dtype=np.float64), "o-", lw=1.4, ms=3, label=str(method))
    every = -(-len(wide) // MOST_LABELS)
    axes.set_xticks(place[::every], [str(span) for span in wide.index[::every]], fontsize=8)
    axes.set_ylabel(measure)
    axes.set_ylim(bottom=min(0.0, float(np.nanmin(wide.to_numpy(dtype=np.float64), initial=0.0))))
    axes.set_title(f"{measure} by span (refit {refit})", fontsize=10)
    axes.legend(loc="best", fontsize=8, frameon=False)
    return figure
