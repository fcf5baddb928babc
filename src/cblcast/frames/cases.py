"""Cases: which intervals are to be estimated, and what each may not see of the meter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Hours
from cblcast.frames.coded import index_of, instants_of_rows, numbered, sites_of_rows
from cblcast.frames.collisions import FREE, reached_event
from cblcast.frames.events import Event, Window, check_events, event_table
from cblcast.frames.instants import DAY_US, HOUR_US, microseconds, stamp, stamps, step_words
from cblcast.frames.known import run_begins, run_starts
from cblcast.frames.one_look import shared
from cblcast.frames.panel import AnyPanel, Panel, clock_instants, local_clock
from cblcast.frames.schema import CASE_INDEX, FAR_FUTURE, ORIGIN, SITE, TIME, DataError, StudyError

FAR_FUTURE_US = int(microseconds([FAR_FUTURE])[0])


@dataclass(frozen=True)
class View:
    """What the estimator of an event may not see of the meter: [start - lead_in, stop + recovery).

    Attributes
    ----------
    lead_in : float
        Hours before the start that are hidden too (notification, pre-cooling) [h].
    recovery : float or None
        Hours after the stop that are hidden too (snapback) [h]; None hides everything later: real time.
    whole_day : bool
        Hide the event's local day from midnight on: a day-ahead forecast.
    perfect_weather: bool
        Whether weather that was measured on the hidden hours may be read, as if it had been forecast without an error: the
        custom of baselines. Nowcasts may not.
    """

    lead_in: Hours = 0.0
    recovery: Hours | None = None
    whole_day: bool = False
    perfect_weather: bool = True

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    def real_time(cls, lead_in: float = 0.0) -> View:
        """Issued when the event starts: nothing of the event or later is seen."""
        return cls(lead_in=lead_in)

    @classmethod
    def settlement(cls, lead_in: float = 0.0, recovery: float = 0.0) -> View:
        """Issued long after the event: only the event, its lead-in and its recovery are hidden."""
        return cls(lead_in=lead_in, recovery=recovery)

    @classmethod
    def day_ahead(cls) -> View:
        """Issued before the event's day begins."""
        return cls(whole_day=True)

    @classmethod
    def nowcast(cls, lead_in: float = 0.0) -> View:
        """In real time, and with the weather as it was forecast: nothing measured later is seen, power or weather."""
        return cls(lead_in=lead_in, perfect_weather=False)


def make_cases(
    panel: Panel,
    events: pd.DataFrame | Sequence[Event],
    view: View,
    windows: Sequence[Window] = (),
    *,
    may_overlap: bool = False,
) -> pd.DataFrame:
    """One row for every interval that has to be estimated.

    Parameters
    ----------
    panel : Panel
    events : DataFrame or sequence of Event
    view : View
        What may not be seen of ``observed_kw``.
    windows : sequence of Window
        Hours beside the events that an adjustment needs; their rows have ``scored=False``.
    may_overlap : bool
        Whether events of one site may overlap, as those that are only learned from may.

    Returns
    -------
    DataFrame, index (site_id, origin, time)
        ``origin`` is the event start. Columns ``hidden_from``, ``hidden_until``, ``event_stop``, ``scored``.

    Raises
    ------
    DataError
        As :func:`check_events`; also a window that reaches into another of the panel's real events.
    StudyError
        A window that the view hides.
    """
    table = check_events(event_table(events), panel, may_overlap=may_overlap)
    check_windows(panel, table, view, windows)
    code = panel.site_codes(pd.Index(table[SITE]))
    start = microseconds(table["start"])
    stop = microseconds(table["stop"])

    spans = [(start, stop)]
    for window in windows:
        near, far = round(window.buffer * HOUR_US), round((window.buffer + window.hours) * HOUR_US)
        spans.append((start - far, start - near) if window.side == "before" else (stop + near, stop + far))
    event_of_row, time, scored = [], [], []
    for number, (begin, end) in enumerate(spans):
        count = np.maximum(-((begin - end) // panel.step_us), 0)
        owner = np.repeat(np.arange(len(table)), count)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        event_of_row.append(owner)
        time.append(np.repeat(begin, count) + within * panel.step_us)
        scored.append(np.full(len(owner), number == 0))
    owner, times, is_scored = np.concatenate(event_of_row), np.concatenate(time), np.concatenate(scored)
    known = panel.locate(code[owner], times) >= 0
    owner, times, is_scored = owner[known], times[known], is_scored[known]
    order = np.lexsort((~is_scored, times, owner))
    owner, times, is_scored = owner[order], times[order], is_scored[order]
    keep = run_begins(owner, times)  # windows may share hours
    owner, times, is_scored = owner[keep], times[keep], is_scored[keep]

    hidden_from = start - round(view.lead_in * HOUR_US)
    if view.whole_day:
        midnight = clock_instants(panel, code, local_clock(panel, code, start) // DAY_US * DAY_US)
        hidden_from = np.minimum(hidden_from, midnight)
    hidden_until = (
        np.full(len(table), FAR_FUTURE_US) if view.recovery is None else stop + round(view.recovery * HOUR_US)
    )
    origins, instants = (numbered(us, panel.step_us) for us in (start[owner], times))
    index = index_of((code[owner], panel.site_ids), origins, instants, names=CASE_INDEX)
    return pd.DataFrame(
        {
            "hidden_from": stamps(hidden_from[owner]),
            "hidden_until": stamps(hidden_until[owner]),
            "event_stop": stamps(stop[owner]),
            "scored": is_scored,
        },
        index=index,
    )


def check_windows(panel: AnyPanel, table: pd.DataFrame, view: View, windows: Sequence[Window]) -> None:
    """Refuse windows that the view hides, that do not fit the step, or that reach into another real event.

    Raises
    ------
    StudyError, DataError
        As :func:`make_cases`.
    """
    _check_windows_are_seen(view, windows)
    _check_windows_fit(panel, windows)
    _check_windows_are_free(panel, table, windows)


def _check_windows_are_seen(view: View, windows: Sequence[Window]) -> None:
    for window in windows:
        hidden_before = view.whole_day or (window.side == "before" and window.buffer < view.lead_in)
        hidden_after = window.side == "after" and (view.recovery is None or window.buffer < view.recovery)
        if hidden_before or hidden_after:
            raise StudyError(
                f"the window of {window.hours:g} h {window.side} the event (buffer {window.buffer:g} h) is hidden by "
                f"the study's view (lead_in={view.lead_in:g} h, recovery={view.recovery}, whole_day={view.whole_day}): "
                "use view: settlement for windows after the event, a smaller lead_in, or another window"
            )


def _check_windows_fit(panel: AnyPanel, windows: Sequence[Window]) -> None:
    for window in windows:
        for hours in (window.buffer, window.buffer + window.hours):
            if abs(hours / panel.step_hours - round(hours / panel.step_hours)) > 1e-9:
                raise StudyError(
                    f"a window of {window.hours:g} h with a buffer of {window.buffer:g} h does not end on intervals of "
                    f"{step_words(panel.step)}: give whole intervals, or meter data with a finer step"
                )


def _check_windows_are_free(panel: AnyPanel, table: pd.DataFrame, windows: Sequence[Window]) -> None:
    """A window inside another real event would meet a meter that the program itself has moved."""
    for window, reached in zip(windows, reached_event(panel, table, windows), strict=True):
        hit = np.flatnonzero(reached != FREE)
        if len(hit):
            event = table.iloc[hit[0]]
            raise DataError(
                f"the {window.hours:g} h window {window.side} the event of site {event[SITE]!r} at {event['start']} "
                f"reaches into the event at {stamp(reached[hit[0]])}: choose a shorter window or buffer, "
                f"or merge the events ({len(hit)} events in all)"
            )


@dataclass(frozen=True)
class EventArrays:
    """The cases of one frame, event by event, as arrays: what every event-wise feature and adjustment starts from.

    Attributes
    ----------
    first_row : ndarray of int64, shape (n_events,)
        Row of `cases` at which each event begins.
    event_of_row : ndarray of int64, shape (n_rows,)
    site : ndarray of int64, shape (n_events,)
        Position of the site in the panel.
    like : ndarray of int64, shape (n_events,), optional
        Number of each event's class, 0, 1, … as they first appear: events of a class lie at the same hours of sites of which
        the calendar, other events and every gap of the meter are the same, so that the calendar judges their days alike.
    """

    first_row: np.ndarray
    event_of_row: np.ndarray
    site: np.ndarray
    start_us: np.ndarray
    stop_us: np.ndarray
    hidden_from_us: np.ndarray
    hidden_until_us: np.ndarray
    time_us: np.ndarray
    scored: np.ndarray
    like: np.ndarray | None = None

    @property
    def of_each_class(self) -> EventArrays:
        """One event of each class; `like` tells which of them stands for which event."""
        assert self.like is not None
        first = np.zeros(len(self.site), dtype=bool)
        first[np.unique(self.like, return_index=True)[1]] = True
        return replace(self.take(first)[0], like=None)

    @classmethod
    def of(cls, panel: Panel, cases: pd.DataFrame) -> EventArrays:
        """Split `cases` (sorted by index) into its events; within one look the same arrays, which cannot be written to."""
        return shared(_split, panel, cases)

    def take(self, keep: np.ndarray | slice) -> tuple[EventArrays, np.ndarray | slice]:
        """Some of the events.

        Parameters
        ----------
        keep : ndarray of bool, shape (n_events,), or slice of consecutive events

        Returns
        -------
        EventArrays
        rows : ndarray of int64, or slice
            Rows of the cases that are theirs.
        """
        rows: np.ndarray | slice
        if isinstance(keep, slice):
            first, stop, _ = keep.indices(len(self.first_row))
            begin = int(self.first_row[first]) if first < len(self.first_row) else len(self.time_us)
            rows = slice(begin, int(self.first_row[stop]) if stop < len(self.first_row) else len(self.time_us))
            first_row, event_of_row = self.first_row[keep] - begin, self.event_of_row[rows] - first
        else:
            rows = np.flatnonzero(keep[self.event_of_row])
            event_of_row = (np.cumsum(keep) - 1)[self.event_of_row[rows]]
            first_row = run_starts(event_of_row)
        part = EventArrays(
            first_row,
            event_of_row,
            self.site[keep],
            self.start_us[keep],
            self.stop_us[keep],
            self.hidden_from_us[keep],
            self.hidden_until_us[keep],
            self.time_us[rows],
            self.scored[rows],
            None if self.like is None else pd.factorize(self.like[keep])[0],
        )
        return part, rows


def _split(panel: Panel, cases: pd.DataFrame) -> EventArrays:
    first_row, event_of_row = event_rows(cases.index)
    stop, begin, end = (microseconds(cases[name])[first_row] for name in ("event_stop", "hidden_from", "hidden_until"))
    event = EventArrays(
        first_row,
        event_of_row,
        sites_of_rows(panel, cases.index)[first_row],
        instants_of_rows(cases.index, ORIGIN)[first_row],
        stop,
        begin,
        end,
        instants_of_rows(cases.index, TIME),
        cases["scored"].to_numpy(dtype=bool, copy=True),
    )
    for values in vars(event).values():
        np.asarray(values).flags.writeable = False
    return event


def event_rows(index: pd.MultiIndex) -> tuple[np.ndarray, np.ndarray]:
    """First row of each event, and the event of each row, in a sorted (site_id, origin, time) index."""
    site = index.codes[index.names.index(SITE)]
    origin = index.codes[index.names.index(ORIGIN)]
    starts = run_begins(site, origin)
    return np.flatnonzero(starts), np.cumsum(starts) - 1
