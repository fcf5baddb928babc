"""The mean of the selected days' largest demand in the event hours: one figure for the whole event (Taipower)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cblcast.days.day_rules import DayRule
from cblcast.estimators.columns import numbered, take
from cblcast.estimators.rules.selected_days import SelectedDays
from cblcast.frames.instants import MINUTE_US, microseconds
from cblcast.frames.known import known_mean
from cblcast.frames.schema import ORIGIN, SITE, TIME, StudyError


def largest_demand(
    load_kw: np.ndarray, time_us: np.ndarray, group: np.ndarray, minutes: int, hours: np.ndarray | None = None
) -> np.ndarray:
    """Largest mean over clock spans of `minutes` in each group, shape (n_groups, k).

    Parameters
    ----------
    load_kw : ndarray, shape (n_rows, k)
        A span of which nothing is known does not count; a group of which nothing is known is NaN.
    time_us : ndarray of int64, shape (n_rows,)
        Interval starts, UTC; spans begin at full multiples of `minutes`. An interval longer than a span stands for it.
    group : ndarray of int64, shape (n_rows,)
        0 … n_groups - 1.
    hours : ndarray, shape (n_rows,), optional
        How much of each interval counts; all alike unless given.
    """
    n_groups = int(group.max()) + 1 if len(group) else 0
    weight = np.ones(len(group)) if hours is None else hours
    _, span = np.unique(np.stack([group, time_us // (minutes * MINUTE_US)]), axis=1, return_inverse=True)
    span = span.reshape(-1)
    n_spans = int(span.max()) + 1 if len(span) else 0
    group_of = np.zeros(n_spans, dtype=np.int64)
    group_of[span] = group
    found = np.full((n_groups, load_kw.shape[1]), np.nan)
    for column in range(load_kw.shape[1]):
        known = np.isfinite(load_kw[:, column]) & (weight > 0)
        whole = np.bincount(span[known], weights=weight[known], minlength=n_spans)
        total = np.bincount(span[known], weights=(load_kw[:, column] * weight)[known], minlength=n_spans)
        mean = np.divide(total, whole, out=np.full(n_spans, -np.inf), where=whole > 0)
        most = np.full(n_groups, -np.inf)
        np.maximum.at(most, group_of, mean)
        found[:, column] = np.where(np.isfinite(most), most, np.nan)
    return found


class LargestDemandDays(SelectedDays):
    """Mean over the selected days of each day's largest demand in the event hours, the same in every interval.

    Parameters
    ----------
    rules, day_types, temperature, prefix
        As :class:`~cblcast.estimators.rules.selected_days.SelectedDays`.
    minutes : int
        Demand is the mean over so many minutes; 15 with Taipower.

    Notes
    -----
    With readings coarser than `minutes` the largest reading stands for it, which is less than the demand that the
    operator bills.
    """

    def __init__(
        self,
        rules: Sequence[DayRule | Mapping[str, Any]] = (DayRule(),),
        day_types: str | Sequence[str] = "working",
        temperature: str = "temp_air_c",
        prefix: str = "program",
        minutes: int = 15,
    ) -> None:
        super().__init__(rules, day_types, temperature, prefix)
        self.minutes = minutes

    def check(self) -> None:
        """Raise for rules or spans that are none."""
        super().check()
        if self.minutes < 1 or 60 % self.minutes:
            raise StudyError(f"a demand of {self.minutes} minutes does not divide the hour: give 5, 10, 15, 30 or 60")

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,); rows of one event together."""
        rules = self._rules()
        load = take(X, numbered(self.prefix, "kw", max(rule.x for rule in rules)), self)
        number = take(X, [f"{self.prefix}_rule"], self)[:, 0]
        keys = [X.index.get_level_values(name) for name in (SITE, ORIGIN)]
        event = pd.MultiIndex.from_arrays(keys).factorize()[0]
        most = largest_demand(load, microseconds(X.index.get_level_values(TIME)), event, self.minutes)[event]
        baseline = np.full(len(X), np.nan)
        for k, rule in enumerate(rules):
            mine = number == k
            baseline[mine] = known_mean(most[mine, : rule.x], weight=np.asarray(rule.ordered_weights))
        return baseline
