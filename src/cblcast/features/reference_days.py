"""Reference days: the load of the newest qualified days at the same wall clock, and how alike those days are.

This is where history enters. An XofY rule is then a choice among the columns ``ref_kw_01 … ref_kw_Y`` (01 is the
newest), and ridge, boosting and neural nets eat the very same columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Days, DaysOrNone, HoursAboveZero, NotNegative, Positive, Share, Text
from cblcast.days.blindfold import seen_slots
from cblcast.days.day_types import DayTypes
from cblcast.days.ledger import DayLedger, Reason, day_ledger, reject_by_load
from cblcast.features.day_loads import mean_by_event, reference_load, reject_unmetered_events
from cblcast.frames.cases import EventArrays
from cblcast.frames.cube import DayCube
from cblcast.frames.instants import DAY_US, HOUR_US
from cblcast.frames.known import known_mean
from cblcast.frames.panel import AnyPanel, Panel, local_clock
from cblcast.frames.schema import OBSERVED, StudyError
from cblcast.wishes import widest

_EVENTS_AT_ONCE = 2048  # whole days of so many events stay in the cache


@dataclass(frozen=True)
class ReferenceDays:
    """Load and likeness of the newest qualified days before each event.

    Columns, k = 01 (newest) … `days`, NaN where there are fewer qualified days:

    ``<prefix>_kw_k``          load at the interval's wall clock [kW]
    ``<prefix>_event_kw_k``    mean load in the event hours [kW]: High, Middle and Low rank by it
    ``<prefix>_day_kw_k``      mean load of the whole day [kW]
    ``<prefix>_gap_kw_k``      mean absolute difference to the event day over the hours that may be seen [kW]: Nearest
    ``<prefix>_total_gap_kw_k``  absolute difference of the mean loads over those hours [kW]
    ``<prefix>_temp_gap_c_k``  difference of daily maximum temperature [K], with `temperature`
    ``<prefix>_humidity_gap_pct_k``  difference of daily mean relative humidity, with `humidity`
    ``<prefix>_age_days_k``    calendar days before the event
    ``<prefix>_qualified_days``  how many days qualified within the look-back

    Parameters
    ----------
    days : int
        Y: how many qualified days are looked up.
    look_back_days : int
        Calendar days before the event that are searched.
    day_types : str or eight labels
        See :data:`cblcast.days.day_types.DAY_TYPES`; only days of the event day's type qualify.
    gap_days : int
        Days right before the event that may not be used.
    min_metered_share : float
        Least metered share of a day, and of its event hours.
    low_share, high_share : float
        Exclusion of days with a load far from the mean of the first choice (see
        :func:`~cblcast.days.ledger.reject_by_load`), judged on the event hours.
    temperature, humidity : str or None
        Panel columns.
    similarity_hours : float or None
        Only this many seen hours right before the event count for the gaps; None takes all seen hours of the day.
    prefix : str

    References
    ----------
    Baseline paper, section 3.2, families 2-7.
    """

    days: Days = widest(10)
    look_back_days: Days = widest(60)
    day_types: DayTypes = "working"
    gap_days: DaysOrNone = 0
    min_metered_share: Share = 0.9
    low_share: NotNegative = 0.0
    high_share: Positive | None = None
    temperature: Text | None = None
    humidity: Text | None = None
    similarity_hours: HoursAboveZero | None = None
    prefix: Text = "ref"

    def __post_init__(self) -> None:
        check_fields(self)
        if OBSERVED in (self.temperature, self.humidity):
            raise StudyError(f"{OBSERVED!r} is no weather: its day would be compared without the blindfold")

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        event = EventArrays.of(panel, cases)
        ledger = self.ledger(panel, event)
        days = ledger.newest(self.days)
        load = reference_load(panel, event, days)
        by_event = {"event_kw": mean_by_event(load, event), "day_kw": _day_means(panel.cube(OBSERVED), event, days)}
        by_event["gap_kw"], by_event["total_gap_kw"] = similarity(panel, event, days, self.similarity_hours)
        event_day = local_clock(panel, event.site, event.start_us) // DAY_US - panel.cube(OBSERVED).first_day
        by_event["age_days"] = np.where(days >= 0, event_day[:, None] - days, np.nan)
        if self.temperature is not None:
            by_event["temp_gap_c"] = _weather_gap(panel, self.temperature, event, event_day, days, np.fmax.reduce)
        if self.humidity is not None:
            by_event["humidity_gap_pct"] = _weather_gap(panel, self.humidity, event, event_day, days, _weather_mean)
        qualified = (ledger.reason == Reason.QUALIFIED).sum(1, keepdims=True).astype(np.float64)
        names = [name for key in ("kw", *by_event) for name in self.columns(key)] + [f"{self.prefix}_qualified_days"]
        each_event = np.concatenate([*by_event.values(), qualified], axis=1)
        values = np.concatenate([load, each_event[event.event_of_row]], axis=1)
        return pd.DataFrame(values, index=cases.index, columns=names, copy=False)

    def reads_columns(self) -> tuple[str, ...]:
        """Columns of the panel that are read besides ``observed_kw``."""
        return tuple(column for column in (self.temperature, self.humidity) if column is not None)

    def columns(self, key: str) -> list[str]:
        """Names of the columns of one kind, newest day first."""
        return [f"{self.prefix}_{key}_{k:02d}" for k in range(1, self.days + 1)]

    def why_absent(self, panel: Panel, cases: pd.DataFrame) -> list[str]:
        """How many days qualified for each event of `cases`, and why the others fell out."""
        ledger = self.ledger(panel, EventArrays.of(panel, cases))
        return [
            f"{qualified} days qualified in {self.look_back_days} days of look-back ({others or 'none fell out'})"
            for qualified, others in (ledger.told(event) for event in range(len(ledger.position)))
        ]

    def ledger(self, panel: Panel, event: EventArrays) -> DayLedger:
        """Every day of the look-back with its reason."""
        ledger = day_ledger(
            panel,
            event,
            look_back_days=self.look_back_days,
            day_types=self.day_types,
            gap_days=self.gap_days,
            min_metered_share=self.min_metered_share,
        )
        ledger = reject_unmetered_events(panel, event, ledger, self.min_metered_share)
        if self.low_share > 0 or self.high_share is not None:
            inside = np.where(ledger.reason == 0, ledger.position, -1)
            load = mean_by_event(reference_load(panel, event, inside), event)
            ledger = reject_by_load(ledger, load, self.days, self.low_share, self.high_share)
        return ledger


def _gather_days(cube: DayCube, site: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Whole days, float32, shape (n_events, n_days, n_slots); NaN for a day of -1 or outside the cube."""
    inside = (days >= 0) & (days < cube.n_days)
    found = cube.values[site[:, None], np.where(inside, days, 0)]
    found[~inside] = np.nan
    return found


def _day_means(cube: DayCube, event: EventArrays, days: np.ndarray) -> np.ndarray:
    inside = (days >= 0) & (days < cube.n_days)
    means = cube.day_means[event.site[:, None], np.where(inside, days, 0)]
    return np.where(inside, means, np.nan)


def similarity(
    panel: AnyPanel, event: EventArrays, days: np.ndarray, hours: float | None, buffer_hours: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """How far each reference day is from the event day, over the hours of that day that may be seen [kW].

    Parameters
    ----------
    hours : float or None
        Only so many hours right before the event; None takes all of the day.
    buffer_hours : float
        Hours on either side of the event that are left out.

    Returns
    -------
    gap, total_gap : ndarray, shape (n_events, n_days)
        Mean absolute difference of the intervals, and absolute difference of the means (Nearest XofY, section 3.2,
        family 5). Where nothing of the event day may be seen, the days are equally near: 0. A day that was not metered
        in the hours to compare is NaN: nothing is known of its likeness.
    """
    cube = panel.cube(OBSERVED)
    event_day = local_clock(panel, event.site, event.start_us) // DAY_US - cube.first_day
    wall = (event_day[:, None] + cube.first_day) * DAY_US + np.arange(cube.values.shape[2]) * panel.step_us
    seen = seen_slots(panel, event, wall)
    # A reading stands at the slot that it begins in: one of 17:30 at 17:00, so both edges go down to their slot.
    start, stop = (
        local_clock(panel, event.site, at)[:, None] // panel.step_us * panel.step_us
        for at in (event.start_us, event.stop_us)
    )
    buffer_us = round(buffer_hours * HOUR_US)
    seen &= (wall < start - buffer_us) | (wall >= stop + buffer_us)
    if hours is not None:
        seen &= (wall >= start - int(hours * HOUR_US)) & (wall < start)
    gap, total_gap = np.empty(days.shape), np.empty(days.shape)
    for first in range(0, len(days), _EVENTS_AT_ONCE):
        part = slice(first, first + _EVENTS_AT_ONCE)
        today = _gather_days(cube, event.site[part], event_day[part, None])
        today[~seen[part, None]] = np.nan
        difference = _gather_days(cube, event.site[part], days[part]) - today
        both = np.isfinite(difference)
        difference[~both] = 0.0
        n = both.sum(2)
        gap[part] = np.abs(difference).sum(2, dtype=np.float64) / np.maximum(n, 1)
        total_gap[part] = np.abs(difference.sum(2, dtype=np.float64)) / np.maximum(n, 1)
        unknown = (days[part] < 0) | (np.isfinite(today).any(2) & (n == 0))
        gap[part][unknown] = total_gap[part][unknown] = np.nan
    return gap, total_gap


def _weather_gap(
    panel: Panel,
    column: str,
    event: EventArrays,
    event_day: np.ndarray,
    days: np.ndarray,
    reduce: Callable[..., np.ndarray],
) -> np.ndarray:
    cube = panel.cube(column)
    shift = panel.cube(OBSERVED).first_day - cube.first_day
    today = reduce(_gather_days(cube, event.site, event_day[:, None] + shift), axis=2)
    then = reduce(_gather_days(cube, event.site, np.where(days >= 0, days + shift, -1)), axis=2)
    return np.abs(then - today).astype(np.float64)


_weather_mean = partial(known_mean, dtype=np.float32)  # days are ranked by it: seven digits are more than weather has
