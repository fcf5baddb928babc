"""What a reader is told about a meter file: one frozen set, from the command line or a study down to the reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import PurePath
from typing import Any

from cblcast.errors import StudyError, nearest


@dataclass(frozen=True)
class ReaderOptions:
    """How a meter file is to be read; what is left at its default is taken from the file.

    Attributes
    ----------
    format : str
        ``auto``, or a name of :data:`cblcast.io.formats.METER_FORMATS`.
    sites : path, DataFrame or mapping, optional
        What is known of each site (:func:`cblcast.io.site_table.read_sites`).
    tz, country, subdivision, segment : str, optional
        Of all sites, where neither `sites` nor the file says: IANA zone, ISO 3166 codes, kind of customer.
    clock : str, optional
        IANA zone of the clock that wrote times without an offset, where it is not the site's own.
    layout : {"auto", "long", "wide"}
    unit : str
        Unit of the metered values; ``auto`` is the one that a column's name ends in, else kW.
    label : {"auto", "start", "end"}
        Which end of its interval a time marks; ``auto`` is the start unless a column's name says the end.
    columns : mapping, optional
        Foreign name → ours.
    time_format : str, optional
        As in ``strptime``.
    decimal : {".", ","}, optional
        The decimal sign of numbers in a text file.
    weather : path or DataFrame, optional
        Weather that is joined to the panel.
    kinds : mapping column or pattern -> kind, optional
        What a column of weather is: ``measured`` (as all are that nobody names), ``forecast`` or ``reanalysis``.
    step : str or Timedelta, optional
        Average to this longer step.
    on_duplicates : {"raise", "mean", "first", "last"}
        What is done where a site has one time twice with different values.
    channels : bool
        Whether what was taken and what was given are kept beside the net (``import_kw``, ``export_kw``).
    register : bool
        Whether the values are readings of a dial, whose differences are the energies.
    """

    format: str = "auto"
    sites: Any = None
    tz: str | None = None
    clock: str | None = None
    layout: str = "auto"
    unit: str = "auto"
    label: str = "auto"
    columns: Mapping[str, str] | None = None
    time_format: str | None = None
    decimal: str | None = None
    weather: Any = None
    kinds: Mapping[str, Any] | None = None
    step: Any = None
    on_duplicates: str = "raise"
    register: bool = False
    channels: bool = False
    country: str | None = None
    subdivision: str | None = None
    segment: str | None = None

    def but(self, **changes: Any) -> ReaderOptions:
        """The same options but for `changes`; an unknown name is a :class:`StudyError`."""
        known = [field.name for field in fields(self)]
        for name in changes:
            if name not in known:
                raise StudyError(f"unknown reader option {name!r}: {nearest(name, known)}")
        return replace(self, **changes)

    @property
    def given(self) -> dict[str, Any]:
        """The options that differ from their defaults."""
        values = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        # A frame or a mapping is never compared: whatever is there was given.
        return {
            name: value
            for name, (value, default) in values.items()
            if (value != default if isinstance(default, (str, bool)) else value is not default)
        }

    @property
    def files(self) -> dict[str, str | PurePath]:
        """The files that a reader reads beside the meter's own, by their option of the command line."""
        named = {"--sites": self.sites, "--weather": self.weather}
        return {name: value for name, value in named.items() if isinstance(value, (str, PurePath))}


DEFAULT_OPTIONS = ReaderOptions()
