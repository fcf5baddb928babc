"""Terms of a program beside its rule of days: its calendar, and what it does where the meter is missing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cblcast.errors import StudyError, nearest

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NAMED_CALENDARS = {
    "nerc": "the six holidays of the North American Electric Reliability Corporation",
}
FILLS = {
    "none": "such an event is not settled",
    "interpolate": "the line between the readings before and after",
    "baseline": "the baseline, so that nothing counts as delivered there",
    "leave_out": "nothing: neither meter nor baseline counts there",
}


class Strict(BaseModel):
    """A part of a program file: unknown keys, infinite numbers and texts for numbers are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, allow_inf_nan=False)


class GapPolicy(Strict):
    """What happens where an event was not metered throughout.

    Attributes
    ----------
    max_missing_share : float
        Largest share of an event's hours that may be missing, 0-1; 0 settles only what was metered throughout.
    fill : {"none", "interpolate", "baseline", "leave_out"}
        What stands for the missing readings; whatever it is, the settled line says so (``estimated_share``).
    """

    max_missing_share: float = Field(default=0.0, ge=0, le=1)
    fill: Literal["none", "interpolate", "baseline", "leave_out"] = "none"

    @model_validator(mode="after")
    def _one_means_the_other(self) -> GapPolicy:
        if (self.fill == "none") != (self.max_missing_share == 0):
            raise ValueError(
                "a gap policy needs both: fill (interpolate, baseline or leave_out) and max_missing_share above 0"
            )
        return self

    @property
    def words(self) -> str:
        """As a sentence says it."""
        if self.fill == "none":
            return f"An event that was not metered throughout: {FILLS['none']}."
        return (
            f"Where up to {100 * self.max_missing_share:g} % of an event was not metered: {FILLS[self.fill]}, and the "
            "line says so; with more it is not settled."
        )


def gap_policy(fill: str, max_missing_share: float) -> GapPolicy:
    """A gap policy as a command line asks for it; an unknown `fill` offers the nearest."""
    known = [name for name in FILLS if name != "none"]
    if fill not in known:
        raise StudyError(f"there is no way {fill!r} to fill a gap: {nearest(fill, known)}")
    if not 0 < max_missing_share <= 1:
        raise StudyError(f"the share of an event that may be missing is above 0 and at most 1, not {max_missing_share}")
    return GapPolicy(fill=fill, max_missing_share=max_missing_share)  # type: ignore[arg-type]


def _date(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.date()
    return value


Day = Annotated[dt.date, BeforeValidator(_date)]


class Calendar(Strict):
    """Whose holidays a program goes by, instead of those of the sites: exactly one of four, or one word for it.

    Attributes
    ----------
    named : {"nerc"}, optional
        See :data:`NAMED_CALENDARS`.
    country, subdivision : str, optional
        ISO 3166 codes, as the sites have them.
    file : path, optional
        An iCalendar file (.ics).
    dates : tuple of date, optional
    """

    named: str | None = None
    country: str | None = None
    subdivision: str | None = None
    file: Path | None = None
    dates: tuple[Day, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_one_word(cls, given: Any) -> Any:
        """``nerc``, ``works.ics`` or ``US`` alone say which kind they are."""
        if not isinstance(given, str):
            return given
        kind = "named" if given in NAMED_CALENDARS else "file" if given.lower().endswith(".ics") else "country"
        return {kind: given}

    @model_validator(mode="after")
    def _one_kind(self) -> Calendar:
        kinds = [kind for kind in ("named", "country", "file", "dates") if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise ValueError(f"a calendar is one of named, country, file and dates, not {', '.join(kinds) or 'none'}")
        if self.named is not None and self.named not in NAMED_CALENDARS:
            raise ValueError(f"there is no calendar {self.named!r}: {nearest(self.named, NAMED_CALENDARS)}")
        if self.subdivision is not None and self.country is None:
            raise ValueError("a subdivision belongs to a country: give both")
        return self

    @property
    def words(self) -> str:
        """As a sentence says it."""
        if self.named is not None:
            return NAMED_CALENDARS[self.named]
        if self.country is not None:
            part = f", {self.subdivision}" if self.subdivision else ""
            return f"the holidays of {self.country}{part}"
        if self.file is not None:
            return f"the days of {self.file.name}"
        return f"{len(self.dates or ())} days that the program names"
