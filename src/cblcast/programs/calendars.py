"""The holidays that a program goes by, where they are its own and not those of the sites."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.days.day_types import OwnHolidays, keeps_holidays_apart, warn_about_holidays
from cblcast.frames.panel import AnyPanel, OnePanel
from cblcast.programs.model import Program
from cblcast.programs.terms import Calendar


def with_calendar(calendar: Calendar, panel: OnePanel) -> OnePanel:
    """The panel with the holidays of `calendar` at every site, in place of those of their countries.

    Raises
    ------
    DataError
        A calendar file that cannot be read, or a country whose holidays nobody knows.
    """
    if calendar.country is not None:
        place = {"country": calendar.country, "subdivision": calendar.subdivision or "", "holidays": ""}
    else:
        first, last = (
            pd.Timestamp(us, unit="us").year for us in (panel.first_times_us.min(), panel.last_times_us.max())
        )
        place = {"country": "", "subdivision": "", "holidays": str(_own_days(calendar, first - 1, last + 1))}
    return replace(panel, sites=panel.sites.assign(**place))


def _own_days(calendar: Calendar, first_year: int, last_year: int) -> OwnHolidays:
    if calendar.named is not None:
        return OwnHolidays.of(_NAMED[calendar.named](first_year, last_year))
    if calendar.file is not None:
        return _file_days(calendar.file, first_year, last_year)
    return OwnHolidays.of(calendar.dates or ())


@lru_cache(maxsize=16)
def _file_days(path: Path, first_year: int, last_year: int) -> OwnHolidays:
    from cblcast.io.calendars import read_holidays

    return OwnHolidays.of(read_holidays(path, first_year, last_year)["date"].dt.strftime("%Y-%m-%d"))


@lru_cache(maxsize=16)
def nerc_holidays(first_year: int, last_year: int) -> tuple[np.datetime64, ...]:
    """The six holidays that NERC counts as off-peak days, two years inclusive.

    New Year's Day, Memorial Day, Independence Day, Labor Day, Thanksgiving and Christmas; one that falls on a Sunday is
    kept on the Monday after, one on a Saturday stays there.

    References
    ----------
    NERC, Additional Off-peak Days (a notice each year).
    """
    from pandas.tseries.holiday import (
        AbstractHolidayCalendar,
        Holiday,
        USLaborDay,
        USMemorialDay,
        USThanksgivingDay,
        sunday_to_monday,
    )

    fixed = [
        Holiday(name, month=month, day=day, observance=sunday_to_monday)
        for name, month, day in (("New Year's Day", 1, 1), ("Independence Day", 7, 4), ("Christmas", 12, 25))
    ]
    calendar = AbstractHolidayCalendar(rules=[*fixed, USMemorialDay, USLaborDay, USThanksgivingDay])
    days = calendar.holidays(dt.datetime(first_year, 1, 1), dt.datetime(last_year, 12, 31))
    return tuple(np.datetime64(day, "D") for day in days)


_NAMED: dict[str, Callable[[int, int], Iterable[np.datetime64]]] = {"nerc": nerc_holidays}


def warn_about_calendars(panel: AnyPanel, programs: Sequence[Program]) -> None:
    """Tell once where rules tell types of day apart and neither they nor the sites have a calendar."""
    warn_about_calendars_of(panel.sites, pd.Timestamp(panel.last_times_us.max(), unit="us").year, programs)


def warn_about_calendars_of(sites: pd.DataFrame, year: int, programs: Sequence[Program]) -> None:
    """As :func:`warn_about_calendars`, of sites whose meter is not read yet; `year` is that of the events."""
    asking = {
        program.name.partition("@")[0]: None
        for program in programs
        if program.calendar is None and program.family == "days" and keeps_holidays_apart(program.labels)
    }
    if asking:
        others = f" (and {len(asking) - 1} more rules)" if len(asking) > 1 else ""
        warn_about_holidays(sites, year, f"{next(iter(asking))}{others}")
