"""What a program says of events: intervals as arrays, and what concerns each event as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from cblcast.frames.instants import HOUR_US, stamps
from cblcast.frames.schema import CASE_INDEX, LOWER, OBSERVED, PREDICTED, SITE, UPPER
from cblcast.programs.model import Program

PROBLEM_COLUMNS = ["program", SITE, "start", "reason"]
UNADJUSTED, SEEN = "unadjusted_kw", "seen_kw"
FACTS = ["raw", "applied", "usable", "shift", "seen_share", "qualified_days", "fallback", "rule", "moved"]


@dataclass(frozen=True, eq=False)
class EventRows:
    """Intervals of events and of the windows beside them.

    Attributes
    ----------
    event : ndarray of int64, shape (n_rows,)
        Position of each row's event, ascending; rows of one event in time.
    times_us : ndarray of int64, shape (n_rows,)
    scored : ndarray of bool, shape (n_rows,)
        False in the windows.
    values : mapping column -> ndarray of float64, shape (n_rows,)
        ``predicted_kw``, ``unadjusted_kw``, ``seen_kw`` and, once the meter is there, ``observed_kw``.
    """

    event: np.ndarray
    times_us: np.ndarray
    scored: np.ndarray
    values: Mapping[str, np.ndarray]

    def with_values(self, **values: np.ndarray) -> EventRows:
        """The same rows with other values."""
        return replace(self, values={**self.values, **values})

    @classmethod
    def joined(cls, parts: Sequence[EventRows]) -> EventRows:
        """Rows of parts whose events differ, by event and time."""
        if not parts:
            none = np.empty(0)
            whole = none.astype(np.int64)
            return cls(whole, whole, none.astype(bool), dict.fromkeys((PREDICTED, UNADJUSTED, SEEN), none))
        if len(parts) == 1:
            return parts[0]
        event, times, scored = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("event", "times_us", "scored")
        )
        order = np.lexsort((times, event))
        values = {name: np.concatenate([part.values[name] for part in parts])[order] for name in parts[0].values}
        return cls(event[order], times[order], scored[order], values)


@dataclass(frozen=True, eq=False)
class Estimate:
    """What a program says of events.

    Attributes
    ----------
    table : DataFrame
        The events on the metering grid, their ramps included: ``site_id``, ``start``, ``stop``.
    site : ndarray of int64, shape (n_events,)
        Position of each event's site in the panel.
    intervals : EventRows
    factor : DataFrame
        Of each event ``raw`` and ``applied`` factor or shift, ``usable`` (1 or 0), ``shift`` (1 where it is a shift),
        ``seen_share`` of its window, NaN without an adjustment; ``rule`` (the position of its day rule), ``qualified_days``
        and ``fallback`` (how many steps of its fallback were taken), NaN without a day rule; ``moved`` (1 where its windows
        stand beside the day's first or last event).
    problems : DataFrame
        :data:`PROBLEM_COLUMNS`: events without a baseline, with the reason.
    hours : ndarray, shape (n_rows,)
        How much of each interval counts as its event [h]: less than the step at an edge between two readings, 0 in windows.
    estimated : ndarray, shape (n_rows,)
        Share of each interval's reading that is estimated, not metered: as the meter's flags say, 1 where a gap was filled.
    treatment : ndarray of str objects, shape (n_events,)
        What a model took each event for, against its calendar; empty where for nothing.
    """

    table: pd.DataFrame
    site: np.ndarray
    intervals: EventRows
    factor: pd.DataFrame
    problems: pd.DataFrame
    hours: np.ndarray
    estimated: np.ndarray
    treatment: np.ndarray

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The scored frame, index (site_id, origin, time).

        The cases (``scored`` is False in the windows), ``observed_kw`` (the meter, the event included, its gaps filled as the
        program says; of a program of demands the event's largest), ``predicted_kw``, ``unadjusted_kw`` (before the
        adjustment), ``seen_kw`` (the meter as far as the rule could see it) [kW]; rows of one event together, in time.
        ``lower_kw`` and ``upper_kw`` are NaN: the limits of a settlement are those of its energies. ``origin`` is the start of
        the interval in which the event, or its ramp, begins.
        """
        own, nothing = self.intervals, np.full(len(self.event), np.nan)
        start, stop = (pd.DatetimeIndex(self.table[edge]).as_unit("us")[own.event] for edge in ("start", "stop"))
        site = pd.Index(self.table[SITE].array.take(own.event))
        index = pd.MultiIndex.from_arrays([site, start, stamps(own.times_us)], names=CASE_INDEX)
        cases = {"hidden_from": start, "hidden_until": stop, "event_stop": stop, "scored": own.scored}
        told = {PREDICTED: own.values[PREDICTED], LOWER: nothing, UPPER: nothing}
        rest = {name: own.values[name] for name in (UNADJUSTED, SEEN, OBSERVED)}
        return pd.DataFrame({**cases, **told, **rest}, index=index)

    @property
    def event(self) -> np.ndarray:
        """Position of each row's event in the table of events, int64, shape (n_rows,)."""
        return self.intervals.event

    @property
    def scored(self) -> np.ndarray:
        """Rows inside their event, bool."""
        return self.intervals.scored

    def energy(self, column: str) -> np.ndarray:
        """Energy of a column over each event [kWh], shape (n_events,); 0 where nothing of it was asked for."""
        counts = self.hours > 0
        energy = self.intervals.values[column][counts] * self.hours[counts]
        return np.bincount(self.event[counts], weights=energy, minlength=len(self.factor))

    @property
    def counted(self) -> np.ndarray:
        """How much of each event counts [h], whole microseconds, shape (n_events,)."""
        hours = np.bincount(self.event, weights=self.hours, minlength=len(self.factor))
        whole: np.ndarray = np.round(hours * HOUR_US) / HOUR_US
        return whole

    def share(self, of: np.ndarray) -> np.ndarray:
        """Share of each event's counted hours with `of` (0-1, shape (n_rows,)), shape (n_events,)."""
        n = len(self.factor)
        whole = np.bincount(self.event, weights=self.hours, minlength=n)
        part = np.bincount(self.event, weights=self.hours * of, minlength=n)
        return np.divide(part, whole, out=np.zeros(n), where=whole > 0)


def problem_table(program: Program, events: pd.DataFrame, reason: str | Sequence[str]) -> pd.DataFrame:
    """`events` as problems of `program`, all for one `reason` or each for its own."""
    reasons = [reason] * len(events) if isinstance(reason, str) else list(reason)
    return pd.DataFrame(
        {
            "program": program.name,
            SITE: events[SITE].array,
            "start": pd.DatetimeIndex(events["start"]),
            "reason": pd.array(reasons, dtype="str"),
        },
        columns=PROBLEM_COLUMNS,
    )
