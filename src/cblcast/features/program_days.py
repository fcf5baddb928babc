"""The days a program's rule selects, and their load: history for the baselines of demand-response programs.

Unlike :class:`~cblcast.features.reference_days.ReferenceDays`, which lays out the newest days for any estimator to
learn from, this builder carries a program's own choice out: one rule a day type, with its own exclusions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cblcast.days.day_rules import RANKS, DayRule, choose_days
from cblcast.days.day_types import day_type_labels, site_day_types
from cblcast.days.ledger import DayLedger, Reason, alike_days, day_ledger, reject_by_load
from cblcast.features.day_keys import day_before_gap, event_hours_mean, event_slots, temperature_gap, whole_days
from cblcast.features.reference_days import reference_load, reject_unmetered_events, similarity
from cblcast.frames.cases import EventArrays
from cblcast.frames.instants import DAY_US
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED, StudyError
from cblcast.wishes import alone

TOLD_COLUMNS = ["day", "weekday", "reason", "event_hours_kw", "ranked_by", "selected"]
_OUT_OF_SIGHT = [Reason.BEYOND_LOOK_BACK, Reason.OTHER_DAY_TYPE, Reason.OUTSIDE_DATA]


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

    rules: Sequence[DayRule | Mapping[str, Any]] = alone(
        (DayRule(),), "rules of two programs would be taken for one another: give one of them another prefix"
    )
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
            part, rows = event.take(rule == number)
            found = self.select(panel, part, self._rules[number])
            load[rows, : found.days.shape[1]] = reference_load(panel, part, found.days)
            qualified[rule == number] = (found.ledger.reason == Reason.QUALIFIED).sum(1)
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

    def why_absent(self, panel: Panel, cases: pd.DataFrame) -> list[str]:
        """Why the rule of each event of `cases` gives no baseline."""
        event = EventArrays.of(panel, cases)
        rule_of = self.rule_of_event(panel, event)
        reasons = ["the program has no rule for the day type of this event"] * len(rule_of)
        for number in np.unique(rule_of[rule_of >= 0]):
            rule = self._rules[number]
            part, _ = event.take(rule_of == number)
            ledger = self.select(panel, part, rule).ledger
            for place, k in enumerate(np.flatnonzero(rule_of == number)):
                qualified, others = ledger.told(place)
                reasons[k] = (
                    f"{qualified} of at least {rule.least} days qualified within {rule.furthest_day} days ({others})"
                    if qualified < rule.least
                    else "the selected days were not metered in an interval of the event"
                )
        return reasons

    def told_days(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Every day that was looked at for the one event of `cases`, newest first, and what became of it.

        Columns ``day``, ``weekday``, ``reason``, ``event_hours_kw``, ``ranked_by``, ``selected``; empty for an event whose
        day type has no rule.
        """
        event = EventArrays.of(panel, cases)
        number = int(self.rule_of_event(panel, event)[0])
        if number < 0:
            return pd.DataFrame(columns=TOLD_COLUMNS)
        found = self.select(panel, event, self._rules[number])
        position, reason = found.ledger.position[0], found.ledger.reason[0]
        ranked_by = {int(day): key for day, key in zip(found.candidates[0], found.key[0], strict=True) if day >= 0}
        dates = (position + panel.cube(OBSERVED).first_day).astype("M8[D]")
        table = pd.DataFrame(
            {
                "day": [str(date) for date in dates],
                "weekday": pd.DatetimeIndex(dates).strftime("%a"),
                "reason": [Reason(code).words for code in reason],
                "event_hours_kw": event_hours_mean(panel, event, position[None, :])[0],
                "ranked_by": [ranked_by.get(int(day), np.nan) for day in position],
                "selected": np.isin(position, found.days[0][found.days[0] >= 0]),
            },
            columns=TOLD_COLUMNS,
        )
        unused = (reason == Reason.QUALIFIED) & ~np.isin(position, found.candidates[0])
        table.loc[unused, "reason"] = "qualified, but older than the days needed"
        told = np.flatnonzero(~np.isin(reason, _OUT_OF_SIGHT))
        return table[: int(told[-1]) + 1] if len(told) else table

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
        few = (near.reason == Reason.QUALIFIED).sum(1) < rule.y
        if few.any():
            far = self._by_load(panel, event, ledger, rule)
            near.reason[few] = far.reason[few]
        return near

    def _by_load(self, panel: Panel, event: EventArrays, ledger: DayLedger, rule: DayRule) -> DayLedger:
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

    def _key(self, panel: Panel, event: EventArrays, days: np.ndarray, rule: DayRule) -> np.ndarray:
        """What the candidates are ranked by; NaN where there is no day."""
        if rule.rank == "recent":
            return np.where(days >= 0, np.arange(days.shape[1], dtype=np.float64), np.nan)
        if rule.rank == "nearest":
            gap = similarity(panel, event, days, None, rule.buffer_hours)[0]
            return (gap + day_before_gap(panel, event, days)) / 2 if rule.compare_day_before else gap
        if rule.rank == "temperature":
            return temperature_gap(panel, event, days, self.temperature)
        if rule.ranked == "event_hours":
            return event_hours_mean(panel, event, days)
        whole = whole_days(panel.cube(OBSERVED), event.site, days)
        if rule.ranked == "whole_day":
            return known_mean(whole)
        inside = event_slots(panel, event)
        return known_mean(np.where(inside[:, None, :], np.float32(np.nan), whole))


def event_day_types(panel: Panel, event: EventArrays, day_types: str | Sequence[str]) -> np.ndarray:
    """Day-type code of each event's local day, int64, shape (n_events,)."""
    day = local_clock(panel, event.site, event.start_us) // DAY_US
    first = int(day.min()) if len(day) else 0
    types = site_day_types(panel, day_types, first, int(day.max() - first) + 1 if len(day) else 1)
    return types[event.site, day - first].astype(np.int64)


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
