"""A world of buildings as a file: weather, customers, program. YAML in, checked values out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cblcast.config.sections import Clock, Data, Day, Section

Share = Annotated[float, Field(ge=0, le=1)]


class Weather(Data):
    """Measured weather: that of a data set, or of one's own meter file with weather beside it; its load is not looked at."""

    site: str | None = None  # of several; the first unless given
    temperature: str = "temp_air_c"
    irradiance: str = "ghi_wm2"


class Customers(Section):
    """Who stands in the weather; rooms are drawn and their plants sized for it."""

    kind: Literal["home", "sme"] = "home"
    count: int = Field(default=50, ge=1)
    room: Literal["1R1C", "2R2C"] = "2R2C"
    heating: Literal["heat_pump", "resistive", "none"] = "heat_pump"
    cooling: bool = True
    plant_size: tuple[float, float] = (1.15, 1.6)  # over the load of the design hour; below 1 too small for it
    hot_water_share: Share = 0.0
    litres_per_day: float = Field(default=100.0, ge=0, le=10_000)
    refrigeration_share: Share = 0.0
    deadband_k: float | None = Field(
        default=None, gt=0, le=20
    )  # on/off thermostats; ideal ones of limited power unless given
    participation: Share = 1.0
    noise: float = Field(default=0.02, ge=0, lt=1)
    day_spread: float = Field(default=0.05, ge=0, lt=1)


class Program(Section):
    """What is asked, by the names of residential control: set point, load fraction, power set point."""

    start: Clock = "17:00"
    stop: Clock = "20:00"
    # So many of the hottest (coldest) working days, or local dates.
    days: Annotated[int, Field(ge=1)] | Annotated[tuple[Day, ...], Field(min_length=1)] = 10
    coldest: bool = False
    set_point_shift_k: float = Field(default=0.0, ge=-50, le=50)
    load_fraction: Share = 1.0
    power_set_point_kw: float | None = Field(default=None, ge=0)
    prepare_h: float = Field(default=0.0, ge=0)
    prepare_k: float = Field(default=0.0, ge=0, le=50)
    notice_h: float = Field(default=0.0, ge=0, le=8_760)


class BuildingFile(Section):
    """Everything that `cblcast simulate` needs to know of a world of buildings."""

    world: Literal["building"]
    name: str = "building"
    description: str = ""
    weather: Weather = Field(default_factory=lambda: Weather(dataset="turin"))
    customers: Customers = Field(default_factory=Customers)
    program: Program | None = Field(default_factory=lambda: Program(set_point_shift_k=2.0))
    first_day: Day = "2019-06-01"
    days: int = Field(default=90, ge=1, le=36_600)
    step_min: float = Field(default=15.0, ge=1, le=60)
    seed: int = Field(default=0, ge=0)
