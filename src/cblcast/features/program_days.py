"""The days a program's rule selects, and their load: history for the baselines of demand-response programs.

Unlike :class:`~cblcast.features.reference_days.ReferenceDays`, which lays out the newest days for any estimator to
learn from, this builder carries a program's own choice out: one rule a day type, with its own exclusions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cblcast.days.blindfold import hidden_slots
from cblcast.days.day_rules import RANKS, DayRule, choose_days
from cblcast.days.day_types import day_type_labels, site_day_types
from cblcast.days.ledger import QUALIFIED, REASONS, DayLedger, alike_days, day_ledger, reject_by_load
from cblcast.features.reference_days import reference_load, reject_unmetered_events, similarity
from cblcast.frames.cases import EventArrays
from cblcast.frames.cube import DAY_US, DayCube
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED, StudyError

BEYOND = REASONS.index("beyond the look-back")
TOO_LOW = REASONS.index("load too low")


@dataclass(frozen=True)
class Selection:
    """What one rule did for the events it applies to.

    Attributes
    ----------
    ledger : DayLedger
        Every day of the look-back with its reason.
    days : ndarray of int64, shape (n_events, x)
        Selected days as cube positions, newest or best ranked first; -1 where there are fewer.
    candidates : ndarray of int64, shape (n_events, y)
        The Y newest qualified days.
    key : ndarray, shape (n_events, y)
        What they were ranked by (kW, K, or age in places); NaN where there is no day.
    """

    ledger: DayLedger
    days: np.ndarray
    candidates: np.ndarray
    key: np.ndarray


@dataclass(frozen=True)
class ProgramDays:
    """Load of the days that a program selects, at each interval's wall clock.

    Columns: ``<prefix>_kw_k``, k = 01 … the largest X of the rules [kW], newest day first (best ranked first where the
    rule weighs by rank), NaN where there are fewer days; ``<prefix>_rule``, the position of the rule that applies to
    the event's day type, -1 where there is none; ``<prefix>_qualified_days``.

    Parameters
    ----------
    rules : sequence of DayRule or mapping
        See :class:`cblcast.days.day_rules.DayRule`.
    day_types : str or eight labels
        See :data:`cblcast.days.day_types.DAY_TYPES`.
    temperature : str
        Panel column that ``rank: temperature`` compares by daily maximum.
    prefix : str
    """

    rules: Sequence[DayRule | Mapping[str, Any]] = (DayRule(),)
    day_types: str | Sequence[str] = "working"
    temperature: str = "temp_air_c"
    prefix: str = "program"

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", tuple(DayRule.of(rule) for rule in self.rules))
        if not isinstance(self.day_types, str):
            object.__setattr__(self, "day_types", tuple(self.day_types))
        if self.temperature == OBSERVED:
            raise StudyError(f"{OBSERVED!r} is no temperature: its day would be compared without the blindfold")

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        event = EventArrays.of(panel, cases)
        rule = self.rule_of_event(panel, event)
        width = max(each.x for each in self._rules)
        load = np.full((len(cases), width), np.nan)
        qualified = np.zeros(len(rule))
        for number in np.unique(rule[rule >= 0]):
            part, rows = subset(event, rule == number)
            found = self.select(panel, part, self._rules[number])
            load[np.ix_(rows, np.arange(found.days.shape[1]))] = reference_load(panel, part, found.days)
            qualified[rule == number] = (found.ledger.reason == QUALIFIED).sum(1)
        row = event.event_of_row
        columns = {name: load[:, k] for k, name in enumerate(self.columns())}
        columns[f"{self.prefix}_rule"] = rule[row].astype(np.float64)
        columns[f"{self.prefix}_qualified_days"] = qualified[row]
        return pd.DataFrame(columns, index=cases.index)

    @property
    def _rules(self) -> tuple[DayRule, ...]:
        return self.rules  # type: ignore[return-value]

    def columns(self) -> list[str]:
        """Names of the load columns."""
        return [f"{self.prefix}_kw_{k:02d}" for k in range(1, max(rule.x for rule in self._rules) + 1)]

    def rule_of_event(self, panel: Panel, event: EventArrays) -> np.ndarray:
        """Position of the rule for each event's day type, -1 where there is none; int64, shape (n_events,)."""
        names = sorted(set(day_type_labels(self.day_types)))
        number = np.array(
            [next((k for k, rule in enumerate(self._rules) if name in rule.applies_to), -1) for name in names],
            dtype=np.int64,
        )
        return number[event_day_types(panel, event, self.day_types)]

    def select(self, panel: Panel, event: EventArrays, rule: DayRule) -> Selection:
        """The choice of `rule` for events that all have a day type of its own."""
        ledger = self._ledger(panel, event, rule)
        candidates = ledger.newest(rule.y)
        key = self._key(panel, event, candidates, rule)
        chosen = choose_days(key, rule.x, RANKS[rule.rank], rule.least)
        if rule.weights_by == "rank" and rule.weights is not None:
            chosen = _best_first(chosen, key, RANKS[rule.rank])
        days = np.where(chosen >= 0, np.take_along_axis(candidates, np.maximum(chosen, 0), axis=1), -1)
        return Selection(ledger, days, candidates, key)

    def _ledger(self, panel: Panel, event: EventArrays, rule: DayRule) -> DayLedger:
        ledger = day_ledger(
            panel,
            event,
            look_back_days=rule.furthest_day,
            day_types=self.day_types,
            gap_days=rule.gap_days,
            min_metered_share=rule.min_metered_share,
        )
        ledger = reject_unmetered_events(panel, event, ledger, rule.min_metered_share)
        if rule.candidate_days is not None:
            # Counted by the calendar alone: a day of another type may bear another reason, such as being too close.
            alike = np.cumsum(alike_days(panel, event, rule.furthest_day, self.day_types), axis=1)
            ledger = _beyond(ledger, alike > rule.candidate_days)
        near = self._by_load(panel, event, _beyond(ledger, _older_than(ledger, rule.look_back_days)), rule)
        if rule.extended_look_back_days is None:
            return near
        few = (near.reason == QUALIFIED).sum(1) < rule.y
        if few.any():
            far = self._by_load(panel, event, ledger, rule)
            near.reason[few] = far.reason[few]
        return near

    def _by_load(self, panel: Panel, event: EventArrays, ledger: DayLedger, rule: DayRule) -> DayLedger:
        if rule.low_share <= 0 and rule.high_share is None:
            return ledger
        load = event_hours_mean(panel, event, np.where(ledger.reason == QUALIFIED, ledger.position, -1))
        if rule.low_of == "mean":
            return reject_by_load(ledger, load, rule.y, rule.low_share, rule.high_share)
        seed = np.fmax.reduce(load, axis=1)[:, None]
        reason = ledger.reason.copy()
        with np.errstate(invalid="ignore"):
            reason[(reason == QUALIFIED) & (load < rule.low_share * seed)] = TOO_LOW
        return DayLedger(ledger.position, reason)

    def _key(self, panel: Panel, event: EventArrays, days: np.ndarray, rule: DayRule) -> np.ndarray:
        """What the candidates are ranked by; NaN where there is no day."""
        if rule.rank == "recent":
            return np.where(days >= 0, np.arange(days.shape[1], dtype=np.float64), np.nan)
        if rule.rank == "nearest":
            gap = similarity(panel, event, days, None, rule.buffer_hours)[0]
            return (gap + _day_before_gap(panel, event, days)) / 2 if rule.compare_day_before else gap
        if rule.rank == "temperature":
            return _temperature_gap(panel, event, days, self.temperature)
        if rule.ranked == "event_hours":
            return event_hours_mean(panel, event, days)
        whole = _gather(panel.cube(OBSERVED), event.site, days)
        if rule.ranked == "whole_day":
            return _mean(whole)
        inside = _event_slots(panel, event)
        return _mean(np.where(inside[:, None, :], np.float32(np.nan), whole))


def subset(event: EventArrays, keep: np.ndarray) -> tuple[EventArrays, np.ndarray]:
    """Some of the events, and the rows of the cases that are theirs."""
    rows = np.flatnonzero(keep[event.event_of_row])
    number = np.cumsum(keep) - 1
    event_of_row = number[event.event_of_row[rows]]
    first_row = np.flatnonzero(np.r_[True, event_of_row[1:] != event_of_row[:-1]])[: int(keep.sum())]
    part = replace(
        event,
        first_row=first_row,
        event_of_row=event_of_row,
        site=event.site[keep],
        start_us=event.start_us[keep],
        stop_us=event.stop_us[keep],
        hidden_from_us=event.hidden_from_us[keep],
        hidden_until_us=event.hidden_until_us[keep],
        time_us=event.time_us[rows],
        scored=event.scored[rows],
    )
    return part, rows


def event_day_types(panel: Panel, event: EventArrays, day_types: str | Sequence[str]) -> np.ndarray:
    """Day-type code of each event's local day, int64, shape (n_events,)."""
    day = local_clock(panel, event.site, event.start_us) // DAY_US
    first = int(day.min(initial=0)) if len(day) else 0
    first = int(day.min()) if len(day) else first
    types = site_day_types(panel, day_types, first, int(day.max() - first) + 1 if len(day) else 1)
    return types[event.site, day - first].astype(np.int64)


def event_hours_mean(panel: Panel, event: EventArrays, days: np.ndarray) -> np.ndarray:
    """Mean load of each day at the wall clock of the event's own intervals [kW]; (n_events, k), NaN where none.

    Equal to the mean of :func:`~cblcast.features.reference_days.reference_load` over the scored rows.
    """
    cube = panel.cube(OBSERVED)
    rows = np.flatnonzero(event.scored)
    owner = event.event_of_row[rows]
    start_day = local_clock(panel, event.site, event.start_us) // DAY_US
    local = local_clock(panel, event.site[owner], event.time_us[rows])
    offset = local // DAY_US - start_day[owner]
    slot = local % DAY_US // panel.step_us
    hidden, _ = hidden_slots(panel, event)
    total, count = np.zeros(days.shape), np.zeros(days.shape, dtype=np.int32)
    # One interval of every event at a time: the arrays stay (events, days), whatever the length of an event.
    place = np.arange(len(rows)) - np.searchsorted(owner, owner)
    for step in range(int(place.max(initial=-1)) + 1):
        now = place == step
        who = owner[now]
        day = days[who] + offset[now, None]
        inside = (days[who] >= 0) & (day >= 0) & (day < cube.n_days)
        seen = (day + cube.first_day) * DAY_US + (slot[now, None] + 1) * panel.step_us <= hidden[who, None]
        load = cube.values[event.site[who][:, None], np.where(inside, day, 0), slot[now, None]]
        use = inside & seen & np.isfinite(load)
        total[who] += np.where(use, load, 0.0)
        count[who] += use
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _older_than(ledger: DayLedger, days: int) -> np.ndarray:
    return np.broadcast_to(np.arange(1, ledger.position.shape[1] + 1) > days, ledger.position.shape)


def _beyond(ledger: DayLedger, out: np.ndarray) -> DayLedger:
    reason = ledger.reason.copy()
    reason[(reason == QUALIFIED) & out] = BEYOND
    return DayLedger(ledger.position, reason)


def _best_first(chosen: np.ndarray, key: np.ndarray, side: str) -> np.ndarray:
    value = np.take_along_axis(key, np.maximum(chosen, 0), axis=1)
    order = np.argsort(np.where(chosen >= 0, -value if side == "largest" else value, np.inf), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1)


def _gather(cube: DayCube, site: np.ndarray, days: np.ndarray) -> np.ndarray:
    inside = (days >= 0) & (days < cube.n_days)
    return np.where(inside[:, :, None], cube.values[site[:, None], np.where(inside, days, 0)], np.float32(np.nan))


def _mean(values: np.ndarray) -> np.ndarray:
    seen = np.isfinite(values)
    total = np.where(seen, values, 0.0).sum(2, dtype=np.float64)
    return np.where(seen.any(2), total / np.maximum(seen.sum(2), 1), np.nan)


def _event_slots(panel: Panel, event: EventArrays) -> np.ndarray:
    """Wall-clock slots that the event covers, bool, shape (n_events, n_slots)."""
    cube = panel.cube(OBSERVED)
    inside = np.zeros((len(event.site), cube.values.shape[2]), dtype=bool)
    rows = np.flatnonzero(event.scored)
    owner = event.event_of_row[rows]
    slot = local_clock(panel, event.site[owner], event.time_us[rows]) % DAY_US // panel.step_us
    inside[owner, slot] = True
    return inside


def _day_before_gap(panel: Panel, event: EventArrays, days: np.ndarray) -> np.ndarray:
    cube = panel.cube(OBSERVED)
    eve = local_clock(panel, event.site, event.start_us) // DAY_US - cube.first_day - 1
    return _mean(np.abs(_gather(cube, event.site, days - 1) - _gather(cube, event.site, eve[:, None])))


def _temperature_gap(panel: Panel, event: EventArrays, days: np.ndarray, column: str) -> np.ndarray:
    cube = panel.cube(column)
    shift = panel.cube(OBSERVED).first_day - cube.first_day
    today = local_clock(panel, event.site, event.start_us) // DAY_US - cube.first_day
    maximum = np.fmax.reduce(_gather(cube, event.site, today[:, None]), axis=2)
    return np.abs(np.fmax.reduce(_gather(cube, event.site, np.where(days >= 0, days + shift, -1)), axis=2) - maximum)
