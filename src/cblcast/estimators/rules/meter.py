"""Baselines straight from a meter: meter before / meter after and metering generator output (NAESB types)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import pandas as pd

from cblcast.checked.parameters import DaysOrNone, Filled, Text
from cblcast.days.day_rules import choose_days
from cblcast.estimators.columns import event_codes, numbered, take
from cblcast.estimators.rules.rule import Rule
from cblcast.estimators.rules.similar_days import reference_days, weighted_days
from cblcast.frames.events import Window, WindowSpec, windows_of
from cblcast.frames.known import known_mean_by


class MeterBeforeMeterAfter(Rule):
    """A flat baseline: the mean load in windows beside the event, and nothing else (NAESB meter before / meter after).

    Parameters
    ----------
    window : Window, str, or a sequence of them
        One window before the event for fast products; ``[before(3, 1), after(2, 1)]`` is PJM's same-day 3+2.
    """

    def __init__(self, window: WindowSpec | Annotated[Sequence[WindowSpec], Filled()] = "PBLM") -> None:
        self.window = window

    def windows(self) -> tuple[Window, ...]:
        """Windows whose rows the cases must hold."""
        return windows_of(self.window)

    def required_features(self) -> dict[str, dict[str, object]]:
        """Builders and the parameters this rule needs of them."""
        return {"event_windows": {}}

    def check(self) -> None:
        """Raise for windows that are none."""
        self.windows()

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,); NaN where the windows show no load."""
        since_start, since_stop, metered = take(X, ["hours_since_start", "hours_since_stop", "metered_kw"], self).T
        event, n_events = event_codes(X, self)
        inside = np.logical_or.reduce([window.contains(since_start, since_stop) for window in self.windows()])
        return known_mean_by(np.where(inside, metered, np.nan), event, n_events)[event]


class MeteringGeneratorOutput(Rule):
    """Baseline of a generator behind the customer's meter; the site's panel is the generator's OWN meter.

    What the generator gives beyond its baseline is the demand reduction. A standby set runs for nothing but events, so
    its baseline is 0; one that runs anyway is owed only what it gives beyond its typical output.

    Parameters
    ----------
    typical_days : int
        0: the baseline is zero output. n: the mean output over the n newest qualified days (CAISO: 10).
    prefix : str
    """

    def __init__(self, typical_days: DaysOrNone = 0, prefix: Text = "ref") -> None:
        self.typical_days = typical_days
        self.prefix = prefix

    def required_features(self) -> dict[str, dict[str, object]]:
        """Builders and the parameters this rule needs of them."""
        return {"reference_days": reference_days(max(10, self.typical_days), self.prefix)} if self.typical_days else {}

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline output [kW], float64, shape (n_rows,)."""
        if self.typical_days == 0:
            return np.zeros(len(X))
        load = take(X, numbered(self.prefix, "kw", self.typical_days), self)
        age = take(X, numbered(self.prefix, "age_days", self.typical_days), self)
        chosen = choose_days(age, self.typical_days, "smallest", 1)
        return weighted_days(load, chosen, np.ones(self.typical_days))
