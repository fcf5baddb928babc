"""Holidays of a calendar file in a study."""

from pathlib import Path

import pandas as pd
import pytest

from cblcast.config import make_study
from cblcast.days.day_types import OwnHolidays
from cblcast.frames.schema import DataError
from cblcast.workflow.study_data import load_panel, study_events

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
DTSTART;VALUE=DATE:20190911
SUMMARY:works outing
END:VEVENT
END:VCALENDAR
"""


def days(**data: str) -> set[str]:
    study = make_study({
        "study": "s", "data": {"dataset": "turin", **data}, "events": {"start": "17:00", "stop": "20:00"},
        "test": ["2019-09-09", "2019-09-13"], "methods": ["High5of10"],
    })  # fmt: skip
    _, test = study_events(study, load_panel(study))
    return set(pd.DatetimeIndex(test["start"]).strftime("%m-%d"))


def test_a_day_of_the_calendar_is_no_working_day(tmp_path: Path) -> None:
    path = tmp_path / "works.ics"
    path.write_text(CALENDAR.replace("\n", "\r\n"))
    assert days() == {"09-09", "09-10", "09-11", "09-12", "09-13"}
    assert days(holidays=str(path)) == {"09-09", "09-10", "09-12", "09-13"}


def test_dates_that_are_none_are_refused() -> None:
    assert OwnHolidays.of("") == OwnHolidays()
    assert str(OwnHolidays.of("2019-12-27 2019-12-26 2019-12-27")) == "2019-12-26 2019-12-27"
    with pytest.raises(DataError, match="write dates like"):
        OwnHolidays.of("11.9.2019")
