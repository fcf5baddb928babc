"""Wall clocks and instants: what a time column of a file says, as microseconds UTC."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError
from cblcast.io.files import Table
from cblcast.io.time_formats import check_format
from cblcast.io.time_numbers import read_number_times
from cblcast.io.time_text import NOT_A_TIME, TextTimes, read_format, read_texts

MINUTE_US = 60_000_000
DAY_US = 1440 * MINUTE_US
HALF_DAY_US = 720 * MINUTE_US
UTC_NAMES = ("UTC", "Etc/UTC", "Etc/GMT", "GMT", "Etc/UCT", "Zulu")
# Meters are younger, and no one settles what is to come: what lies outside is a slip of the pen.
EARLIEST_US = int(np.datetime64("1900-01-01", "us").astype(np.int64))
LATEST_US = int(np.datetime64("2200-01-01", "us").astype(np.int64))


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
    elapsed : ndarray of int64, shape (n,), optional
        Microseconds that passed since `us`: files that number the hours of a day count 23 and 25 on the days on which
        clocks change.
    how : str
        How the times are written, in words; empty where nothing was guessed.
    """

    us: np.ndarray
    aware: bool
    zone: str | None = None
    elapsed: np.ndarray | None = None
    how: str = ""


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
        datetime64, dates, text (:mod:`cblcast.io.time_text`; ``24:00`` is the end of the day) or numbers
        (:mod:`cblcast.io.time_numbers`).
    time_format : str, optional
        As in ``strptime``; needed for text such as 01/06/2019 where no other row tells the day from the month.

    Raises
    ------
    DataError
        Naming the line: empty, unreadable, or times with and without an offset in one column.
    """
    if time_format is not None and table.first_line is not None:
        check_format(column, table, time_format)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        zone = str(column.dt.tz)
        stamps = Stamps(
            pd.DatetimeIndex(column).tz_convert("UTC").as_unit("us").asi8, True, zone if "/" in zone else None
        )
    elif pd.api.types.is_datetime64_dtype(column.dtype):
        stamps = Stamps(pd.DatetimeIndex(column).as_unit("us").asi8, False)
    elif pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        stamps = _parse_numbers(column, table, time_format)
    else:
        stamps = _parse_text(column, table, time_format)
    empty = np.flatnonzero(stamps.us == NOT_A_TIME)
    if len(empty):
        raise DataError(
            f"{table.where(int(column.index[empty[0]]))} has no time "
            f"({len(empty)} such rows): fill the time in, or drop the row"
        )
    outside = np.flatnonzero((stamps.us < EARLIEST_US) | (stamps.us > LATEST_US))
    if len(outside):
        raise DataError(
            f"{table.where(int(column.index[outside[0]]))} is of the year {_year(int(stamps.us[outside[0]]))} "
            f"({len(outside)} such rows): mend the date"
        )
    return stamps


def _year(us: int) -> int:
    return int(np.datetime64(us, "us").astype("M8[Y]").astype(np.int64)) + 1970


def _parse_numbers(column: pd.Series, table: Table, time_format: str | None) -> Stamps:
    if time_format is not None:
        return _parse_text(column.astype("Int64").astype("str"), table, time_format)
    numbers = column.to_numpy(
        dtype=np.int64 if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans else np.float64
    )
    found = read_number_times(numbers)
    if found is None:
        raise DataError(
            f"{column.name!r} in {table.name} holds numbers, not times: write them like 2019-06-01T17:00+02:00"
        )
    wrong = np.flatnonzero((found.us == NOT_A_TIME) & np.isfinite(numbers.astype(np.float64)))
    if len(wrong):
        raise DataError(
            f"{table.where(int(column.index[wrong[0]]))}: the time {numbers[wrong[0]]} is none like the others "
            f"({found.how}; {len(wrong)} such rows): mend it, or drop the row"
        )
    return Stamps(found.us, found.aware, how=found.how)


def _parse_text(column: pd.Series, table: Table, time_format: str | None) -> Stamps:
    codes, distinct = pd.factorize(column)
    if len(distinct) == 0:
        return Stamps(np.full(len(column), NOT_A_TIME), False)
    plain = isinstance(column.dtype, pd.StringDtype)
    text = pd.Series(distinct if plain else [_as_text(value) for value in distinct], dtype="str").str.strip()
    try:
        found = read_texts(text) if time_format is None else read_format(text, time_format)
    except ValueError as error:
        raise DataError(
            f"{time_format!r} is no time format: write it as strptime does, like '%d/%m/%Y %H:%M'"
        ) from error
    _refuse_unread(column, codes, found, table, time_format)
    if found.unclear:
        first = str(column.dropna().iloc[0])
        raise DataError(
            f"{table.name}: of times such as {first!r} nobody can tell the day from the month: say so "
            "(time_format='%d/%m/%Y %H:%M' or '%m/%d/%Y %H:%M', as they are written)"
        )
    return Stamps(np.where(codes < 0, NOT_A_TIME, found.us[codes]), bool(found.aware.any()), how=found.how)


def _refuse_unread(
    column: pd.Series, codes: np.ndarray, found: TextTimes, table: Table, time_format: str | None
) -> None:
    bad = np.flatnonzero(found.us == NOT_A_TIME)
    if len(bad):
        row = int(column.index[np.flatnonzero(codes == bad[0])[0]])
        remedy = (
            f"it is not {time_format!r}"
            if time_format
            else "write all times alike, like 2019-03-31 17:00, or give time_format='%d/%m/%Y %H:%M'"
        )
        raise DataError(f"{table.where(row)}: the time {str(column.loc[row])!r} cannot be read: {remedy}")
    if found.aware.any() and not found.aware.all():
        row = int(column.index[np.flatnonzero(found.aware[codes] != found.aware[codes[0]])[0]])
        raise DataError(
            f"{table.where(row)}: {str(column.loc[row])!r} differs from the rows before in giving or not giving "
            "an offset: write all times with their offset, or all without"
        )


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
    # Many sites share their times; those of one site are all different, and a table of them would only cost.
    if zone in UTC_NAMES:
        return wall_us
    alone = len(site) > 0 and site[0] == site[-1] and (site == site[0]).all()
    codes, distinct = (None, wall_us) if alone else pd.factorize(wall_us)
    clock = pd.DatetimeIndex(np.asarray(distinct, dtype=np.int64).view("M8[us]"))
    instants = _plain_instants(clock.asi8, zone)
    open_ = np.flatnonzero(instants == NOT_A_TIME)
    if len(open_) == 0:
        return instants if codes is None else instants[codes]
    # Skipped, or shown twice: the few times that are left are looked up both ways.
    instants[open_] = _instants(clock[open_], zone, is_summer=True)
    standard = _instants(clock[open_], zone, is_summer=False)
    twice = standard != instants[open_]
    later = np.full(len(clock) if codes is not None else 0, NOT_A_TIME)
    if codes is None:
        rows, standard = open_[twice], standard[twice]
    else:
        later[open_[twice]] = standard[twice]
        instants = instants[codes]
        rows = np.flatnonzero(later[codes] != NOT_A_TIME)
        standard = later[codes[rows]]
    if len(rows):
        order = np.argsort(site[rows], kind="stable")
        if _newest_first(wall_us, site):
            order = len(rows) - 1 - np.argsort(site[rows][::-1], kind="stable")
        second = order[_second_showing(wall_us[rows[order]], site[rows[order]], zone)]
        instants[rows[second]] = standard[second]
    return instants


def _plain_instants(wall: np.ndarray, zone: str) -> np.ndarray:
    """Instants of the times that a clock shows once; ``NOT_A_TIME`` for the others.

    On a day that begins and ends with one offset it holds all day, so that a table of days serves almost all times.
    """
    instants = np.full(len(wall), NOT_A_TIME)
    left = np.arange(len(wall))
    day = wall // DAY_US
    if len(wall) and 4 * (int(day.max()) - int(day.min())) < len(wall):
        first = int(day.min())
        midnight = np.arange(first, int(day.max()) + 2) * DAY_US
        found = _once(midnight, zone)
        offset = np.where(found == NOT_A_TIME, NOT_A_TIME, midnight - found)
        steady = (offset[1:] == offset[:-1]) & (offset[1:] != NOT_A_TIME)
        day -= first
        whole = steady[day]
        instants = np.where(whole, wall - offset[day], NOT_A_TIME)
        left = np.flatnonzero(~whole)
    instants[left] = _once(wall[left], zone)
    return instants


def _once(wall: np.ndarray, zone: str) -> np.ndarray:
    found = pd.DatetimeIndex(wall.view("M8[us]")).tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    return np.where(found.isna(), NOT_A_TIME, found.tz_convert("UTC").as_unit("us").asi8)


def _instants(clock: pd.DatetimeIndex, zone: str, is_summer: bool) -> np.ndarray:
    flags = np.full(len(clock), is_summer)
    return clock.tz_localize(zone, ambiguous=flags, nonexistent="NaT").tz_convert("UTC").as_unit("us").asi8


def _newest_first(wall: np.ndarray, site: np.ndarray) -> bool:
    """Whether the times of a site run backwards, by neighbours in the file, or in the file sorted by site."""
    for _ in range(2):
        same = site[1:] == site[:-1]
        falls, rises = (int(np.count_nonzero(moved & same)) for moved in (wall[1:] < wall[:-1], wall[1:] > wall[:-1]))
        if falls + rises:
            return falls > rises
        by_site = np.argsort(site, kind="stable")
        wall, site = wall[by_site], site[by_site]
    return False


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
