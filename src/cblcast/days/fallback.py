"""What a day rule does where too few days qualify: steps as data, each of which gives way a little more than the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from cblcast.frames.schema import StudyError, nearest

EVENT_DAYS = ("highest",)


@dataclass(frozen=True)
class Fallback:
    """One step; exactly one of its fields is given.

    Attributes
    ----------
    minimum_days : int, optional
        Fewer days are enough.
    look_back_days : int, optional
        So many calendar days are searched.
    event_days : {"highest"}, optional
        Days of earlier events fill up to the least number of days, those with the highest load in the event hours first.
    day_types : str or sequence of str, optional
        Days with these labels may be used too.
    """

    minimum_days: int | None = None
    look_back_days: int | None = None
    event_days: str | None = None
    day_types: Sequence[str] | None = None

    def __post_init__(self) -> None:
        given = [field.name for field in fields(self) if getattr(self, field.name) is not None]
        if len(given) != 1:
            known = ", ".join(field.name for field in fields(self))
            raise StudyError(f"a step of a fallback is one of {known}, not {' and '.join(given) or 'none'}")
        for name in ("minimum_days", "look_back_days"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise StudyError(f"{name} of a fallback is a whole number above 0, not {value!r}")
        if self.event_days is not None and self.event_days not in EVENT_DAYS:
            raise StudyError(
                f"unknown event_days {self.event_days!r} in a fallback: {nearest(self.event_days, EVENT_DAYS)}"
            )
        if self.day_types is not None:
            labels = (self.day_types,) if isinstance(self.day_types, str) else tuple(self.day_types)
            object.__setattr__(self, "day_types", labels)

    @property
    def words(self) -> str:
        """As a sentence says it."""
        if self.minimum_days is not None:
            return f"{self.minimum_days} days are enough"
        if self.look_back_days is not None:
            return f"{self.look_back_days} calendar days are searched"
        if self.event_days is not None:
            return "earlier event days fill up, the highest first"
        return f"{' and '.join(self.day_types or ())} days serve too"

    def plain(self) -> dict[str, Any]:
        """As a file holds it."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in found.items()
            if value is not None
        }


def fallback_of(steps: Sequence[Fallback | Mapping[str, Any]] | Mapping[str, Any] | str) -> tuple[Fallback, ...]:
    """Steps from themselves or from what a file holds; a single one may stand alone."""
    if isinstance(steps, Mapping):
        steps = (steps,)
    if isinstance(steps, str):
        raise StudyError(f"a fallback is a list of steps such as {{look_back_days: 60}}, not {steps!r}")
    known = [field.name for field in fields(Fallback)]
    made = []
    for step in steps:
        if isinstance(step, Fallback):
            made.append(step)
            continue
        if not isinstance(step, Mapping):
            raise StudyError(f"a step of a fallback is a mapping such as {{look_back_days: 60}}, not {step!r}")
        for key in step:
            if key not in known:
                raise StudyError(f"a fallback has no step {key!r}: {nearest(str(key), known)}")
        made.append(Fallback(**step))
    return tuple(made)
