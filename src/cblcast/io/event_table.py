"""Events from a file: who was dispatched, from when to when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.frames.instants import microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError, nearest, require_columns
from cblcast.frames.stray import refuse_stray_times
from cblcast.io.clock import check_zone, parse_times
from cblcast.io.files import Table, numbers, read_table
from cblcast.io.names import TIME_WORDS, is_end, stem
from cblcast.io.roles import find_site

LONGEST_EVENT = pd.Timedelta(days=366)
EVERY_SITE = "*"


def read_events(
    source: str | Path | pd.DataFrame,
    panel: Panel | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    unknown_sites: str = "raise",
    tz: str | None = None,
    site_ids: pd.Index | None = None,
) -> pd.DataFrame:
    """Read events, checked row by row.

    Parameters
    ----------
    source : path (.csv, .csv.gz, .parquet) or DataFrame
        Columns ``site_id`` (``*`` is every site of the panel), ``start``, ``stop`` with their offset
        (``2019-06-01T17:00+02:00``), optional ``notified``, ``program`` and ``truth_kw`` (mean of what the meter would have
        read without the event [kW]); other columns are kept. A file without a site column is for the panel's one site.
    panel : Panel, optional
        Whose sites the events must name; needed for ``*``.
    columns : mapping, optional
        Foreign name → ours.
    unknown_sites : {"raise", "keep"}
        ``keep`` leaves events of sites that the panel lacks in the table, for a settlement that lists them.
    tz : str, optional
        Zone of times without an offset: the local clock on which events are called.
    site_ids : Index, optional
        The sites that ``*`` means, where there is no panel: of a file that is not read yet.

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
    everybody = site_ids if panel is None else panel.site_ids
    table = replace(table, frame=_in_our_names(table, everybody))
    frame = table.frame
    require_columns(frame, [SITE, "start", "stop"], table.name)
    if frame.empty:
        raise DataError(f"{table.name} holds no events: give one row for each, with site_id, start and stop")
    if unknown_sites not in ("raise", "keep"):
        raise DataError(f"unknown_sites is 'raise' or 'keep', not {unknown_sites!r}")
    events = frame.assign(**{SITE: _named_sites(frame[SITE], table)})
    for column in ("start", "stop"):
        events[column] = _instants(frame, column, table, tz)
    if "truth_kw" in frame.columns:
        events["truth_kw"] = numbers(frame["truth_kw"], table)
    if "notified" in frame.columns:
        events["notified"] = _instants(frame, "notified", table, tz, may_be_empty=True)
    if "committed_kw" in frame.columns:
        events["committed_kw"] = numbers(frame["committed_kw"], table)
        _refuse(
            table,
            events["committed_kw"] < 0,
            "commits a power below zero (committed_kw): give what was promised, in kW",
        )
    _refuse(table, events["stop"] == events["start"], "has an event of zero length: mend its start or stop")
    _refuse(
        table,
        events["stop"] < events["start"],
        "has an event that stops before it starts: swap the two, or mend the date",
    )
    for column in ("start", "stop"):
        refuse_stray_times(microseconds(events[column]), lambda at: table.where(int(events.index[at])), column)
    _refuse(
        table,
        events["stop"] - events["start"] > LONGEST_EVENT,
        "has an event of more than a year: mend the year of its start or stop",
    )
    events = _for_every_site(events, everybody, table)
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


def _in_our_names(table: Table, site_ids: pd.Index | None) -> pd.DataFrame:
    """The events under our names: site, start and stop in other words, and the panel's one site where none is named."""
    frame = table.frame
    names = [str(column) for column in frame.columns]
    found = {SITE: find_site(names), "start": None, "stop": None}
    for ours, theirs in (
        ("start", [name for name in names if stem(name) in TIME_WORDS]),
        ("stop", [name for name in names if is_end(name)]),
    ):
        found[ours] = theirs[0] if len(theirs) == 1 else None
    frame = frame.rename(
        columns={theirs: ours for ours, theirs in found.items() if theirs is not None and ours not in names}
    )
    if SITE in frame.columns or site_ids is None:
        return frame
    if len(site_ids) > 1:
        raise DataError(
            f"{table.name} has no column that names the site, and the meter data hold {len(site_ids)}: add site_id "
            f"({site_ids[0]!r}, …, or * for all)"
        )
    return frame.assign(**{SITE: str(site_ids[0])})


def _instants(frame: pd.DataFrame, column: str, table: Table, tz: str | None, may_be_empty: bool = False) -> pd.Series:
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
    us = stamps.us if stamps.aware else _on_clock(stamps.us, given, column, table, tz)
    found.loc[given.index] = pd.DatetimeIndex(us.view("M8[us]")).tz_localize("UTC")
    return found


def _on_clock(wall_us: np.ndarray, given: pd.Series, column: str, table: Table, tz: str | None) -> np.ndarray:
    """Instants of times without an offset, on the clock of `tz`; one that it shows twice or never is an error."""
    shown = pd.DatetimeIndex(wall_us.view("M8[us]")).strftime("%Y-%m-%dT%H:%M")
    if tz is None:
        raise DataError(
            f"{table.where(int(given.index[0]))}: {column} {shown[0]!r} has no offset: "
            "write it as 2019-06-01T17:00+02:00, or …Z for UTC, or name the zone of the clock (tz, --tz)"
        )
    instants = pd.DatetimeIndex(wall_us.view("M8[us]")).tz_localize(check_zone(tz), ambiguous="NaT", nonexistent="NaT")
    if instants.isna().any():
        at = int(instants.isna().argmax())
        raise DataError(
            f"{table.where(int(given.index[at]))}: {column} {shown[at]!r} is a time that the clock of {tz} shows twice or "
            "not at all: write it with its offset"
        )
    return instants.tz_convert("UTC").as_unit("us").asi8


def _for_every_site(events: pd.DataFrame, site_ids: pd.Index | None, table: Table) -> pd.DataFrame:
    everyone = events[SITE] == EVERY_SITE
    if not everyone.any():
        return events
    if site_ids is None:
        row = int(events.index[everyone][0])
        raise DataError(
            f"{table.where(row)} is for every site (*), but no panel says which sites "
            "there are: pass the panel, or name the sites"
        )
    if "truth_kw" in events.columns and len(site_ids) > 1:
        row = int(events.index[everyone][0])
        raise DataError(f"{table.where(row)} gives one truth_kw to every site (*): name the sites, each with its own")
    repeated = events[everyone].loc[lambda rows: rows.index.repeat(len(site_ids))]
    repeated[SITE] = np.tile(site_ids.to_numpy(), int(everyone.sum()))
    return pd.concat([events[~everyone], repeated.astype({SITE: "str"})])


def _refuse(table: Table, bad: pd.Series, rule: str) -> None:
    if bad.any():
        more = f" ({int(bad.sum())} such rows)" if bad.sum() > 1 else ""
        raise DataError(f"{table.where(int(bad.index[bad.to_numpy().argmax()]))} {rule}{more}")
