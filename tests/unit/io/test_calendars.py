from pathlib import Path

import pytest

from cblcast.frames.schema import DataError
from cblcast.io.calendars import read_holidays


def write(path: Path, *lines: str, end: str = "END:VCALENDAR") -> Path:
    path.write_bytes("\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *lines, end, ""]).encode())
    return path


def event(*lines: str) -> list[str]:
    return ["BEGIN:VEVENT", "UID:1", *lines, "END:VEVENT"]


def days(path: Path, first: int = 2019, last: int = 2021) -> list[str]:
    return read_holidays(path, first, last)["date"].dt.strftime("%Y-%m-%d").tolist()


def test_single_days_spans_and_names(tmp_path: Path) -> None:
    path = write(
        tmp_path / "h.ics",
        *event("DTSTART;VALUE=DATE:20190501", "SUMMARY:Labour Day\\, the", "  first of May"),
        *event(
            "DTSTART;VALUE=DATE:20191224",
            "DTEND;VALUE=DATE:20191227",
            "SUMMARY:Christmas",
            "BEGIN:VALARM",
            "TRIGGER:-PT15M",
            "SUMMARY:Ring",
            "END:VALARM",
        ),
        *event("DTSTART;VALUE=DATE:20190601", "STATUS:CANCELLED"),
    )
    found = read_holidays(path, 2019, 2019)
    assert found["date"].dt.strftime("%m-%d").tolist() == ["05-01", "12-24", "12-25", "12-26"]
    assert found["name"].tolist() == ["Labour Day, the first of May", "Christmas", "Christmas", "Christmas"]


@pytest.mark.parametrize(
    ("start", "rule", "expected"),
    [
        ("20180815", "FREQ=YEARLY", ["2019-08-15", "2020-08-15", "2021-08-15"]),
        ("20180815", "FREQ=YEARLY;BYMONTH=8;BYMONTHDAY=15;UNTIL=20201231T000000Z", ["2019-08-15", "2020-08-15"]),
        ("20180815", "FREQ=YEARLY;COUNT=2", ["2019-08-15"]),
        ("20180815", "FREQ=YEARLY;INTERVAL=2", ["2020-08-15"]),
        ("20160229", "FREQ=YEARLY", ["2020-02-29"]),
    ],
)
def test_yearly_days(tmp_path: Path, start: str, rule: str, expected: list[str]) -> None:
    assert days(write(tmp_path / "h.ics", *event(f"DTSTART;VALUE=DATE:{start}", f"RRULE:{rule}"))) == expected


def test_excluded_dates(tmp_path: Path) -> None:
    path = write(
        tmp_path / "h.ics", *event("DTSTART;VALUE=DATE:20190815", "RRULE:FREQ=YEARLY", "EXDATE;VALUE=DATE:20200815")
    )
    assert days(path) == ["2019-08-15", "2021-08-15"]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (event("DTSTART:20190501T090000Z"), "'20190501T090000Z' is no whole day"),
        (event("DTSTART;VALUE=DATE:20190231"), "is no date of the calendar"),
        (event("SUMMARY:x"), "the event at line 4 of h.ics has no DTSTART"),
        (
            event("DTSTART;VALUE=DATE:20190501", "RRULE:FREQ=YEARLY;BYDAY=1MO;BYMONTH=5"),
            "only yearly repetition of one date is read",
        ),
        (event("DTSTART;VALUE=DATE:20190501", "RRULE:FREQ=WEEKLY"), "only yearly repetition"),
        (event("DTSTART;VALUE=DATE:20190501", "RRULE:FREQ=YEARLY;COUNT=x"), "whole numbers from 1"),
        (event("DTSTART;VALUE=DATE:20190501", "RDATE;VALUE=DATE:20190502"), "line 7 of h.ics: RDATE is not read"),
        (event("DTSTART;VALUE=DATE:20190501", "DTEND;VALUE=DATE:20190501"), "not after its start"),
        (event("DTSTART;VALUE=DATE:20190501", "DURATION:PT5H"), "a holiday lasts whole days"),
    ],
)
def test_what_is_not_read_is_refused(tmp_path: Path, lines: list[str], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        days(write(tmp_path / "h.ics", *lines))


def test_truncated_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not end with END:VCALENDAR"):
        days(write(tmp_path / "h.ics", *event("DTSTART;VALUE=DATE:20190501"), end="BEGIN:VEVENT"))
    other = tmp_path / "x.ics"
    other.write_text("hello\n", encoding="utf-8")
    with pytest.raises(DataError, match="BEGIN:VCALENDAR"):
        days(other)
