"""What does a farm make at a wind speed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.errors import DataError, nearest
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.physics.power_curve import fit_power_curve
from cblcast.plots.style import BLUE, ORANGE, OTHER, VERMILION, axes_of, legend, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def power_curve(
    panel: Panel,
    speed: str = "wind_speed_nacelle_ms",
    site: str | None = None,
    *,
    flags: pd.DataFrame | None = None,
    most: int = 5000,
    ax: Axes | None = None,
) -> Axes:
    """Power over wind speed, with the mean and the spread of each bin [kW], by :func:`cblcast.physics.power_curve.fit_power_curve`.

    Parameters
    ----------
    panel : Panel
    speed : str
        Column of the wind speed [m/s].
    site : str, optional
        The first unless given.
    flags : DataFrame, optional
        Readings that are no free operation, True in any column, as :func:`cblcast.io.scada.flag_turbines` finds them: drawn
        apart, and not in the bins.
    most : int
        How many readings are drawn as marks, evenly through time.
    """
    if speed not in panel.data.columns:
        raise DataError(f"the panel has no column {speed!r}: {nearest(speed, map(str, panel.data.columns))}")
    name = str(panel.site_ids[0]) if site is None else site
    rows = panel.data.xs(name, level=SITE)[[speed, OBSERVED]]
    out = np.zeros(len(rows), dtype=bool) if flags is None else flags.xs(name, level=SITE).to_numpy().any(axis=1)
    known = rows.notna().all(axis=1).to_numpy()
    if not known.any():
        raise DataError(f"site {name!r} has no reading with both {speed} and power")
    curve = fit_power_curve(rows[speed][~out], rows[OBSERVED][~out])
    axes = axes_of(ax, height=4.5)
    for chosen, colour, label in ((known & ~out, OTHER, "readings"), (known & out, ORANGE, "flagged")):
        if chosen.any():
            some = rows[chosen].iloc[:: max(1, int(known.sum()) // most)]
            axes.scatter(some[speed], some[OBSERVED], s=2, color=colour, alpha=0.35, lw=0, label=label)
    low, high = curve.power - curve.spread, curve.power + curve.spread
    axes.fill_between(curve.speed, low, high, color=BLUE, alpha=0.2, lw=0, label="one spread of a bin")
    axes.plot(curve.speed, curve.power, "o-", ms=2.5, color=VERMILION, lw=1.5, label="mean of a bin")
    rated = panel.sites["rated_kw"].get(name) if "rated_kw" in panel.sites.columns else None
    if rated is not None and pd.notna(rated):
        axes.axhline(float(rated), color="#777777", lw=0.8, ls="--", label=f"rated power, {float(rated):g} kW")
    axes.set_xlabel("wind speed [m/s]")
    axes.set_ylabel("mean power [kW]")
    axes.set_title(f"{name}: power curve", fontsize=10, loc="left")
    quiet(axes, grid="both")
    legend(axes, loc="lower right", markerscale=4)
    return axes
