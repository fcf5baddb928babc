"""A meter table, long or wide, as readings of series; its times still on whatever clock wrote them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.schema import OBSERVED, SITE, DataError
from cblcast.io.clock import Stamps
from cblcast.io.files import Table, numbers
from cblcast.io.readings import Series
from cblcast.io.roles import SITE_COLUMNS, Roles
from cblcast.io.site_table import SITE_TEXT


@dataclass(frozen=True)
class Long:
    """A meter table as arrays, one row for each series and reading, in the order of the source.

    Attributes
    ----------
    site_ids : Index of str, sorted
    series : Series
    code : ndarray of int64, shape (n,)
        Position of the series.
    stamps : Stamps
    values : dict of str to ndarray of float64, shape (n,)
        ``observed_kw`` (still in the unit of the source) and what stands beside it.
    source_row : ndarray of int64, shape (n,)
    found : DataFrame, index site_id
        Site columns carried by the table.
    """

    site_ids: pd.Index
    series: Series
    code: np.ndarray
    stamps: Stamps
    values: dict[str, np.ndarray]
    source_row: np.ndarray
    found: pd.DataFrame


def to_long(table: Table, roles: Roles, stamps: Stamps) -> Long:
    """The table as :class:`Long`, whichever way it is laid out."""
    return _from_wide(table, roles, stamps) if roles.wide else _from_long(table, roles, stamps)


def site_codes(column: pd.Series, table: Table) -> tuple[np.ndarray, pd.Index]:
    """Position of each row's site among the sorted site ids, and these; a row without one is a :class:`DataError`."""
    empty = column.isna().to_numpy()
    if empty.any():
        raise DataError(
            f"{table.where(int(column.index[empty.argmax()]))} has no site_id "
            f"({int(empty.sum())} such rows): fill it in, or drop the row"
        )
    codes, distinct = pd.factorize(column, sort=False)
    named = pd.Index(distinct)
    named = (
        pd.Index(named.astype("int64") if pd.api.types.is_float_dtype(named.dtype) else named).astype("str").str.strip()
    )
    site_ids = pd.Index(named.sort_values().unique(), dtype="str", name=SITE)
    place = site_ids.get_indexer(named)
    if np.array_equal(place, np.arange(len(place))):  # files are sorted by site more often than not
        return codes.astype(np.int64, copy=False), site_ids
    return place[codes].astype(np.int64, copy=False), site_ids


def _from_long(table: Table, roles: Roles, stamps: Stamps) -> Long:
    frame = table.frame
    if roles.site is None:
        site, site_ids = np.zeros(len(frame), dtype=np.int64), pd.Index([table.stem], dtype="str", name=SITE)
    else:
        site, site_ids = site_codes(frame[roles.site], table)
    n, k = len(frame), len(roles.metered)
    columns = [numbers(frame[part.column], table).to_numpy() for part in roles.metered]
    values = {OBSERVED: columns[0] if k == 1 else np.concatenate(columns)}
    values |= {column: _repeated(numbers(_as_flag(frame[column]), table).to_numpy(), k) for column in roles.beside}
    series = Series(
        np.repeat(np.arange(len(site_ids)), k),
        tuple(part.quantity for part in roles.metered) * len(site_ids),
        tuple(part.unit for part in roles.metered) * len(site_ids),
        tuple(part.name for part in roles.metered) * len(site_ids),
        np.zeros(k * len(site_ids), dtype=np.int8),
    )
    row = frame.index.to_numpy(dtype=np.int64)
    code = site if k == 1 else np.concatenate([site * k + at for at in range(k)])
    return Long(
        site_ids,
        series,
        code,
        _repeated_stamps(stamps, k),
        values,
        _repeated(row, k),
        _site_columns(table, site[:n], site_ids),
    )


def _from_wide(table: Table, roles: Roles, stamps: Stamps) -> Long:
    site_ids = pd.Index([part.column for part in roles.metered], dtype="str", name=SITE)
    n_rows, n_sites = len(table.frame), len(site_ids)
    load = [numbers(table.frame[part.column], table).to_numpy() for part in roles.metered]
    values = {OBSERVED: np.concatenate(load)}
    values |= {
        column: _repeated(numbers(_as_flag(table.frame[column]), table).to_numpy(), n_sites) for column in roles.beside
    }
    series = Series(
        np.arange(n_sites),
        tuple(part.quantity for part in roles.metered),
        tuple(part.unit for part in roles.metered),
        tuple(part.name for part in roles.metered),
        np.zeros(n_sites, dtype=np.int8),
    )
    return Long(
        site_ids,
        series,
        np.repeat(np.arange(n_sites), n_rows),
        _repeated_stamps(stamps, n_sites),
        values,
        _repeated(table.frame.index.to_numpy(dtype=np.int64), n_sites),
        pd.DataFrame(index=site_ids),
    )


def _as_flag(column: pd.Series) -> pd.Series:
    """True and false as 1 and 0, beside the load."""
    return column.astype("float64") if pd.api.types.is_bool_dtype(column.dtype) else column


def _repeated(values: np.ndarray, times: int) -> np.ndarray:
    return values if times == 1 else np.tile(values, times)


def _repeated_stamps(stamps: Stamps, times: int) -> Stamps:
    elapsed = None if stamps.elapsed is None else _repeated(stamps.elapsed, times)
    return Stamps(_repeated(stamps.us, times), stamps.aware, stamps.zone, elapsed, stamps.how)


def _site_columns(table: Table, codes: np.ndarray, site_ids: pd.Index) -> pd.DataFrame:
    """Columns such as ``tz`` that a long table repeats on each row, once for each site."""
    found = pd.DataFrame(index=site_ids)
    for column in (column for column in SITE_COLUMNS if column in table.frame.columns):
        value = table.frame[column] if column in SITE_TEXT else numbers(table.frame[column], table)
        by_site = value.groupby(codes)
        many = np.flatnonzero(by_site.nunique().to_numpy() > 1)
        if len(many):
            raise DataError(
                f"{table.name} gives site {site_ids[many[0]]!r} more than one {column}: give each site one, or pass sites="
            )
        found[column] = by_site.first().reindex(range(len(site_ids))).to_numpy()
    return found
