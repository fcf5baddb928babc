"""Baselines from the load of similar days: XofY and its kin (baseline paper, section 3.2, families 2-7).

Each is a rule over the columns of :class:`cblcast.features.reference_days.ReferenceDays`; nothing is learned, so a
rule registered in May scores June without carrying history.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.checked.parameters import Days, Inside, Positive, Share, Text
from cblcast.days.day_rules import choose_days
from cblcast.estimators.columns import numbered, take
from cblcast.estimators.ranges import FloatRange, IntRange, SearchRange
from cblcast.estimators.rules.rule import Rule
from cblcast.frames.known import known_mean
from cblcast.frames.schema import StudyError, nearest

# What days are ranked by, and whether the largest or the smallest come first; "recent" keeps the order of age.
SELECTIONS: dict[str, tuple[str | None, str]] = {
    "high": ("event_kw", "largest"),
    "middle": ("event_kw", "middle"),
    "low": ("event_kw", "smallest"),
    "nearest": ("gap_kw", "smallest"),
    "nearest_total": ("total_gap_kw", "smallest"),
    "temperature": ("temp_gap_c", "smallest"),
    "recent": (None, "smallest"),
}


RANKED_HOURS = {"event": "event_kw", "day": "day_kw"}


def weighted_days(load: np.ndarray, chosen: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of the chosen days [kW], shape (n_rows,); weights are renormalised over the days that are there.

    Parameters
    ----------
    load : ndarray, shape (n_rows, y)
    chosen : ndarray of int, shape (n_rows, x)
        As :func:`choose_days`.
    weights : ndarray, shape (x,)
        Newest day first.
    """
    values = np.take_along_axis(load, np.maximum(chosen, 0), axis=1)
    return known_mean(np.where(chosen >= 0, values, np.nan), weight=weights[: chosen.shape[1]])


def reference_days(days: int, prefix: str) -> dict[str, object]:
    """Parameters of the builder that finds `days` reference days: calendar days enough, and the prefix if not usual."""
    needs: dict[str, object] = {"days": days}
    if days > 10:
        needs["look_back_days"] = max(60, 3 * days)
    if prefix != "ref":
        needs["prefix"] = prefix
    return needs


class XofY(Rule):
    """Mean of X of the Y newest qualified days (equation 1): High, Middle, Low, Nearest, temperature or the newest.

    Parameters
    ----------
    x, y : int
        ``1 <= x <= y``; ``x = y`` is the Y-day simple average.
    select : str
        See :data:`SELECTIONS`: ``high``, ``middle``, ``low`` rank by mean load in the event hours, ``nearest`` by the
        mean absolute difference to the event day over the hours outside the event that may be seen, ``nearest_total``
        by the difference of the totals, ``temperature`` by daily maximum temperature, ``recent`` by age.
    weights : sequence of float, optional
        One weight per chosen day, OLDEST first as KPX prints them; must sum to 1.
    minimum_days : int, optional
        Least number of days; `y` unless given. Events with fewer get NaN, which the evaluation counts by name.
    rank_by : {"event", "day"}
        What ``high``, ``middle`` and ``low`` rank: the mean load in the event hours, as most programs word it, or that of
        the whole day, as equation 1 does ("the i-th highest energy day").
    prefix : str
        Prefix of the reference-day columns.

    Notes
    -----
    KPX's weights are printed as 0.10, 0.15, 0.15, 0.20, 0.25 for six days, five numbers that sum to 0.85; six that sum
    to 1 are 0.10, 0.15, 0.15, 0.15, 0.20, 0.25 (``docs/sources.md``).
    """

    def __init__(
        self,
        x: Days = 5,
        y: Days = 10,
        select: str = "high",
        weights: Sequence[Share] | None = None,
        minimum_days: Days | None = None,
        rank_by: str = "event",
        prefix: Text = "ref",
    ) -> None:
        self.x = x
        self.y = y
        self.select = select
        self.weights = weights
        self.minimum_days = minimum_days
        self.rank_by = rank_by
        self.prefix = prefix

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "x": IntRange(1, 10, at_most="y"),
            "y": IntRange(5, 15),
        }

    def required_features(self) -> dict[str, dict[str, object]]:
        """Builders and the parameters this rule needs of them."""
        needs: dict[str, object] = reference_days(max(10, self.y), self.prefix)
        if self.select == "temperature":
            needs["temperature"] = "temp_air_c"
        return {"reference_days": needs}

    def check(self) -> None:
        """Raise for parameters that make no rule."""
        self._validated()

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,)."""
        key_name, side, weights = self._validated()
        load = take(X, numbered(self.prefix, "kw", self.y), self)
        if key_name is None:
            age = np.broadcast_to(np.arange(self.y, dtype=np.float64), load.shape)
            key = np.where(np.isfinite(take(X, numbered(self.prefix, "age_days", self.y), self)), age, np.nan)
        else:
            key = take(X, numbered(self.prefix, key_name, self.y), self)
        chosen = choose_days(key, self.x, side, self.y if self.minimum_days is None else self.minimum_days)
        return weighted_days(load, chosen, weights)

    def _validated(self) -> tuple[str | None, str, np.ndarray]:
        if not 1 <= self.x <= self.y:
            raise StudyError(f"XofY needs 1 <= x <= y, not x={self.x}, y={self.y}")
        if self.select not in SELECTIONS:
            raise StudyError(f"unknown selection {self.select!r}: {nearest(self.select, SELECTIONS)}")
        weights = np.full(self.x, 1.0 / self.x) if self.weights is None else np.asarray(self.weights, dtype=float)[::-1]
        if len(weights) != self.x or (weights < 0).any() or abs(weights.sum() - 1) > 1e-6:
            raise StudyError(
                f"weights must be {self.x} numbers >= 0 that sum to 1, oldest day first; "
                f"these are {len(weights)} that sum to {weights.sum():.4g}"
            )
        if self.rank_by not in RANKED_HOURS:
            raise StudyError(f"unknown rank_by {self.rank_by!r}: {nearest(self.rank_by, RANKED_HOURS)}")
        key, side = SELECTIONS[self.select]
        return RANKED_HOURS[self.rank_by] if key == "event_kw" else key, side, weights


class SimpleAverage(XofY):
    """Mean of the Y newest qualified days (family 2); 10-in-10 with the default.

    Parameters
    ----------
    days : int
    minimum_days : int, optional
    prefix : str
    """

    def __init__(self, days: Days = 10, minimum_days: Days | None = None, prefix: Text = "ref") -> None:
        self.days = days
        self.minimum_days = minimum_days
        self.prefix = prefix

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "days": IntRange(3, 20),
        }

    x = property(lambda self: self.days)
    y = property(lambda self: self.days)
    select = property(lambda self: "recent")
    weights = property(lambda self: None)
    rank_by = property(lambda self: "event")


class ExponentialMovingAverage(Rule):
    """Weighted mean of the newest qualified days, weights falling geometrically with age (family 7).

    Parameters
    ----------
    decay : float
        Weight of a day relative to the next newer one, in (0, 1); 0.9 with many days is ISO-NE's former 90/10 rule
        (0.9 × the previous baseline + 0.1 × the newest day).
    days : int
        How many days are kept; the weight beyond them, ``decay ** days``, is spread over those kept.
    minimum_days : int
    prefix : str
    """

    def __init__(self, decay: Inside = 0.9, days: Days = 20, minimum_days: Days = 5, prefix: Text = "ref") -> None:
        self.decay = decay
        self.days = days
        self.minimum_days = minimum_days
        self.prefix = prefix

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "decay": FloatRange(0.7, 0.98),
            "days": IntRange(10, 40),
        }

    def required_features(self) -> dict[str, dict[str, object]]:
        """Builders and the parameters this rule needs of them."""
        return {"reference_days": reference_days(max(10, self.days), self.prefix)}

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,)."""
        load = take(X, numbered(self.prefix, "kw", self.days), self)
        there = np.isfinite(take(X, numbered(self.prefix, "age_days", self.days), self))
        chosen = choose_days(
            np.where(there, np.arange(self.days, dtype=float), np.nan), self.days, "smallest", self.minimum_days
        )
        return weighted_days(load, chosen, self.decay ** np.arange(self.days))


class ComparableDay(Rule):
    """The load of the ONE qualified day most like the event day in weather (family 3); the day type is that of the event.

    Parameters
    ----------
    days : int
        How many qualified days are searched.
    kelvin, humidity_pct : float
        Differences of daily maximum temperature [K] and of daily mean relative humidity [%] that weigh the same.
        ``humidity_pct=None`` leaves humidity out.
    prefix : str
    """

    def __init__(
        self, days: Days = 20, kelvin: Positive = 1.0, humidity_pct: Positive | None = None, prefix: Text = "ref"
    ) -> None:
        self.days = days
        self.kelvin = kelvin
        self.humidity_pct = humidity_pct
        self.prefix = prefix

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "days": IntRange(10, 60),
        }

    def required_features(self) -> dict[str, dict[str, object]]:
        """Builders and the parameters this rule needs of them."""
        needs: dict[str, object] = {**reference_days(self.days, self.prefix), "temperature": "temp_air_c"}
        if self.humidity_pct is not None:
            needs["humidity"] = "relative_humidity_pct"
        return {"reference_days": needs}

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,)."""
        load = take(X, numbered(self.prefix, "kw", self.days), self)
        gap = (take(X, numbered(self.prefix, "temp_gap_c", self.days), self) / self.kelvin) ** 2
        if self.humidity_pct is not None:
            gap += (take(X, numbered(self.prefix, "humidity_gap_pct", self.days), self) / self.humidity_pct) ** 2
        return weighted_days(load, choose_days(gap, 1, "smallest", 1), np.ones(1))
