"""What a program file holds: the rule in independent fields, and for every part who says so and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cblcast.days.day_rules import DayRule
from cblcast.days.day_types import day_type_labels
from cblcast.frames.events import Window

CERTAINTY = {
    "V": "seen in a document of the operator or regulator",
    "S": "stated by somebody else's code or text",
    "M": "from memory, not confirmed",
    "own": "the user's own rule",
}
_WEAKEST_LAST = ("own", "V", "S", "M")
PARTS = ("selection", "day_types", "exclusions", "look_back", "adjustment", "window", "cap", "order")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Evidence(_Strict):
    """Who says so, when that was recorded here, and how sure it is.

    Attributes
    ----------
    source : str
    as_of : str
        When the statement was recorded in this catalogue (or the date of the document, where the source names one): not
        the day on which the rule came into force.
    confidence : {"V", "S", "M", "own"}
        See :data:`CERTAINTY`.
    """

    source: str
    as_of: str
    confidence: Literal["V", "S", "M", "own"]


class ClockWindow(_Strict):
    """An adjustment window that stands at a fixed wall clock of the event day (Taipower: 22:00-24:00).

    ``stop: "24:00"`` is the end of the day.
    """

    start: str
    stop: str

    @model_validator(mode="after")
    def _in_order(self) -> ClockWindow:
        first, last = self.minutes
        if not 0 <= first < last <= 1440:
            raise ValueError(f"a clock window starts before it stops, within one day, not {self.start}-{self.stop}")
        return self

    @property
    def minutes(self) -> tuple[int, int]:
        """Start and stop in minutes after local midnight."""
        return _minutes(self.start), _minutes(self.stop)


def _minutes(clock: str) -> int:
    if clock == "24:00":
        return 1440
    try:
        at = time.fromisoformat(clock)
    except ValueError:
        raise ValueError(f'{clock!r} is no time of day: write it quoted, like "22:00"') from None
    return 60 * at.hour + at.minute


def _window(spec: Any) -> Any:
    if isinstance(spec, Mapping) and "start" in spec:
        return ClockWindow(**spec)
    return spec if isinstance(spec, ClockWindow) else Window.of(spec)


AnyWindow = Annotated[Window | ClockWindow, BeforeValidator(_window)]


class Adjustment(_Strict):
    """How the baseline meets the meter beside the event.

    Attributes
    ----------
    kind : {"ratio", "additive"}
        Factor (sum of the meter over sum of the baseline) or shift (their mean difference [kW]).
    windows : list
        Hours and buffers before and after the event, or a fixed wall clock.
    cap : (float, float), optional
        Limits of the factor, e.g. 0.8-1.2; of a shift as shares of the mean baseline.
    floor : float, optional
        Least adjusted baseline [kW].
    upward_only : bool
    ends_at : {"start", "notification"}
        What windows before the event count back from. From the notification on, a customer can raise the load that the
        window meters.
    """

    kind: Literal["ratio", "additive"] = "ratio"
    windows: tuple[AnyWindow, ...] = Field(min_length=1)
    cap: tuple[float, float] | None = None
    floor: float | None = None
    upward_only: bool = False
    ends_at: Literal["start", "notification"] = "start"

    @property
    def mode(self) -> str:
        """As :class:`cblcast.estimators.wrappers.adjusted.Adjusted` calls the kind."""
        return {"ratio": "multiplicative", "additive": "additive"}[self.kind]

    @model_validator(mode="after")
    def _cap_holds_neutral(self) -> Adjustment:
        neutral = 1.0 if self.kind == "ratio" else 0.0
        if self.cap is not None and not self.cap[0] <= neutral <= self.cap[1]:
            raise ValueError(f"the cap {self.cap} must enclose {neutral:g}, the {self.kind} adjustment of nothing")
        return self


def _rule(spec: Any) -> Any:
    return DayRule.of(spec)


class Program(_Strict):
    """One rule of one program.

    Attributes
    ----------
    family : {"days", "meter", "declared", "generator", "control_group", "model"}
        Selected days, meter beside the event, a declared schedule, a generator's own meter, customers not dispatched,
        or a learned model.
    day_types : str or eight labels
    days : tuple of DayRule
        One a day type (family ``days``).
    meter : tuple of Window
        Windows of the family ``meter``.
    model : str, optional
        Registered estimator of the family ``model``; ``model_params`` are its parameters.
    adjustment : Adjustment, optional
    contract_cap : str, optional
        Column of the sites frame that caps the baseline [kW].
    order : {"adjust_then_sum", "sum_then_adjust"}
        Whether a portfolio's sites are adjusted one by one or as their sum.
    eligibility : str, optional
        Name in :mod:`cblcast.eligibility`.
    evidence : mapping part -> Evidence
        Parts are :data:`PARTS`; what is not named separately is as sure as ``selection``.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    operator: str = ""
    family: Literal["days", "meter", "declared", "generator", "control_group", "model"] = "days"
    day_types: str | tuple[str, ...] = "all"
    days: tuple[Annotated[DayRule, BeforeValidator(_rule)], ...] = ()
    meter: tuple[Annotated[Window, BeforeValidator(_window)], ...] = ()
    model: str | None = None
    model_params: dict[str, Any] = {}
    adjustment: Adjustment | None = None
    contract_cap: str | None = None
    order: Literal["adjust_then_sum", "sum_then_adjust"] = "adjust_then_sum"
    eligibility: str | None = None
    evidence: dict[
        Literal["selection", "day_types", "exclusions", "look_back", "adjustment", "window", "cap", "order"], Evidence
    ]
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Program:
        labels = set(day_type_labels(self.day_types))
        needs = {"days": self.days, "meter": self.meter, "model": self.model}
        if self.family in needs and not needs[self.family]:
            raise ValueError(f"a program of the family {self.family!r} needs the key {self.family!r}")
        for rule in self.days:
            unknown = [label for label in rule.applies_to if label not in labels]
            if unknown:
                raise ValueError(
                    f"the day rule is on {unknown[0]!r}, which is no label of its day types {sorted(labels)}"
                )
        taken = [label for rule in self.days for label in rule.applies_to]
        if len(taken) != len(set(taken)):
            raise ValueError("two day rules are on the same day type: give each label to one rule")
        if "selection" not in self.evidence:
            raise ValueError("evidence needs the part 'selection': source, as_of and confidence (V, S, M or own)")
        return self

    @property
    def confidence(self) -> str:
        """The weakest confidence of its parts."""
        return max((part.confidence for part in self.evidence.values()), key=_WEAKEST_LAST.index)

    @property
    def official(self) -> bool:
        """Whether every part was seen in a document of the operator or regulator."""
        return {part.confidence for part in self.evidence.values()} == {"V"}
