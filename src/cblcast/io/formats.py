"""Which reader reads a file: meter data to a panel, events to a table, told by name or by the look of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from cblcast import registry
from cblcast.abilities import Recognises, able
from cblcast.errors import StudyError
from cblcast.frames.panel import Panel
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions

METER_FORMATS = registry.READERS
EVENT_FORMATS = registry.Registry(
    "format of events",
    {
        "table": "cblcast.io.event_table:read_events",
        "openadr": "cblcast.io.openadr:read_openadr",
    },
)
# What only a table needs to be told; the other formats say it themselves.
_TABLE_OPTIONS = ("clock", "layout", "unit", "label", "columns", "time_format", "decimal")


def read_meter(
    path: str | Path, format: str = "auto", *, options: ReaderOptions = DEFAULT_OPTIONS, **changes: Any
) -> Panel:
    """Meter data of any known format as a panel.

    Parameters
    ----------
    path : path
    format : {"auto", "table", "green_button", "nem12"}
        ``auto`` is what `options` say; unless they say it, .xml is Green Button, and a CSV that begins with a 100 record
        NEM12.
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
    """
    given = options.but(**changes).given
    wanted = given.pop("format", "auto") if format == "auto" else format
    chosen = _looks_like(Path(path)) if wanted == "auto" else wanted
    reader = METER_FORMATS.resolve(chosen)
    if chosen in ("green_button", "nem12"):
        fixed = next((name for name in _TABLE_OPTIONS if name in given), None)
        if fixed is not None:
            raise StudyError(f"{Path(path).name} is read as {chosen}, which fixes its own {fixed}: leave {fixed} out")
        if "tz" not in given:
            raise StudyError(
                f"{Path(path).name} is read as {chosen}, which does not name the site's zone: give tz (--tz)"
            )
    return reader(path, **given)


def read_dispatch(path: str | Path, panel: Panel | None = None, format: str = "auto", **options: Any) -> pd.DataFrame:
    """Events of any known format as a table: ``auto`` takes .json for OpenADR 3, anything else for a table."""
    chosen = ("openadr" if Path(path).suffix == ".json" else "table") if format == "auto" else format
    return EVENT_FORMATS.resolve(chosen)(path, panel, **options)


def _looks_like(path: Path) -> str:
    for name in METER_FORMATS.added():
        reader = METER_FORMATS.resolve(name)
        if able(reader, Recognises) and reader.recognises(path):
            return name
    if path.suffix.lower() == ".xml":
        return "green_button"
    if path.suffix.lower() in (".csv", ".nem", ".nem12") and path.is_file():
        with path.open("rb") as file:
            return "nem12" if file.read(9) == b"100,NEM12" else "table"
    return "table"
