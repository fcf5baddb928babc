"""Market prices from tidy files: any clock, any product length, as a frame by UTC instant.

A price file has a time column and one or more price columns; a price belongs to the product that begins at its time.
Prices may be negative. What is missing stays NaN: who prices with it must say which products that leaves out.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.frames.schema import TIME, DataError, DataWarning, StudyError, nearest
from cblcast.frames.stray import refuse_stray_times
from cblcast.io.clock import NOT_A_TIME, check_zone, localise
from cblcast.io.clock_changes import changes_between, refuse_slipped_days, repeated_hours
from cblcast.io.files import Table, numbers, read_table
from cblcast.io.price_products import TREND, hold_longer, product_minutes
from cblcast.io.time_columns import read_times

MINUTE_US = 60_000_000
_CLOCKS = ("real", "flattened")


def read_prices(
    source: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    only: Mapping[str, str] | None = None,
    clock: str | None = None,
    days: str = "real",
    zone: str | None = None,
    trust_clock_changes: bool = False,
    time_format: str | None = None,
) -> pd.DataFrame:
    """Prices by the UTC instant at which their product begins.

    Parameters
    ----------
    source : path (.csv, .csv.gz, .parquet) or DataFrame
    columns : mapping foreign -> ours, or sequence of str, optional
        Price columns, renamed or as they are; every numeric column unless given.
    only : mapping column -> value, optional
        Rows to read where a file holds several markets, e.g. ``{"zone": "FR"}``.
    clock : str, optional
        IANA zone of the clock that wrote times without an offset, e.g. ``Europe/Paris`` or ``UTC``.
    days : {"real", "flattened"}
        ``flattened``: that clock was flattened to 24 hours a day, as in the EPF benchmark files: the hour that spring
        skips holds a filler, which is left out, and the double hour of autumn is one value, which both hours take.
    zone : str, optional
        IANA zone of the market; the file's offsets and its days of a clock change are held against it. `clock` unless
        given.
    trust_clock_changes : bool
        Take days of a clock change as they stand.
    time_format : str, optional
        As in ``strptime``.

    Returns
    -------
    DataFrame, index ``time`` (UTC, microseconds, ascending)
        Price columns, float64 (``trend``: 1 up, −1 down, 0 none); ``attrs["step_min"]`` is the length of the products [min].

    Raises
    ------
    DataError
        Times without a zone, a time twice, products that overlap, offsets or days of another zone's clock.
    """
    if days not in _CLOCKS:
        raise StudyError(f"days is 'real' or 'flattened', not {days!r}")
    table = _rows_of(read_table(source, "price"), only)
    times = read_times(table, time_format)
    name, stamps = times.columns[0], times.stamps
    market = zone or clock
    if stamps.aware:
        us = stamps.us
        if market is not None:
            _refuse_foreign_offsets(table, name, us, check_zone(market))
    else:
        us = _from_wall(table, stamps.us, clock or stamps.zone, days)
    frame = _price_columns(table, columns, {*times.columns, *(only or {})})
    keep = us != NOT_A_TIME
    prices, rows = frame.to_numpy(dtype=np.float64)[keep], table.frame.index.to_numpy()[keep]
    us = us[keep]
    if not stamps.aware and days == "flattened":
        us, prices, rows = _second_showings(us, prices, rows, str(clock or stamps.zone))
    refuse_stray_times(us, lambda at: table.where(int(rows[at])), "price")
    order = np.argsort(us, kind="stable")
    us, prices, rows = us[order], prices[order], rows[order]
    _refuse_duplicates(us, rows, table)
    step = product_minutes(us, table.name)
    us, prices, n_longer = hold_longer(us, prices, step)
    if n_longer:
        warnings.warn(
            f"{table.name}: the products change to or from {step} min once; {n_longer} longer ones hold their price for each part",
            DataWarning,
            stacklevel=2,
        )
    if market is not None and not trust_clock_changes and days == "real":
        refuse_slipped_days(us, prices, market, step, table.name)
    index = pd.DatetimeIndex(us.view("M8[us]"), name=TIME).tz_localize("UTC")
    read = pd.DataFrame(prices, index=index, columns=frame.columns)
    read.attrs["step_min"] = step
    return read


def _rows_of(table: Table, only: Mapping[str, str] | None) -> Table:
    frame = table.frame
    for column, value in (only or {}).items():
        if column not in frame.columns:
            raise DataError(f"{table.name} has no column {column!r}: {nearest(column, map(str, frame.columns))}")
        mine = frame[column].astype("str") == str(value)
        if not mine.any():
            raise DataError(
                f"{table.name} has no row with {column} {value!r}: {nearest(str(value), set(frame[column].astype('str')))}"
            )
        frame = frame[mine.to_numpy()]
    return Table(frame, table.name, table.stem, table.first_line)


def _price_columns(table: Table, columns: Mapping[str, str] | Sequence[str] | None, taken: set[str]) -> pd.DataFrame:
    frame = table.frame
    if columns is None:
        wanted = {str(c): str(c) for c in frame.columns if c not in taken and (c == TREND or _holds_numbers(frame[c]))}
        if not wanted:
            raise DataError(
                f"{table.name} has no price column beside {', '.join(map(repr, frame.columns[:8]))}: name it"
            )
    else:
        wanted = dict(columns) if isinstance(columns, Mapping) else {c: c for c in columns}
    ours_of = list(wanted.values())
    twice = next((name for name in ours_of if ours_of.count(name) > 1 or name == TIME), None)
    if twice is not None:
        raise StudyError(
            f"columns: several columns of {table.name}, or its times, would be {twice!r}: name each price once"
        )
    for column in wanted:
        if column not in frame.columns:
            raise DataError(f"{table.name} has no price column {column!r}: {nearest(column, map(str, frame.columns))}")
    made = pd.DataFrame(
        {
            ours: _trend(frame[theirs], table) if ours == TREND else numbers(frame[theirs], table)
            for theirs, ours in wanted.items()
        }
    )
    infinite = np.isinf(made.to_numpy()).any(axis=1)
    if infinite.any():
        row = int(made.index[int(np.flatnonzero(infinite)[0])])
        raise DataError(f"{table.where(row)} has an infinite price: leave the cell empty where there was none")
    return made


def _holds_numbers(column: pd.Series) -> bool:
    """Whether a column is one of prices: of text, one cell that is a number is enough, so that a slip in another is not lost."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return True
    return pd.api.types.is_string_dtype(column.dtype) and bool(pd.to_numeric(column, errors="coerce").notna().any())


def _trend(column: pd.Series, table: Table) -> pd.Series:
    """The direction of a system's imbalance as 1 (up), −1 (down), 0 (none)."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype("float64")
    made = column.astype("str").str.strip().str.lower().map({"up": 1.0, "down": -1.0, "none": 0.0}).astype("float64")
    wrong = made.isna() & column.notna()
    if wrong.any():
        row = int(wrong.index[int(np.argmax(wrong.to_numpy()))])
        raise DataError(f"{table.where(row)}: the trend is {column.loc[row]!r}: it must be up, down or none (or empty)")
    return made


def _from_wall(table: Table, wall_us: np.ndarray, clock: str | None, days: str) -> np.ndarray:
    """Instants of a wall clock without offsets; NOT_A_TIME in the hour that spring skips (flattened days only)."""
    if clock is None:
        raise DataError(
            f"{table.name} has times without a zone: name the clock that wrote them (clock: Europe/Paris, or UTC)"
        )
    zone = check_zone(clock)
    if days == "flattened":
        index = pd.DatetimeIndex(wall_us.view("M8[us]")).tz_localize(
            zone, ambiguous=np.ones(len(wall_us), dtype=bool), nonexistent="NaT"
        )
        us = index.tz_convert("UTC").as_unit("us").asi8
    else:
        us = localise(wall_us, np.zeros(len(wall_us), dtype=np.int64), zone)
    skipped = us == NOT_A_TIME
    if skipped.any() and days == "real":
        row = int(table.frame.index[int(np.flatnonzero(skipped)[0])])
        raise DataError(
            f"{table.where(row)}: the clock of {zone} never showed this hour: if the file counts 24 hours on every day give "
            "days='flattened', else name the clock that wrote it (UTC, or a zone without summer time)"
        )
    if skipped.any():
        warnings.warn(
            f"{table.name}: {int(skipped.sum())} fillers of the hour that the clock of {zone} skips are left out",
            DataWarning,
            stacklevel=4,
        )
    return us


def _second_showings(
    us: np.ndarray, prices: np.ndarray, rows: np.ndarray, zone: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flattened days: the one value of the double hour also at its second showing."""
    hour = 60 * MINUTE_US
    twice = repeated_hours(us, zone)
    if twice.any():
        warnings.warn(
            f"the double hour of autumn is one value in a file of 24-hour days: both hours take it ({int(twice.sum())} products)",
            DataWarning,
            stacklevel=4,
        )
    return np.r_[us, us[twice] + hour], np.r_[prices, prices[twice]], np.r_[rows, rows[twice]]


def _refuse_foreign_offsets(table: Table, name: str, us: np.ndarray, zone: str) -> None:
    """Offsets that are written in the file must be those of the market's zone (or UTC)."""
    text = table.frame[name]
    if not pd.api.types.is_string_dtype(text.dtype) and text.dtype != object:
        return
    found = text.astype("str").str.extract(r"([+-])(\d{2}):?(\d{2})$")
    written = (found[1].astype("float") * 60 + found[2].astype("float")) * found[0].map({"+": 1.0, "-": -1.0}).astype(
        "float"
    )
    local = pd.DatetimeIndex(us.view("M8[us]")).tz_localize("UTC").tz_convert(zone)
    right = (local.tz_localize(None).as_unit("us").asi8 - us) / MINUTE_US
    offset = written.to_numpy(dtype=np.float64)
    wrong = np.isfinite(offset) & (offset != 0) & (offset != right)
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        near = changes_between(us[k] - 86_400 * 1_000_000, us[k] + 86_400 * 1_000_000, zone)
        hint = " (the clock changes on that day: the file slips an hour)" if len(near) else ""
        raise DataError(
            f"{table.where(int(table.frame.index[k]))}: {text.iloc[k][:60]!r} carries an offset that {zone} does not have then, "
            f"where it is {local[k].isoformat()}{hint}: it is in another zone's clock; read the digits with the clock that wrote them"
        )


def _refuse_duplicates(us: np.ndarray, rows: np.ndarray, table: Table) -> None:
    again = np.flatnonzero(np.diff(us) == 0)
    if len(again):
        at = pd.Timestamp(int(us[again[0]]), unit="us", tz="UTC")
        raise DataError(
            f"{table.where(int(rows[again[0] + 1]))} prices {at} a second time ({len(again)} such rows): products overlap, or a "
            "clock change was written twice; keep one row a product, and each market or product length in its own rows (only=)"
        )
