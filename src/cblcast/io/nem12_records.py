"""The records of a NEM12 file (AEMO, Meter Data File Format) as data streams: read a line at a time."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cblcast.io.opened import opened
from cblcast.io.readings import EXPORT, IMPORT
from cblcast.io.units import UNITS, Unit
from cblcast.schema import DataError

DAY_MINUTES = 1440
LONGEST_LINE = 65_536  # characters; a day of 5-minute values has 288
# Suffix E: taken from the grid; B: given to it. Reactive energy (K, Q) is another quantity.
DIRECTION = {"E": IMPORT, "B": EXPORT}


@dataclass
class _Pending:
    """A day of variable quality, awaiting its 400 records: what it says, what counts of it, how far that is known."""

    day: dt.date
    updated: str
    values: np.ndarray
    kept: np.ndarray
    where: str
    covered: int = 0


@dataclass
class Stream:
    """The data stream that a 200 record opens: one NMI, one suffix, one interval length."""

    nmi: str
    suffix: str
    unit: Unit | None
    minutes: int
    days: dict[dt.date, tuple[str, np.ndarray, str]] = field(default_factory=dict)  # update time, values, line
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
                ended = _take(_records(text, path.name), file)
            finally:
                text.detach()  # the file is closed by who opened it
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not text (byte {error.start}): it is no NEM12 file") from None
    if not ended:
        raise DataError(f"{path.name} has no 900 record at its end, so it was cut short: fetch it again")


def _take(records: Iterator[list[str]], file: File) -> bool:
    """Take in each record; whether the last one ends the file."""
    ended = begun = False
    for line, record in enumerate(records, start=1):
        kind = record[0].strip()
        if not kind and not "".join(record).strip():
            continue
        where = f"line {line} of {file.name}"
        if ended:
            raise DataError(f"{where} follows the 900 record, which ends the file: split files that were joined")
        if not begun and (kind != "100" or len(record) < 2 or record[1].strip() != "NEM12"):
            raise DataError(f"{where} is not '100,NEM12,…': this is no NEM12 file")
        begun = True
        if kind not in _RECORDS:
            raise DataError(f"{where} is a record {kind[:20]!r}: NEM12 knows {', '.join(_RECORDS)}")
        _RECORDS[kind](file, record, where)
        ended = kind == "900"
    return ended


def _records(text: io.TextIOBase, name: str) -> Iterator[list[str]]:
    """The fields of each line; of a day without quotes the values stay together, as the last field."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) >= LONGEST_LINE:
            raise DataError(f"line {number} of {name} is longer than {LONGEST_LINE} characters: it is no NEM12 record")
        line = line.rstrip("\r\n")
        yield next(csv.reader([line]), [""]) if '"' in line else line.split(",")


def _open_stream(file: File, record: list[str], where: str) -> None:
    _close_day(file, where)
    if len(record) < 9:
        raise DataError(f"{where}: a 200 record has 10 fields, this one {len(record)}")
    nmi, suffix, unit, minutes = (record[i].strip() for i in (1, 4, 7, 8))
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


def _add_day(file: File, record: list[str], where: str) -> None:
    _close_day(file, where)
    stream = file.open
    if stream is None:
        raise DataError(f"{where}: a 300 record stands before any 200 record")
    count = DAY_MINUTES // stream.minutes
    flag = record[2 + count].strip() if len(record) > 2 + count else ""
    if flag[:1] not in ("A", "E", "F", "N", "S", "V") or not flag:
        raise DataError(f"{where}: a day of {stream.minutes} min intervals has {count} values and then a quality flag, not {flag[:20]!r} "
                        f"({len(record)} fields): the number of intervals is wrong")  # fmt: skip
    try:
        day = dt.datetime.strptime(record[1].strip(), "%Y%m%d").date()
        values = _numbers(record[2 : 2 + count])
    except ValueError as error:
        raise DataError(f"{where}: {str(error)[:80]}: dates are 20190601, values numbers") from None
    if not np.isfinite(values).all() and flag[0] not in "NV":
        raise DataError(f"{where}: a value is missing though the day is flagged {flag!r}: fetch the file again")
    if not dt.date(1990, 1, 1) <= day <= dt.date(2100, 1, 1):
        raise DataError(f"{where}: the day {day} is not of this market's time: mend the date")
    if flag[0] != "V" and flag[0] not in file.qualities:
        values = np.full(count, np.nan)
    updated = record[5 + count].strip() if len(record) > 5 + count else ""
    if flag[0] == "V":
        stream.pending = _Pending(day, updated, values, np.full(count, np.nan), where)
    else:
        stream.days[day] = _newer(file, stream, day, (updated, values, where))


def _numbers(fields: list[str]) -> np.ndarray:
    """The values of a day; NaN where a field is empty."""
    try:
        values = np.array(fields, dtype=np.float64)
    except ValueError:
        values = np.array([float(value) if value.strip() else np.nan for value in fields])
    if np.isinf(values).any():
        raise ValueError("a value is infinite")
    return values


def _newer(file: File, stream: Stream, day: dt.date, new: tuple[str, np.ndarray, str]) -> tuple[str, np.ndarray, str]:
    """Which of two records of one day counts: the later update, the only one with values, or as the user says."""
    old = stream.days.get(day)
    if old is None:
        return new
    if np.array_equal(old[1], new[1], equal_nan=True):
        file.same += 1
        return max(old, new, key=lambda record: record[0])
    if old[0] != new[0] and old[0] and new[0]:
        file.revised += 1
        return max(old, new, key=lambda record: record[0])
    if file.on_duplicates == "raise":
        raise DataError(
            f"{new[2]}: NMI {stream.nmi} {stream.suffix} has {day} a second time with other values and no later UpdateDateTime "
            f"(first in {old[2]}): keep the newer record, or say how to join them (on_duplicates='last', 'first' or 'mean')"
        )
    file.joined += 1
    if file.on_duplicates == "mean":
        return (
            new[0],
            np.where(np.isnan(old[1]), new[1], np.where(np.isnan(new[1]), old[1], (old[1] + new[1]) / 2)),
            new[2],
        )
    return new if file.on_duplicates == "last" else old


def _qualify(file: File, record: list[str], where: str) -> None:
    stream = file.open
    if stream is None or stream.pending is None:
        raise DataError(f"{where}: a 400 record follows no 300 record of variable quality (V)")
    pending = stream.pending
    try:
        first, last, flag = int(record[1]), int(record[2]), record[3].strip()[:1]
    except (IndexError, ValueError):
        first, last, flag = 0, 0, ""
    if first != pending.covered + 1 or not first <= last <= len(pending.kept) or not flag:
        raise DataError(
            f"{where}: a 400 record names the intervals after {pending.covered}, up to {len(pending.kept)}, and their quality flag"
        )
    if flag in file.qualities:
        pending.kept[first - 1 : last] = pending.values[first - 1 : last]
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
    stream.days[pending.day] = _newer(file, stream, pending.day, (pending.updated, pending.kept, pending.where))
    stream.pending = None


def _ignore(file: File, record: list[str], where: str) -> None:
    """A record that holds no interval data (manual reads)."""


def _end(file: File, record: list[str], where: str) -> None:
    _close_day(file, where)


_RECORDS = {"100": _ignore, "200": _open_stream, "300": _add_day, "400": _qualify, "500": _ignore, "900": _end}
