"""A panel as the rows of a store: long, day rows or wide, sorted by site, and cut into row groups that can be skipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from cblcast.errors import DataError
from cblcast.frames.cube import local_day_and_slot
from cblcast.frames.instants import MINUTE_US
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE, TIME
from cblcast.io.store.layouts import DATE, Kind
from cblcast.io.store.zones import midnights

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_GROUP: dict[Kind, int] = {"long": 1_000_000, "days": 40_000, "wide": 10_000}


def tables_of(panel: Panel, layout: Kind, rows_per_group: int | None = None) -> Iterator[pa.Table]:
    """The row groups of a panel in a layout.

    Parameters
    ----------
    panel : Panel
    layout : {"long", "days", "wide"}
        Columns beside the load go to long rows alone.
    rows_per_group : int, optional
        At most so many rows in a group, but at least a month of a site.
    """
    most = rows_per_group or ROWS_PER_GROUP[layout]
    if layout == "wide":
        table = wide_table(panel)
        for first in range(0, table.num_rows, most):
            yield table.slice(first, most)
        return
    table, codes, months = long_table(panel) if layout == "long" else day_table(panel)
    for rows in grouped(codes, months, most):
        yield table if rows is None else with_own_names(table.take(rows))


def grouped(codes: np.ndarray, months: np.ndarray, most: int) -> Iterator[np.ndarray | None]:
    """Rows of each group: blocks of sites, in each of them spans of months, so that sites and dates can both be skipped.

    Parameters
    ----------
    codes, months : ndarray of int, shape (n,)
        Site of each row, in order; month of each row.
    most : int
        Rows of a group, about.

    Yields
    ------
    ndarray of int64, or None for all rows
    """
    n, n_sites = len(codes), int(codes[-1]) + 1
    if n <= most:
        yield None
        return
    of_month = n / len(np.unique(months))
    sites = max(1, int(n_sites * most / of_month)) if of_month > most else n_sites
    span = max(1, int(most / of_month))
    label = (codes // sites).astype(np.int64) * 100_000 + (months - months.min()) // span
    order = np.argsort(label, kind="stable")
    begins = np.flatnonzero(np.diff(label[order])) + 1
    yield from np.split(order, begins)


def long_table(panel: Panel) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """A row for each reading, with the site and the month of each row."""
    import pyarrow as pa

    us = panel.times_us
    codes = np.asarray(panel.data.index.codes[0])
    columns = {column: panel.data[column].to_numpy() for column in panel.data.columns}
    columns[OBSERVED] = columns[OBSERVED].astype(np.float32, copy=False)
    table = pa.table(
        {
            SITE: named(codes, list(panel.site_ids)),
            TIME: pa.array(us).cast(pa.timestamp("us", "UTC")),
            **{column: pa.array(values, from_pandas=True) for column, values in columns.items()},
        }
    )
    return table, codes, us.view("M8[us]").astype("M8[M]").astype(np.int64)


def day_table(panel: Panel) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """A row for each site and local day, with a reading for each interval that passed (23 and 25 hours' where clocks change)."""
    import pyarrow as pa

    us, step_us = panel.times_us, panel.step_us
    codes = np.asarray(panel.data.index.codes[0])
    zones = panel.sites["tz"].to_numpy(dtype=object)
    day = np.empty(len(us), dtype=np.int64)
    within = np.empty(len(us), dtype=np.int64)
    for zone in set(zones):
        rows = slice(None) if (zones == zone).all() else np.flatnonzero((zones == zone)[codes])
        day[rows] = _days(us[rows], str(zone), step_us)
        first, last = int(day[rows].min()), int(day[rows].max())
        begin = midnights(np.arange(first, last + 2), str(zone))
        since_midnight = us[rows] - begin[day[rows] - first]
        _refuse_beside_the_clock(since_midnight, np.diff(begin)[day[rows] - first], str(zone), step_us)
        within[rows] = since_midnight // step_us
    n_sites = len(panel.site_ids)
    begins = np.flatnonzero(np.r_[True, np.diff(codes) != 0])
    first_day, last_day = day[begins], day[np.r_[begins[1:], len(day)] - 1]
    counts = last_day - first_day + 1
    row_of_site = np.cumsum(counts) - counts
    site_of_row = np.repeat(np.arange(n_sites), counts)
    day_of_row = np.arange(counts.sum()) - np.repeat(row_of_site - first_day, counts)
    lengths = _lengths(day_of_row, zones[site_of_row], step_us)
    begin_of_row = np.cumsum(lengths) - lengths
    values = np.full(int(lengths.sum()), np.nan, dtype=np.float32)
    values[begin_of_row[row_of_site[codes] + day - first_day[codes]] + within] = panel.data[OBSERVED].to_numpy()
    lists = pa.ListArray.from_arrays(
        pa.array(np.r_[begin_of_row, lengths.sum()].astype(np.int32)), pa.array(values, from_pandas=True)
    )
    dates = day_of_row.astype("M8[D]")
    table = pa.table(
        {SITE: named(site_of_row, list(panel.site_ids)), DATE: pa.array(dates, pa.date32()), OBSERVED: lists}
    )
    return table, site_of_row, dates.astype("M8[M]").astype(np.int64)


def _refuse_beside_the_clock(since_midnight: np.ndarray, length: np.ndarray, zone: str, step_us: int) -> None:
    """A :class:`DataError` where intervals begin between two slots of a day, or its end cuts one: a list of loads tells neither."""
    apart = np.where(since_midnight % step_us == 0, length % step_us, since_midnight % step_us)
    beside = np.flatnonzero(apart)
    if len(beside):
        late = int(apart[beside[0]]) // MINUTE_US
        does = "begin" if since_midnight[beside[0]] % step_us else "are of days that end"
        raise DataError(
            f"{len(beside)} readings at {step_us // MINUTE_US} min {does} {late} min beside the clock of {zone}, and a list of loads "
            "a day would move them: keep rows with times (--layout long)"
        )


def _days(us: np.ndarray, zone: str, step_us: int) -> np.ndarray:
    """Local day of each instant; the zone is looked up once per distinct instant."""
    distinct, where = np.unique(us, return_inverse=True)
    return local_day_and_slot(distinct, zone, step_us)[0][where]


def _lengths(days: np.ndarray, zones: np.ndarray, step_us: int) -> np.ndarray:
    lengths = np.empty(len(days), dtype=np.int64)
    for zone in set(zones):
        rows = np.flatnonzero(zones == zone)
        first, last = int(days[rows].min()), int(days[rows].max())
        begin = midnights(np.arange(first, last + 2), str(zone))
        lengths[rows] = (np.diff(begin) // step_us)[days[rows] - first]
    return lengths


def wide_table(panel: Panel) -> pa.Table:
    """A row for each time, a column for each site."""
    import pyarrow as pa

    first = panel.first_times_us
    beside = np.flatnonzero((first - first[0]) % panel.step_us)
    if len(beside):
        late = int((first[beside[0]] - first[0]) % panel.step_us) // MINUTE_US
        raise DataError(
            f"site {str(panel.site_ids[beside[0]])!r} is metered {late} min beside site {str(panel.site_ids[0])!r} at steps of "
            f"{panel.step_us // MINUTE_US} min, and a row of a wide store is one time of all sites: keep rows with times (--layout long)"
        )
    us, where = np.unique(panel.times_us, return_inverse=True)
    grid = np.full((len(panel.site_ids), len(us)), np.nan, dtype=np.float32)
    grid[np.asarray(panel.data.index.codes[0]), where] = panel.data[OBSERVED].to_numpy()
    columns = {str(name): pa.array(values, from_pandas=True) for name, values in zip(panel.site_ids, grid, strict=True)}
    return pa.table({TIME: pa.array(us).cast(pa.timestamp("us", "UTC")), **columns})


def named(codes: np.ndarray, names: list[str]) -> pa.DictionaryArray:
    """The column of the sites as codes."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names, pa.string()))


def with_own_names(table: pa.Table) -> pa.Table:
    """The table with only its own sites in the dictionary, which the writer would put whole into each row group."""
    import pyarrow as pa

    column = table[SITE].combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    used, codes = np.unique(column.indices.to_numpy(), return_inverse=True)
    own = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), column.dictionary.take(pa.array(used)))
    return table.set_column(table.column_names.index(SITE), SITE, own)
