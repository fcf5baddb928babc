"""Wall clocks and instants: what a time column of a file says, as microseconds UTC."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError
from cblcast.io.files import Table

MINUTE_US = 60_000_000
HALF_DAY_US = 720 * MINUTE_US
NOT_A_TIME = np.iinfo(np.int64).min
_OFFSET = re.compile(r"[T ]\d{2}.*(?:Z|z|[+-]\d{2}(?::?\d{2})?)$")


@dataclass(frozen=True)
class Stamps:
    """Times as a file writes them.

    Attributes
    ----------
    us : ndarray of int64, shape (n,)
        Microseconds since 1970-01-01, UTC if `aware`, else on the wall clock of a zone that the file does not say.
    aware : bool
    zone : str or None
        IANA zone of the column, where the file stores one.
    """

    us: np.ndarray
    aware: bool
    zone: str | None = None


def check_zone(zone: str) -> str:
    """`zone` if it is an IANA time zone; otherwise a :class:`DataError`."""
    try:
        ZoneInfo(str(zone))
    except (KeyError, ValueError, OSError):
        raise DataError(
            f"{zone!r} is no IANA time zone: write it like 'Europe/Rome' or 'America/Los_Angeles'"
        ) from None
    return str(zone)


def parse_times(column: pd.Series, table: Table, time_format: str | None = None) -> Stamps:
    """The times of one column; each distinct text is parsed once.

    Parameters
    ----------
    column : Series
        datetime64, dates, or text: ISO 8601 (``2019-03-31 17:00``, ``2019-03-31T17:00+02:00``, ``…Z``; ``24:00`` is the
        end of the day), or as `time_format` says.
    time_format : str, optional
        As in ``strptime``; needed for text such as 31/03/2019, which nobody can tell from a month first.

    Raises
    ------
    DataError
        Naming the line: empty, unreadable, or times with and without an offset in one column.
    """
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        zone = str(column.dt.tz)
        stamps = Stamps(
            pd.DatetimeIndex(column).tz_convert("UTC").as_unit("us").asi8, True, zone if "/" in zone else None
        )
    elif pd.api.types.is_datetime64_dtype(column.dtype):
        stamps = Stamps(pd.DatetimeIndex(column).as_unit("us").asi8, False)
    elif pd.api.types.is_numeric_dtype(column.dtype):
        raise DataError(
            f"{column.name!r} in {table.name} holds numbers, not times: write them like 2019-06-01T17:00+02:00"
        )
    else:
        stamps = _parse_text(column, table, time_format)
    empty = np.flatnonzero(stamps.us == NOT_A_TIME)
    if len(empty):
        raise DataError(
            f"{table.where(int(column.index[empty[0]]))} has no time "
            f"({len(empty)} such rows): fill the time in, or drop the row"
        )
    return stamps


def _parse_text(column: pd.Series, table: Table, time_format: str | None) -> Stamps:
    codes, distinct = pd.factorize(column)
    text = pd.Series([_as_text(value) for value in distinct], dtype="str").str.strip()
    midnight = text.str.contains(r"[T ]24:00(?::00)?", regex=True).to_numpy(dtype=bool)
    text = text.str.replace(r"([T ])24:00", r"\g<1>00:00", regex=True)
    aware = np.array([_OFFSET.search(value) is not None for value in text], dtype=bool)
    if time_format is not None:
        aware[:] = "%z" in time_format
    if aware.any() and not aware.all():
        row = int(column.index[np.flatnonzero(aware[codes] != aware[codes[0]])[0]])
        raise DataError(
            f"{table.where(row)}: {str(column.loc[row])!r} differs from the rows before in giving or not giving "
            "an offset: write all times with their offset, or all without"
        )
    try:
        times = pd.DatetimeIndex(
            pd.to_datetime(text, format=time_format or "ISO8601", errors="coerce", utc=bool(aware.any()))
        )
    except ValueError as error:
        raise DataError(
            f"{time_format!r} is no time format: write it as strptime does, like '%d/%m/%Y %H:%M'"
        ) from error
    us = times.as_unit("us").asi8 + np.where(midnight, 2 * HALF_DAY_US, 0)
    bad = np.flatnonzero(times.isna())
    if len(bad):
        row = int(column.index[np.flatnonzero(codes == bad[0])[0]])
        remedy = (
            f"it is not {time_format!r}"
            if time_format
            else "write it as 2019-03-31 17:00, or give time_format='%d/%m/%Y %H:%M'"
        )
        raise DataError(f"{table.where(row)}: the time {str(column.loc[row])!r} cannot be read: {remedy}")
    return Stamps(np.where(codes < 0, NOT_A_TIME, us[codes]), bool(aware.any()))


def _as_text(value: object) -> str:
    return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else str(value)


def localise(wall_us: np.ndarray, site: np.ndarray, zone: str) -> np.ndarray:
    """Instants of a wall clock, in the order of the rows.

    The autumn hour that a clock shows twice is resolved by order within a site: first summer time, then standard time.
    A time that spring skips is no instant.

    Parameters
    ----------
    wall_us : ndarray of int64, shape (n,)
    site : ndarray of int, shape (n,)
    zone : str
        IANA zone of the clock.

    Returns
    -------
    ndarray of int64, shape (n,)
        Microseconds UTC; ``NOT_A_TIME`` where the clock never showed the time.

    Raises
    ------
    DataError
        A time of the double hour given more than twice.
    """
    codes, distinct = pd.factorize(wall_us)
    clock = pd.DatetimeIndex(np.asarray(distinct, dtype=np.int64).view("M8[us]"))
    summer = _instants(clock, zone, is_summer=True)
    standard = _instants(clock, zone, is_summer=False)
    instants = summer[codes]
    twice = (summer != standard)[codes]
    if twice.any():
        by_site = np.argsort(site, kind="stable")
        if _newest_first(wall_us[by_site], site[by_site]):
            by_site = np.argsort(site[::-1], kind="stable")
            by_site = len(site) - 1 - by_site
        rows = by_site[twice[by_site]]
        second = _second_showing(wall_us[rows], site[rows], zone)
        instants[rows[second]] = standard[codes[rows[second]]]
    return instants


def _instants(clock: pd.DatetimeIndex, zone: str, is_summer: bool) -> np.ndarray:
    flags = np.full(len(clock), is_summer)
    return clock.tz_localize(zone, ambiguous=flags, nonexistent="NaT").tz_convert("UTC").as_unit("us").asi8


def _newest_first(wall: np.ndarray, site: np.ndarray) -> bool:
    gap = np.diff(wall)[site[1:] == site[:-1]]
    return bool((gap < 0).sum() > (gap > 0).sum())


def _second_showing(wall: np.ndarray, site: np.ndarray, zone: str) -> np.ndarray:
    """Which rows, sorted by site and else oldest first, show the double hour for the second time."""
    gap = np.diff(wall)
    night = np.cumsum(np.r_[True, (site[1:] != site[:-1]) | (np.abs(gap) > HALF_DAY_US)])
    back = np.r_[False, (gap <= 0) & (night[1:] == night[:-1])]
    turns = np.cumsum(back)
    turns -= turns[np.searchsorted(night, night)]
    if turns.max() <= 1:
        return turns == 1
    # Rows sorted by the clock interleave both showings: then it is the second row with the same time.
    showing = pd.DataFrame({"night": night, "wall": wall}).groupby(["night", "wall"]).cumcount().to_numpy()
    if showing.max() > 1:
        row = int(np.flatnonzero(showing > 1)[0])
        raise DataError(
            f"{pd.Timestamp(int(wall[row]), unit='us')} on the clock of {zone} is given more than twice for one site: "
            "drop the duplicates, or write times with their offset"
        )
    return showing == 1
