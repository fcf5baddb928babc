"""Adjustment windows of real events: a fixed wall clock and a notification become hours beside each event."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.frames.collisions import FREE, reached_event
from cblcast.frames.events import Window
from cblcast.frames.instants import DAY_US, HOUR_US, MINUTE_US, microseconds
from cblcast.frames.panel import AnyPanel, clock_instants, local_clock
from cblcast.frames.schema import SITE, DataError, utc
from cblcast.programs.model import Adjustment, ClockWindow, Program


def adjustment_windows(
    program: Program, panel: AnyPanel, events: pd.DataFrame
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
    if own is None:
        return [()], np.zeros(len(events), dtype=np.int64)
    groups, which = _windows_beside(own, panel, events)
    fixed = any(isinstance(window, ClockWindow) for window in own.windows)
    if own.beside_other_events == "refuse" or (fixed and own.beside_other_events == "day_edge"):
        return groups, which
    hits = [_reached(panel, events, windows, which, number) for number, windows in enumerate(groups)]
    if not any(hit.any() for _, hit in hits):
        return groups, which
    per_event = [groups[number] for number in which]
    edges: tuple[np.ndarray, np.ndarray] | None = None
    for windows, (mine, reached) in zip(groups, hits, strict=True):
        for place in np.flatnonzero(reached.any(0)):
            edges = edges or day_edges(panel, events)
            row = mine[place]
            if own.beside_other_events == "unadjusted":
                per_event[row] = ()
                continue
            pairs = zip(windows, reached[:, place], strict=True)
            per_event[row] = tuple(
                _further(window, edges[0][row], edges[1][row]) if hit else window for window, hit in pairs
            )
    return _numbered(per_event)


def _reached(
    panel: AnyPanel, events: pd.DataFrame, windows: tuple[Window, ...], which: np.ndarray, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """The events with these windows, and which of the windows reach into another event, (n_windows, n_mine)."""
    mine = np.flatnonzero(which == number)
    own = events if len(mine) == len(events) else events.iloc[mine]
    return mine, reached_event(panel, own, windows) != FREE


def moved_windows(
    program: Program, panel: AnyPanel, events: pd.DataFrame, windows: list[tuple[Window, ...]], which: np.ndarray
) -> np.ndarray:
    """Which events have other windows than the program names, because those reach into other events; shape (n_events,).

    Parameters
    ----------
    windows, which
        As :func:`adjustment_windows` gives them.
    """
    if program.adjustment is None:
        return np.zeros(len(events), dtype=bool)
    named, own = _windows_beside(program.adjustment, panel, events)
    pair, known = pd.factorize(which * len(named) + own)
    differs = np.array([windows[both // len(named)] != named[both % len(named)] for both in known], dtype=bool)
    return differs[pair]


def day_edges(panel: AnyPanel, events: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Hours from the first start of a site's events on the local day to each event's start, and from its stop to the last stop.

    Events are the panel's real ones and `events`; those that begin on the event's own local day count. Both float64 [h],
    shape (n_events,), >= 0.
    """
    columns = [SITE, "start", "stop"]
    known = events[columns] if panel.events is None else pd.concat([panel.events[columns], events[columns]])
    code = panel.site_codes(pd.Index(known[SITE]))
    start, stop = (microseconds(known[edge]) for edge in ("start", "stop"))
    table = pd.DataFrame({"code": code, "day": local_clock(panel, code, start) // DAY_US, "start": start, "stop": stop})
    groups = table.groupby(["code", "day"], sort=False)
    own = slice(len(table) - len(events), None)
    first = (table["start"] - groups["start"].transform("min")).to_numpy()[own] / HOUR_US
    last = (groups["stop"].transform("max") - table["stop"]).to_numpy()[own] / HOUR_US
    return first, last


def _further(window: Window, before: float, after: float) -> Window:
    """The same window beside the first or last event of the day."""
    return Window(window.side, window.hours, window.buffer + float(before if window.side == "before" else after))


def _numbered(per_event: Sequence[tuple[Window, ...]]) -> tuple[list[tuple[Window, ...]], np.ndarray]:
    """The different sets of windows, and which one each event has."""
    found: dict[tuple[Window, ...], int] = {}
    which = np.fromiter((found.setdefault(each, len(found)) for each in per_event), np.int64, len(per_event))
    return list(found), which


def _windows_beside(
    own: Adjustment, panel: AnyPanel, events: pd.DataFrame
) -> tuple[list[tuple[Window, ...]], np.ndarray]:
    """As :func:`adjustment_windows`, whatever other events there are."""
    everybody = np.zeros(len(events), dtype=np.int64)
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
    return _numbered(
        [tuple(window for window in group if window is not None) for group in zip(*per_window, strict=True)]
    )


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
    window: ClockWindow, panel: AnyPanel, events: pd.DataFrame, start: np.ndarray, stop: np.ndarray
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
