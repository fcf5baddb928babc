"""How the runs of one forecast product are to be read: one frozen set, from a study or from Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from cblcast.errors import StudyError, nearest


@dataclass(frozen=True)
class ForecastOptions:
    """How the files of a product are read.

    Attributes
    ----------
    product : str
        Letters, digits and underscores; every column is named ``<product>_<column>``.
    delay_h : float
        Hours from a run's nominal issue to its arrival; a column ``available_at`` of the file says it run by run instead.
    columns : mapping, optional
        Foreign name → ours; ours are ``site_id``, ``issue_time``, ``valid_time`` (or ``lead_h``), ``available_at``, ``member``,
        and weather with its unit.
    clock : str, optional
        IANA zone of the clock that wrote times without an offset.
    time_format : str, optional
        As in ``strptime``.
    decimal : {".", ","}, optional
    values : {"instants", "means"}
        Whether a value stands for its instant, or for the time from one value to the next.
    stamp : {"start", "centre", "end"}, optional
        Which part of its time a mean is stamped at; needed with means.
    members : str
        ``mean`` averages an ensemble and adds its spread; or the name of the one member that is read.
    max_gap_h : float, optional
        Values of a run further apart are not joined; three hours, or the longest distance the product itself keeps, unless given.
    """

    product: str
    delay_h: float = 0.0
    columns: Mapping[str, str] | None = None
    clock: str | None = None
    time_format: str | None = None
    decimal: str | None = None
    values: Literal["instants", "means"] = "instants"
    stamp: Literal["start", "centre", "end"] | None = None
    members: str = "mean"
    max_gap_h: float | None = None

    def __post_init__(self) -> None:
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", str(self.product)) is None:
            raise StudyError(
                f"a product is named by letters, digits and underscores, like gfs, not {self.product!r}: its columns are called after it"
            )
        if not 0 <= self.delay_h <= 240:
            raise StudyError(f"{self.product}: delay_h is 0 to 240 hours from issue to arrival, not {self.delay_h!r}")
        for name, known in (("values", ("instants", "means")), ("stamp", (None, "start", "centre", "end"))):
            if getattr(self, name) not in known:
                options = [each for each in known if each is not None]
                raise StudyError(
                    f"{self.product}: unknown {name} {getattr(self, name)!r}: {nearest(str(getattr(self, name)), options)}"
                )
        if self.values == "means" and self.stamp is None:
            raise StudyError(
                f"{self.product}: means need stamp: start, centre or end, the part of its time that a value is stamped at"
            )
        if self.values == "instants" and self.stamp is not None:
            raise StudyError(f"{self.product}: stamp belongs to values: means; an instant has no start and no end")
        if self.max_gap_h is not None and not self.max_gap_h > 0:
            raise StudyError(f"{self.product}: max_gap_h is above 0, not {self.max_gap_h!r}")

    @classmethod
    def of(cls, product: str, options: Mapping[str, Any]) -> ForecastOptions:
        """Options by name; an unknown name is a :class:`StudyError`."""
        known = [field.name for field in fields(cls)]
        for name in options:
            if name not in known:
                raise StudyError(f"unknown option {name!r} of the forecasts {product}: {nearest(name, known)}")
        return cls(product, **options)

    @property
    def given(self) -> dict[str, Any]:
        """All options but the product, as plain values."""
        return {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name != "product" and getattr(self, f.name) != f.default
        }
