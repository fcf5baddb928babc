"""Which reader reads a file: meter data to a panel, events to a table, told by name or by the look of the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from cblcast import registry
from cblcast.abilities import Recognises, able
from cblcast.errors import DataError, StudyError
from cblcast.frames.panel import Panel
from cblcast.io.database import SQL, is_table
from cblcast.io.opened import check_exists, file_name, head_of, is_workbook
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.io.pecan_street.exports import is_dataport_export
from cblcast.io.read_report import ReadReport
from cblcast.io.readings import Reading

METER_FORMATS = registry.READERS
# The readers of cblcast itself, as they tell how they understood a file: (path, options) -> Reading.
_TELLING = registry.Registry(
    "format",
    {
        "table": "cblcast.io.tabular:read_table_meter",  # CSV, Parquet and Excel, long or wide
        "green_button": "cblcast.io.green_button:read_green_button_meter",
        "nem12": "cblcast.io.nem12:read_nem12_meter",
        "pecan_street": "cblcast.io.pecan_street.exports:read_pecan_street_meter",
    },
)
EVENT_FORMATS = registry.Registry(
    "format of events",
    {
        "table": "cblcast.io.event_table:read_events",
        "openadr": "cblcast.io.openadr:read_openadr",
    },
)
# What only a table needs to be told; the other formats say it themselves.
_TABLE_OPTIONS = ("clock", "layout", "unit", "label", "columns", "time_format", "decimal")
_NEM12 = re.compile(rb'^(?:\xef\xbb\xbf)?[\s,;"]*100"?\s*,\s*"?NEM12\b', re.IGNORECASE)
_NEM13 = re.compile(_NEM12.pattern.replace(b"NEM12", b"NEM13"), re.IGNORECASE)
_XML = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<(\?xml|feed|[A-Za-z0-9]+:feed|!DOCTYPE)", re.IGNORECASE)


def read_meter(
    path: str | Path, format: str = "auto", *, options: ReaderOptions = DEFAULT_OPTIONS, **changes: Any
) -> Panel:
    """Meter data of any known format as a panel.

    Parameters
    ----------
    path : path
        Or ``sql:TABLE``, a table of the database that ``CBLCAST_DATABASE_URL`` names.
    format : {"auto", "table", "green_button", "nem12"}
        ``auto`` is what `options` say; unless they say it, the file is recognised by how it begins.
    options : ReaderOptions
        Those that the format fixes itself must be left at their defaults.
    **changes
        Options by name, in place of those in `options`.

    Raises
    ------
    StudyError
        An unknown format or option, or an option that the format does not take.
    DataError
        As the reader of the format.

    Warns
    -----
    DataWarning
        What was left out, is missing or doubtful; how the file was read is logged by ``cblcast.io``.
    """
    reading = read_with_report(
        path, options.but(**changes) if format == "auto" else options.but(format=format, **changes)
    )
    reading.report.tell()
    return reading.panel


def read_with_report(path: str | Path, options: ReaderOptions = DEFAULT_OPTIONS) -> Reading:
    """As :func:`read_meter`, with the report of how it was read, and without telling it."""
    path = Path(path)
    if options.format != "auto":
        METER_FORMATS.resolve(options.format)
    if is_table(path):
        return _read_rows_of(str(path).removeprefix(SQL), options)
    check_exists(path, "meter")
    if isinstance(options.weather, (str, Path)) and Path(options.weather).exists() and path.samefile(options.weather):
        raise DataError(
            f"the weather {path.name} is the meter file itself, whose load is no weather: name another file"
        )
    chosen = looks_like(path) if options.format == "auto" else options.format
    if chosen not in _TELLING:
        return _read_by_added(chosen, path, options)
    reader: Callable[..., Reading] = _TELLING.resolve(chosen)
    if chosen not in ("table", "pecan_street"):
        given = options.given
        fixed = next((name for name in _TABLE_OPTIONS if name in given), None)
        if fixed is not None:
            raise StudyError(f"{path.name} is read as {chosen}, which fixes its own {fixed}: leave {fixed} out")
        if options.tz is None and options.sites is None:
            raise StudyError(f"{path.name} is read as {chosen}, which does not name the site's zone: give tz (--tz)")
    if chosen == "nem12" and options.register:
        raise StudyError(
            f"{path.name} is read as nem12, whose values are energies of intervals: leave register (--register) out"
        )
    return reader(path, options)


def _read_rows_of(table: str, options: ReaderOptions) -> Reading:
    """All rows of a table of a database, as a table of a file is read."""
    from cblcast.io.database import all_rows
    from cblcast.io.files import Table
    from cblcast.io.tabular import reading_of_table

    if options.format not in ("auto", "table"):
        raise StudyError(f"sql:{table} is read as a table: leave format {options.format} out")
    return reading_of_table(Table(all_rows(table), f"table {table!r}", table), options)


def read_dispatch(path: str | Path, panel: Panel | None = None, format: str = "auto", **options: Any) -> pd.DataFrame:
    """Events of any known format as a table: ``auto`` takes .json for OpenADR 3, anything else for a table."""
    chosen = ("openadr" if Path(path).suffix.lower() == ".json" else "table") if format == "auto" else format
    if chosen == "openadr":
        options.pop("tz", None)  # its times are instants
    return EVENT_FORMATS.resolve(chosen)(path, panel, **options)


def _read_by_added(name: str, path: Path, options: ReaderOptions) -> Reading:
    """By a reader of an installed package or plugin, ``(path, **options) -> Panel``, which says for itself what it guessed."""
    given = {key: value for key, value in options.given.items() if key != "format"}
    return Reading(METER_FORMATS.resolve(name)(path, **given), ReadReport(path.name, name))


def looks_like(path: Path) -> str:
    """The format of a meter file, by how it begins once it is unpacked."""
    for name in METER_FORMATS.added():
        reader = METER_FORMATS.resolve(name)
        if able(reader, Recognises) and reader.recognises(path):
            return name
    suffix = Path(file_name(path)).suffix.lower()
    if suffix in (".parquet", ".pq", ".xlsx", ".xlsm") or is_workbook(path):
        return "table"
    head = head_of(path)
    if _NEM12.match(head):
        return "nem12"
    if is_dataport_export(head):
        return "pecan_street"
    foreign = _nem12_as_written_elsewhere(head)
    if foreign:
        raise DataError(f"{path.name} is a NEM12 file {foreign}: save it as plain text in UTF-8, separated by commas")
    if _NEM13.match(head):
        raise DataError(
            f"{path.name} is a NEM13 file, which holds dial readings of months: ask for interval data (NEM12)"
        )
    if head[:1000].lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<" and b"<html" in head[:2000].lower():
        raise DataError(f"{path.name} is a web page, not meter data: download the data file itself")
    if _XML.match(head) or suffix == ".xml":
        return "green_button"
    return "table"


def _nem12_as_written_elsewhere(head: bytes) -> str:
    """How a NEM12 file was changed by a program that opened it, "" for what is none."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "in UTF-16" if _NEM12.match(head.decode("utf-16", errors="ignore").encode()) else ""
    return "with other separators" if re.match(rb"\s*\W*100\W*[;\t|]\W*NEM12\b", head, re.IGNORECASE) else ""
