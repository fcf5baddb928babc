"""Holidays from an iCalendar file (RFC 5545): whole-day events, alone or yearly; what else it may say is refused."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cblcast.frames.schema import DataError

LONGEST_DAYS = 366  # of one event: a term, a closure; more is a slip
ONE_DAY = dt.timedelta(days=1)


@dataclass
class _Event:
    line: int
    values: dict[str, tuple[str, str]] = field(default_factory=dict)  # name → (parameters, value)
    excluded: set[dt.date] = field(default_factory=set)


def read_holidays(path: str | Path, first_year: int, last_year: int) -> pd.DataFrame:
    """Holidays of an ``.ics`` file between two years, inclusive.

    Parameters
    ----------
    path : path
        ``VEVENT`` with ``DTSTART;VALUE=DATE``, optional ``DTEND`` (the day after the last), ``SUMMARY``, ``EXDATE`` and
        ``RRULE:FREQ=YEARLY`` with ``INTERVAL``, ``COUNT``, ``UNTIL`` (and ``BYMONTH``, ``BYMONTHDAY`` that repeat the start).
        Cancelled events are left out.
    first_year, last_year : int

    Returns
    -------
    DataFrame
        ``date`` (datetime64, midnight, no zone: a holiday is a local day) and ``name``, sorted, one row a day and name.

    Raises
    ------
    DataError
        Naming the line: a file cut short, an event at an hour of the day, a rule of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"there is no calendar file {path}")
    rows = []
    for event in _events(path):
        if event.values.get("STATUS", ("", ""))[1].upper() == "CANCELLED":
            continue
        name = _plain(event.values.get("SUMMARY", ("", ""))[1])
        rows += [(day, name) for day in _days(event, path.name, first_year, last_year)]
    found = pd.DataFrame(sorted(set(rows)), columns=["date", "name"])
    found["date"] = pd.to_datetime(found["date"]).astype("datetime64[us]")
    return found.astype({"name": "str"})


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Unfolded content lines: a line that begins with a blank continues the one before."""
    try:
        raw = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 text (byte {error.start}): export the calendar again") from None
    number, text = 0, ""
    for at, line in enumerate(raw, start=1):
        if line[:1] in (" ", "\t") and text:
            text += line[1:]
            continue
        if text:
            yield number, text
        number, text = at, line
    if text:
        yield number, text


def _events(path: Path) -> Iterator[_Event]:
    event: _Event | None = None
    inner: list[str] = []
    lines = list(_lines(path))
    if not lines or lines[0][1].strip().upper() != "BEGIN:VCALENDAR":
        raise DataError(f"{path.name} does not begin with BEGIN:VCALENDAR: it is no iCalendar file")
    if lines[-1][1].strip().upper() != "END:VCALENDAR":
        raise DataError(f"{path.name} does not end with END:VCALENDAR, so it was cut short: export it again")
    for number, text in lines:
        head, _, value = text.partition(":")
        name, _, parameters = head.partition(";")
        name, value = name.strip().upper(), value.strip()
        if (name, value.upper()) == ("BEGIN", "VEVENT"):
            event = _Event(number)
        elif (name, value.upper()) == ("END", "VEVENT") and event is not None:
            yield event
            event = None
        elif name == "BEGIN":
            inner.append(value)
        elif name == "END" and inner:
            inner.pop()
        elif event is not None and inner in ([], ["VCALENDAR"]):  # alarms within an event have lines of their own
            if name == "EXDATE":
                event.excluded |= {_date(part, f"line {number} of {path.name}") for part in value.split(",")}
            elif name == "RDATE":
                raise DataError(f"line {number} of {path.name}: RDATE is not read: give each date an event of its own")
            else:
                event.values[name] = (parameters.upper(), value)


def _days(event: _Event, file: str, first_year: int, last_year: int) -> Iterator[dt.date]:
    where = f"the event at line {event.line} of {file}"
    if "DTSTART" not in event.values:
        raise DataError(f"{where} has no DTSTART: give it a date")
    start = _date(event.values["DTSTART"][1], where)
    end = _date(event.values["DTEND"][1], where) if "DTEND" in event.values else start + ONE_DAY
    if "DURATION" in event.values:
        days = re.fullmatch(r"P(\d{1,12})D", event.values["DURATION"][1])
        if days is None:
            raise DataError(f"{where} lasts {event.values['DURATION'][1]!r}: a holiday lasts whole days (P1D)")
        end = start + min(int(days.group(1)), 2 * LONGEST_DAYS) * ONE_DAY
    if (end - start).days > LONGEST_DAYS:
        raise DataError(
            f"{where} lasts longer than {LONGEST_DAYS} days: mend its end, or give each year an event of its own"
        )
    if end <= start:
        raise DataError(f"{where} ends on {end}, not after its start {start}: DTEND is the day after the last")
    starts = [start] if "RRULE" not in event.values else _yearly(start, event.values["RRULE"][1], last_year, where)
    for first in starts:
        if first in event.excluded:
            continue
        for offset in range((end - start).days):
            day = first + offset * ONE_DAY
            if first_year <= day.year <= last_year:
                yield day


def _yearly(start: dt.date, rule: str, last_year: int, where: str) -> list[dt.date]:
    parts = dict(part.upper().split("=", 1) for part in rule.split(";") if "=" in part)
    parts.pop("WKST", None)
    same = {"FREQ": "YEARLY", "BYMONTH": str(start.month), "BYMONTHDAY": str(start.day)}
    other = [
        f"{key}={value}"
        for key, value in parts.items()
        if key not in ("INTERVAL", "COUNT", "UNTIL") and same.get(key) != value
    ]
    if other or "FREQ" not in parts:
        raise DataError(
            f"{where} repeats by {rule!r}: only yearly repetition of one date is read, so write such a holiday out year by year"
        )
    try:
        every, count = int(parts.get("INTERVAL", 1)), int(parts.get("COUNT", 10_000))
    except ValueError:
        every, count = 0, 0
    if every < 1 or count < 1:
        raise DataError(f"{where} repeats by {rule!r}: INTERVAL and COUNT are whole numbers from 1")
    until = _date(parts["UNTIL"][:8], where) if "UNTIL" in parts else dt.date(last_year, 12, 31)
    starts: list[dt.date] = []
    for year in range(start.year, last_year + 1, every):
        try:
            day = start.replace(year=year)
        except ValueError:  # 29 February: RFC 5545 skips the years that lack it
            continue
        if day > until or len(starts) == count:
            break
        starts.append(day)
    return starts


def _date(text: str, where: str) -> dt.date:
    if not re.fullmatch(r"\d{8}", text.strip()):
        raise DataError(f"{where}: {text!r} is no whole day: holidays are written DTSTART;VALUE=DATE:20191225")
    try:
        return dt.datetime.strptime(text.strip(), "%Y%m%d").date()
    except ValueError:
        raise DataError(f"{where}: {text!r} is no date of the calendar") from None


def _plain(text: str) -> str:
    return re.sub(r"\\([,;\\nN])", lambda found: " " if found.group(1) in "nN" else found.group(1), text)
