"""Events, the windows beside them, and the cases they make: which intervals are asked for, and what each may not see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cblcast.cube import DAY_US, local_microseconds
from cblcast.panel import Panel
from cblcast.schema import CASE_INDEX, FAR_FUTURE, ORIGIN, SITE, DataError, StudyError, utc

HOUR_US = 3_600_000_000
FAR_FUTURE_US = int(FAR_FUTURE.asm8.astype("M8[us]").astype(np.int64))
EVENT_COLUMNS = [SITE, "start", "stop"]


@dataclass(frozen=True)
class Event:
    """One dispatch of one site. `start` and `stop` are instants with a zone; the event is [start, stop)."""

    site_id: str
    start: pd.Timestamp
    stop: pd.Timestamp
    notified: pd.Timestamp | None = None
    program: str | None = None


@dataclass(frozen=True)
class Window:
    """Hours beside an event in which a baseline meets the meter.

    ``Window.before(2, buffer=1)`` of an event 08:00-13:00 is 05:00-07:00, ``Window.after(3, buffer=2)`` is 15:00-18:00
    (baseline paper, figure 3). The paper's WS, PBLM and BW (table 4) are in :data:`NAMED_WINDOWS`.

    Attributes
    ----------
    side : {"before", "after"}
    hours : float
        Length of the window [h] (a1, a2 of equation 2).
    buffer : float
        Hours between the event and the window [h] (b1, b2).
    """

    side: Literal["before", "after"]
    hours: float
    buffer: float = 0.0

    def __post_init__(self) -> None:
        if self.side not in ("before", "after"):
            raise StudyError(f"a window lies 'before' or 'after' its event, not {self.side!r}")
        if not self.hours > 0 or self.buffer < 0:
            raise StudyError(f"a window needs hours > 0 and buffer >= 0, not hours={self.hours}, buffer={self.buffer}")

    @classmethod
    def before(cls, hours: float, buffer: float = 0.0) -> Window:
        """The `hours` that end `buffer` hours before the event starts."""
        return cls("before", hours, buffer)

    @classmethod
    def after(cls, hours: float, buffer: float = 0.0) -> Window:
        """The `hours` that start `buffer` hours after the event stops."""
        return cls("after", hours, buffer)

    @classmethod
    def of(cls, spec: Window | str | dict[str, object]) -> Window:
        """A window from itself, one of the paper's names, or ``{side, hours, buffer}`` as a study writes it."""
        if isinstance(spec, Window):
            return spec
        if isinstance(spec, str):
            if spec not in NAMED_WINDOWS:
                raise StudyError(f"unknown window {spec!r}: named windows are {', '.join(NAMED_WINDOWS)}, "
                                 "or write {side: before, hours: 2, buffer: 1}")
            return NAMED_WINDOWS[spec]
        try:
            return cls(**spec)  # type: ignore[arg-type]
        except TypeError:
            raise StudyError(f"a window is written {{side, hours, buffer}}, not {spec!r}") from None

    def span(self, start: pd.Timestamp, stop: pd.Timestamp) -> tuple[pd.Timestamp, pd.Timestamp]:
        """First instant and end of the window beside the event [start, stop)."""
        if self.side == "before":
            end = start - pd.Timedelta(hours=self.buffer)
            return end - pd.Timedelta(hours=self.hours), end
        begin = stop + pd.Timedelta(hours=self.buffer)
        return begin, begin + pd.Timedelta(hours=self.hours)

    def contains(self, hours_since_start: np.ndarray, hours_since_stop: np.ndarray) -> np.ndarray:
        """Which intervals lie in the window, given the hours from event start and stop to the interval's start."""
        near = 1e-9  # hours are quotients of microseconds; a label on the edge must not fall out by rounding
        if self.side == "before":
            return (hours_since_start >= -self.buffer - self.hours - near) & (hours_since_start < -self.buffer - near)
        return (hours_since_stop >= self.buffer - near) & (hours_since_stop < self.buffer + self.hours - near)

    def to_dict(self) -> dict[str, object]:
        """As a study writes it."""
        return asdict(self)


NAMED_WINDOWS = {
    "WS": Window.before(2, buffer=2),  # weather sensitive, NYISO: first 2 of the 4 hours before (table 4)
    "PBLM": Window.before(2),  # physically based load model: the last 2 hours before (table 4)
    "BW": Window.after(2, buffer=1),  # backward: the last 2 of the 3 hours after (table 4)
}


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
    """

    lead_in: float = 0.0
    recovery: float | None = None
    whole_day: bool = False

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


def event_table(events: pd.DataFrame | Iterable[Event]) -> pd.DataFrame:
    """Events as a frame with columns ``site_id``, ``start``, ``stop`` (UTC) and whatever else is known of them."""
    if not isinstance(events, pd.DataFrame):
        rows = [asdict(event) for event in events]
        if not rows:
            return pd.DataFrame({SITE: pd.Series(dtype=str), "start": utc(pd.DatetimeIndex([], tz="UTC"), "events"),
                                 "stop": utc(pd.DatetimeIndex([], tz="UTC"), "events")})
        events = pd.DataFrame(rows).dropna(axis="columns", how="all")
        for column in ("start", "stop"):
            events[column] = utc(pd.DatetimeIndex([row[column] for row in rows]), f"event {column}")
    return events


def check_events(events: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Events sorted by site and start, after the checks that every later step relies on.

    Raises
    ------
    DataError
        Unknown site; stop not after start; off the metering grid; outside the metered span; overlapping.
    """
    table = event_table(events).sort_values([SITE, "start"], ignore_index=True)
    if table.empty:
        raise DataError("there are no events: check the event file, or the rule that makes placebo events")
    code = panel.site_codes(pd.Index(table[SITE]))
    start = pd.DatetimeIndex(table["start"]).as_unit("us").asi8
    stop = pd.DatetimeIndex(table["stop"]).as_unit("us").asi8
    first, last = panel.first_times_us[code], panel.last_times_us[code]
    same_site = np.r_[False, code[1:] == code[:-1]]
    _refuse(table, stop <= start, "stops at or before it starts: swap or mend its times")
    _refuse(table, ((start - first) % panel.step_us != 0) | ((stop - first) % panel.step_us != 0),
            f"does not begin and end on the metering grid of {panel.step}: move it to the grid, or resample the panel finer")
    _refuse(table, (start < first) | (stop > last + panel.step_us),
            "lies outside the metered span of its site: extend the meter data, or drop the event")
    _refuse(table, same_site & (start < np.r_[stop[:1], stop[:-1]]),
            "overlaps the event before it at the same site: merge them, or drop one")
    return table


def _refuse(table: pd.DataFrame, bad: np.ndarray, rule: str) -> None:
    if bad.any():
        event = table.iloc[int(np.flatnonzero(bad)[0])]
        more = f" ({int(bad.sum())} events in all)" if bad.sum() > 1 else ""
        raise DataError(f"the event of site {event[SITE]!r} from {event['start']} to {event['stop']} {rule}{more}")


def make_cases(panel: Panel, events: pd.DataFrame | Sequence[Event], view: View, windows: Sequence[Window] = ()) -> pd.DataFrame:
    """One row for every interval that has to be estimated.

    Parameters
    ----------
    panel : Panel
    events : DataFrame or sequence of Event
    view : View
        What may not be seen of ``observed_kw``.
    windows : sequence of Window
        Hours beside the events that an adjustment needs; their rows have ``scored=False``.

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
    table = check_events(event_table(events), panel)
    _check_windows_are_seen(view, windows)
    code = panel.site_codes(pd.Index(table[SITE]))
    start = pd.DatetimeIndex(table["start"]).as_unit("us").asi8
    stop = pd.DatetimeIndex(table["stop"]).as_unit("us").asi8
    _check_windows_are_free(panel, table, windows)

    spans = [(start, stop)]
    for window in windows:
        near, far = int(window.buffer * HOUR_US), int((window.buffer + window.hours) * HOUR_US)
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
    keep = np.r_[True, (owner[1:] != owner[:-1]) | (times[1:] != times[:-1])]  # windows may share hours
    owner, times, is_scored = owner[keep], times[keep], is_scored[keep]

    hidden_from = start - int(view.lead_in * HOUR_US)
    if view.whole_day:
        hidden_from = np.minimum(hidden_from, _local_midnight(panel, code, start))
    hidden_until = (np.full(len(table), FAR_FUTURE_US) if view.recovery is None
                    else stop + int(view.recovery * HOUR_US))
    index = pd.MultiIndex.from_arrays(
        [table[SITE].array.take(owner), _stamps(start[owner]), _stamps(times)], names=CASE_INDEX)
    return pd.DataFrame({"hidden_from": _stamps(hidden_from[owner]), "hidden_until": _stamps(hidden_until[owner]),
                         "event_stop": _stamps(stop[owner]), "scored": is_scored}, index=index)


def _stamps(us: np.ndarray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.ascontiguousarray(us).view("M8[us]")).tz_localize("UTC")


def _local_midnight(panel: Panel, code: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The instant at which the local day of each `start` begins [us, UTC]."""
    midnight = np.empty_like(start)
    zones = panel.sites["tz"].to_numpy(dtype=object)[code]
    for tz in set(zones):
        rows = zones == tz
        days = pd.DatetimeIndex((local_microseconds(start[rows], tz) // DAY_US * DAY_US).view("M8[us]"))
        midnight[rows] = days.tz_localize(tz, ambiguous=True, nonexistent="shift_forward").tz_convert("UTC").as_unit("us").asi8  # type: ignore[arg-type]
    return midnight


def _check_windows_are_seen(view: View, windows: Sequence[Window]) -> None:
    for window in windows:
        hidden_before = view.whole_day or (window.side == "before" and window.buffer < view.lead_in)
        hidden_after = window.side == "after" and (view.recovery is None or window.buffer < view.recovery)
        if hidden_before or hidden_after:
            raise StudyError(f"the window of {window.hours:g} h {window.side} the event (buffer {window.buffer:g} h) is hidden by "
                             f"the study's view (lead_in={view.lead_in:g} h, recovery={view.recovery}, whole_day={view.whole_day}): "
                             "use view: settlement for windows after the event, a smaller lead_in, or another window")


def _check_windows_are_free(panel: Panel, table: pd.DataFrame, windows: Sequence[Window]) -> None:
    """A window inside another real event would meet a meter that the program itself has moved."""
    if panel.events is None or not windows:
        return
    code, start, stop = _sorted_arrays(panel, panel.events)
    own_code, own_start, own_stop = _sorted_arrays(panel, table)
    origin = min(start.min(), own_start.min()) - 1000 * HOUR_US
    far = int(max(stop.max(), own_stop.max()) - origin) + 2000 * HOUR_US  # one number line for all sites
    for window in windows:
        near, length = int(window.buffer * HOUR_US), int(window.hours * HOUR_US)
        begin = own_start - near - length if window.side == "before" else own_stop + near
        candidate = np.searchsorted(code * far + (stop - origin), own_code * far + (begin - origin), side="right")
        found = np.minimum(candidate, len(start) - 1)
        hit = (candidate < len(start)) & (code[found] == own_code) & (start[found] < begin + length)
        if hit.any():
            mine = int(np.flatnonzero(hit)[0])
            site = panel.site_ids[own_code[mine]]
            raise DataError(f"the {window.hours:g} h window {window.side} the event of site {site!r} at {_instant(own_start[mine])} "
                            f"reaches into the event at {_instant(start[found[mine]])}: choose a shorter window or buffer, "
                            f"or merge the events ({int(hit.sum())} events in all)")


def _sorted_arrays(panel: Panel, events: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    code = panel.site_codes(pd.Index(events[SITE])).astype(np.int64)
    start = pd.DatetimeIndex(events["start"]).as_unit("us").asi8
    stop = pd.DatetimeIndex(events["stop"]).as_unit("us").asi8
    order = np.lexsort((start, code))
    return code[order], start[order], stop[order]


def _instant(us: int) -> pd.Timestamp:
    return pd.Timestamp(int(us), unit="us", tz="UTC")


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

    @classmethod
    def of(cls, panel: Panel, cases: pd.DataFrame) -> EventArrays:
        """Split `cases` (sorted by index) into its events."""
        first_row, event_of_row = event_rows(cases.index)

        def instant(column: str) -> np.ndarray:
            return pd.DatetimeIndex(cases[column]).as_unit("us").asi8[first_row]

        origin = cases.index.get_level_values(ORIGIN)
        return cls(first_row, event_of_row, panel.site_codes(cases.index.get_level_values(SITE)[first_row]),
                   pd.DatetimeIndex(origin).as_unit("us").asi8[first_row], instant("event_stop"), instant("hidden_from"),
                   instant("hidden_until"), pd.DatetimeIndex(cases.index.get_level_values("time")).as_unit("us").asi8,
                   cases["scored"].to_numpy(dtype=bool))


def event_rows(index: pd.MultiIndex) -> tuple[np.ndarray, np.ndarray]:
    """First row of each event, and the event of each row, in a sorted (site_id, origin, time) index."""
    site = index.codes[index.names.index(SITE)]
    origin = index.codes[index.names.index(ORIGIN)]
    starts = np.r_[True, (site[1:] != site[:-1]) | (origin[1:] != origin[:-1])][: len(index)]
    return np.flatnonzero(starts), np.cumsum(starts) - 1
