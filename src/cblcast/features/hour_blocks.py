"""Hours beside an event, on the event day and on its reference days, matched by wall clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cblcast.days.blindfold import hidden_slots, seen_slots
from cblcast.frames.cases import EventArrays
from cblcast.frames.cube import DayCube
from cblcast.frames.instants import DAY_US, HOUR_US
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED

_EVENTS_AT_ONCE = 2000


@dataclass(frozen=True, eq=False)
class HourBlocks:
    """Mean load of single hours before and after the event [kW].

    Attributes
    ----------
    today : ndarray, shape (n_events, n_before + n_after)
        Event day; NaN where the case may not look or nothing was metered. Columns: the hour right before the event, the
        hour before that …, then the hour right after the event, the next …
    then : ndarray of float32, shape (n_events, n_days, n_before + n_after)
        The same wall-clock hours on the reference days; NaN where there is no such day.
    n_before : int
    """

    today: np.ndarray
    then: np.ndarray
    n_before: int

    def nearest_seen(self, count: int) -> np.ndarray:
        """The `count` seen hours nearest to the event on each side, bool, shape (n_events, n_before + n_after)."""
        seen = np.isfinite(self.today)
        before, after = seen[:, : self.n_before], seen[:, self.n_before :]
        return np.concatenate([side & (np.cumsum(side, axis=1) <= count) for side in (before, after)], axis=1)


def hour_blocks(panel: Panel, event: EventArrays, days: np.ndarray, n_before: int, n_after: int) -> HourBlocks:
    """Look up the hours beside each event.

    Parameters
    ----------
    days : ndarray of int64, shape (n_events, n_days)
        Reference days as positions in the cube, -1 where there is none.
    n_before, n_after : int
        Hours on each side.
    """
    cube = panel.cube(OBSERVED)
    step = panel.step_us
    # A reading stands at the slot that it begins in: one of 17:30 at 17:00, so both edges go down to their slot.
    start, stop = (local_clock(panel, event.site, at) // step * step for at in (event.start_us, event.stop_us))
    hidden_from, _ = hidden_slots(panel, event)
    event_day = start // DAY_US - cube.first_day
    per_hour = max(1, round(HOUR_US / step))
    hour = per_hour * step
    within = np.arange(per_hour) * step
    before = start[:, None, None] - (np.arange(1, n_before + 1) * hour)[:, None] + within
    after = stop[:, None, None] + (np.arange(n_after) * hour)[:, None] + within
    wall = np.concatenate([before, after], axis=1)  # (n_events, n_blocks, per_hour)

    load = cube.lookup(event.site[:, None, None], wall // DAY_US, wall % DAY_US // step)
    today = known_mean(np.where(seen_slots(panel, event, wall), load, np.nan))
    then = np.full((len(days), days.shape[1], n_before + n_after), np.nan, dtype=np.float32)
    for first in range(0, len(days), _EVENTS_AT_ONCE):
        part = slice(first, first + _EVENTS_AT_ONCE)
        back = event_day[part, None] - days[part]
        found = _days_earlier(cube, event.site[part], wall[part], days[part] >= 0, back, hidden_from[part], step)
        then[part] = found[..., 0] if per_hour == 1 else known_mean(found)
    return HourBlocks(today, then, n_before)


def _days_earlier(
    cube: DayCube,
    site: np.ndarray,
    wall: np.ndarray,
    there: np.ndarray,
    back: np.ndarray,
    hidden_from: np.ndarray,
    step: int,
) -> np.ndarray:
    """Load at the wall clocks `wall`, so many days `back`, where a case may look; float32.

    Parameters
    ----------
    site, hidden_from : ndarray of int64, shape (n_events,)
    wall : ndarray of int64, shape (n_events, n_blocks, per_hour)
    there, back : ndarray, shape (n_events, n_days)
        Whether there is such a day, and how many days it lies before the event's.

    Returns
    -------
    ndarray, shape (n_events, n_days, n_blocks, per_hour)
    """
    day, within = wall // DAY_US - cube.first_day, wall % DAY_US // step
    back = np.where(there, back, 0)
    # The day differs and the slot stays, so that what is asked of every value is asked of each day's edges first.
    lowest, highest = (edge((1, 2))[:, None] - back for edge in (day.min, day.max))
    safe = there & (lowest >= 0) & (highest < cube.n_days)
    n_slots = cube.values.shape[2]
    flat = (site * cube.n_days)[:, None, None] * n_slots + day * n_slots + within
    place = flat[:, None] - (back * n_slots)[:, :, None, None]
    found = cube.values.reshape(-1).take(place, mode="clip")
    late = wall + step - hidden_from[:, None, None]
    if (late.max((1, 2))[:, None] > back * DAY_US).any():
        found[late[:, None] > (back * DAY_US)[:, :, None, None]] = np.nan
    edge = np.nonzero(there & ~safe)
    moved = day[edge[0]] - back[edge][:, None, None]
    found[edge] = np.where((moved >= 0) & (moved < cube.n_days), found[edge], np.float32(np.nan))
    found[~there] = np.nan
    return found
