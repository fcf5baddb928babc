"""Settling from days by site: when that is enough, and the intervals one by one where it is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from cblcast.frames.day_panel import DayPanel
from cblcast.frames.instants import DAY_US, HOUR_US, instants_of_wall, local_microseconds, stamps
from cblcast.frames.panel import AnyPanel, Panel
from cblcast.frames.schema import OBSERVED, PANEL_INDEX
from cblcast.programs.direct import why_long
from cblcast.programs.model import Program
from cblcast.settlement.wishes import Wishes


def why_not_by_days(program: Program, wishes: Wishes, names: Sequence[str] = (OBSERVED,)) -> str:
    """Why a settlement needs a row for every interval; empty where days by site are enough.

    Parameters
    ----------
    names : sequence of str
        Columns that are there beside the load, by day.
    """
    if wishes.evidence:
        return "a record tells the hash of every reading, and the days of every event"
    if wishes.on_sums:
        return "the days of resources are selected on the sum of their members"
    if wishes.coverage is not None:
        return "limits come from the errors on days without events, and how like the event's day those are"
    if program.channel not in names:
        return f"it settles the channel {program.channel}, which is not there by day"
    return why_long(program, names)


def why_not_by_clock(
    zones: np.ndarray, start_us: np.ndarray, stop_us: np.ndarray, step_us: int, by_instant: bool
) -> str:
    """Why the days of some sites do not hold what their meters say of some spans; empty where they do.

    Parameters
    ----------
    zones : ndarray of str objects, shape (n,)
        IANA zone of the site of each span.
    start_us, stop_us : ndarray of int64, shape (n,)
        All that is looked at beside whole days: events and what is metered around them [us UTC].
    step_us : int
    by_instant : bool
        Whether readings were told by their instants, so that they may begin between two slots of a wall clock; days as rows
        begin at midnight.
    """
    for zone in set(zones):
        own = zones == zone
        first, last = int(start_us[own].min()), int(stop_us[own].max())
        hours = np.arange(first // HOUR_US - 3, last // HOUR_US + 4) * HOUR_US
        offset = local_microseconds(hours, str(zone)) - hours
        if by_instant and (offset % step_us).any():
            return f"the wall clock of {zone} is beside steps of {step_us // 60_000_000} min"
        turned = np.flatnonzero(np.diff(offset) < 0)
        for back, length in zip(hours[turned + 1], offset[turned] - offset[turned + 1], strict=True):
            if ((start_us[own] < back + length) & (stop_us[own] > back - length - HOUR_US)).any():
                return f"the clock of {zone} shows an hour twice, of which days hold the mean"
    return ""


def whole(panel: AnyPanel, long: Callable[[], Panel] | None = None) -> Panel:
    """The panel interval by interval: itself, what `long` reads, or what its days say."""
    if isinstance(panel, Panel):
        return panel
    return panel_of_days(panel) if long is None else long()


def panel_of_days(days: DayPanel) -> Panel:
    """The same sites interval by interval; both readings of an hour that autumn shows twice are its mean."""
    zones, parts, times = days.sites["tz"].to_numpy(dtype=object), {}, []
    cube = days.cube(OBSERVED)
    wall = (cube.first_day + np.array([0, cube.n_days])) * DAY_US
    for tz in pd.unique(zones):
        code = np.flatnonzero(zones == tz)
        first, last = instants_of_wall(wall, str(tz))
        grid = np.arange(first, last, days.step_us)
        times.append((code, grid))
    for code, grid in times:
        names = days.site_ids[code]
        index = pd.MultiIndex.from_product([names, stamps(grid)], names=PANEL_INDEX)
        columns = {name: days.values_at(name, code[:, None], grid[None, :]).reshape(-1) for name in days.names}
        parts[str(zones[code[0]])] = pd.DataFrame(columns, index=index)
    data = pd.concat(parts.values()) if len(parts) > 1 else next(iter(parts.values()))
    return Panel(data, days.sites)
