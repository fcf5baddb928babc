"""How a program picks reference days: one rule a day type, every field of it independent of the others.

*Qualified days* are those that may be used, *selected days* those that are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from cblcast.days.fallback import Fallback, fallback_of
from cblcast.days.rule_fields import check_fields
from cblcast.frames.schema import StudyError, nearest

# Which end of the ranking is kept; "recent" keeps the order of age.
RANKS = {
    "high": "largest",
    "low": "smallest",
    "middle": "middle",
    "nearest": "smallest",
    "temperature": "smallest",
    "recent": "smallest",
}
RANKED = ("event_hours", "whole_day", "outside_event")
LOW_OF = ("mean", "seed")
WEIGHTS_BY = ("age", "rank")


@dataclass(frozen=True)
class DayRule:
    """The days that make a baseline on some day types.

    Attributes
    ----------
    applies_to : tuple of str
        Labels of the event day's type to which this rule applies; reference days have the event day's own label.
    x, y : int
        X days are selected of the Y newest qualified days.
    rank : {"high", "low", "middle", "nearest", "temperature", "recent"}
        Which of the Y are kept: by load, by likeness to the event day, by daily maximum temperature, by age.
    ranked : {"event_hours", "whole_day", "outside_event"}
        What the load is compared over; ``nearest`` compares the event day's own seen hours outside the event.
    weights : tuple of float, optional
        One a selected day, sum 1, OLDEST first (``weights_by="age"``) or best ranked first (``"rank"``).
    decay : float, optional
        Instead of weights: the weight of a day relative to the next newer one.
    minimum_days : int, optional
        With fewer qualified days there is no baseline; Y unless given.
    look_back_days : int
        Calendar days before the event that are searched.
    extended_look_back_days : int, optional
        Searched instead, for events that found fewer than Y.
    candidate_days : int, optional
        Only so many newest days of the event day's type are looked at (KPX: 2 × Y).
    gap_days : int
        Days right before the event that may not be used (NYISO: 1).
    min_metered_share : float
        Least metered share of a day; below it the day counts as an outage.
    low_share, high_share : float
        A day whose event-hours mean is below ``low_share`` × level, or above ``high_share`` × level, falls out.
    low_of : {"mean", "seed"}
        The level: the mean of the Y newest qualified days, or the highest event-hours mean of the look-back (NYISO's
        seed value).
    buffer_hours : float
        Hours beside the event that ``nearest`` does not compare (PJM match day: 1).
    compare_day_before : bool
        ``nearest`` compares the day before too (ERCOT's matching day pair): the mean of both differences.
    fallback : tuple of Fallback
        What is done, step by step, for events with fewer than `minimum_days` days; each step goes beyond the one before.
    """

    applies_to: tuple[str, ...] = ("working", "weekday", "any")
    x: int = 10
    y: int = 10
    rank: str = "recent"
    ranked: str = "event_hours"
    weights: tuple[float, ...] | None = None
    weights_by: str = "age"
    decay: float | None = None
    minimum_days: int | None = None
    look_back_days: int = 60
    extended_look_back_days: int | None = None
    candidate_days: int | None = None
    gap_days: int = 0
    min_metered_share: float = 0.9
    low_share: float = 0.0
    high_share: float | None = None
    low_of: str = "mean"
    buffer_hours: float = 0.0
    compare_day_before: bool = False
    fallback: tuple[Fallback, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "fallback", fallback_of(self.fallback))
        object.__setattr__(self, "applies_to", _labels(self.applies_to))
        if self.weights is not None:
            object.__setattr__(self, "weights", tuple(float(weight) for weight in self.weights))
        if not 1 <= self.x <= self.y:
            raise StudyError(f"a day rule needs 1 <= x <= y, not x={self.x}, y={self.y}")
        for value, known, what in (
            (self.rank, RANKS, "rank"),
            (self.ranked, RANKED, "ranked"),
            (self.low_of, LOW_OF, "low_of"),
            (self.weights_by, WEIGHTS_BY, "weights_by"),
        ):
            if value not in known:
                raise StudyError(f"unknown {what} {value!r} in a day rule: {nearest(value, known)}")
        if self.look_back_days < self.gap_days + 1:
            raise StudyError(f"look_back_days={self.look_back_days} leaves no day beyond gap_days={self.gap_days}")
        if self.extended_look_back_days is not None and self.extended_look_back_days <= self.look_back_days:
            raise StudyError("extended_look_back_days must exceed look_back_days, or be left out")
        if self.least > self.y:
            raise StudyError(f"minimum_days={self.minimum_days} exceeds y={self.y}: no event would have a baseline")
        if self.high_share is not None and self.high_share <= self.low_share:
            raise StudyError(
                f"high_share={self.high_share:g} must exceed low_share={self.low_share:g}, or no day is left"
            )
        if self.low_of == "seed" and self.high_share is not None:
            raise StudyError("a seed is the highest day, so it has no upper limit: leave high_share out")
        self._check_weights()
        self._check_fallback()

    def _check_fallback(self) -> None:
        least, furthest = self.least, self.furthest_day
        for step in self.fallback:
            if step.minimum_days is not None and step.minimum_days >= least:
                raise StudyError(f"a fallback to {step.minimum_days} days asks for no fewer than the {least} before it")
            if step.look_back_days is not None and step.look_back_days <= furthest:
                raise StudyError(
                    f"a fallback to {step.look_back_days} days of look-back must exceed the {furthest} before it"
                )
            least, furthest = step.minimum_days or least, step.look_back_days or furthest

    def _check_weights(self) -> None:
        if self.decay is not None and (self.weights is not None or not 0 < self.decay < 1):
            raise StudyError("decay lies between 0 and 1 and stands instead of weights")
        if self.weights is None:
            return
        if len(self.weights) != self.x or min(self.weights) < 0 or abs(sum(self.weights) - 1) > 1e-6:
            raise StudyError(
                f"weights must be {self.x} numbers >= 0 that sum to 1; "
                f"these are {len(self.weights)} that sum to {sum(self.weights):.4g}"
            )

    @classmethod
    def of(cls, spec: DayRule | Mapping[str, Any]) -> DayRule:
        """A rule from itself or from the mapping a file holds; an unknown key is an error that offers the nearest."""
        if isinstance(spec, DayRule):
            return spec
        known = [field.name for field in fields(cls)]
        for key in spec:
            if key not in known:
                raise StudyError(f"a day rule has no key {key!r}: {nearest(str(key), known)}")
        return cls(**spec)

    @property
    def least(self) -> int:
        """Least number of qualified days for a baseline."""
        return self.y if self.minimum_days is None else self.minimum_days

    @property
    def furthest_day(self) -> int:
        """Calendar days before the event that may be searched at all."""
        return self.extended_look_back_days or self.look_back_days

    @property
    def ordered_weights(self) -> np.ndarray:
        """Weights of the selected days, newest first (``weights_by="age"``) or best ranked first; shape (x,)."""
        if self.decay is not None:
            raw = self.decay ** np.arange(self.x)
            return raw / raw.sum()
        if self.weights is None:
            return np.full(self.x, 1.0 / self.x)
        return np.array(self.weights if self.weights_by == "rank" else self.weights[::-1])

    def plain(self) -> dict[str, Any]:
        """As a file holds it: only what differs from the default, and x, y, applies_to."""
        default = {field.name: field.default for field in fields(self)}
        found = {
            key: value
            for key, value in asdict(self).items()
            if key in ("applies_to", "x", "y") or value != default[key]
        }
        return found | ({"fallback": tuple(step.plain() for step in self.fallback)} if self.fallback else {})

    def fallback_words(self, steps: int) -> str:
        """What was done for an event that took so many steps of the fallback; empty for none."""
        return ", ".join(step.words for step in self.fallback[:steps])


def _labels(given: str | Sequence[str]) -> tuple[str, ...]:
    """One label may stand alone in a file."""
    return (given,) if isinstance(given, str) else tuple(given)


def choose_days(key: np.ndarray, x: int, side: str, minimum_days: int) -> np.ndarray:
    """Which days an XofY rule averages.

    Parameters
    ----------
    key : ndarray, shape (n_rows, y)
        What days are ranked by, newest day first; NaN is a day that is not there.
    x : int
        How many days are chosen; all that are there if fewer.
    side : {"largest", "smallest", "middle"}
        Middle drops as many of the largest as of the smallest (of an odd rest one more of the largest).
    minimum_days : int
        Rows with fewer days choose none.

    Returns
    -------
    ndarray of int64, shape (n_rows, x)
        Columns of `key`, newest first; -1 where fewer than `x` were chosen. Ties go to the newer day.
    """
    n_rows, y = key.shape
    there = np.isfinite(key)
    count = there.sum(1)
    ranked = np.argsort(np.where(there, -key if side == "largest" else key, np.inf), axis=1, kind="stable")
    first = np.maximum(count - x, 0) // 2 if side == "middle" else np.zeros(n_rows, dtype=np.int64)
    place = first[:, None] + np.arange(min(x, y))
    valid = (place < count[:, None]) & (count >= minimum_days)[:, None]
    chosen = np.where(valid, np.take_along_axis(ranked, np.minimum(place, y - 1), axis=1), y)
    chosen.sort(axis=1)  # newest first, the missing last
    return np.where(chosen < y, chosen, -1)
