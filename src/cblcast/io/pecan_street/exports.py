"""Dataport exports of one minute, a quarter of an hour or an hour: ``dataid``, ``localminute``, one column a circuit [kW]."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.panel import Panel
from cblcast.io.files import Table, read_table
from cblcast.io.options import ReaderOptions
from cblcast.io.pecan_street.circuits import TIMES, circuits_of
from cblcast.io.readings import Reading
from cblcast.io.tabular import reading_of_table

# Where Dataport's homes stand, by the state in its table of homes.
ZONES = {
    "Texas": "America/Chicago",
    "New York": "America/New_York",
    "California": "America/Los_Angeles",
    "Colorado": "America/Denver",
    "Illinois": "America/Chicago",
}
_OF_HOMES = ("city", "building_type", "pv", "total_square_footage", "total_amount_of_pv")


def read_pecan_street(
    source: str | Path | pd.DataFrame,
    *,
    metadata: pd.DataFrame | None = None,
    export_positive: bool = False,
    devices: bool = True,
    **options: Any,
) -> Panel:
    """Homes of a Dataport export as a panel.

    Parameters
    ----------
    source : path (.csv, .csv.gz, .zip, .parquet) or DataFrame
        ``dataid``, ``localminute`` (``local_15min``, ``localhour``), ``grid`` (import > 0), ``solar``, ``solar2`` and circuits, mean
        powers [kW] labelled at the start of their interval. Columns in volts are left out.
    metadata : DataFrame, optional
        :func:`~cblcast.io.pecan_street.metadata.read_metadata`: gives each home its zone by its state, its city, its size.
    export_positive : bool
        Whether ``grid`` counts what a home gives back as positive.
    devices : bool
        Whether circuits are kept, as ``device_<name>_kw``.
    **options
        Fields of :class:`~cblcast.io.options.ReaderOptions`: ``tz`` (where no metadata say it), ``step``,
        ``on_duplicates`` for minutes that are given twice.

    Returns
    -------
    Panel
        ``observed_kw``: net at the grid [kW], import > 0. ``pv_kw`` ≥ 0, 0 at a home without. ``load_kw`` = observed + PV: what
        the home uses. A home's circuits are NaN where it has none.

    Raises
    ------
    DataError
        A column that is missing, a grid or sun of the wrong sign, a minute given twice, a home that the metadata lack.

    Warns
    -----
    DataWarning
        What was left out, is missing or doubtful.
    """
    chosen = ReaderOptions().but(**options)
    reading = _read(source, chosen, metadata, export_positive, devices)
    reading.report.tell()
    return reading.panel


def read_pecan_street_meter(source: str | Path | pd.DataFrame, options: ReaderOptions) -> Reading:
    """As :func:`read_pecan_street`, with the report, and without telling it."""
    return _read(source, options, None, False, True)


def is_dataport_export(head: bytes) -> bool:
    """Whether a text file that begins so is a Dataport export."""
    first = head.lstrip(b"\xef\xbb\xbf").split(b"\n")[0].decode("utf-8", "replace")
    names = [name.strip().strip('"').lower() for name in first.split(",")]
    return "dataid" in names and any(time in names for time in TIMES)


def _read(
    source: str | Path | pd.DataFrame,
    options: ReaderOptions,
    metadata: pd.DataFrame | None,
    export_positive: bool,
    devices: bool,
) -> Reading:
    table = read_table(source, "meter", options.decimal).renamed(options.columns)
    time = next((name for name in TIMES if name in table.frame.columns), None)
    if time is None or "dataid" not in table.frame.columns:
        raise DataError(
            f"{table.name} is no Dataport export: it needs 'dataid' and one of {', '.join(map(repr, TIMES[:3]))}; "
            "other meter files are read with cblcast.io.formats.read_meter"
        )
    site = table.frame["dataid"].astype(str).str.replace(r"\.0$", "", regex=True).rename("site_id")
    if table.frame.empty:
        raise DataError(f"{table.name} has no rows")
    powers = circuits_of(table, site, time, export_positive=export_positive, devices=devices)
    frame = pd.concat([site, table.frame[time].rename("time"), powers.frame], axis=1)
    if metadata is not None:
        options = options.but(sites=_sites(site, metadata, options.tz, table.name))
    reading = reading_of_table(_with(table, frame, powers.notes), options.but(columns=None, layout="long"))
    return replace(reading, report=replace(reading.report, format="pecan_street"))


def _with(table: Table, frame: pd.DataFrame, notes: Any) -> Table:
    return replace(table, frame=frame, notes=(*table.notes, *notes))


def _sites(site: pd.Series, metadata: pd.DataFrame, tz: str | None, name: str) -> pd.DataFrame:
    homes = pd.Index(site.unique(), name="site_id")
    unknown = homes.difference(metadata.index)
    if len(unknown):
        raise DataError(f"home {unknown[0]!r} of {name} is not in the metadata ({len(unknown)} such homes): add it")
    found = metadata.loc[homes]
    zones = found["state"].map(ZONES) if "state" in found.columns else pd.Series(None, index=homes, dtype=object)
    zones = zones.where(zones.notna(), tz)
    if zones.isna().any():
        raise DataError(f"the zone of home {homes[zones.isna()][0]!r} cannot be told by its state: give tz")
    kept = found[[column for column in _OF_HOMES if column in found.columns]]
    kept = kept.assign(pv=kept["pv"].astype(bool)) if "pv" in kept.columns else kept
    return kept.assign(tz=zones.to_numpy(), country="US", segment="home").rename_axis("site_id")
