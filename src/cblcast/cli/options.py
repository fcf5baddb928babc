"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PARTIAL = 3  # exit code: the rest was done, and what was not is named

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Store = Annotated[
    str | None,
    typer.Option("--store", help="MLflow store [default: $MLFLOW_TRACKING_URI, else sqlite:///models/mlflow.db]."),
]
Tz = Annotated[str | None, typer.Option(help="IANA zone of the sites, e.g. Europe/Rome.")]
Clock = Annotated[
    str | None, typer.Option(help="Zone of the clock that wrote times without offset, if not the site's own, e.g. UTC.")
]
Unit = Annotated[
    str, typer.Option(help="Unit of the metered values: kW, kWh per interval, W, MW, …; auto reads the column's name.")
]
Label = Annotated[str, typer.Option(help="Whether times label the start or the end of their interval.")]
Weather = Annotated[Path | None, typer.Option(help="CSV or Parquet with time and weather columns.")]
SiteTable = Annotated[Path | None, typer.Option("--sites", help="CSV or Parquet with site_id, tz, country, …")]
Step = Annotated[str | None, typer.Option(help="Average to this step, e.g. 60min.")]
