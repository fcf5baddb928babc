"""The days that a program's rule chooses for some events, its fallback included where too few days qualify."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cblcast.days.day_rules import RANKS, DayRule, choose_days
from cblcast.days.ledger import DayLedger, Reason, alike_days, day_ledger, of_class, reject_by_load, spread_ledger
from cblcast.features.day_keys import day_before_gap, event_hours_mean, event_slots, temperature_gap, whole_days
from cblcast.features.day_loads import reference_load, reject_unmetered_events
from cblcast.features.reference_days import similarity
from cblcast.frames.cases import EventArrays
from cblcast.frames.cube import DayCube
from cblcast.frames.day_panel import DayPanel
from cblcast.frames.known import known_mean
from cblcast.frames.panel import AnyPanel
from cblcast.frames.schema import DISPATCHED, OBSERVED


@dataclass(frozen=True)
class Selection:
    """What one rule did for the events it applies to.

    Attributes
    ----------
    ledger : DayLedger
        Every day of the look-back with its reason; an event day that fills up counts as qualified.
    days : ndarray of int64, shape (n_events, x)
        Selected days as cube positions, newest or best ranked first; -1 where there are fewer.
    candidates : ndarray of int64, shape (n_events, y)
        The Y newest qualified days.
    key : ndarray, shape (n_events, y)
        What they were ranked by (kW, K, or age in places); NaN where there is no day.
    step : ndarray of int64, shape (n_events,)
        How many steps of the fallback were taken.
    event_days : ndarray of bool, shape (n_events,)
        Whether earlier event days fill up.
    """

    ledger: DayLedger
    days: np.ndarray
    candidates: np.ndarray
    key: np.ndarray
    step: np.ndarray
    event_days: np.ndarray

    def seen(self, panel: AnyPanel) -> AnyPanel:
        """The panel in which the load of the selected days stands: with that of earlier events where they fill up."""
        return with_dispatched(panel) if self.event_days.any() else panel

    def load(self, panel: AnyPanel, event: EventArrays) -> np.ndarray:
        """Load of the selected days at each row's wall clock [kW], shape (n_rows, x)."""
        filled = self.event_days[event.event_of_row]
        return self.on_days(panel, lambda seen: reference_load(seen, event, self.days), filled)

    def on_days(self, panel: AnyPanel, look: Callable[[AnyPanel], np.ndarray], filled: np.ndarray) -> np.ndarray:
        """What `look` finds on the selected days, whose first axis `filled` tells where earlier event days fill up."""
        load = look(panel)
        if filled.any():
            load[filled] = look(with_dispatched(panel))[filled]
        return load


@dataclass(frozen=True)
class Relaxed:
    """A rule after some steps of its fallback.

    Attributes
    ----------
    rule : DayRule
    also : tuple of str
        Labels of day types whose days may be used too.
    event_days : bool
        Whether earlier event days fill up.
    """

    rule: DayRule
    also: tuple[str, ...] = ()
    event_days: bool = False


def relaxed(rule: DayRule) -> list[Relaxed]:
    """The rule itself, then after each step of its fallback."""
    found = [Relaxed(rule)]
    for step in rule.fallback:
        last = found[-1]
        own = replace(last.rule, fallback=())
        if step.minimum_days is not None:
            own = replace(own, minimum_days=step.minimum_days)
        if step.look_back_days is not None:
            own = replace(own, look_back_days=step.look_back_days, extended_look_back_days=None)
        also = tuple(dict.fromkeys((*last.also, *(step.day_types or ()))))
        found.append(Relaxed(own, also, last.event_days or step.event_days is not None))
    return found


def with_dispatched(panel: AnyPanel) -> AnyPanel:
    """The panel with the meter of its earlier events, where it is known: what event days that fill up are read from."""
    if DISPATCHED not in panel.names:
        return panel
    if isinstance(panel, DayPanel):
        own, kept = panel.cube(OBSERVED), panel.cube(DISPATCHED).values
        whole = DayCube(np.where(np.isnan(own.values), kept, own.values), own.first_day)
        return replace(panel, cubes={**panel.cubes, OBSERVED: whole}, events=None, spans=panel.known_spans)
    observed, dispatched = panel.column(OBSERVED), panel.column(DISPATCHED)
    return replace(
        panel, data=panel.data.assign(**{OBSERVED: np.where(np.isnan(observed), dispatched, observed)}), events=None
    )


def choose(
    panel: AnyPanel, event: EventArrays, rule: DayRule, day_types: str | Sequence[str], temperature: str
) -> Selection:
    """The choice of `rule` for events that all have a day type of its own; each event takes the first step that suffices."""
    steps = relaxed(rule)
    if event.like is not None and all(_looks_at_no_load(step) for step in steps):
        return _spread(choose(panel, event.of_each_class, rule, day_types, temperature), event.like)
    left = np.ones(len(event.site), dtype=bool)
    parts: list[tuple[np.ndarray, Selection]] = []
    for number, step in enumerate(steps):
        some, _ = event.take(left) if not left.all() else (event, None)
        found = _once(panel, some, step, day_types, temperature, number)
        enough = (found.ledger.reason == Reason.QUALIFIED).sum(1) >= step.rule.least
        if number == len(steps) - 1:
            enough[:] = True
        if enough.all() and not parts:
            return found
        parts.append((np.flatnonzero(left)[enough], _some(found, enough)))
        left[np.flatnonzero(left)[enough]] = False
        if not left.any():
            break
    return _joined(parts, len(event.site))


def _looks_at_no_load(step: Relaxed) -> bool:
    """Whether the calendar, and where the meter has gaps, decide alone."""
    rule = step.rule
    return rule.rank == "recent" and rule.low_share <= 0 and rule.high_share is None and not step.event_days


def _spread(found: Selection, like: np.ndarray) -> Selection:
    """The selections of classes as those of their events."""
    ledger = spread_ledger(found.ledger, like)
    rest = (of_class(each, like) for each in (found.days, found.candidates, found.key, found.step, found.event_days))
    return Selection(ledger, *rest)


def _once(
    panel: AnyPanel, event: EventArrays, step: Relaxed, day_types: str | Sequence[str], temperature: str, number: int
) -> Selection:
    rule = step.rule
    ledger = _ledger(panel, event, rule, day_types, step.also)
    seen, filled = panel, np.zeros(len(event.site), dtype=bool)
    if step.event_days:
        seen = with_dispatched(panel)
        fuller = _with_event_days(seen, event, ledger, rule)
        filled = (fuller.reason != ledger.reason).any(1)
        ledger = fuller
    candidates = ledger.newest(rule.y)
    # Likeness is that of the hours outside events, of the event day above all.
    key = _key(panel if rule.rank == "nearest" else seen, event, candidates, rule, temperature)
    chosen = choose_days(key, rule.x, RANKS[rule.rank], rule.least)
    if rule.weights_by == "rank" and rule.weights is not None:
        chosen = _best_first(chosen, key, RANKS[rule.rank])
    days = np.where(chosen >= 0, np.take_along_axis(candidates, np.maximum(chosen, 0), axis=1), -1)
    return Selection(ledger, days, candidates, key, np.full(len(days), number), filled)


def _some(found: Selection, keep: np.ndarray) -> Selection:
    ledger = DayLedger(found.ledger.position[keep], found.ledger.reason[keep])
    rest = (each[keep] for each in (found.days, found.candidates, found.key, found.step, found.event_days))
    return Selection(ledger, *rest)


def _joined(parts: list[tuple[np.ndarray, Selection]], n_events: int) -> Selection:
    """The selections of some of the events each, as one; a shorter look-back is filled up with days beyond it."""
    width = max(part.ledger.position.shape[1] for _, part in parts)
    first = parts[0][1]
    position = np.zeros((n_events, width), dtype=np.int64)
    reason = np.full((n_events, width), Reason.BEYOND_LOOK_BACK, dtype=np.int8)
    days, candidates, key, step, filled = (
        np.zeros((n_events, *each.shape[1:]), dtype=each.dtype)
        for each in (first.days, first.candidates, first.key, first.step, first.event_days)
    )
    for where, part in parts:
        own = part.ledger.reason.shape[1]
        position[where] = part.ledger.position[:, :1] - np.arange(width)
        reason[where, :own] = part.ledger.reason
        days[where], candidates[where], key[where] = part.days, part.candidates, part.key
        step[where], filled[where] = part.step, part.event_days
    return Selection(DayLedger(position, reason), days, candidates, key, step, filled)


def _with_event_days(seen: AnyPanel, event: EventArrays, ledger: DayLedger, rule: DayRule) -> DayLedger:
    """A ledger in which the highest event days fill up to the least number of days."""
    share = seen.cube(OBSERVED).metered_share
    inside = (ledger.position >= 0) & (ledger.position < share.shape[1])
    metered = share[event.site[:, None], np.where(inside, ledger.position, 0)] >= rule.min_metered_share
    may = (ledger.reason == Reason.REAL_EVENT) & inside & metered & ~_older_than(ledger, rule.furthest_day)
    load = event_hours_mean(seen, event, np.where(may, ledger.position, -1))
    order = np.argsort(np.where(np.isfinite(load), -load, np.inf), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    wanted = rule.least - (ledger.reason == Reason.QUALIFIED).sum(1)
    reason = ledger.reason.copy()
    reason[np.isfinite(load) & (rank < wanted[:, None])] = Reason.QUALIFIED
    return DayLedger(ledger.position, reason)


def _ledger(
    panel: AnyPanel, event: EventArrays, rule: DayRule, day_types: str | Sequence[str], also: tuple[str, ...]
) -> DayLedger:
    if event.like is None:
        ledger = _by_calendar(panel, event, rule, day_types, also)
    else:
        ledger = spread_ledger(_by_calendar(panel, event.of_each_class, rule, day_types, also), event.like)
    near = _by_load(panel, event, _beyond(ledger, _older_than(ledger, rule.look_back_days)), rule)
    if rule.extended_look_back_days is None:
        return near
    few = (near.reason == Reason.QUALIFIED).sum(1) < rule.y
    if few.any():
        far = _by_load(panel, event, ledger, rule)
        near.reason[few] = far.reason[few]
    return near


def _by_calendar(
    panel: AnyPanel, event: EventArrays, rule: DayRule, day_types: str | Sequence[str], also: tuple[str, ...]
) -> DayLedger:
    """Days of the whole look-back that calendar, events and gaps of the meter leave, whatever their load is."""
    ledger = day_ledger(
        panel,
        event,
        look_back_days=rule.furthest_day,
        day_types=day_types,
        gap_days=rule.gap_days,
        min_metered_share=rule.min_metered_share,
        also=also,
    )
    ledger = reject_unmetered_events(panel, event, ledger, rule.min_metered_share)
    if rule.candidate_days is not None:
        # Counted by the calendar alone: a day of another type may bear another reason, such as being too close.
        alike = np.cumsum(alike_days(panel, event, rule.furthest_day, day_types, also), axis=1)
        ledger = _beyond(ledger, alike > rule.candidate_days)
    return ledger


def _by_load(panel: AnyPanel, event: EventArrays, ledger: DayLedger, rule: DayRule) -> DayLedger:
    if rule.low_share <= 0 and rule.high_share is None:
        return ledger
    load = event_hours_mean(panel, event, np.where(ledger.reason == Reason.QUALIFIED, ledger.position, -1))
    if rule.low_of == "mean":
        return reject_by_load(ledger, load, rule.y, rule.low_share, rule.high_share)
    seed = np.fmax.reduce(load, axis=1)[:, None]
    reason = ledger.reason.copy()
    with np.errstate(invalid="ignore"):
        reason[(reason == Reason.QUALIFIED) & (seed > 0) & (load < rule.low_share * seed)] = Reason.TOO_LOW
    return DayLedger(ledger.position, reason)


def _key(panel: AnyPanel, event: EventArrays, days: np.ndarray, rule: DayRule, temperature: str) -> np.ndarray:
    """What the candidates are ranked by; NaN where there is no day."""
    if rule.rank == "recent":
        return np.where(days >= 0, np.arange(days.shape[1], dtype=np.float64), np.nan)
    if rule.rank == "nearest":
        gap = similarity(panel, event, days, None, rule.buffer_hours)[0]
        return (gap + day_before_gap(panel, event, days)) / 2 if rule.compare_day_before else gap
    if rule.rank == "temperature":
        return temperature_gap(panel, event, days, temperature)
    if rule.ranked == "event_hours":
        return event_hours_mean(panel, event, days)
    whole = whole_days(panel.cube(OBSERVED), event.site, days)
    if rule.ranked == "whole_day":
        return known_mean(whole)
    inside = event_slots(panel, event)
    return known_mean(np.where(inside[:, None, :], np.float32(np.nan), whole))


def _older_than(ledger: DayLedger, days: int) -> np.ndarray:
    return np.broadcast_to(np.arange(1, ledger.position.shape[1] + 1) > days, ledger.position.shape)


def _beyond(ledger: DayLedger, out: np.ndarray) -> DayLedger:
    reason = ledger.reason.copy()
    reason[(reason == Reason.QUALIFIED) & out] = Reason.BEYOND_LOOK_BACK
    return DayLedger(ledger.position, reason)


def _best_first(chosen: np.ndarray, key: np.ndarray, side: str) -> np.ndarray:
    value = np.take_along_axis(key, np.maximum(chosen, 0), axis=1)
    order = np.argsort(np.where(chosen >= 0, -value if side == "largest" else value, np.inf), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1)
