"""A world of commuters as a file: population, days, telework. YAML in, checked values out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from cblcast.config.sections import Day, Section
from cblcast.io.matsim.activity_types import HOME_PATTERNS, WORK_PATTERNS

Share = Annotated[float, Field(ge=0, le=1)]
Patterns = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]


class MatsimPopulation(Section):
    """People of a MATSim run."""

    events: str  # output_events.xml(.gz, .zst); "equil" is the bundled example
    network: str | None = None
    home: Patterns = HOME_PATTERNS  # regular expressions of activity types
    work: Patterns = WORK_PATTERNS

    @model_validator(mode="after")
    def _network_of_the_run(self) -> MatsimPopulation:
        if self.network is None and self.events != "equil":
            raise ValueError("the events need network: (output_network.xml.gz of the same run), or events: equil")
        return self


class DrawnPopulation(Section):
    """People of the analytic model: arrivals and departures spread evenly about the core hours [h]."""

    persons: int = Field(ge=1)
    working: int = Field(ge=1)
    offices: int = Field(default=1, ge=1)
    home_links: int = Field(default=1, ge=1)
    core_from: float = Field(default=10.0, ge=0, le=24)
    core_until: float = Field(default=14.0, ge=0, le=24)
    work_h: float = Field(default=6.0, gt=0, lt=24)
    travel_min: float = Field(default=30.0, ge=0)


class Population(Section):
    """Where the people come from: one of the two."""

    matsim: MatsimPopulation | None = None
    drawn: DrawnPopulation | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Population:
        if (self.matsim is None) == (self.drawn is None):
            raise ValueError(
                "give either matsim: (events and network of a run) or drawn: (persons, working, offices …)"
            )
        return self


class Telework(Section):
    """Which share of the commuters stays at home on a working day, from which local date on."""

    share: Share
    from_: Day = Field(alias="from")


class OpeningTimes(Section):
    """Work within these hours [h] (table 3 of the commuters paper)."""

    opens: float = Field(ge=0, le=24)
    closes: float = Field(ge=0, le=24)
    latest_start: float = Field(ge=0, le=24)


class CommutingFile(Section):
    """Everything that `cblcast simulate` needs to know of a world of commuters."""

    world: Literal["commuting"]
    name: str = "commuting"
    description: str = ""
    population: Population
    first_day: Day = "2019-01-07"
    days: int = Field(default=90, ge=1)
    tz: str = "UTC"
    telework: Telework | None = None
    opening_times: OpeningTimes | None = None
    attendance: Share = 0.9
    attendance_spread: Share = 0.03
    jitter_min: float = Field(default=15.0, ge=0)
    noise: float = Field(default=0.02, ge=0, lt=1)
    smallest_office: int = Field(default=1, ge=1)
    smallest_home: int = Field(default=1, ge=1)
    slice_min: int = Field(default=15, ge=1)
    schedules: bool = True
    seed: int = 0
