"""Scores of events beside those of the same site's ordinary days at the same clock, of every detector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.days.ordinary import ClockSpan, clock_spans, ordinary_days
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, StudyError
from cblcast.integrity.detectors import DETECTORS, GIVEN, Hours
from cblcast.integrity.profile import Profile, profile
from cblcast.programs.fitting import needed_panel
from cblcast.programs.model import Program


@dataclass(frozen=True, eq=False)
class Pool:
    """One site at one clock and kind of day.

    Attributes
    ----------
    site : str
    events : ndarray of int64, shape (n_events,)
        Rows of the profile's table of events.
    scores : ndarray, shape (n_days + n_events, n_detectors)
        Ordinary days first.
    given : list of ndarray, shape (n_days + n_events, n_conditions)
        What may explain each detector's score.
    n_days : int
    """

    site: str
    events: np.ndarray
    scores: np.ndarray
    given: list[np.ndarray]
    n_days: int


SITES_AT_ONCE = 50  # bounds the memory: hours of a year and more of each


def site_blocks(events: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The events of some sites at a time, sites in their order."""
    sites = np.sort(events[SITE].astype(str).unique())
    for first in range(0, len(sites), SITES_AT_ONCE):
        yield events[events[SITE].astype(str).isin(sites[first : first + SITES_AT_ONCE])]


def known_detectors(names: Sequence[str]) -> tuple[str, ...]:
    """`names`, checked."""
    for name in names:
        if name not in DETECTORS:
            raise StudyError(f"there is no detector {name!r}: known are {', '.join(DETECTORS)}")
    return tuple(names)


def hours_of(program: Program) -> Hours:
    """The hours that the detectors look at for a program: its window before the event, and the morning before that."""
    windows = [
        window
        for window in (program.adjustment.windows if program.adjustment else ())
        if getattr(window, "side", "") == "before"
    ]
    if not windows:
        return Hours()
    first = min(window.buffer for window in windows)  # type: ignore[union-attr]
    last = max(window.buffer + window.hours for window in windows)  # type: ignore[union-attr]
    return Hours(first, last, last + 1, last + 5, ramp_first=last + 1)


def ordinary_profiles(
    program: Program, masked: Panel, events: pd.DataFrame, days_around: int
) -> dict[ClockSpan, Profile]:
    """Profiles of days without events at each clock of the events."""
    found = {}
    for ordinary in ordinary_days(masked, events, days_around):
        whole = needed_panel(program, masked, ordinary.days[SITE].unique().tolist())
        found[ordinary.span] = profile(program, whole, whole, ordinary.days)
    return found


def pools(
    found: Profile, ordinary: dict[ClockSpan, Profile], panel: Panel, detectors: Sequence[str], hours: Hours
) -> Iterator[Pool]:
    """The pool of each site and clock of the events."""
    spans, which = clock_spans(panel, found.events)
    mine = _told(found, detectors, hours)
    site = found.events[SITE].to_numpy()
    for number, span in enumerate(spans):
        theirs = _told(ordinary[span], detectors, hours) if span in ordinary else None
        for name in pd.unique(site[which == number]):
            events = np.flatnonzero((which == number) & (site == name))
            days = np.empty(0, dtype=np.int64)
            if theirs is not None:
                days = np.flatnonzero(ordinary[span].events[SITE].to_numpy() == name)
            both = [
                (np.concatenate([other[days], own[events]]) if theirs is not None else own[events])
                for own, other in zip(_flat(mine), _flat(theirs or mine), strict=True)
            ]
            yield Pool(str(name), events, both[0], both[1:], len(days))


def _told(found: Profile, detectors: Sequence[str], hours: Hours) -> tuple[np.ndarray, list[np.ndarray]]:
    scores = [DETECTORS[name](found, hours) for name in detectors]
    given = [
        np.stack([condition(found, hours) for condition in GIVEN[name]], axis=1)
        if GIVEN[name]
        else np.empty((len(found.events), 0))
        for name in detectors
    ]
    return np.stack(scores, axis=1), given


def _flat(told: tuple[np.ndarray, list[np.ndarray]]) -> list[np.ndarray]:
    return [told[0], *told[1]]
