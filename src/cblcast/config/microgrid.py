"""The file of a microgrid: its wind, load, turbines, fleet and prices; one design to simulate, or limits to size within."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import pandas as pd
from pydantic import ConfigDict, Field, field_validator, model_validator

from cblcast.config.sections import FIRST_YEAR, LAST_YEAR, Section
from cblcast.io.clock import check_zone
from cblcast.simulate.island import Fleet
from cblcast.simulate.reliability import CONVENTIONS, DEFAULT_CONVENTION
from cblcast.value.bargaining import Terms
from cblcast.value.cash_flow import VehicleCosts


class Part(Section):
    """A part of the file; its numbers are finite."""

    model_config = ConfigDict(allow_inf_nan=False)


class Source(Part):
    """A measured series: a column of a bundled or known data set, or of one's own file."""

    dataset: str | None = None
    file: str | None = None
    column: str = "observed_kw"
    site: str | None = None  # of a data set with several sites; their sum unless given
    tz: str = "UTC"  # of times without offset in a file, and of the local calendar
    first: str | None = None  # a day, month, year or instant; the last is included
    last: str | None = None

    @field_validator("first", "last", mode="before")
    @classmethod
    def _time(cls, value: Any) -> Any:
        return (
            str(value) if isinstance(value, dt.date | int) else value
        )  # YAML reads 2015-01-01 as a date, 2015 as a number

    @field_validator("first", "last")
    @classmethod
    def _span(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                year = pd.Period(value).year
            except ValueError:
                raise ValueError(f"{value!r} is no time: write it like 2015-01-31, 2015-01 or 2015") from None
            if not FIRST_YEAR <= year <= LAST_YEAR:
                raise ValueError(f"{value} lies outside {FIRST_YEAR} to {LAST_YEAR}: mend the year")
        return value

    @field_validator("tz")
    @classmethod
    def _zone(cls, value: str) -> str:
        return check_zone(value)

    @model_validator(mode="after")
    def _one_source(self) -> Source:
        if (self.dataset is None) == (self.file is None):
            raise ValueError(
                "give either dataset: (see `cblcast data list`) or file: (CSV or Parquet with a column time)"
            )
        return self


class Wind(Source):
    """Measured wind speed [m/s] and the turbines that it drives."""

    column: str = "wind_speed_nacelle_ms"
    mean_speed_ms: float | None = Field(default=None, gt=0)  # scaled to this mean; as measured unless given
    turbine: str = "V47/660"
    turbines: int = Field(default=2, ge=0, le=100)
    cut: Literal["units", "curtail"] = "units"


class Load(Source):
    """Measured load, scaled to the critical peak."""

    critical_peak_kw: float = Field(default=1000.0, gt=0)
    system_peak_kw: float = Field(default=5000.0, gt=0)


class Solar(Source):
    """Measured generation of a solar plant, scaled to a rated power."""

    rated_kw: float = Field(gt=0)  # of the plant to be
    measured_rated_kw: float = Field(gt=0)  # of the plant that was measured


class Island(Part):
    """Which islands a design is judged by."""

    hours: float = Field(default=6.0, gt=0)
    step_min: float = Field(default=10.0, gt=0)
    scenarios: Literal["drawn", "all"] = "drawn"
    per_month: int = Field(default=4, ge=1)
    seed: int = Field(default=0, ge=0)


class Generators(Part):
    """A diesel set of several generators that fail."""

    count: int = Field(default=1, ge=1)
    mean_time_to_failure_h: float = Field(gt=0)
    failure_to_start: float = Field(default=0.0, ge=0, lt=1)


class Vehicles(Part):
    """The fleet; see :class:`cblcast.simulate.island.Fleet`, which checks the values."""

    battery_kwh: float = 12.0
    power_kw: float = 3.0
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    availability: float = 0.7
    initial_charge: float = 1.0
    least_charge: float = 0.0

    @model_validator(mode="after")
    def _sound(self) -> Vehicles:
        self.fleet()
        return self

    def fleet(self) -> Fleet:
        """As the simulation takes it."""
        return Fleet(**self.model_dump())


class Economics(Part):
    """Prices; present values over `years` at `discount_rate`."""

    diesel_usd_per_kw: float = Field(default=800.0, ge=0)
    price_gap_usd: float = 6000.0
    infrastructure_usd: float = 1000.0
    battery_usd: float = 6000.0
    battery_year: float = Field(default=10.0, gt=0)
    saving_usd_per_year: float = 270.0
    years: float = Field(default=20.0, gt=0)
    discount_rate: float = 0.2
    island_h_per_year: float = Field(default=6.0, gt=0)
    owners_power: float = Field(default=0.5, ge=0, le=1)
    operator_fallback_usd: float = 0.0
    owners_fallback_usd: float = 0.0

    @model_validator(mode="after")
    def _sound(self) -> Economics:
        self.surplus_usd()
        return self

    def surplus_usd(self) -> float:
        """Surplus cost of one vehicle before subsidies [$]."""
        shared = self.model_dump(
            include={"price_gap_usd", "infrastructure_usd", "battery_usd", "battery_year", "saving_usd_per_year"}
        )
        return VehicleCosts(**shared, life_years=self.years, discount_rate=self.discount_rate).surplus_usd()

    def terms(self, availability: float) -> Terms:
        """What the bargain takes from outside."""
        return Terms(
            self.discount_rate,
            self.years,
            self.island_h_per_year,
            availability,
            self.owners_power,
            self.operator_fallback_usd,
            self.owners_fallback_usd,
        )


class Design(Part):
    """One design to simulate."""

    diesel_kw: float = Field(ge=0)
    vehicles: int = Field(ge=0)


class Sizing(Part):
    """What to search, and how."""

    method: Literal["nsga2", "grid"] = "nsga2"
    system_minutes: float = Field(default=30.0, gt=0)
    convention: str = DEFAULT_CONVENTION
    subsidies_usd: tuple[float, ...] = Field(default=(0.0, 5000.0, 5500.0, 6000.0), min_length=1)
    most_diesel_kw: float = Field(default=1200.0, gt=0)
    most_vehicles: int = Field(default=1000, ge=0, le=1_000_000)
    every_vehicles: int = Field(default=10, ge=1)
    grid: tuple[int, int] = (121, 101)
    population: int = Field(default=100, ge=4)
    generations: int = Field(default=100, ge=1)
    seeds: int = Field(default=1, ge=1, le=1000)  # sets of islands drawn, to show the scatter

    @field_validator("subsidies_usd")
    @classmethod
    def _each_once(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a subsidy is given twice: give each once")
        return value

    @model_validator(mode="after")
    def _known(self) -> Sizing:
        if self.convention not in CONVENTIONS:
            raise ValueError(f"convention {self.convention!r} is unknown: known are {', '.join(CONVENTIONS)}")
        if min(self.grid) < 2 or self.grid[0] * self.grid[1] > 10_000_000:
            raise ValueError(
                f"a grid of {self.grid} designs: give two numbers of 2 or more, with a product up to ten million"
            )
        return self


class MicrogridStudy(Part):
    """A microgrid, as `cblcast simulate` (one design) and `cblcast size` (all designs) read it."""

    format: Literal[1] = 1
    world: Literal["microgrid"] = "microgrid"
    name: str = Field(default="microgrid", min_length=1)
    description: str = ""
    wind: Wind
    load: Load
    solar: Solar | None = None
    island: Island = Island()
    generators: Generators | None = None
    fleet: Vehicles = Vehicles()
    economics: Economics = Economics()
    design: Design | None = None
    sizing: Sizing = Sizing()

    def settings(self) -> dict[str, Any]:
        """The resolved file, for the record."""
        return self.model_dump(mode="json")
