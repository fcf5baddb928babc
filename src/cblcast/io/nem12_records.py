"""The records of a NEM12 file (AEMO, Meter Data File Format) as data streams: read a line at a time."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cblcast.frames.schema import DataError
from cblcast.io.nem12_lines import Record, records_of
from cblcast.io.opened import opened
from cblcast.io.readings import EXPORT, IMPORT
from cblcast.io.units import UNITS, Unit

DAY_MINUTES = 1440
ACTUAL = "A"  # every other quality is substituted or estimated
# Suffix E: taken from the grid; B: given to it. Reactive energy (K, Q) is another quantity.
DIRECTION = {"E": IMPORT, "B": EXPORT}


@dataclass
class _Pending:
    """A day of variable quality, awaiting its 400 records: what it says, what counts of it, how far that is known."""

    day: dt.date
    updated: str
    values: np.ndarray
    kept: np.ndarray
    estimated: np.ndarray
    where: str
    covered: int = 0


class Day(NamedTuple):
    """A day of a stream: when it was updated, its values, the line, and which of the values are no actual readings (1)."""

    updated: str
    values: np.ndarray
    where: str
    estimated: np.ndarray | float = 0.0


@dataclass
class Stream:
    """The data stream that a 200 record opens: one NMI, one suffix, one interval length."""

    nmi: str
    suffix: str
    unit: Unit | None
    minutes: int
    days: dict[dt.date, Day] = field(default_factory=dict)
    pending: _Pending | None = None

    @property
    def used(self) -> bool:
        """Whether the stream counts active energy."""
        return self.unit is not None and self.suffix[:1] in DIRECTION


@dataclass
class File:
    """What a file says so far."""

    name: str
    qualities: str
    on_duplicates: str
    streams: dict[tuple[str, str, int], Stream] = field(default_factory=dict)
    open: Stream | None = None
    revised: int = 0
    same: int = 0
    joined: int = 0


def read_records(path: Path, file: File) -> None:
    """Take in the records of a file.

    Raises
    ------
    DataError
        Naming the line.
    """
    try:
        with opened(path) as raw:
            text = io.TextIOWrapper(raw, encoding="utf-8-sig")
            try:
                ended = _take(records_of(text, path.name), file)
            finally:
                text.detach()  # the file is closed by who opened it
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not text (byte {error.start}): it is no NEM12 file") from None
    if not ended:
        raise DataError(f"{path.name} has no 900 record at its end, so it was cut short: fetch it again")


def _take(records: Iterator[Record], file: File) -> bool:
    """Take in each record; whether the last one ends the file."""
    ended = begun = False
    for line, record in enumerate(records, start=1):
        fields = record.fields
        kind = fields[0].strip()
        if not kind and not "".join(fields).strip():
            continue
        where = f"line {line} of {file.name}"
        if ended:
            raise DataError(f"{where} follows the 900 record, which ends the file: split files that were joined")
        if not begun and (kind != "100" or len(fields) < 2 or fields[1].strip().upper() != "NEM12"):
            raise DataError(f"{where} is not '100,NEM12,…': this is no NEM12 file")
        begun = True
        if kind not in _RECORDS:
            raise DataError(f"{where} is a record {kind[:20]!r}: NEM12 knows {', '.join(_RECORDS)}")
        _RECORDS[kind](file, record, where)
        ended = kind == "900"
    return ended


def _open_stream(file: File, record: Record, where: str) -> None:
    _close_day(file, where)
    if len(record.fields) < 9:
        raise DataError(f"{where}: a 200 record has 10 fields, this one {len(record.fields)}")
    nmi, suffix, unit, minutes = (record.fields[i].strip() for i in (1, 4, 7, 8))
    if minutes not in ("5", "15", "30"):
        raise DataError(f"{where}: interval length {minutes!r} is not 5, 15 or 30 minutes")
    if not nmi:
        raise DataError(f"{where} names no NMI: fill it in")
    key = (nmi, suffix, int(minutes))
    made = Stream(nmi, suffix, UNITS.get(unit.lower()), int(minutes))
    file.open = file.streams.setdefault(key, made)
    if file.open.unit != made.unit:
        raise DataError(
            f"{where}: NMI {nmi} {suffix} counts in {unit!r} here and in another unit before: split the file"
        )


def _add_day(file: File, record: Record, where: str) -> None:
    _close_day(file, where)
    stream = file.open
    if stream is None:
        raise DataError(f"{where}: a 300 record stands before any 200 record")
    count = DAY_MINUTES // stream.minutes
    values, after = _day_values(record, count)
    flag = after[0].strip() if after else ""
    if flag[:1] not in ("A", "E", "F", "N", "S", "V") or not flag:
        n = len(record.fields) + (0 if record.values is None else len(record.values))
        raise DataError(
            f"{where}: a day of {stream.minutes} min intervals has {count} values and then a quality flag, not "
            f"{flag[:20]!r} ({n} fields): the number of intervals is wrong"
        )
    day = _date(record.fields[1].strip())
    if day is None or isinstance(values, str):
        wrong = values if day is not None else record.fields[1][:20]
        raise DataError(f"{where}: {wrong!r} is neither: dates are 20190601, values numbers")
    if record.values is None and not np.isfinite(values).all() and flag[0] not in "NV":
        raise DataError(f"{where}: a value is missing though the day is flagged {flag!r}: fetch the file again")
    if not dt.date(1990, 1, 1) <= day <= dt.date(2100, 1, 1):
        raise DataError(f"{where}: the day {day} is not of this market's time: mend the date")
    if flag[0] != "V" and flag[0] not in file.qualities:
        values = np.full(count, np.nan)
    updated = after[3].strip() if len(after) > 3 else ""
    if flag[0] == "V":
        stream.pending = _Pending(day, updated, values, np.full(count, np.nan), np.zeros(count), where)
    else:
        stream.days[day] = _newer(file, stream, day, Day(updated, values, where, float(flag[0] != ACTUAL)))


def _date(text: str) -> dt.date | None:
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:])) if len(text) == 8 and text.isdigit() else None
    except ValueError:
        return None


def _day_values(record: Record, count: int) -> tuple[np.ndarray | str, list[str]]:
    """The values of a day (NaN where a field is empty) or the text that is none, and the fields behind them."""
    if record.values is not None:
        return record.values, record.fields[2:] if len(record.values) == count else []
    fields, after = record.fields[2 : 2 + count], record.fields[2 + count :]
    values = np.full(count, np.nan)
    for at, text in enumerate(fields):
        try:
            values[at] = float(text) if text.strip() else np.nan
        except ValueError:
            return text[:20], after
        if np.isinf(values[at]):
            return text[:20], after
    return values, after


def _newer(file: File, stream: Stream, day: dt.date, new: Day) -> Day:
    """Which of two records of one day counts: the later update, the only one with values, or as the user says."""
    old = stream.days.get(day)
    if old is None:
        return new
    if np.array_equal(old.values, new.values, equal_nan=True):
        file.same += 1
        return max(old, new, key=lambda record: record.updated)
    if old.updated != new.updated and old.updated and new.updated:
        file.revised += 1
        return max(old, new, key=lambda record: record.updated)
    if file.on_duplicates == "raise":
        raise DataError(
            f"{new.where}: NMI {stream.nmi} {stream.suffix} has {day} a second time with other values and no later UpdateDateTime "
            f"(first in {old.where}): keep the newer record, or say how to join them (on_duplicates='last', 'first' or 'mean')"
        )
    file.joined += 1
    if file.on_duplicates == "mean":
        both = np.where(
            np.isnan(old.values),
            new.values,
            np.where(np.isnan(new.values), old.values, (old.values + new.values) / 2),
        )
        return Day(new.updated, both, new.where, np.maximum(old.estimated, new.estimated))
    return new if file.on_duplicates == "last" else old


def _qualify(file: File, record: Record, where: str) -> None:
    stream = file.open
    if stream is None or stream.pending is None:
        raise DataError(f"{where}: a 400 record follows no 300 record of variable quality (V)")
    pending = stream.pending
    try:
        first, last, flag = int(record.fields[1]), int(record.fields[2]), record.fields[3].strip()[:1]
    except (IndexError, ValueError):
        first, last, flag = 0, 0, ""
    if first != pending.covered + 1 or not first <= last <= len(pending.kept) or not flag:
        raise DataError(
            f"{where}: a 400 record names the intervals after {pending.covered}, up to {len(pending.kept)}, and their quality flag"
        )
    if flag in file.qualities:
        pending.kept[first - 1 : last] = pending.values[first - 1 : last]
        pending.estimated[first - 1 : last] = float(flag != ACTUAL)
    pending.covered = last


def _close_day(file: File, where: str) -> None:
    stream = file.open
    if stream is None or stream.pending is None:
        return
    pending = stream.pending
    if pending.covered < len(pending.kept):
        raise DataError(
            f"{where}: the 400 records of {pending.day} cover {pending.covered} of {len(pending.kept)} intervals: fetch the file again"
        )
    stream.days[pending.day] = _newer(
        file, stream, pending.day, Day(pending.updated, pending.kept, pending.where, pending.estimated)
    )
    stream.pending = None


def _ignore(file: File, record: Record, where: str) -> None:
    """A record that holds no interval data (manual reads)."""


def _end(file: File, record: Record, where: str) -> None:
    _close_day(file, where)


_RECORDS = {"100": _ignore, "200": _open_stream, "300": _add_day, "400": _qualify, "500": _ignore, "900": _end}
