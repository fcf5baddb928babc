"""Events from a file: who was dispatched, from when to when."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError, nearest, require_columns
from cblcast.io.clock import parse_times
from cblcast.io.files import Table, read_table

EVERY_SITE = "*"


def read_events(
    source: str | Path | pd.DataFrame,
    panel: Panel | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    unknown_sites: str = "raise",
) -> pd.DataFrame:
    """Read events, checked row by row.

    Parameters
    ----------
    source : path (.csv, .csv.gz, .parquet) or DataFrame
        Columns ``site_id`` (``*`` is every site of the panel), ``start``, ``stop`` with their offset
        (``2019-06-01T17:00+02:00``), optional ``notified`` and ``program``; other columns are kept.
    panel : Panel, optional
        Whose sites the events must name; needed for ``*``.
    columns : mapping, optional
        Foreign name → ours.
    unknown_sites : {"raise", "keep"}
        ``keep`` leaves events of sites that the panel lacks in the table, for a settlement that lists them.

    Returns
    -------
    DataFrame
        ``site_id``, ``start``, ``stop`` (UTC) and what else the file holds, sorted by site and start.

    Raises
    ------
    DataError
        Naming the line: a time without offset, a stop at or before the start, an unknown site.
    """
    table = read_table(source, "event").renamed(columns)
    frame = table.frame
    require_columns(frame, [SITE, "start", "stop"], table.name)
    if frame.empty:
        raise DataError(f"{table.name} holds no events: give one row for each, with site_id, start and stop")
    if unknown_sites not in ("raise", "keep"):
        raise DataError(f"unknown_sites is 'raise' or 'keep', not {unknown_sites!r}")
    events = frame.assign(**{SITE: _named_sites(frame[SITE], table)})
    for column in ("start", "stop"):
        events[column] = _instants(frame, column, table)
    if "notified" in frame.columns:
        events["notified"] = _instants(frame, "notified", table, may_be_empty=True)
    _refuse(table, events["stop"] == events["start"], "has an event of zero length: mend its start or stop")
    _refuse(
        table,
        events["stop"] < events["start"],
        "has an event that stops before it starts: swap the two, or mend the date",
    )
    events = _for_every_site(events, panel, table)
    if panel is not None and unknown_sites == "raise":
        unknown = ~events[SITE].isin(panel.site_ids)
        if unknown.any():
            row = int(events.index[unknown][0])
            name = str(events[SITE].to_numpy()[unknown.to_numpy()][0])
            raise DataError(
                f"{table.where(row)} names site {name!r}, which the meter data lack: {nearest(name, map(str, panel.site_ids))}"
            )
    first = [SITE, "start", "stop"]
    return events[first + [c for c in events.columns if c not in first]].sort_values([SITE, "start"], ignore_index=True)


def _named_sites(sites: pd.Series, table: Table) -> pd.Series:
    _refuse(table, sites.isna(), "has no site_id: name the site, or write * for all")
    return sites.astype("str").str.strip()


def _instants(frame: pd.DataFrame, column: str, table: Table, may_be_empty: bool = False) -> pd.Series:
    times = frame[column]
    given = times.dropna() if may_be_empty else times
    found = pd.Series(pd.NaT, index=frame.index, dtype=pd.DatetimeTZDtype("us", "UTC"))
    if len(given) == 0:
        return found
    if (
        isinstance(given.dtype, np.dtype)
        and given.dtype == object
        and all(isinstance(value, pd.Timestamp) for value in given)
    ):
        given = given.astype("str")  # stamps of several offsets, as iterating over a frame leaves them
    stamps = parse_times(given, table)
    if not stamps.aware:
        row = int(given.index[0])
        raise DataError(
            f"{table.where(row)}: {column} {str(given.iloc[0])!r} has no offset: "
            "write it as 2019-06-01T17:00+02:00, or …Z for UTC"
        )
    found.loc[given.index] = pd.DatetimeIndex(stamps.us.view("M8[us]")).tz_localize("UTC")
    return found


def _for_every_site(events: pd.DataFrame, panel: Panel | None, table: Table) -> pd.DataFrame:
    everyone = events[SITE] == EVERY_SITE
    if not everyone.any():
        return events
    if panel is None:
        row = int(events.index[everyone][0])
        raise DataError(
            f"{table.where(row)} is for every site (*), but no panel says which sites "
            "there are: pass the panel, or name the sites"
        )
    repeated = events[everyone].loc[lambda rows: rows.index.repeat(len(panel.site_ids))]
    repeated[SITE] = np.tile(panel.site_ids.to_numpy(), int(everyone.sum()))
    return pd.concat([events[~everyone], repeated.astype({SITE: "str"})])


def _refuse(table: Table, bad: pd.Series, rule: str) -> None:
    if bad.any():
        more = f" ({int(bad.sum())} such rows)" if bad.sum() > 1 else ""
        raise DataError(f"{table.where(int(bad.index[bad.to_numpy().argmax()]))} {rule}{more}")
