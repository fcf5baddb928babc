"""Which columns of a table say when: one instant, a date and a clock time, a date and a numbered hour."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cblcast.frames.schema import TIME, DataError
from cblcast.io.clock import NOT_A_TIME, Stamps, parse_times
from cblcast.io.day_slots import day_slots, slot_of
from cblcast.io.files import Table
from cblcast.io.names import SLOT_AT_START, SLOT_WORDS, TIME_WORDS, fold, is_end, stem
from cblcast.io.time_numbers import read_number_times
from cblcast.io.time_text import read_texts

DAY_US = 86_400_000_000
SAMPLE = 60
_CLOCK = re.compile(
    r"^(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?\s*([ap])?\.?\s?m?\.?(?:\s*(?:-|–|bis|to|a)\s*\d.*)?$",
    re.IGNORECASE,
)
_ENDS = frozenset({"he", "hour ending", "hour ended", "hour end", "hourending", "settlement period ending"})


@dataclass(frozen=True)
class Times:
    """When the rows of a table are.

    Attributes
    ----------
    stamps : Stamps
    columns : tuple of str
        The columns that say so, and those that say it once more.
    says : str
        For a report: ``Zeitstempel (day first)``.
    ends : bool
        Whether the names say that intervals are labelled at their end.
    """

    stamps: Stamps
    columns: tuple[str, ...]
    says: str
    ends: bool = False


def read_times(table: Table, time_format: str | None) -> Times:
    """The times of a table.

    Raises
    ------
    DataError
        No column that says when, or several that might.
    """
    names = [str(column) for column in table.frame.columns]
    holds = _Contents(table, time_format)
    word = {column: stem(column) for column in names}
    starts = [c for c in names if word[c] in TIME_WORDS]
    slots = [c for c in names if word[c] in SLOT_WORDS]
    ends = [c for c in names if is_end(c) and c not in starts and c not in slots]
    whole = _first([c for c in starts if holds[c] == "instant"])
    spare = tuple(c for c in starts + ends if holds[c] in ("instant", "date", "clock"))
    if whole is not None:
        return _instant(table, whole, time_format, spare, ends=False)
    day = _first([c for c in starts if holds[c] == "date"])
    others = [c for c in names if c not in ends and not pd.api.types.is_numeric_dtype(table.frame[c].dtype)]
    if day is not None:
        clock = next((c for c in [*starts, *slots, *others, *ends] if holds[c] == "clock"), None)
        if clock is not None:
            at_end = clock not in starts and (clock in ends or word[clock] in _ENDS)
            return _day_and_clock(table, day, clock, time_format, spare, ends=at_end)
        slot = next((c for c in [*slots, *starts] if holds[c] == "number" and c != day), None)
        if slot is not None:
            return _day_and_slot(table, day, slot, time_format, spare)
    whole = _first([c for c in ends if holds[c] == "instant"])
    if whole is not None:
        return _instant(table, whole, time_format, spare, ends=True)
    if day is not None:
        return _instant(table, day, time_format, spare, ends=False)
    unnamed = [c for c in others if c not in starts and holds[c] == "instant"]
    if len(unnamed) == 1:
        return _instant(table, unnamed[0], time_format, (), ends=False)
    return _instant(table, _named_at_least(table, starts + ends, unnamed), time_format, spare, ends=False)


class _Contents(dict[str, str]):
    """What the columns of a table hold, looked at when it is asked for: a wide table has thousands of them."""

    def __init__(self, table: Table, time_format: str | None) -> None:
        super().__init__()
        self.table, self.time_format = table, time_format

    def __missing__(self, column: str) -> str:
        self[column] = _content(self.table.frame[column], self.time_format)
        return self[column]


def _named_at_least(table: Table, named: list[str], unnamed: list[str]) -> str:
    """A column that is called a time, whose cells will be refused with their line; a :class:`DataError` without one."""
    if named:
        return _first(named) or named[0]
    which = f"; it could be any of {', '.join(map(repr, unnamed))}" if unnamed else ""
    raise DataError(
        f"{table.name} has no time column (its columns are {', '.join(map(repr, table.frame.columns[:12]))}{which}): "
        "call it 'time', or map its name (columns={'When': 'time'})"
    )


def _first(columns: list[str]) -> str | None:
    """Our own name before times in UTC, these before others."""
    ranked = sorted(columns, key=lambda c: (fold(c) != TIME, not _is_utc(c)))
    return ranked[0] if ranked else None


def _is_utc(column: str) -> bool:
    return bool({"utc", "gmt", "zulu"} & set(fold(column).split()))


def _instant(table: Table, column: str, time_format: str | None, spare: tuple[str, ...], *, ends: bool) -> Times:
    stamps = parse_times(table.frame[column], table, time_format)
    if _is_utc(column) and not stamps.aware:
        stamps = replace(stamps, aware=True)
    return Times(stamps, (column, *spare), _says(column, stamps), ends)


def _day_and_clock(
    table: Table, day: str, clock: str, time_format: str | None, spare: tuple[str, ...], *, ends: bool
) -> Times:
    date = parse_times(table.frame[day], table, _date_part(time_format))
    passed = _clock_us(table.frame[clock], table)
    stamps = Stamps(date.us - date.us % DAY_US + passed, _is_utc(clock) or _is_utc(day), how=date.how)
    return Times(stamps, (day, clock, *spare), f"{day} and {_says(clock, date)}", ends)


def _day_and_slot(table: Table, day: str, slot: str, time_format: str | None, spare: tuple[str, ...]) -> Times:
    date = parse_times(table.frame[day], table, _date_part(time_format))
    stamps = day_slots(
        date.us - date.us % DAY_US, table.frame[slot], table, stem(slot) in _ENDS and stem(slot) not in SLOT_AT_START
    )
    says = ", ".join(part for part in (date.how, stamps.how) if part)
    return Times(stamps, (day, slot, *spare), f"{day} and {slot} ({says})")


def _says(column: str, stamps: Stamps) -> str:
    name = column or "the column without a name"
    return f"{name} ({stamps.how})" if stamps.how else name


def _date_part(time_format: str | None) -> str | None:
    """What a format says of the date, where the clock stands in another column."""
    return None if time_format is None else re.split(r"[T ,]*%[HI]", time_format)[0].strip() or None


def _content(column: pd.Series, time_format: str | None) -> str:
    """``instant``, ``date``, ``clock``, ``number`` or ``text``, by some of the cells."""
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(column.dtype):
        return "text"
    # Neighbours, since a sample at equal distances may meet midnights only; and some of the rest.
    known = pd.concat([column.iloc[:SAMPLE], column.iloc[SAMPLE :: max(1, len(column) // SAMPLE)]]).dropna()
    if known.empty:
        return "text"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        stamps = pd.DatetimeIndex(known)
        return "date" if stamps.tz is None and (stamps == stamps.normalize()).all() else "instant"
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _content_of_numbers(known.to_numpy())
    if all(isinstance(value, dt.time) for value in known):
        return "clock"
    if all(isinstance(value, dt.datetime) for value in known):
        return "instant"
    texts = pd.Series(known.astype("str").str.strip().unique(), dtype="str")
    if texts.str.match(_CLOCK).all():
        return "clock"
    if all(slot_of(text) is not None for text in texts):
        return "number"
    if time_format is not None and any(code in time_format for code in ("%H", "%I")):
        return (
            "instant"
            if pd.to_datetime(texts, format=time_format, errors="coerce", utc=True).notna().all()
            else _content_of_texts(texts)
        )
    return _content_of_texts(texts)


def _content_of_texts(texts: pd.Series) -> str:
    read = read_texts(texts)
    known = read.us != NOT_A_TIME
    if known.mean() < 0.8:
        return "text"
    return "instant" if bool((read.us[known] % DAY_US).any()) or bool(read.aware.any()) else "date"


def _content_of_numbers(known: np.ndarray) -> str:
    found = read_number_times(known)
    if found is None or (found.us == NOT_A_TIME).any():
        whole = bool((known == np.floor(known)).all()) and known.min() >= 0 and known.max() <= 300
        return "number" if whole else "text"
    days = found.us % DAY_US == 0
    return "date" if days.all() and not found.aware else "instant"


def _clock_us(column: pd.Series, table: Table) -> np.ndarray:
    """Time of day of each cell, microseconds; 24:00 is the end of the day."""
    codes, distinct = pd.factorize(column)
    read = [clock_of(value) for value in distinct]
    bad = next((at for at, value in enumerate(read) if value is None), None)
    if bad is not None or (codes < 0).any():
        at = int(np.flatnonzero(codes == (-1 if bad is None else bad))[0])
        raise DataError(
            f"{table.where(int(column.index[at]))}: {str(column.iloc[at])[:60]!r} in {column.name!r} is no time of day: write it as 17:15"
        )
    return np.array([value or 0 for value in read], dtype=np.int64)[codes]


def clock_of(value: object) -> int | None:
    """A time of day in microseconds, None if it is none; 24:00 is the end of the day."""
    if isinstance(value, dt.time):
        return (value.hour * 3600 + value.minute * 60 + value.second) * 1_000_000
    found = _CLOCK.match(str(value).strip())
    if found is None:
        return None
    hour, minute, second = (int(part or 0) for part in found.group(1, 2, 3))
    if found.group(4):
        hour = hour % 12 + (12 if found.group(4).lower() == "p" and hour <= 12 else 0)
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and minute + second):
        return None
    return (hour * 3600 + minute * 60 + second) * 1_000_000
