"""What is there of the meter, and when is it used?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.plots.style import axes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def heatmap(panel: Panel, site: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Mean power by local day and time of day [kW]; what was not metered is left white.

    Parameters
    ----------
    panel : Panel
    site : str, optional
        The first unless given.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

    name = str(panel.site_ids[0]) if site is None else site
    panel.site_codes(pd.Index([name]))
    load = panel.data.xs(name, level=SITE)[OBSERVED]
    tz = str(panel.sites.loc[name, "tz"])
    local = load.index.tz_convert(tz).tz_localize(None)
    day = local.normalize()
    hour = (local - day).total_seconds() / 3600
    table = pd.Series(load.to_numpy(), index=[hour, day]).groupby(level=[0, 1]).mean().unstack()
    table = table.reindex(columns=pd.date_range(day.min(), day.max()))
    axes = axes_of(ax)
    first, last = date2num(table.columns[0]), date2num(table.columns[-1]) + 1
    seen = axes.imshow(
        table.to_numpy(),
        aspect="auto",
        origin="lower",
        extent=(first, last, 0, 24),
        cmap="cividis",
        vmin=min(0.0, float(np.nanmin(load.to_numpy()))),
        interpolation="none",
    )
    locator = AutoDateLocator(maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_yticks(range(0, 25, 4))
    axes.set_ylabel("local hour")
    axes.set_title(f"{name}: {100 * load.notna().mean():.1f} % metered", fontsize=10, loc="left")
    axes.figure.colorbar(seen, ax=axes, label="mean power [kW]", pad=0.01)
    return axes
