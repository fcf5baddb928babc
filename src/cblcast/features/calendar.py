"""Calendar features in the site's local time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.days.day_types import site_holidays
from cblcast.frames.coded import codes_and_level, sites_of_rows
from cblcast.frames.instants import DAY_US, HOUR_US, local_microseconds, microseconds, naive_stamps
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import TIME


@dataclass(frozen=True)
class Calendar:
    """Local hour, day and season of each interval.

    Columns: ``hour`` [0, 24), ``day_of_month`` 1-31, ``month`` 1-12, ``day_type`` 1 (Sunday) … 7 (Saturday), the four
    inputs of the baseline paper (section 3.3); ``day_of_week`` 0 (Monday) … 6, ``hour_of_week`` [0, 168),
    ``day_of_year``, ``holiday`` 0/1; with `cyclic` also sine and cosine of the day, the week and the year.

    Parameters
    ----------
    cyclic : bool
        Add ``hour_sin``, ``hour_cos``, ``week_sin``, ``week_cos``, ``year_sin``, ``year_cos``.
    """

    cyclic: bool = True

    def __post_init__(self) -> None:
        check_fields(self)

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        site = sites_of_rows(panel, cases.index)
        local, row = _different_clocks(panel, site, cases.index)
        day = local // DAY_US
        date = naive_stamps(local)
        weekday = (day + 3) % 7
        hour = (local - day * DAY_US) / HOUR_US
        columns = {
            "hour": hour,
            "day_of_month": date.day,
            "month": date.month,
            "day_type": (weekday + 1) % 7 + 1,
            "day_of_week": weekday,
            "hour_of_week": weekday * 24 + hour,
            "day_of_year": date.day_of_year,
        }
        if self.cyclic:
            year = (date.day_of_year.to_numpy() - 1 + hour / 24) / (365 + date.is_leap_year)
            for name, phase in (("hour", hour / 24), ("week", columns["hour_of_week"] / 168), ("year", year)):
                columns[f"{name}_sin"] = np.sin(2 * np.pi * phase)
                columns[f"{name}_cos"] = np.cos(2 * np.pi * phase)
        table = np.stack([np.asarray(values, dtype=np.float64) for values in columns.values()])
        found = pd.DataFrame(table.take(row, axis=1).T, index=cases.index, columns=list(columns), copy=False)
        found.insert(list(columns).index("day_of_year") + 1, "holiday", _is_holiday(panel, site, day[row]))
        return found


def _different_clocks(panel: Panel, site: np.ndarray, index: pd.MultiIndex) -> tuple[np.ndarray, np.ndarray]:
    """Wall clocks that differ, in microseconds, and which of them each row shows: that of a zone is read once, not once a site."""
    code, level = codes_and_level(index, TIME)
    instants = microseconds(level)
    zone, zones = pd.factorize(panel.sites["tz"])
    if len(zones) * len(instants) > len(index):
        return local_clock(panel, site, instants[code]), np.arange(len(index))
    local = np.concatenate([local_microseconds(instants, str(each)) for each in zones])
    return local, zone[site] * len(instants) + code


def _is_holiday(panel: Panel, site: np.ndarray, day: np.ndarray) -> np.ndarray:
    if len(day) == 0:
        return np.zeros(0)
    first, last = int(day.min()), int(day.max())
    table = np.zeros((len(panel.sites), last - first + 1))
    for row, holidays in enumerate(site_holidays(panel, first, last)):
        inside = holidays[(holidays >= first) & (holidays <= last)]
        table[row, inside - first] = 1.0
    return table[site, day - first]
