"""The baseline of a program's day rules: the weighted mean of the days it selected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import pandas as pd

from cblcast.checked.parameters import Filled, Text
from cblcast.days.day_rules import DayRule
from cblcast.days.day_types import DayTypes
from cblcast.estimators.columns import numbered, take
from cblcast.estimators.rules.rule import Rule
from cblcast.frames.known import known_mean


class SelectedDays(Rule):
    """Weighted mean of the days that :class:`cblcast.features.program_days.ProgramDays` selected.

    Parameters
    ----------
    rules : sequence of DayRule or mapping
        One rule a day type, or several (see :class:`cblcast.days.day_rules.DayRule`).
    day_types : str or eight labels
        See :data:`cblcast.days.day_types.DAY_TYPES`.
    temperature : str
        Panel column for ``rank: temperature``.
    prefix : str

    Notes
    -----
    An event with fewer qualified days than its rule's ``minimum_days``, or whose day type has no rule, gets NaN, which
    the evaluation and the settlement report by name. An interval that one selected day lacks is averaged over the rest.
    """

    def __init__(
        self,
        rules: Annotated[Sequence[DayRule | Mapping[str, Any]], Filled()] = (DayRule(),),
        day_types: DayTypes = "working",
        temperature: Text = "temp_air_c",
        prefix: Text = "program",
    ) -> None:
        self.rules = rules
        self.day_types = day_types
        self.temperature = temperature
        self.prefix = prefix

    def required_features(self) -> dict[str, dict[str, object]]:
        """Builders and the parameters this rule needs of them."""
        return {
            "program_days": {
                "rules": tuple(rule.plain() for rule in self._rules()),
                "day_types": self.day_types,
                "temperature": self.temperature,
                "prefix": self.prefix,
            }
        }

    def check(self) -> None:
        """Raise for rules that are none."""
        self._rules()

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,)."""
        rules = self._rules()
        load = take(X, numbered(self.prefix, "kw", max(rule.x for rule in rules)), self)
        number = take(X, [f"{self.prefix}_rule"], self)[:, 0]
        baseline = np.full(len(X), np.nan)
        for k, rule in enumerate(rules):
            mine = number == k
            baseline[mine] = known_mean(load[mine, : rule.x], weight=np.asarray(rule.ordered_weights))
        return baseline

    def _rules(self) -> tuple[DayRule, ...]:
        return tuple(DayRule.of(rule) for rule in self.rules)
