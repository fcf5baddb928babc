"""Events, the windows beside them, and the cases they make: which intervals are asked for, and what each may not see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Hours, HoursAboveZero
from cblcast.frames.instants import microseconds, stamps, step_words
from cblcast.frames.panel import AnyPanel
from cblcast.frames.schema import SITE, DataError, StudyError, require_columns, utc

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
    hours: HoursAboveZero
    buffer: Hours = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.side not in ("before", "after"):
            raise StudyError(f"a window lies 'before' or 'after' its event, not {self.side!r}")

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
                raise StudyError(
                    f"unknown window {spec!r}: named windows are {', '.join(NAMED_WINDOWS)}, "
                    "or write {side: before, hours: 2, buffer: 1}"
                )
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


WindowSpec = Window | str | dict[str, object]


def windows_of(specs: WindowSpec | Sequence[WindowSpec]) -> tuple[Window, ...]:
    """One or several windows, each as :meth:`Window.of` reads it."""
    if isinstance(specs, (str, dict, Window)):
        return (Window.of(specs),)
    return tuple(Window.of(spec) for spec in specs)


def event_table(events: pd.DataFrame | Iterable[Event]) -> pd.DataFrame:
    """Events as a frame with columns ``site_id``, ``start``, ``stop`` (UTC) and whatever else is known of them."""
    if not isinstance(events, pd.DataFrame):
        rows = [asdict(event) for event in events]
        if not rows:
            return pd.DataFrame(
                {
                    SITE: pd.Series(dtype=str),
                    "start": utc(pd.DatetimeIndex([], tz="UTC"), "events"),
                    "stop": utc(pd.DatetimeIndex([], tz="UTC"), "events"),
                }
            )
        events = pd.DataFrame(rows).dropna(axis="columns", how="all")
        for column in ("start", "stop"):
            events[column] = utc(pd.DatetimeIndex([row[column] for row in rows]), f"event {column}")
        return events
    require_columns(events, EVENT_COLUMNS, "the events")
    return events.assign(start=utc(events["start"], "event start"), stop=utc(events["stop"], "event stop"))


def moved_outward(panel: AnyPanel, events: pd.DataFrame) -> pd.DataFrame:
    """The same events from the start of the interval they begin in to the end of the one they end in."""
    first = panel.first_times_us[panel.site_codes(pd.Index(events[SITE]))]
    start, stop = (microseconds(events[edge]) for edge in ("start", "stop"))
    off = ((start - first) % panel.step_us != 0) | ((stop - first) % panel.step_us != 0)
    if not off.any():
        return events
    start, stop = start - (start - first) % panel.step_us, stop + (first - stop) % panel.step_us
    return events.assign(start=stamps(start), stop=stamps(stop))


def mean_over_events(panel: AnyPanel, events: pd.DataFrame, column: str) -> np.ndarray:
    """Mean of a column of the panel over each event, float64, shape (n_events,); NaN where an interval is not known.

    Parameters
    ----------
    panel : Panel
    events : DataFrame
        ``site_id``, ``start``, ``stop`` on the metering grid, in any order.
    column : str
    """
    code = panel.site_codes(pd.Index(events[SITE]))
    start, stop = microseconds(events["start"]), microseconds(events["stop"])
    count = np.maximum((stop - start) // panel.step_us, 0)
    event = np.repeat(np.arange(len(events)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    values = panel.values_at(column, code[event], start[event] + within * panel.step_us)
    total = np.bincount(event, weights=values, minlength=len(events))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def check_events(
    events: pd.DataFrame, panel: AnyPanel, *, may_overlap: bool = False, off_grid: bool = False
) -> pd.DataFrame:
    """Events sorted by site and start, after the checks that every later step relies on.

    Parameters
    ----------
    may_overlap : bool
        True for events that are only learned from: each is looked at through its own blindfold.
    off_grid : bool
        True where edges between two readings are dealt with later (:func:`moved_outward`).

    Raises
    ------
    DataError
        Unknown site; stop not after start; off the metering grid; outside the metered span; overlapping.
    """
    table = event_table(events).sort_values([SITE, "start"], ignore_index=True)
    if table.empty:
        raise DataError("there are no events: check the event file, or the rule that makes placebo events")
    code = panel.site_codes(pd.Index(table[SITE]))
    start = microseconds(table["start"])
    stop = microseconds(table["stop"])
    first, last = panel.first_times_us[code], panel.last_times_us[code]
    same_site = np.r_[False, code[1:] == code[:-1]]
    _refuse(table, stop <= start, "stops at or before it starts: swap or mend its times")
    _refuse(
        table,
        (((start - first) % panel.step_us != 0) | ((stop - first) % panel.step_us != 0)) & (not off_grid),
        f"does not begin and end on the metering grid of {step_words(panel.step)}: move it to the grid, or resample the panel finer",
    )
    _refuse(
        table,
        (start < first) | (stop > last + panel.step_us),
        "lies outside the metered span of its site: extend the meter data, or drop the event",
    )
    before = np.r_[start[:1], start[:-1]] + 1 if may_overlap else np.r_[stop[:1], stop[:-1]]  # twice is never right
    _refuse(
        table,
        same_site & (start < before),
        "overlaps the event before it at the same site: merge them, or drop one",
    )
    return table


def _refuse(table: pd.DataFrame, bad: np.ndarray, rule: str) -> None:
    if bad.any():
        event = table.iloc[int(np.flatnonzero(bad)[0])]
        more = f" ({int(bad.sum())} events in all)" if bad.sum() > 1 else ""
        raise DataError(f"the event of site {event[SITE]!r} from {event['start']} to {event['stop']} {rule}{more}")
