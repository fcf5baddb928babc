"""The parts of a study: where its data come from, which events are judged and learned from, what may be seen."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from cblcast.config.forecasts_section import Forecasts
from cblcast.config.section import Section as Section
from cblcast.days.day_types import day_type_labels
from cblcast.forecast.refit import PERIODS, Refit
from cblcast.frames.rolling import minutes_past
from cblcast.frames.schema import nearest
from cblcast.io.options import ReaderOptions

FIRST_YEAR, LAST_YEAR = 1970, 2199
LONGEST_H = 8784.0  # a leap year: no lead-in, recovery or horizon is longer
Day = Annotated[str, BeforeValidator(lambda value: _day(value))]
Clock = Annotated[str, BeforeValidator(lambda value: _clock(value))]
DayTypes = Annotated[str | tuple[str, ...], BeforeValidator(lambda value: _day_types(value))]
OriginClock = Annotated[str, BeforeValidator(lambda value: _origin_clock(value))]
Text = Annotated[str, BeforeValidator(lambda value: _text(value))]
Period = Annotated[str, BeforeValidator(lambda value: _period(value))]


def _day(value: Any) -> str:
    """A local date as ISO text; a whole one, for 2019-06 would be its first day where its last is meant."""
    text = value.isoformat()[:10] if isinstance(value, dt.date) else str(value)
    try:
        year = dt.date.fromisoformat(text).year if len(text) == len("2019-06-30") else None
    except ValueError:
        year = None
    if year is None:
        raise ValueError(f"{value!r} is no date of the calendar: write it like 2019-06-30")
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"{text} lies outside {FIRST_YEAR} to {LAST_YEAR}: mend the year")
    return text


def _clock(value: Any) -> str:
    """A time of day as ``HH:MM``."""
    found = re.fullmatch(r"([0-9]{1,2}):([0-5][0-9])(:00)?", str(value))
    if found is None or int(found[1]) * 60 + int(found[2]) > 1440:
        raise ValueError(f"{value!r} is no time of day: write it like 17:00")
    return f"{int(found[1]):02d}:{found[2]}"


def _origin_clock(value: Any) -> str:
    minutes_past(value)
    return str(value)


def _day_types(value: Any) -> Any:
    if isinstance(value, (str, list, tuple)):
        day_type_labels(value)
    return value


def _period(value: Any) -> str:
    if str(value) not in PERIODS:
        raise ValueError(f"{value!r} is no period: {nearest(str(value), PERIODS)}")
    return str(value)


def _text(value: Any) -> Any:
    """A name that consists of digits is a number to YAML; 1.5 or 1e3 has lost its spelling and must be quoted."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Data(Section):
    """Where the panel comes from: a data set of the catalogue, or a meter file with reader options."""

    dataset: str | None = None
    panel: str | None = None
    format: str = "auto"
    weather: str | None = None
    site_table: str | None = None
    sites: tuple[Text, ...] | None = Field(default=None, min_length=1)
    tz: str | None = None
    clock: str | None = None
    layout: Literal["auto", "long", "wide"] = "auto"
    unit: str = "auto"
    label: Literal["auto", "start", "end"] = "auto"
    columns: dict[str, str] | None = None
    time_format: str | None = None
    decimal: Literal[".", ","] | None = None
    step: str | None = None
    on_duplicates: Literal["raise", "mean", "first", "last"] = "raise"
    # Called register in a study; the model has a method of that name.
    dials: bool = Field(default=False, validation_alias=AliasChoices("register", "dials"))
    channels: bool = False
    country: str | None = None
    subdivision: str | None = None
    portfolio: Text | None = Field(default=None, min_length=1)  # name of the sum of all sites, one site more
    holidays: str | None = None  # an .ics calendar: further holidays of all sites
    segment: str | None = None
    reanalysis: tuple[
        Literal["era5", "merra2"], ...
    ] = ()  # bundled weather of La Haute Borne, columns era5_…, merra2_…
    kinds: dict[str, Literal["measured", "forecast", "reanalysis"]] | None = None  # of columns, or patterns (era5_*)
    forecasts: Annotated[
        tuple[Forecasts, ...], BeforeValidator(lambda value: [value] if isinstance(value, dict) else value)
    ] = ()

    @property
    def reader(self) -> ReaderOptions:
        """How the meter file of :attr:`panel` is to be read."""
        renamed = {"sites": "site_table", "register": "dials"}
        return ReaderOptions(**{f.name: getattr(self, renamed.get(f.name, f.name)) for f in fields(ReaderOptions)})

    @model_validator(mode="after")
    def _one_source(self) -> Data:
        if (self.dataset is None) == (self.panel is None):
            raise ValueError(
                "give either dataset: (see `cblcast data list`) or panel: (a CSV or Parquet file, or sql:TABLE)"
            )
        return self


class Events(Section):
    """Real events from a file, placebo events at fixed hours of chosen days, or nowcasts issued all day long."""

    file: str | None = None
    truth: str | None = None  # truth_kw of file: by site and time, as `cblcast simulate` writes it
    mask: str | None = None  # a file of real events whose hours are hidden from everything
    start: Clock | None = None
    stop: Clock | None = None
    every_min: int | None = Field(default=None, ge=1, le=LONGEST_H * 60)  # a nowcast is issued so often …
    horizon_min: int | None = Field(default=None, ge=1, le=LONGEST_H * 60)  # … for so long each time
    at: OriginClock | None = None  # … counted from "05" past the hour or "06:05", UTC; midnight unless given
    days: DayTypes = "working"
    labels: tuple[str, ...] = Field(default=("working", "weekday", "any"), min_length=1)
    like: Literal["hottest", "highest_load"] | None = None
    count: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_kind(self) -> Events:
        if (self.every_min is None) != (self.horizon_min is None):
            raise ValueError("nowcasts need both every_min: and horizon_min:, like 180 and 180")
        if self.truth is not None and self.file is None:
            raise ValueError(
                "truth: belongs to the dispatched events of file:; placebo events need none, give file: too"
            )
        if self.at is not None and self.every_min is None:
            raise ValueError("at: is the clock of nowcasts: give every_min: and horizon_min: too")
        if self.every_min is not None:
            if self.file or self.start or self.stop or self.like:
                raise ValueError("every_min: (nowcasts) excludes file: and start:/stop:/like:")
            return self
        if self.file is None and (self.start is None or self.stop is None):
            raise ValueError(
                'give file: (real events), or start: and stop: of placebo events, like "17:00" and "20:00"'
            )
        if self.file is not None and (self.start or self.stop or self.like):
            raise ValueError("file: (real events) and start:/stop:/like: (placebo events) exclude each other")
        return self


class TrainEvents(Section):
    """Placebo events to learn from, where a method should see more than the hours that are judged."""

    start: Clock
    stop: Clock
    days: DayTypes = "working"
    labels: tuple[str, ...] = Field(default=("working", "weekday", "any"), min_length=1)
    # The same hours so much earlier (< 0) or later.
    shifts_h: tuple[Annotated[float, Field(ge=-24, le=24)], ...] = Field(default=(0.0,), min_length=1)


class ViewSection(Section):
    """What an estimator may not see of the meter; hours before the start, hours after the stop."""

    lead_in: float = Field(default=0.0, ge=0, le=LONGEST_H)
    recovery: float | None = Field(default=None, ge=0, le=LONGEST_H)
    whole_day: bool = False


class RefitSection(Section):
    """How often everything that learns is trained anew within the test span; its period alone may be written."""

    every: Period
    gap_days: int = Field(default=1, ge=0, le=366)

    @model_validator(mode="before")
    @classmethod
    def _from_period(cls, value: Any) -> Any:
        return {"every": value} if isinstance(value, str) else value

    def refit(self) -> Refit:
        """What the backtest is told."""
        return Refit(self.every, self.gap_days)


SECTIONS: dict[str, type[Section]] = {
    "data": Data,
    "data.forecasts": Forecasts,
    "events": Events,
    "train_events": TrainEvents,
    "view": ViewSection,
    "refit": RefitSection,
}
