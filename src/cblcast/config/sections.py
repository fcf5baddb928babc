"""The parts of a study: where its data come from, which events are judged and learned from, what may be seen."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cblcast.io.options import ReaderOptions

Day = Annotated[str, BeforeValidator(str)]  # YAML reads 2019-01-31 as a date
Clock = Annotated[str, BeforeValidator(lambda value: _clock(value))]


def _clock(value: Any) -> str:
    """YAML 1.1 reads an unquoted 17:00 as 17·60 = 1020: undo that instead of teaching users about it."""
    if isinstance(value, int) and 0 <= value <= 1440:
        return f"{value // 60:02d}:{value % 60:02d}"
    return str(value)


class Section(BaseModel):
    """A part of a study; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Section):
    """Where the panel comes from: a data set of the catalogue, or a meter file with reader options."""

    dataset: str | None = None
    panel: str | None = None
    format: str = "auto"
    weather: str | None = None
    site_table: str | None = None
    sites: tuple[str, ...] | None = None
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
    country: str | None = None
    subdivision: str | None = None
    holidays: str | None = None  # an .ics calendar: further holidays of all sites
    segment: str | None = None
    reanalysis: tuple[
        Literal["era5", "merra2"], ...
    ] = ()  # bundled weather of La Haute Borne, columns era5_…, merra2_…

    @property
    def reader(self) -> ReaderOptions:
        """How the meter file of :attr:`panel` is to be read."""
        renamed = {"sites": "site_table", "register": "dials"}
        return ReaderOptions(**{f.name: getattr(self, renamed.get(f.name, f.name)) for f in fields(ReaderOptions)})

    @model_validator(mode="after")
    def _one_source(self) -> Data:
        if (self.dataset is None) == (self.panel is None):
            raise ValueError("give either dataset: (see `cblcast data list`) or panel: (a CSV or Parquet file)")
        return self


class Events(Section):
    """Real events from a file, placebo events at fixed hours of chosen days, or nowcasts issued all day long."""

    file: str | None = None
    truth: str | None = None  # truth_kw of file: by site and time, as `cblcast simulate` writes it
    mask: str | None = None  # a file of real events whose hours are hidden from everything
    start: Clock | None = None
    stop: Clock | None = None
    every_min: int | None = Field(default=None, ge=1)  # a nowcast is issued so often, for horizon_min each time
    horizon_min: int | None = Field(default=None, ge=1)
    days: str | tuple[str, ...] = "working"
    labels: tuple[str, ...] = ("working", "weekday", "any")
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
    days: str | tuple[str, ...] = "working"
    labels: tuple[str, ...] = ("working", "weekday", "any")
    shifts_h: tuple[float, ...] = Field(default=(0.0,), min_length=1)  # the same hours so much earlier (< 0) or later


class ViewSection(Section):
    """What an estimator may not see of the meter; hours before the start, hours after the stop."""

    lead_in: float = Field(default=0.0, ge=0)
    recovery: float | None = Field(default=None, ge=0)
    whole_day: bool = False


SECTIONS: dict[str, type[Section]] = {"data": Data, "events": Events, "train_events": TrainEvents, "view": ViewSection}
