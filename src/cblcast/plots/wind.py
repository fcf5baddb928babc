"""What does a farm make at a wind speed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.errors import DataError, nearest
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.plots.style import BLUE, OTHER, VERMILION, axes_of, legend, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def power_curve(
    panel: Panel,
    speed: str = "wind_speed_nacelle_ms",
    site: str | None = None,
    *,
    bin_ms: float = 0.5,
    most: int = 5000,
    ax: Axes | None = None,
) -> Axes:
    """Power over wind speed, with the median and the middle 90 % of each bin [kW].

    Bins are half a metre a second wide as in IEC 61400-12-1, clause on the method of bins; those with fewer than five readings
    are left out.

    Parameters
    ----------
    panel : Panel
    speed : str
        Column of the wind speed [m/s].
    site : str, optional
        The first unless given.
    most : int
        How many readings are drawn as marks, evenly through time.
    """
    if speed not in panel.data.columns:
        raise DataError(f"the panel has no column {speed!r}: {nearest(speed, map(str, panel.data.columns))}")
    name = str(panel.site_ids[0]) if site is None else site
    rows = panel.data.xs(name, level=SITE)[[speed, OBSERVED]].dropna()
    if rows.empty:
        raise DataError(f"site {name!r} has no reading with both {speed} and power")
    axes = axes_of(ax, height=4.5)
    some = rows.iloc[:: max(1, len(rows) // most)]
    axes.scatter(some[speed], some[OBSERVED], s=2, color=OTHER, alpha=0.35, lw=0, label="readings")
    place = np.floor(rows[speed] / bin_ms) * bin_ms + bin_ms / 2
    bins = rows[OBSERVED].groupby(place).quantile([0.05, 0.5, 0.95]).unstack()
    bins = bins[rows[OBSERVED].groupby(place).size() >= 5]
    axes.fill_between(bins.index, bins[0.05], bins[0.95], color=BLUE, alpha=0.2, lw=0, label="middle 90 % of a bin")
    axes.plot(bins.index, bins[0.5], color=VERMILION, lw=2, label="median of a bin")
    rated = panel.sites["rated_kw"].get(name) if "rated_kw" in panel.sites.columns else None
    if rated is not None and pd.notna(rated):
        axes.axhline(float(rated), color="#777777", lw=0.8, ls="--", label=f"rated power, {float(rated):g} kW")
    axes.set_xlabel("wind speed [m/s]")
    axes.set_ylabel("mean power [kW]")
    axes.set_title(f"{name}: power curve", fontsize=10, loc="left")
    quiet(axes, grid="both")
    legend(axes, loc="lower right", markerscale=4)
    return axes
