"""A large portfolio as a file: which real meters it is like, how many sites and days, and where it is written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cblcast.config.sections import Day, Section


class PortfolioFile(Section):
    """Everything that `cblcast simulate` needs to know of a portfolio."""

    world: Literal["portfolio"]
    name: str = "portfolio"
    description: str = ""
    dataset: str = "cambridge_sme"
    sites: int = Field(default=1000, ge=1, le=100_000_000)
    first_day: Day = "2024-06-01"
    days: int = Field(default=45, ge=1, le=3_660)
    store: str  # relative to the file's folder: .parquet for one file, else a folder
    layout: Literal["days", "long", "wide"] = "days"
    sites_per_file: int = Field(default=20_000, ge=1, le=1_000_000)
    alike: Annotated[int, Field(ge=1, le=1_000)] = 10
    spread: Annotated[float, Field(ge=0, le=3)] = 0.5
    noise: Annotated[float, Field(ge=0, le=1)] = 0.05
    seed: int = Field(default=0, ge=0)
