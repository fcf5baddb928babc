"""Do the limits hold what they promise?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cblcast.errors import DataError
from cblcast.frames.schema import LOWER, UPPER
from cblcast.plots.style import BLUE, ORANGE, axes_of, legend, quiet
from cblcast.plots.tables import interval_coverage

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def coverage(
    scored: pd.DataFrame, nominal: float | None = None, *, draws: int = 400, seed: int = 0, ax: Axes | None = None
) -> Axes:
    """Share of observations within the limits, a row each method, with its 90 % interval by event [%].

    Observations of one event err together, so the interval draws whole events with replacement.

    Parameters
    ----------
    scored : DataFrame, index (site_id, origin, time)
        One or several methods with ``lower_kw`` and ``upper_kw``.
    nominal : float, optional
        What the limits promise, in (0, 1): a line.
    draws, seed : int
        Of the bootstrap.
    """
    known = scored[np.isfinite(scored[[LOWER, UPPER]].to_numpy(dtype=float)).all(axis=1)]
    if known.empty:
        raise DataError("no row has limits: give the study intervals, e.g. intervals: 0.9")
    table = interval_coverage(known if "method" in known.columns else known.assign(method="limits"), None, draws, seed)
    names = list(table.index)
    axes = axes_of(ax, height=1.2 + 0.3 * len(names))
    for place, name in enumerate(names):
        row = table.loc[name]
        axes.plot([row["coverage_low"], row["coverage_high"]], [place, place], color=BLUE, lw=2)
        axes.plot(row["coverage"], place, "o", color=BLUE, ms=6)
    if nominal is not None:
        axes.axvline(100 * nominal, color=ORANGE, lw=1.5, ls="--", label=f"promised: {100 * nominal:g} %")
        legend(axes, above=True)
    axes.set_yticks(range(len(names)), [str(name) for name in names], fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("observations within the limits [%], with 90 % interval by event")
    axes.set_title("Do the limits hold what they promise?", fontsize=10, loc="left")
    quiet(axes, grid="x")
    return axes
