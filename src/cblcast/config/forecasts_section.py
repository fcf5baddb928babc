"""The part of a study that names forecast runs: files of a product, and how they are read."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from cblcast.config.section import Section
from cblcast.io.forecast_options import ForecastOptions


def _files(value: Any) -> Any:
    """One path, a list of paths, or a path for each site."""
    paths = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else (value,)
    if not paths or not all(isinstance(path, str) for path in paths):
        raise ValueError(f"a file, a list of files, or a file for each site ({{farm_1: runs.csv}}), not {value!r}")
    if isinstance(value, dict):
        return {str(site): path for site, path in value.items()}
    return tuple(value) if isinstance(value, list) else value


class Forecasts(Section):
    """Runs of one product; of each case's weather the newest run that had arrived before its origin is used."""

    product: str
    file: Annotated[Any, BeforeValidator(_files)]
    delay_h: float = Field(default=0.0, ge=0, le=240)  # from a run's issue to its arrival
    columns: dict[str, str] | None = None
    clock: str | None = None
    time_format: str | None = None
    decimal: Literal[".", ","] | None = None
    values: Literal["instants", "means"] = "instants"
    stamp: Literal["start", "centre", "end"] | None = None  # of means
    members: str = "mean"  # or the name of one
    max_gap_h: float | None = Field(default=None, gt=0)

    @property
    def options(self) -> ForecastOptions:
        """How the files are read."""
        return ForecastOptions(**{field.name: getattr(self, field.name) for field in fields(ForecastOptions)})

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file."""
        if isinstance(self.file, dict):
            return tuple(self.file.values())
        return (self.file,) if isinstance(self.file, str) else tuple(self.file)

    def with_paths(self, found: list[str | None]) -> Forecasts:
        """The same with other paths, in the order of :attr:`paths`."""
        made: Any = tuple(found)
        if isinstance(self.file, dict):
            made = dict(zip(self.file, found, strict=True))
        elif isinstance(self.file, str):
            made = found[0]
        return self.model_copy(update={"file": made})

    @model_validator(mode="after")
    def _makes_sense(self) -> Forecasts:
        self.options  # noqa: B018 - says what contradicts itself
        return self
