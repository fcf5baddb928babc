"""What a parameter may be: bounds, and the names for them that annotations use.

``x: Days`` is ``Annotated[int, Between(1, 3660)]``; :mod:`cblcast.checked.annotations` reads the annotations and tells them in words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol


class Bound(Protocol):
    """What an annotation adds to a type."""

    def allows(self, value: Any) -> bool:
        """Whether `value`, which is of the type already, may be taken."""

    def said(self, kind: str) -> str:
        """The type, called `kind`, with this bound, in words."""


@dataclass(frozen=True)
class Between:
    """Numbers from `low` to `high`; `above` and `below` leave the ends out."""

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False

    def allows(self, value: Any) -> bool:
        """Whether `value` lies between the ends."""
        return (value > self.low if self.above else value >= self.low) and (
            value < self.high if self.below else value <= self.high
        )

    def said(self, kind: str) -> str:
        """In words."""
        low = f"{'above' if self.above else 'from'} {self.low:g}" if self.low > -math.inf else ""
        high = f"{'below' if self.below else 'up to'} {self.high:,.10g}" if self.high < math.inf else ""
        return " ".join(part for part in (kind, low, high) if part)


@dataclass(frozen=True)
class OneOf:
    """One of some words."""

    choices: tuple[Any, ...]

    def allows(self, value: Any) -> bool:
        """Whether `value` is one of them."""
        return value in self.choices

    def said(self, kind: str) -> str:
        """In words."""
        return f"one of {', '.join(map(repr, self.choices))}"


@dataclass(frozen=True)
class Filled:
    """Lists of so many items at least, each once where `distinct`; texts that are not blank."""

    least: int = 1
    distinct: bool = False

    def allows(self, value: Any) -> bool:
        """Whether `value` is filled."""
        if isinstance(value, str):
            return bool(value.strip())
        items = items_of(value)
        return items is None or (len(items) >= self.least and not (self.distinct and _twice(items)))

    def said(self, kind: str) -> str:
        """In words."""
        if not kind.startswith("a list"):
            return f"{kind} that is not blank"
        least = f"a list with {self.least} item{'s' if self.least > 1 else ''} at least"
        return f"{kind.replace('a list', least, 1)}{', none twice' if self.distinct else ''}"


@dataclass(frozen=True)
class Able:
    """Objects that have these methods, and no class instead of its instance."""

    methods: tuple[str, ...]
    what: str

    def allows(self, value: Any) -> bool:
        """Whether `value` has them."""
        return not isinstance(value, type) and all(callable(getattr(value, name, None)) for name in self.methods)

    def said(self, kind: str) -> str:
        """In words."""
        return self.what


def items_of(value: Any) -> Sequence[Any] | None:
    """Items of a list, a tuple, or an array or index of one dimension."""
    if isinstance(value, (list, tuple)):
        return value
    if getattr(value, "ndim", None) == 1 and hasattr(value, "tolist"):
        found: list[Any] = value.tolist()
        return found
    return None


def _twice(items: Sequence[Any]) -> bool:
    return len({repr(item) for item in items}) < len(items)


Text = Annotated[str, Filled()]
Names = Annotated[Sequence[str], Filled(distinct=True)]  # of columns
Pairs = tuple[tuple[Text, Text], ...]
Inner = Annotated[Any, Able(("fit", "predict"), "an estimator (what a study writes as of: {estimator: …})")]

Number = Annotated[float, Between(-1e12, 1e12)]
Positive = Annotated[float, Between(0, 1e12, above=True)]
NotNegative = Annotated[float, Between(0, 1e12)]
Share = Annotated[float, Between(0, 1)]
ShareAboveZero = Annotated[float, Between(0, 1, above=True)]
Inside = Annotated[float, Between(0, 1, above=True, below=True)]  # coverages, levels, decays
QuantileLevels = Annotated[Sequence[Inside], Filled(distinct=True)]
Celsius = Annotated[float, Between(-100, 100)]
Power = Annotated[float, Between(0, 100)]  # an exponent

# Nobody means more than ten years, in hours or in days.
Hours = Annotated[float, Between(0, 87_840)]
HoursAboveZero = Annotated[float, Between(0, 87_840, above=True)]
SignedHours = Annotated[float, Between(-87_840, 87_840)]
HourCount = Annotated[int, Between(0, 744)]  # each a column
Days = Annotated[int, Between(1, 3660)]
DaysOrNone = Annotated[int, Between(0, 3660)]
Steps = Annotated[int, Between(1, 100_000)]  # intervals
StepsOrNone = Annotated[int, Between(0, 100_000)]
StepMin = Annotated[int, Between(1, 1440)]

Rows = Annotated[int, Between(1, 100_000_000)]
Trees = Annotated[int, Between(1, 100_000)]
Leaves = Annotated[int, Between(2, 131_072)]  # LightGBM's own limit
Some = Annotated[int, Between(1, 1000)]  # nets, seeds, donors: each is a model or a column
Order = Annotated[int, Between(0, 1000)]
Folds = Annotated[int, Between(2, 1000)]
Epochs = Annotated[int, Between(1, 1_000_000)]
Hidden = Annotated[tuple[Annotated[int, Between(1, 4096)], ...], Filled()]
Dropout = Annotated[float, Between(0, 1, below=True)]
LearningRate = Annotated[float, Between(0, 10, above=True)]
Seed = Annotated[int, Between(0, 2**31 - 1)]
Jobs = Annotated[int, Between(1, 1024)] | Literal[-1]
Threads = Annotated[int, Between(1, 1024)]
