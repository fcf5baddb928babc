"""The price of a contract by the instant from which it holds: a file of any step, read as every other table is."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.frames.instants import HOUR_US
from cblcast.frames.instants import stamps as stamps_of
from cblcast.frames.schema import TIME, DataError, DataWarning, nearest
from cblcast.io.align import Rows
from cblcast.io.clock import check_zone
from cblcast.io.files import numbers, read_table
from cblcast.io.instants import to_instants
from cblcast.io.time_columns import read_times

MOST_HOURS = 200 * 8766
PRICE = "price_per_kwh"
PER_KWH = {PRICE: 1.0, "day_ahead_per_mwh": 1e-3}


def read_price_series(source: str | Path | pd.DataFrame, clock: str | None = None) -> pd.Series:
    """A price that holds from each time on.

    Parameters
    ----------
    source : path (CSV, Parquet, Excel) or DataFrame
        A time column, and ``price_per_kwh`` or ``day_ahead_per_mwh``. A price of a day, a month or a block holds until the
        next, unless that is farther away than the series usually steps (and a quarter of it: a day may have 25 hours).
    clock : str, optional
        IANA zone of the clock that wrote times without an offset.

    Returns
    -------
    Series, index ``time`` (UTC, ascending)
        Price [currency/kWh] of each hour, or shorter product; NaN where the file leaves it empty.

    Raises
    ------
    DataError
        Naming the line: no price column, text for a price, a time that cannot be read, without a zone, or given twice with
        two prices.
    """
    table = read_table(source, "price")
    column = next((name for name in PER_KWH if name in table.frame.columns), None)
    if column is None:
        raise DataError(
            f"{table.name} has no column {PRICE!r} (or day_ahead_per_mwh): {nearest(PRICE, map(str, table.frame.columns))}"
        )
    times = read_times(table, None)
    stamps = times.stamps
    if not stamps.aware and clock is None and stamps.zone is None:
        raise DataError(
            f"{table.name} has times without a zone: give offsets in the file (2019-06-01T17:00+02:00), or name the zone (tz)"
        )
    price = numbers(table.frame[column], table).to_numpy() * PER_KWH[column]
    rows = Rows(np.zeros(len(price), np.int64), stamps.us, {PRICE: price}, table.frame.index.to_numpy(dtype=np.int64))
    zone = check_zone(stamps.zone or clock or "UTC")
    rows, notes = to_instants(rows, stamps, [zone], "start", table.name)
    for note in (*table.notes, *notes):
        warnings.warn(note.text, DataWarning, stacklevel=2)
    us, price = rows.us, rows.values[PRICE]
    twice = np.flatnonzero(np.diff(us) == 0)
    differs = twice[(price[twice] != price[twice + 1]) & ~(np.isnan(price[twice]) & np.isnan(price[twice + 1]))]
    if len(differs):
        at = pd.Timestamp(int(us[differs[0]]), unit="us", tz="UTC")
        raise DataError(
            f"{table.where(int(rows.source_row[differs[0] + 1]))} prices {at} a second time, at another price "
            f"({len(differs)} such rows): keep one"
        )
    keep = np.r_[True, np.diff(us) > 0][: len(us)]
    us, price = _hour_by_hour(us[keep], price[keep])
    return pd.Series(price, index=stamps_of(us).rename(TIME), name=PRICE)


def _hour_by_hour(us: np.ndarray, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Prices of products longer than an hour, repeated for each of their hours."""
    gaps = np.diff(us)
    if len(gaps) == 0 or gaps.min() <= HOUR_US:
        return us, price
    lengths, how_often = np.unique(gaps, return_counts=True)
    step = int(lengths[how_often == how_often.max()].min())
    holds = np.r_[np.where(gaps <= step + step // 4, gaps, step), step]
    if holds.sum() > MOST_HOURS * HOUR_US:
        raise DataError(f"the prices reach over {holds.sum() / HOUR_US / 8766:.0f} years: mend the dates")
    parts = -(-holds // HOUR_US)
    within = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
    return np.repeat(us, parts) + within * HOUR_US, np.repeat(price, parts)
