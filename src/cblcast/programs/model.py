"""What a program file holds: the rule in independent fields, and for every part who says so and how sure that is."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from cblcast.days.day_rules import DayRule
from cblcast.days.day_types import day_type_labels
from cblcast.frames.events import Window
from cblcast.frames.schema import OBSERVED
from cblcast.programs.adjustment import Adjustment as Adjustment
from cblcast.programs.adjustment import ClockWindow as ClockWindow
from cblcast.programs.adjustment import window_of
from cblcast.programs.terms import WEEKDAYS, Calendar, Day, GapPolicy, Strict

CERTAINTY = {
    "V": "seen in a document of the operator or regulator",
    "S": "stated by somebody else's code or text",
    "M": "from memory, not confirmed",
    "own": "the user's own rule",
}
_WEAKEST_LAST = ("own", "V", "S", "M")
PARTS = ("selection", "day_types", "exclusions", "look_back", "adjustment", "window", "cap", "order")


class Evidence(Strict):
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


def _rule(spec: Any) -> Any:
    return DayRule.of(spec)


class Program(Strict):
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
        Estimator of the family ``model``, as a study names one: a registered one, or ``pretrained``, which is that of the
        view ``settlement``; ``model_params`` are its parameters, ``of`` what it wraps.
    adjustment : Adjustment, optional
    contract_cap : str, optional
        Column of the sites frame that caps the baseline [kW].
    demand_minutes : int, optional
        Family ``days``: baseline and meter of an event are not loads but each the largest demand, the mean over so many
        minutes: of each selected day in the event hours, and of the event.
    order : {"adjust_then_sum", "sum_then_adjust"}
        Whether a portfolio's sites are adjusted one by one or as their sum.
    eligibility : str, optional
        Name in :mod:`cblcast.eligibility`.
    calendar : Calendar, optional
        Holidays that the program goes by; those of each site's country unless given.
    weekend : tuple of two weekdays
        The first is what rules call Saturday, the second what they call Sunday.
    gaps : GapPolicy
        What happens where an event was not metered throughout.
    ramps : {"left_out", "counted"}
        Whether the energy of ramps (``ramp_in_min`` before the start, ``ramp_out_min`` after the stop of an event) counts.
    channel : str
        Panel column that is settled: the net load, ``import_kw``, ``export_kw``, or a sub-meter's.
    valid_from, valid_until : date, optional
        First and last local day on which the rule is in force.
    vintage : str
        Which vintage of a program this is; empty where there is one only.
    only_in_force : bool
        False where this vintage was asked for by name: it then settles events of any day, and the lines say so.
    vintages : tuple of Program
        Other vintages: what differs from the program itself, from when and until when. The one in force on the event
        day is taken; another must be asked for by name, as ``NAME@VINTAGE``.
    evidence : mapping part -> Evidence
        Parts are :data:`PARTS`; what is not named separately is as sure as ``selection``.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    operator: str = ""
    family: Literal["days", "meter", "declared", "generator", "control_group", "model"] = "days"
    day_types: str | tuple[str, ...] = "all"
    days: tuple[Annotated[DayRule, BeforeValidator(_rule)], ...] = ()
    meter: tuple[Annotated[Window, BeforeValidator(window_of)], ...] = ()
    model: str | None = None
    model_params: dict[str, Any] = Field(default_factory=dict)
    adjustment: Adjustment | None = None
    contract_cap: str | None = None
    demand_minutes: int | None = None
    order: Literal["adjust_then_sum", "sum_then_adjust"] = "adjust_then_sum"
    eligibility: str | None = None
    calendar: Calendar | None = None
    weekend: tuple[str, str] = ("saturday", "sunday")
    gaps: GapPolicy = GapPolicy()
    ramps: Literal["left_out", "counted"] = "left_out"
    channel: str = OBSERVED
    valid_from: Day | None = None
    valid_until: Day | None = None
    vintage: str = Field(default="", pattern=r"^[A-Za-z0-9_.-]*$")
    only_in_force: bool = True
    vintages: tuple[Program, ...] = ()
    evidence: dict[
        Literal["selection", "day_types", "exclusions", "look_back", "adjustment", "window", "cap", "order"], Evidence
    ]
    notes: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _vintages_take_the_rest(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not given.get("vintages"):
            return given
        of_one = {"vintages", "vintage", "valid_from", "valid_until"}
        rest = {key: value for key, value in given.items() if key not in of_one}
        merged = [{**rest, **own} if isinstance(own, Mapping) else own for own in given["vintages"]]
        return {**given, "vintages": merged}

    @field_validator("weekend", mode="before")
    @classmethod
    def _two_days(cls, given: Any) -> Any:
        days = list(given) if isinstance(given, list | tuple) else [given]
        if len(days) != 2 or days[0] == days[1] or any(day not in WEEKDAYS for day in days):
            raise ValueError(f"is two days of the week, such as [friday, saturday], not {', '.join(map(str, days))}")
        return given

    @model_validator(mode="after")
    def _dated(self) -> Program:
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError(f"the rule ends ({self.valid_until}) before it begins ({self.valid_from}): swap the two")
        names = [each.vintage for each in self.dated]
        if len(set(names)) != len(names) or (self.vintages and "" in names):
            raise ValueError("each vintage, that of the program itself included, needs a name of its own: vintage")
        spans = sorted((each.valid_from or dt.date.min, each.valid_until or dt.date.max) for each in self.dated)
        for (_, end), (begin, _) in itertools.pairwise(spans):
            if begin <= end:
                raise ValueError(f"two vintages are in force on {begin}: end one before the other begins")
        if (self.valid_from or self.valid_until) and not self.vintage:
            raise ValueError("a rule with dates needs a vintage: the name by which it is asked for on other days")
        return self

    @model_validator(mode="after")
    def _whole(self) -> Program:
        labels = set(day_type_labels(self.day_types))
        if self.demand_minutes is not None and self.family != "days":
            raise ValueError(f"demand_minutes belongs to the family 'days', not to {self.family!r}: leave it out")
        needs = {"days": self.days, "meter": self.meter, "model": self.model}
        if self.family in needs and not needs[self.family]:
            raise ValueError(f"a program of the family {self.family!r} needs the key {self.family!r}")
        for rule in self.days:
            unknown = [label for label in rule.applies_to if label not in labels]
            if unknown:
                raise ValueError(
                    f"the day rule is on {unknown[0]!r}, which is no label of its day types {sorted(labels)}"
                )
        serving = [label for rule in self.days for step in rule.fallback for label in step.day_types or ()]
        for label in serving:
            if label not in labels:
                raise ValueError(
                    f"a fallback is to {label!r} days, which is no label of its day types {sorted(labels)}"
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

    @property
    def labels(self) -> str | tuple[str, ...]:
        """Its day types on its own weekend: a known name, or the eight labels Monday … Sunday and holiday."""
        if self.weekend == ("saturday", "sunday"):
            return self.day_types
        usual = day_type_labels(self.day_types)
        off = dict(zip(self.weekend, usual[5:7], strict=True))
        on = iter(usual[:5])
        return (*(off.get(day) or next(on) for day in WEEKDAYS), usual[7])

    @property
    def dated(self) -> tuple[Program, ...]:
        """The program itself and its other vintages."""
        return (self, *self.vintages)

    @property
    def asked_name(self) -> str:
        """The name by which exactly this vintage is asked for."""
        return f"{self.name}@{self.vintage}" if self.vintage else self.name

    def in_force(self, day: dt.date) -> bool:
        """Whether the rule is in force on a local day."""
        return (self.valid_from or dt.date.min) <= day <= (self.valid_until or dt.date.max)
