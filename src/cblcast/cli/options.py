"""Options that several commands share, each declared once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cblcast.cli.bundles import Asked
from cblcast.errors import StudyError
from cblcast.io.options import ReaderOptions

PARTIAL = 3  # exit code: the rest was done, and what was not is named

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Store = Annotated[
    str | None,
    typer.Option("--store", help="MLflow store (default: $MLFLOW_TRACKING_URI, else sqlite:///models/mlflow.db)."),
]
Change = Annotated[list[str], typer.Option("--set", help="key=value: replace a value of the study; may be repeated.")]
Data = Annotated[
    Path, typer.Option(help="Meter file (CSV, Parquet, Green Button XML, NEM12), a folder of Parquet, or sql:TABLE.")
]
Events = Annotated[Path, typer.Option(help="Events: CSV of site_id, start, stop with offset, or OpenADR 3 JSON.")]

Decimals = Annotated[int, typer.Option("--decimals", min=0, max=15, help="Decimals of the numbers in a CSV.")]
FullPrecision = Annotated[
    bool, typer.Option("--full-precision", help="All decimals in a CSV; Parquet and records always have them.")
]


@dataclass(frozen=True)
class Written:
    """Where a table goes, and with how many decimals."""

    out: Annotated[Path | None, typer.Option(help="Where the table goes, .csv or .parquet; printed unless given.")] = (
        None
    )
    decimals: Decimals = 3
    full_precision: FullPrecision = False

    @property
    def places(self) -> int | None:
        """Decimals; None for all."""
        return None if self.full_precision else self.decimals


PANEL = "How the meter file is read"
_PAIR = re.compile(r"(.+?)=\s*([A-Za-z_]\w*)\s*(?:,|$)")


def changes_of(pairs: list[str], example: str = "view=day_ahead") -> dict[str, str]:
    """What ``--set key=value`` says, by key."""
    changes = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise StudyError(f"--set {pair!r} has no value: write --set key=value, e.g. --set {example}")
        changes[key.strip()] = value
    return changes


def _reads(*names: str, help: str) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=PANEL)


# How a command asks for each field of ReaderOptions.
READER: dict[str, Any] = {
    "tz": Annotated[str | None, _reads(help="IANA zone of the sites, e.g. Europe/Rome.")],
    "clock": Annotated[
        str | None,
        _reads(help="Zone of the clock that wrote times without offset, if not the site's own, e.g. UTC."),
    ],
    "unit": Annotated[
        str,
        _reads(help="Unit of the metered values: kW, kWh per interval, W, MW, …; auto reads the column's name."),
    ],
    "label": Annotated[
        str,
        _reads(
            help="Whether times label the start or the end of their interval; auto reads the column's name, else start."
        ),
    ],
    "columns": Annotated[
        list[str] | None,
        _reads(help="THEIRS=ours: which column is what, e.g. Zeitstempel=time,Leistung=observed_kw; may be repeated."),
    ],
    "time_format": Annotated[str | None, _reads(help="How times are written, as in strptime: '%d/%m/%Y %H:%M'.")],
    "decimal": Annotated[str | None, _reads(help="Decimal sign of a text file: '.' or ','.")],
    "on_duplicates": Annotated[
        str, _reads(help="Where a site has one time twice with different values: raise, first, last or mean.")
    ],
    "register": Annotated[
        bool, _reads("--register", help="The values are readings of a dial: take their differences as energies.")
    ],
    "channels": Annotated[
        bool, _reads("--channels", help="Keep import_kw and export_kw beside the net load of each site.")
    ],
    "weather": Annotated[Path | None, _reads(help="CSV or Parquet with time and weather columns.")],
    "sites": Annotated[Path | None, _reads(help="CSV or Parquet with site_id, tz, country, …")],
    "country": Annotated[str | None, _reads(help="Whose holidays apply to the sites, ISO 3166, e.g. IT.")],
    "subdivision": Annotated[str | None, _reads(help="And which part of the country's, e.g. BY.")],
    "step": Annotated[str | None, _reads(help="Average to this step, e.g. 60min.")],
    "format": Annotated[str, _reads(help="table, green_button or nem12; auto looks at the file.")],
    "layout": Annotated[str, _reads(help="Of a table: long or wide; auto looks at its columns.")],
}


def _reader_options(answers: Mapping[str, Any]) -> ReaderOptions:
    return ReaderOptions(**{**answers, "columns": column_names(answers["columns"] or ())})


def column_names(pairs: list[str] | tuple[str, ...]) -> dict[str, str] | None:
    """``["When=time", "T=temp_air_c,Load=observed_kw"]`` as a mapping, None if empty; their names may hold commas."""
    names: dict[str, str] = {}
    for pair in pairs:
        found = _PAIR.findall(pair)
        if not found or "".join(f"{theirs}={ours}" for theirs, ours in found).count("=") != pair.count("="):
            raise StudyError(
                f"--columns {pair!r} names no column of ours: write THEIRS=ours, e.g. --columns 'Zeitstempel=time'"
            )
        names |= {theirs.strip(): ours for theirs, ours in found}
    return names or None


Reader = Annotated[ReaderOptions, Asked(READER, _reader_options)]
# Where --layout is that of what is written: a table's own is then found by its columns.
ReaderOfAnyLayout = Annotated[
    ReaderOptions, Asked({name: asked for name, asked in READER.items() if name != "layout"}, _reader_options)
]
