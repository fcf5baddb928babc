"""Meter data from CSV, Parquet, Excel or a frame, long or wide, in whatever unit and clock, as a :class:`~cblcast.frames.panel.Panel`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, nearest
from cblcast.io.align import Rows
from cblcast.io.assembly import to_panel
from cblcast.io.clock import check_zone
from cblcast.io.day_matrix import unfolded
from cblcast.io.files import Table, read_table
from cblcast.io.forecast_columns import issue_column
from cblcast.io.instants import to_instants
from cblcast.io.layout import to_long
from cblcast.io.options import ReaderOptions
from cblcast.io.read_report import Kind, ReadReport
from cblcast.io.readings import IMPORT, Reading, Readings
from cblcast.io.repeats import check_way
from cblcast.io.roles import Roles, find_roles
from cblcast.io.site_table import sites_for
from cblcast.io.time_columns import Times, read_times
from cblcast.io.units import unit_of

Source: TypeAlias = str | Path | pd.DataFrame


def read_panel(source: Source, **options: Any) -> Panel:
    """Read meter data, and weather beside it, into a panel.

    Parameters
    ----------
    source : path (.csv, .csv.gz, .zip, .parquet, .xlsx) or DataFrame
        Long: ``site_id`` (a file without it holds one site, named after the file), ``time``, the metered value, weather
        columns, and site columns such as ``tz``. Wide: ``time``, one column for each site, weather columns for all.
        Columns are told by the names that files of six languages use; what a name does not tell is asked for.
    **options
        Fields of :class:`~cblcast.io.options.ReaderOptions`:

        sites : path, DataFrame or dict
            What is known of each site (:func:`~cblcast.io.site_table.read_sites`); a dict may hold a zone, or a dict of
            columns, for each site.
        tz : str
            IANA zone of the sites, where `sites` does not say.
        clock : str
            IANA zone of the clock that wrote times without an offset, e.g. ``UTC`` or ``Etc/GMT-10``; by default each
            site's own zone (UTC where the column's name ends in ``_utc``). The double hour of autumn is resolved by
            order, first summer then standard time; readings in the hour that spring skips are dropped with a warning.
        layout : {"auto", "long", "wide"}
        unit : {"auto", "kW", "kWh", "W", "Wh", "MW", "MWh"}
            Unit of the metered values, energies per interval; ``auto`` is the unit that each column's name says, else kW.
        label : {"auto", "start", "end"}
            Which end of its interval a time marks; ``auto`` is the start unless the column's name says the end.
        columns : mapping
            Foreign name → ours (``{"When": "time", "Load": "observed_kw", "T": "temp_air_c"}``), in `source` and `weather`.
        time_format : str
            As in ``strptime``; only needed where nobody can tell the day from the month.
        decimal : {".", ","}
            The decimal sign of a text file; taken from its numbers unless given.
        weather : path or DataFrame
            ``time`` and weather columns, with ``site_id`` or one series for all sites; joined over the panel's step if
            finer, interpolated between neighbouring readings if coarser.
        step : str or Timedelta
            Average to this longer step.
        on_duplicates : {"raise", "mean", "first", "last"}
            What is done with different values of one site and time; equal ones are read once.
        register : bool
            Whether the values are readings of a dial, whose differences are the energies.
        country, subdivision, segment : str
            Where `sites` does not say.

    Returns
    -------
    Panel
        ``observed_kw`` is the mean power over the interval [kW], labelled at its start in UTC.

    Raises
    ------
    DataError
        One sentence that names the line, the rule and the remedy.

    Warns
    -----
    DataWarning
        What was left out, is missing or doubtful: readings at times that do not exist; a unit that contradicts a name, a
        rated power or a register; text columns; dial readings; odd days.
    """
    reading = read_table_meter(source, ReaderOptions().but(**options))
    reading.report.tell()
    return reading.panel


def read_table_meter(source: Source, options: ReaderOptions) -> Reading:
    """As :func:`read_panel`, with the report, and without telling it."""
    _check_options(options)
    meter = read_table(source, "meter", options.decimal)
    try:
        return reading_of_table(meter, options)
    except DataError as error:
        if meter.encoding is None or "not UTF-8" in str(error):
            raise
        raise DataError(f"{error} ({meter.name} is not UTF-8 text, so it was read as {meter.encoding})") from None


def reading_of_table(meter: Table, options: ReaderOptions) -> Reading:
    """A table that was opened already as a panel, with the report."""
    if meter.frame.empty:
        raise DataError(f"{meter.name} has no rows")
    meter = unfolded(_renamed(meter, options))
    issue = issue_column(meter.frame.columns, sure=True)
    if issue is not None:
        raise DataError(
            f"{meter.name} says when its rows were issued ({issue!r}), as files of forecasts do: take that column out of the "
            "meter data, and name the forecasts under data.forecasts: of a study (or read_forecasts)"
        )
    original = {ours: theirs for theirs, ours in (options.columns or {}).items()}
    times = read_times(meter, options.time_format)
    roles = find_roles(meter, times.columns, options.layout, original)
    label = ("end" if times.ends else "start") if options.label == "auto" else options.label
    long = to_long(meter, roles, times.stamps)
    defaults = {
        "tz": options.tz or meter.zone or long.stamps.zone,
        "country": options.country,
        "subdivision": options.subdivision,
        "segment": options.segment,
    }
    sites = sites_for(long.site_ids, options.sites, long.found, defaults)
    clocks = [str(options.clock or zone) for zone in sites["tz"]]
    rows = Rows(long.code, long.stamps.us, long.values, long.source_row)
    rows, notes = to_instants(rows, long.stamps, [clocks[site] for site in long.series.site], label, meter.name)
    report = _report(meter, times, roles, label, options).with_notes((*meter.notes, *roles.notes, *notes))
    if options.tz is not None and meter.zone not in (None, options.tz):
        told = f"{meter.name} was written for sites in {meter.zone}, and is read as of {options.tz}: leave --tz out, or give --sites"
        report = report.noting(Kind.DOUBTFUL, told)
    return to_panel(
        Readings(rows, long.series, long.site_ids, label, None, meter.where, report), sites, clocks, options
    )


def _report(meter: Table, times: Times, roles: Roles, label: str, options: ReaderOptions) -> ReadReport:
    """What was understood of the columns."""
    report = ReadReport(meter.name).understanding("time", times.says + (" at the end" if label == "end" else ""))
    if meter.likely == ",":
        report = report.understanding("decimal", "comma")
    if roles.site is not None:
        report = report.understanding("site", roles.site)
    if roles.wide:
        names = ", ".join(part.name for part in roles.metered[:4]) + (" …" if len(roles.metered) > 4 else "")
        report = report.understanding("sites", f"the columns {names}")
    elif len(roles.metered) == 2:
        taken, given = sorted(roles.metered, key=lambda part: part.quantity != IMPORT)
        report = report.understanding("net", f"{taken.name} - {given.name}")
    else:
        report = report.understanding("column", roles.metered[0].name)
    if roles.beside:
        report = report.understanding("beside", ", ".join(roles.beside[:8]) + (" …" if len(roles.beside) > 8 else ""))
    if times.ends and options.label == "auto":
        report = report.noting(
            Kind.GUESSED, f"times of {times.columns[0]!r} label the end of their interval, as their name says"
        )
    return report


def _check_options(options: ReaderOptions) -> None:
    if options.unit != "auto":
        unit_of(options.unit)
    if options.label not in ("auto", "start", "end"):
        raise DataError(f"label is 'start' or 'end' of the interval, not {options.label!r}")
    if options.clock is not None:
        check_zone(options.clock)
    check_way(options.on_duplicates)


def _renamed(meter: Table, options: ReaderOptions) -> Table:
    """The meter table under our names; a foreign name may also be one of the weather's."""
    columns: Mapping[str, str] = options.columns or {}
    here = {theirs: ours for theirs, ours in columns.items() if theirs in meter.frame.columns}
    missing = [theirs for theirs in columns if theirs not in here]
    if missing and options.weather is not None:
        known = read_table(options.weather, "weather", options.decimal).frame.columns
        missing = [theirs for theirs in missing if theirs not in known]
    if missing:
        raise DataError(
            f"{meter.name} has no column {missing[0]!r} to rename: {nearest(missing[0], map(str, meter.frame.columns))}"
        )
    return meter.renamed(here)
