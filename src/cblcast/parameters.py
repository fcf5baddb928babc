"""What a parameter may be, said where it is declared: its annotation is checked, and told in words where it is not kept.

``x: int`` takes whole numbers and no 2.5; ``share: Share`` is ``Annotated[float, Between(0, 1)]``; every number is finite.
Lists, tuples and arrays may stand for one another. An annotation that says nothing checkable (a class of one's own, Any) is
left to its owner, so own parts are checked by the annotations that they have anyway.
"""

from __future__ import annotations

import inspect
import math
import reprlib
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from functools import lru_cache
from numbers import Integral, Real
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

from cblcast.errors import StudyError, nearest

LONGEST_LIST = 100_000
_LARGEST = 2**63 - 1
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = 4


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
        items = _items(value)
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

# No parameter of a year or more of hours, or of ten years of days, was ever meant.
Hours = Annotated[float, Between(0, 8784)]
HoursAboveZero = Annotated[float, Between(0, 8784, above=True)]
SignedHours = Annotated[float, Between(-8784, 8784)]
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


def allowed(cls: type) -> dict[str, str]:
    """Parameter -> what it may be, in words; only those whose annotation says something."""
    return {name: _said(hint) for name, hint in _hints(cls).items() if _said(hint)}


def check_values(cls: type, values: Mapping[str, Any], owner: str | None = None) -> None:
    """Refuse the first of `values` that its parameter does not take.

    Parameters
    ----------
    cls : type
        Whose parameters they are.
    values : mapping name -> value
    owner : str, optional
        What errors call `cls`; its name unless given.

    Raises
    ------
    StudyError
        The parameter, the value and what is allowed, in one sentence.
    """
    hints = _hints(cls)
    for name, value in values.items():
        if name in hints and not _holds(hints[name], value):
            near = _nearest_word(hints[name], value)
            raise StudyError(
                f"{owner or cls.__name__}: {name} must be {_said(hints[name])}, not {_SHORT.repr(value)}{near}: mend it"
            )


def check_fields(part: object) -> None:
    """Refuse the first parameter of `part`, an estimator or a dataclass, whose value it does not take."""
    cls: type = type(part)
    check_values(cls, {name: getattr(part, name) for name in _hints(cls) if hasattr(part, name)})


@lru_cache(maxsize=512)
def _hints(cls: type) -> dict[str, Any]:
    """Annotation of each parameter of a class; none where they cannot be told."""
    try:
        found = get_type_hints(cls if is_dataclass(cls) else vars(_owner_of_init(cls))["__init__"], include_extras=True)
        known = inspect.signature(cls).parameters
    except (NameError, TypeError, ValueError, AttributeError):  # names for a type checker only; no Python
        return {}
    return {name: found[name] for name in known if name in found}


def _owner_of_init(cls: type) -> type:
    """The class among the parents of `cls` that writes its parameters down."""
    return next(parent for parent in cls.__mro__ if "__init__" in vars(parent))


def _holds(hint: Any, value: Any) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _holds(parts[0], value) and all(_allows(bound, value) for bound in parts[1:])
    if origin in (Union, types.UnionType):
        return any(_holds(part, value) for part in parts)
    if origin is Literal:
        return any(value is part or (type(value) is type(part) and value == part) for part in parts)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            _holds(parts[0], key) and _holds(parts[1], item) for key, item in value.items()
        )
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _holds_items(origin, parts, value)
    return _is_a(hint, value)


def _holds_items(origin: type, parts: tuple[Any, ...], value: Any) -> bool:
    items = _items(value)
    if items is None or len(items) > LONGEST_LIST:
        return False
    if origin is tuple and Ellipsis not in parts:
        return len(items) == len(parts) and all(map(_holds, parts, items))
    return all(_holds(parts[0], item) for item in items)


def _is_a(hint: Any, value: Any) -> bool:
    if hint is type(None):
        return value is None
    truth = type(value).__name__ in ("bool", "bool_")  # Python counts bool among the whole numbers
    if hint is bool:
        return truth
    if hint is int:
        return not truth and isinstance(value, Integral) and abs(int(value)) <= _LARGEST
    if hint is float:
        return not truth and isinstance(value, Real) and _finite(value)
    if hint is str:
        return isinstance(value, str)
    if isinstance(hint, type) and hint.__module__.startswith("cblcast."):
        return isinstance(value, hint)
    return True


def _allows(bound: Any, value: Any) -> bool:
    if not hasattr(bound, "allows"):  # another library's
        return True
    try:
        return bool(bound.allows(value))
    except (TypeError, ValueError):
        return False


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _items(value: Any) -> Sequence[Any] | None:
    """Items of a list, a tuple, or an array or index of one dimension."""
    if isinstance(value, (list, tuple)):
        return value
    if getattr(value, "ndim", None) == 1 and hasattr(value, "tolist"):
        found: list[Any] = value.tolist()
        return found
    return None


def _twice(items: Sequence[Any]) -> bool:
    return len({repr(item) for item in items}) < len(items)


_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}


def _said(hint: Any) -> str:
    """An annotation in words, empty where it says nothing."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        words = _said(parts[0])
        for bound in parts[1:]:
            words = bound.said(words) if hasattr(bound, "said") else words
        return words
    if origin in (Union, types.UnionType):
        return ", or ".join(dict.fromkeys(filter(None, map(_said, parts))))
    if origin is Literal:
        return f"{'one of ' if len(parts) > 1 else ''}{', '.join(map(repr, parts))}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping of {_said(parts[0]) or 'keys'} to {_said(parts[1]) or 'values'}"
    if origin is tuple and Ellipsis not in parts:
        return f"a list of {len(parts)}: {', '.join(_said(part) or 'anything' for part in parts)}"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return f"a list, each item {_said(parts[0])}" if _said(parts[0]) else "a list"
    if isinstance(hint, type) and hint.__module__.startswith("cblcast."):
        return f"a {hint.__name__}"
    return _WORDS.get(hint, "")


def _nearest_word(hint: Any, value: Any) -> str:
    """An offer where one of some words was meant."""
    parts = get_args(hint)
    given = parts if get_origin(hint) is Literal else [c for part in parts for c in getattr(part, "choices", ())]
    words = [part for part in given if isinstance(part, str)]
    return f" ({nearest(value, words)})" if isinstance(value, str) and words else ""
