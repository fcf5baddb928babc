"""Adjustment windows of real events: a fixed wall clock and a notification become hours beside each event."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.events import Window
from cblcast.frames.instants import DAY_US, HOUR_US, MINUTE_US, microseconds
from cblcast.frames.panel import Panel, clock_instants, local_clock
from cblcast.frames.schema import SITE, DataError, utc
from cblcast.programs.model import ClockWindow, Program


def adjustment_windows(
    program: Program, panel: Panel, events: pd.DataFrame
) -> tuple[list[tuple[Window, ...]], np.ndarray]:
    """The windows of `program` beside each event.

    Parameters
    ----------
    events : DataFrame
        ``site_id``, ``start``, ``stop`` (UTC); ``notified`` where the adjustment ends at the notification.

    Returns
    -------
    windows : list of tuple of Window
        Each set of windows that occurs; empty without an adjustment, or where the event covers the clock window.
    which : ndarray of int64, shape (n_events,)
        Position of each event's windows in that list.
    """
    own = program.adjustment
    everybody = np.zeros(len(events), dtype=np.int64)
    if own is None:
        return [()], everybody
    shifts = own.ends_at == "notification" and any(_is_before(window) for window in own.windows)
    if not shifts and all(isinstance(window, Window) for window in own.windows):
        return [tuple(window for window in own.windows if isinstance(window, Window))], everybody
    start, stop = (microseconds(events[edge]) for edge in ("start", "stop"))
    lead = notice_hours(events) if shifts else np.zeros(len(events))
    per_window: list[list[Window | None]] = []
    for window in own.windows:
        if isinstance(window, ClockWindow):
            per_window.append(_at_the_clock(window, panel, events, start, stop))
        elif _is_before(window):
            per_window.append([Window.before(window.hours, window.buffer + float(hours)) for hours in lead])
        else:
            per_window.append([window] * len(events))
    found: dict[tuple[Window, ...], int] = {}
    groups = (tuple(window for window in group if window is not None) for group in zip(*per_window, strict=True))
    which = np.fromiter((found.setdefault(group, len(found)) for group in groups), dtype=np.int64, count=len(events))
    return list(found), which


def _is_before(window: Window | ClockWindow) -> bool:
    return isinstance(window, Window) and window.side == "before"


def notice_hours(events: pd.DataFrame) -> np.ndarray:
    """Hours from the notification to the start of each event, shape (n_events,).

    Raises
    ------
    DataError
        Without notifications, or with one after its event has started.
    """
    if "notified" not in events.columns or events["notified"].isna().any():
        raise DataError(
            "the adjustment ends at the notification, but not every event says when it was notified: "
            "add the column notified to the events, or let the adjustment end at the start"
        )
    start = microseconds(events["start"])
    lead = start - microseconds(utc(pd.DatetimeIndex(events["notified"]), "event notified"))
    if (lead < 0).any():
        late = events.iloc[int(np.flatnonzero(lead < 0)[0])]
        raise DataError(
            f"the event of site {late[SITE]!r} at {late['start']} was notified after it started ({late['notified']}): "
            "mend the column notified"
        )
    return lead / HOUR_US


def _at_the_clock(
    window: ClockWindow, panel: Panel, events: pd.DataFrame, start: np.ndarray, stop: np.ndarray
) -> list[Window | None]:
    """The clock window of each event's local day as hours before its start or after its stop; None where it overlaps."""
    code = panel.site_codes(pd.Index(events[SITE]))
    midnight = local_clock(panel, code, start) // DAY_US * DAY_US
    begin, end = (clock_instants(panel, code, midnight + minutes * MINUTE_US) for minutes in window.minutes)
    found: list[Window | None] = [None] * len(events)
    made: dict[tuple[str, float, float], Window] = {}
    for row, (first, last) in enumerate(zip(begin, end, strict=True)):
        side, buffer = (
            ("before", (start[row] - last) / HOUR_US)
            if last <= start[row]
            else ("after", (first - stop[row]) / HOUR_US)
        )
        if buffer >= 0 and last > first:
            key = (side, float((last - first) / HOUR_US), float(buffer))
            found[row] = made.setdefault(key, Window(*key))  # type: ignore[arg-type]
    return found
