"""Search ranges: what an estimator declares for a tuning in ``search_space() -> {parameter: range}``.

A study writes them as lists: ``[float, 0.01, 0.3, true]``, ``[int, 1, 10]``, ``[categorical, [a, b]]``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from cblcast.errors import StudyError


@dataclass(frozen=True)
class FloatRange:
    """Numbers from `low` to `high`, both included.

    Attributes
    ----------
    low, high : float
    log : bool
        Search the logarithm; needs ``low > 0``.
    """

    low: float
    high: float
    log: bool = False
    kind: ClassVar[str] = "float"

    def check(self, name: str) -> None:
        """Raise :class:`StudyError` for ends that make no range of the parameter `name`."""
        ends = (self.low, self.high)
        if not all(isinstance(end, (int, float)) and not isinstance(end, bool) and math.isfinite(end) for end in ends):
            raise StudyError(
                f"the search range of {name!r} needs two finite numbers, not {self.low!r} and {self.high!r}"
            )
        if not self.low < self.high:
            raise StudyError(f"the search range of {name!r} is empty: {self.low} is not below {self.high}")
        if self.log and self.low <= 0:
            raise StudyError(
                f"the search range of {name!r} is logarithmic and starts at {self.low}: it must be above 0"
            )

    def to_list(self) -> list[Any]:
        """As a study writes it."""
        return [self.kind, self.low, self.high, self.log]

    def holds(self, value: Any) -> bool:
        """Whether `value` may be tried."""
        return isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high

    def suggest(self, trial: Any, name: str) -> Any:
        """A value of the parameter `name`, drawn by a trial of Optuna."""
        return trial.suggest_float(name, self.low, self.high, log=self.log)


@dataclass(frozen=True)
class IntRange(FloatRange):
    """Whole numbers from `low` to `high`, both included; `log` as in :class:`FloatRange`.

    Attributes
    ----------
    at_most : str, optional
        A parameter of the same estimator that this one may not exceed: no trial is spent on what makes no method.
    """

    at_most: str | None = field(default=None, compare=False)
    kind: ClassVar[str] = "int"

    def check(self, name: str) -> None:
        """Raise :class:`StudyError` for ends that make no range of the parameter `name`."""
        super().check(name)
        if any(end != int(end) for end in (self.low, self.high)):
            raise StudyError(f"the search range of {name!r} is of whole numbers, and {self.low}, {self.high} are not")

    def suggest(self, trial: Any, name: str, most: float = math.inf) -> Any:
        """A value of the parameter `name`, drawn by a trial of Optuna, at most `most`."""
        return trial.suggest_int(name, int(self.low), max(int(self.low), int(min(self.high, most))), log=self.log)


@dataclass(frozen=True)
class Choice:
    """One of some values: numbers, text, bool or None.

    Attributes
    ----------
    choices : tuple
        Two at least.
    """

    choices: tuple[Any, ...]
    kind: ClassVar[str] = "categorical"

    def check(self, name: str) -> None:
        """Raise :class:`StudyError` for values that make no choice of the parameter `name`."""
        if not isinstance(self.choices, tuple) or len(self.choices) < 2:
            raise StudyError(f"the search range of {name!r} offers no choice: list two values at least")
        if not all(value is None or isinstance(value, (bool, int, float, str)) for value in self.choices):
            raise StudyError(f"the choices of {name!r} must be numbers, text, true/false or null: {self.choices}")

    def to_list(self) -> list[Any]:
        """As a study writes it."""
        return [self.kind, list(self.choices)]

    def holds(self, value: Any) -> bool:
        """Whether `value` may be tried."""
        return value in self.choices

    def suggest(self, trial: Any, name: str) -> Any:
        """A value of the parameter `name`, drawn by a trial of Optuna."""
        return trial.suggest_categorical(name, self.choices)


SearchRange = FloatRange | Choice
KINDS: dict[str, type[FloatRange] | type[Choice]] = {each.kind: each for each in (FloatRange, IntRange, Choice)}


def range_of(spec: Any, name: str) -> SearchRange:
    """A checked range from itself, ``[kind, low, high(, log)]``, ``[categorical, choices]``, or a mapping of these names.

    Raises
    ------
    StudyError
        A range that is none; the sentence names the parameter `name`.
    """
    found = spec if isinstance(spec, (FloatRange, Choice)) else _read(spec, name)
    found.check(name)
    return found


def _read(spec: Any, name: str) -> SearchRange:
    wrong = f"the search range of {name!r} is written [float, 0.01, 0.3, true] or [categorical, [a, b]], not {spec!r}"
    if isinstance(spec, Mapping):
        parts = dict(spec)
        kind, values = parts.pop("kind", None), []
    elif isinstance(spec, (list, tuple)) and spec:
        parts, kind, values = {}, spec[0], list(spec[1:])
    else:
        raise StudyError(wrong)
    if kind not in KINDS:
        raise StudyError(f"{wrong}: it has the kind {kind!r}, and known are {', '.join(KINDS)}")
    if kind == Choice.kind:
        choices = parts.pop("choices", values[0] if len(values) == 1 else ())
        values = [tuple(choices) if isinstance(choices, list) else choices]
    try:
        return KINDS[kind](*values, **parts)
    except TypeError:
        raise StudyError(wrong) from None
