"""A world of homes as a file: which measured homes it is like, who lives there, what the program asks. YAML in, checked values out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cblcast.config.sections import Clock, Day, Section

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Kilowatts = Annotated[float, Field(ge=0, le=1_000)]  # of one home: a mistyped figure is told, not simulated
Hours = Annotated[float, Field(ge=0, le=48)]


class MeasuredHomes(Section):
    """Whose weather and mean days the simulated homes have: a data set of the catalogue, or a file with load_kw, pv_kw, weather."""

    dataset: str | None = None
    data: str | None = None
    tz: str | None = None
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)
    sites: tuple[str, ...] | None = None
    first_day: Day | None = None
    days: int | None = Field(default=None, ge=1, le=36_600)

    @model_validator(mode="after")
    def _one_source(self) -> MeasuredHomes:
        if (self.dataset is None) == (self.data is None):
            raise ValueError("give either dataset: (fontana_homes) or data: (a file with load_kw, pv_kw and weather)")
        return self


class ChangedHabit(Section):
    """What is different from the usual habit of a device; what is left out stays."""

    share: Share | None = None
    runs_per_day: float | None = Field(default=None, ge=0, le=100)
    kw: Kilowatts | None = None
    hours: Hours | None = None
    weekend: float | None = Field(default=None, ge=0, le=100)


class ProgramSection(Section):
    """What the program asks, as :class:`cblcast.simulate.household_program.HouseholdProgram`."""

    start: Clock = "17:00"
    stop: Clock = "20:00"
    control: Literal["manual", "automatic"] = "automatic"
    response: Literal["shift", "advance", "shed"] = "shift"
    devices: tuple[str, ...] = ("dishwasher", "washer", "dryer", "pool_pump", "vehicle", "water_heater")
    enrolled: Share = 1.0
    share: Share = 0.8
    tires: float = Field(default=0.9, gt=0, le=1)
    hot_c: float = Field(default=32.0, allow_inf_nan=False)
    heat_k: float = Field(default=float("inf"), gt=0)
    pay_per_kwh: Positive = 0.0
    half_pay_per_kwh: Positive = 0.0
    shift_k: float = Field(default=2.0, ge=0, le=50)
    load_fraction: Share = 1.0
    fill: tuple[float, float] = (10.0, 14.0)
    rebound_h: Hours = 2.0
    gives_back_kw: Kilowatts = 0.0
    round_trip: float = Field(default=0.85, ge=0.1, le=1)


class EventDays(Section):
    """When the program calls: local dates, or so many of the hottest working days."""

    dates: tuple[Day, ...] = ()
    hottest: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_way(self) -> EventDays:
        if bool(self.dates) == (self.hottest is not None):
            raise ValueError("give either dates: [2017-06-20, …] or hottest: 10")
        return self


class HouseholdsFile(Section):
    """Everything that `cblcast simulate` needs to know of a world of homes."""

    world: Literal["households"]
    name: str = "households"
    description: str = ""
    measured: MeasuredHomes
    homes: int = Field(default=100, ge=1, le=1_000_000)
    devices: dict[str, ChangedHabit] = Field(default_factory=dict)
    cooling_share: Share = 0.7
    pv_share: Share = 0.5
    pv_kw: Kilowatts = 4.5
    noise: float = Field(default=0.3, ge=0, lt=1)
    program: ProgramSection | None = None
    events: EventDays | None = None
    panel_homes: int = Field(default=20, ge=1, le=5_000)  # so many of the homes are written one by one
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _both_or_none(self) -> HouseholdsFile:
        if (self.program is None) != (self.events is None):
            raise ValueError("a program needs events: (when it calls), and events need program: (what it asks)")
        return self
