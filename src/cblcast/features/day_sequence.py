"""The recent days of a site one by one, and the hours beside the event on each: what an attention net looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Days, HourCount, Share, Text
from cblcast.days.day_types import DayTypes
from cblcast.days.ledger import DayLedger
from cblcast.features.day_contrasts import day_means
from cblcast.features.day_loads import mean_by_event, reference_load
from cblcast.features.hour_blocks import hour_blocks
from cblcast.features.reference_days import ReferenceDays
from cblcast.frames.cases import EventArrays
from cblcast.frames.instants import DAY_US
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED, StudyError

_EVENTS_AT_ONCE = 2000
_SCALE_DAYS = 10


@dataclass(frozen=True)
class DaySequence:
    """The newest reference days of each event, day by day, with the hours beside the event on each of them.

    Columns, k = 01 (newest) … `days`, h = 1 (nearest to the event) …; NaN where there is no such day, where nothing was
    metered, or where the case may not look:

    ``seq_scale_kw``              mean absolute load of the ten newest days: a size that stays positive under net export
    ``seq_now_before_<h>_kw``, ``seq_now_after_<h>_kw``   the meter in the hours beside the event [kW]
    ``seq_kw_<k>``                load at the interval's wall clock [kW]
    ``seq_event_kw_<k>``          mean load in the event's hours [kW]
    ``seq_day_kw_<k>``            mean load of the whole day [kW]
    ``seq_before_<h>_kw_<k>``, ``seq_after_<h>_kw_<k>``   the hours beside the event [kW]
    ``seq_age_days_<k>``          calendar days before the event
    ``seq_same_weekday_<k>``      1 for a day of the event's own weekday, else 0
    ``seq_temp_c``                temperature at the interval [°C]
    ``seq_temp_gap_c_<k>``        what it is above that of the day at the same wall clock [K]
    ``seq_temp_day_gap_c_<k>``    the same of the means of the days [K]

    Parameters
    ----------
    days : int
        Reference days kept.
    look_back_days : int
    day_types : str or eight labels
    min_metered_share : float
    hours_before, hours_after : int
        Hours beside the event.
    temperature : str or None
        Column of the panel. A panel without it is no error: its columns are NaN.

    Notes
    -----
    Nothing is learned, and no column tells the date.
    """

    days: Days = 24
    look_back_days: Days = 100
    day_types: DayTypes = "working"
    min_metered_share: Share = 0.9
    hours_before: HourCount = 8
    hours_after: HourCount = 4
    temperature: Text | None = "temp_air_c"

    def __post_init__(self) -> None:
        check_fields(self)
        if self.temperature == OBSERVED:
            raise StudyError(f"{OBSERVED!r} is no weather: its day would be compared without the blindfold")
        if self.hours_before < 1:
            raise StudyError("day_sequence needs hours_before >= 1")

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        event = EventArrays.of(panel, cases)
        parts = [
            self._features(panel, event.take(slice(first, first + _EVENTS_AT_ONCE))[0])
            for first in range(0, len(event.start_us), _EVENTS_AT_ONCE)
        ]
        values = np.concatenate(parts) if parts else np.empty((0, len(self.columns())))
        return pd.DataFrame(values, index=cases.index, columns=self.columns(), copy=False)

    def columns_ahead(self) -> tuple[str, ...]:
        """The temperature, where it is read."""
        return () if self.temperature is None else (self.temperature,)

    def columns(self) -> list[str]:
        """Names of the columns, in their order."""
        hours = [f"before_{h}" for h in range(1, self.hours_before + 1)]
        hours += [f"after_{h}" for h in range(1, self.hours_after + 1)]
        by_day = ["kw", "event_kw", "day_kw", *(f"{hour}_kw" for hour in hours)]
        by_day += ["age_days", "same_weekday", "temp_gap_c", "temp_day_gap_c"]
        numbers = [f"{k:02d}" for k in range(1, self.days + 1)]
        single = ["seq_scale_kw", *(f"seq_now_{hour}_kw" for hour in hours), "seq_temp_c"]
        return single + [f"seq_{name}_{k}" for name in by_day for k in numbers]

    def ledger(self, panel: Panel, event: EventArrays) -> DayLedger:
        """Every day of the look-back with its reason."""
        return ReferenceDays(
            days=self.days,
            look_back_days=self.look_back_days,
            day_types=self.day_types,
            min_metered_share=self.min_metered_share,
        ).ledger(panel, event)

    def _features(self, panel: Panel, event: EventArrays) -> np.ndarray:
        days = self.ledger(panel, event).newest(self.days)
        row = event.event_of_row
        blocks = hour_blocks(panel, event, days, self.hours_before, self.hours_after)
        load = reference_load(panel, event, days)
        today = local_clock(panel, event.site, event.start_us) // DAY_US - panel.cube(OBSERVED).first_day
        back = np.where(days >= 0, today[:, None] - days, np.nan)
        same = np.where(days >= 0, (back % 7 == 0).astype(np.float64), np.nan)
        temperature, gap, day_gap = self._temperatures(panel, event, days)
        single = [mean_size(panel, event.site, days[:, :_SCALE_DAYS])[:, None], blocks.today]
        by_event = [mean_by_event(load, event), day_means(panel, event.site, days)]
        by_event += [blocks.then[:, :, hour].astype(np.float64) for hour in range(blocks.then.shape[2])]
        by_event += [back, same]
        parts = [*(part[row] for part in single), temperature[:, None], load]
        return np.concatenate([*parts, *(part[row] for part in by_event), gap, day_gap[row]], axis=1)

    def _temperatures(
        self, panel: Panel, event: EventArrays, days: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Temperature of each row, and what it is above each day's at the row (n_rows, n_days) and as mean of the day."""
        row = event.event_of_row
        if self.temperature is None or self.temperature not in panel.data.columns:
            none = np.full((len(row), self.days), np.nan)
            return np.full(len(row), np.nan), none, np.full(days.shape, np.nan)
        cube = panel.cube(self.temperature)
        start_day = local_clock(panel, event.site, event.start_us) // DAY_US
        local = local_clock(panel, event.site[row], event.time_us)
        slot, offset = local % DAY_US // panel.step_us, local // DAY_US - start_day[row]
        day = np.where(days >= 0, days + panel.cube(OBSERVED).first_day, -(10**6))
        now = cube.lookup(event.site[row], local // DAY_US, slot)
        then = cube.lookup(event.site[row][:, None], day[row] + offset[:, None], slot[:, None])
        there, own = day - cube.first_day, start_day - cube.first_day
        inside, own_inside = (there >= 0) & (there < cube.n_days), (own >= 0) & (own < cube.n_days)
        then_day = np.where(inside, cube.day_means[event.site[:, None], np.where(inside, there, 0)], np.nan)
        now_day = np.where(own_inside, cube.day_means[event.site, np.where(own_inside, own, 0)], np.nan)
        return now, now[:, None] - then, now_day[:, None] - then_day


def mean_size(panel: Panel, site: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Mean absolute load of some days of the cube [kW], shape (n_events,); NaN where there is no day (all -1)."""
    cube = panel.cube(OBSERVED)
    inside = (days >= 0) & (days < cube.n_days)
    size = known_mean(np.abs(cube.values[site[:, None], np.where(inside, days, 0)]).astype(np.float64))
    return known_mean(np.where(inside, size, np.nan))
