"""Ordinary days: days without events at the clock of some events, on which a rule's error and a site's habits show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.days.day_types import site_day_types
from cblcast.days.ledger import on_event_days
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError
from cblcast.frames.instants import DAY_US, MINUTE_US, microseconds
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import SITE


@dataclass(frozen=True, order=True)
class ClockSpan:
    """Hours of a day as a wall clock shows them, and what kind of day it is: what makes two events comparable.

    Attributes
    ----------
    begin, end : str
        ``"17:00"``.
    kind : {"working", "rest"}
    """

    begin: str
    end: str
    kind: str

    @property
    def clock(self) -> str:
        """As tables write it: ``17:00-20:00``."""
        return f"{self.begin}-{self.end}"


@dataclass(frozen=True)
class OrdinaryDays:
    """Days without events, as events at the clock of real ones.

    Attributes
    ----------
    span : ClockSpan
    like : DataFrame
        The events whose clock it is.
    days : DataFrame
        ``site_id``, ``start``, ``stop``, sorted; the sites of `like`.
    """

    span: ClockSpan
    like: pd.DataFrame
    days: pd.DataFrame


def clock_spans(panel: Panel, events: pd.DataFrame) -> tuple[list[ClockSpan], np.ndarray]:
    """Local wall clock and kind of day of each event.

    Returns
    -------
    spans : list of ClockSpan
        Those that occur, sorted.
    which : ndarray of int64, shape (n_events,)
        Position of each event's span; -1 for a day or longer, with which nothing can be compared.
    """
    if events.empty:
        return [], np.empty(0, dtype=np.int64)
    code = panel.site_codes(pd.Index(events[SITE]))
    start, stop = (local_clock(panel, code, microseconds(events[edge])) for edge in ("start", "stop"))
    day = start // DAY_US
    working = site_day_types(panel, "working", int(day.min()), int(day.max() - day.min()) + 1)
    rest = working[code, day - day.min()] == sorted({"working", "rest"}).index("rest")
    minutes = [at % DAY_US // MINUTE_US for at in (start, stop)]
    known, which = np.unique(np.stack([*minutes, np.where(rest, 0, 1)], axis=1), axis=0, return_inverse=True)
    spans = [ClockSpan(_clock(begin), _clock(end), "working" if works else "rest") for begin, end, works in known]
    return spans, np.where(stop - start < DAY_US, which.reshape(-1), -1)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def event_clock(panel: Panel, events: pd.DataFrame) -> pd.DataFrame:
    """The same as columns ``clock`` ("17:00-20:00", "" for a day or longer) and ``kind`` ("working", "rest", "")."""
    spans, which = clock_spans(panel, events)
    texts = {name: np.array([*(getattr(span, name) for span in spans), ""], dtype=object) for name in ("clock", "kind")}
    return pd.DataFrame({name: text[which] for name, text in texts.items()}, index=events.index)


def ordinary_days(
    masked: Panel, events: pd.DataFrame, days_before: int, days_after: int | None = None
) -> Iterator[OrdinaryDays]:
    """Days without events at each clock that occurs among `events`, of the sites that have events at that clock.

    Parameters
    ----------
    masked : Panel
        With its real events, whose days are no ordinary days.
    events : DataFrame
    days_before, days_after : int
        Days before the first and after the last event of a clock; as many after as before unless given.
    """
    spans, which = clock_spans(masked, events)
    for number, span in enumerate(spans):
        like = events[which == number]
        if like.empty:
            continue
        own = masked.select(like[SITE].unique().tolist())
        before = pd.Timedelta(days=days_before)
        after = before if days_after is None else pd.Timedelta(days=days_after)
        try:
            days = placebo_events(
                own,
                span.begin,
                span.end,
                days="working",
                labels=(span.kind,),
                first=str((like["start"].min() - before).date()),
                last=str((like["start"].max() + after).date()),
                off_grid=True,
            )
        except DataError:
            continue  # no day to compare with: what rests on these days stays open, and says so
        days = days[~on_event_days(own, days)].sort_values([SITE, "start"], ignore_index=True)
        if len(days):
            yield OrdinaryDays(span, like, days)
