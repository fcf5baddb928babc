"""The days a program's rule selects, and their load: history for the baselines of demand-response programs.

Unlike :class:`~cblcast.features.reference_days.ReferenceDays`, which lays out the newest days for any estimator to
learn from, this builder carries a program's own choice out: one rule a day type, with its own exclusions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Filled, Text
from cblcast.days.day_rules import DayRule
from cblcast.days.day_types import DayTypes, day_type_labels, place_day_types
from cblcast.days.ledger import Reason
from cblcast.features.day_choice import Selection, choose, relaxed
from cblcast.features.day_keys import event_hours_mean
from cblcast.frames.cases import EventArrays
from cblcast.frames.instants import DAY_US
from cblcast.frames.panel import AnyPanel, Panel, local_clock
from cblcast.frames.schema import OBSERVED, StudyError
from cblcast.wishes import alone

TOLD_COLUMNS = ["day", "weekday", "reason", "event_hours_kw", "ranked_by", "selected"]
_OUT_OF_SIGHT = [Reason.BEYOND_LOOK_BACK, Reason.OTHER_DAY_TYPE, Reason.OUTSIDE_DATA]


@dataclass(frozen=True)
class ProgramDays:
    """Load of the days that a program selects, at each interval's wall clock.

    Columns: ``<prefix>_kw_k``, k = 01 … the largest X of the rules [kW], newest day first (best ranked first where the
    rule weighs by rank), NaN where there are fewer days; ``<prefix>_rule``, the position of the rule that applies to
    the event's day type, -1 where there is none; ``<prefix>_qualified_days``; ``<prefix>_fallback``, how many steps of the
    rule's fallback were taken.

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

    rules: Annotated[Sequence[DayRule | Mapping[str, Any]], Filled()] = alone(
        (DayRule(),), "rules of two programs would be taken for one another: give one of them another prefix"
    )
    day_types: DayTypes = "working"
    temperature: Text = "temp_air_c"
    prefix: Text = "program"

    def __post_init__(self) -> None:
        check_fields(self)
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
        qualified, step = np.zeros(len(rule)), np.zeros(len(rule))
        for number in np.unique(rule[rule >= 0]):
            part, rows = event.take(rule == number)
            found = self.select(panel, part, self._rules[number])
            load[rows, : found.days.shape[1]] = found.load(panel, part)
            qualified[rule == number] = (found.ledger.reason == Reason.QUALIFIED).sum(1)
            step[rule == number] = found.step
        row = event.event_of_row
        columns = {name: load[:, k] for k, name in enumerate(self.columns())}
        columns[f"{self.prefix}_rule"] = rule[row].astype(np.float64)
        columns[f"{self.prefix}_qualified_days"] = qualified[row]
        columns[f"{self.prefix}_fallback"] = step[row]
        return pd.DataFrame(columns, index=cases.index)

    @property
    def _rules(self) -> tuple[DayRule, ...]:
        return self.rules  # type: ignore[return-value]

    def columns(self) -> list[str]:
        """Names of the load columns."""
        return [f"{self.prefix}_kw_{k:02d}" for k in range(1, max(rule.x for rule in self._rules) + 1)]

    def rule_of_event(self, panel: AnyPanel, event: EventArrays) -> np.ndarray:
        """Position of the rule for each event's day type, -1 where there is none; int64, shape (n_events,)."""
        names = sorted(set(day_type_labels(self.day_types)))
        number = np.array(
            [next((k for k, rule in enumerate(self._rules) if name in rule.applies_to), -1) for name in names],
            dtype=np.int64,
        )
        return number[event_day_types(panel, event, self.day_types)]

    def why_absent(self, panel: Panel, cases: pd.DataFrame) -> list[str]:
        """Why the rule of each event of `cases` gives no baseline."""
        return self.why_none(panel, EventArrays.of(panel, cases))

    def why_none(self, panel: AnyPanel, event: EventArrays) -> list[str]:
        """Why the rule of each of some events gives no baseline."""
        rule_of = self.rule_of_event(panel, event)
        reasons = ["the program has no rule for the day type of this event"] * len(rule_of)
        for number in np.unique(rule_of[rule_of >= 0]):
            rule = self._rules[number]
            part, _ = event.take(rule_of == number)
            ledger, last = self.select(panel, part, rule).ledger, relaxed(rule)[-1].rule
            for place, k in enumerate(np.flatnonzero(rule_of == number)):
                qualified, others = ledger.told(place)
                reasons[k] = (
                    f"{qualified} of at least {last.least} days qualified within {last.furthest_day} days ({others})"
                    if qualified < last.least
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
                "event_hours_kw": event_hours_mean(found.seen(panel), event, position[None, :])[0],
                "ranked_by": [ranked_by.get(int(day), np.nan) for day in position],
                "selected": np.isin(position, found.days[0][found.days[0] >= 0]),
            },
            columns=TOLD_COLUMNS,
        )
        unused = (reason == Reason.QUALIFIED) & ~np.isin(position, found.candidates[0])
        table.loc[unused, "reason"] = "qualified, but older than the days needed"
        told = np.flatnonzero(~np.isin(reason, _OUT_OF_SIGHT))
        return table[: int(told[-1]) + 1] if len(told) else table

    def select(self, panel: AnyPanel, event: EventArrays, rule: DayRule) -> Selection:
        """The choice of `rule` for events that all have a day type of its own."""
        return choose(panel, event, rule, self.day_types, self.temperature)


def event_day_types(panel: AnyPanel, event: EventArrays, day_types: str | Sequence[str]) -> np.ndarray:
    """Day-type code of each event's local day, int64, shape (n_events,)."""
    day = local_clock(panel, event.site, event.start_us) // DAY_US
    first = int(day.min()) if len(day) else 0
    of_site, types = place_day_types(panel, day_types, first, int(day.max() - first) + 1 if len(day) else 1)
    return types[of_site[event.site], day - first].astype(np.int64)
