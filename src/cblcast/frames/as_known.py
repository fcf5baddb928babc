"""A panel as it is known at an instant: rows up to a horizon, nothing metered from the instant on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.coded import index_of, numbered
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PANEL_INDEX


def until(panel: Panel, at: int, horizon_us: int, since: int | None = None) -> Panel:
    """The panel as it is known at an instant: rows up to the horizon, nothing metered from the instant on.

    Parameters
    ----------
    panel : Panel
    at : int
        Microseconds UTC, on the panel's grid.
    horizon_us : int
        Rows are made up to so long after `at`, NaN where the panel has none.
    since : int, optional
        Rows before it are left out: what no feature looks at need not be copied.
    """
    step = panel.step_us
    first, last = panel.first_times_us, panel.last_times_us
    begin = first if since is None else first + np.maximum(-((first - since) // step), 0) * step
    end = np.maximum(last + step, at + horizon_us)
    count = np.maximum(-((begin - end) // step), 0)
    there = np.maximum((last + step - begin) // step, 0)  # rows of each site that the panel has
    site = np.repeat(np.arange(len(first)), count)
    within = np.arange(len(site)) - np.repeat(np.cumsum(count) - count, count)
    times = begin[site] + within * step
    old = np.flatnonzero(within < there[site])
    source, place = _slice(panel.locate(site[old], times[old])), _slice(old)
    values = np.full((len(panel.data.columns), len(site)), np.nan)
    for own, name in zip(values, panel.data.columns.tolist(), strict=True):
        own[place] = panel.column(str(name))[source]
    values[panel.data.columns.get_loc(OBSERVED), times >= at] = np.nan
    index = index_of((site, panel.data.index.levels[0]), numbered(times, step), names=PANEL_INDEX)
    known = object.__new__(Panel)  # some of the rows of a panel, and those that follow, need not be checked again
    kept = {name: getattr(panel, name) for name in ("events", "sources", "runs", "step_us")}
    data = pd.DataFrame(values.T, index=index, columns=panel.data.columns, copy=False)
    known.__dict__.update(kept, data=data, sites=panel.sites[count > 0], _cubes={}, _views={})
    return known


def _slice(rows: np.ndarray) -> np.ndarray | slice:
    """Rows that follow each other, as those of one site do, as a slice, of which no row is looked up."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows
