"""Outdoor temperature as a building feels it, now and on the newest reference days, with the load of those days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from cblcast.days.day_types import site_holidays
from cblcast.features.day_loads import reference_load
from cblcast.features.reference_days import ReferenceDays
from cblcast.frames.cases import EventArrays
from cblcast.frames.cube import build_cube
from cblcast.frames.instants import DAY_US
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED, StudyError
from cblcast.wishes import union, widest

Array = np.ndarray
TIME_CONSTANTS_H = (0.0, 2.0, 6.0, 12.0, 24.0, 48.0, 96.0)


@dataclass(frozen=True)
class ThermalDays:
    """Filtered outdoor temperature and the same on reference days: what a physically based load model is corrected with.

    Columns, k = 01 (newest) … `days`, NaN where there are fewer qualified days:

    ``thermal_<tau>h_c``       outdoor temperature behind a first-order filter of the time constant tau [°C]; 0 is unfiltered
    ``thermal_<tau>h_c_k``     the same at the interval's wall clock on the reference day [°C]
    ``thermal_kw_k``           load then [kW]
    ``thermal_age_days_k``     calendar days before the event
    ``thermal_day``, ``thermal_day_k``  day of the week, 0 (Monday) … 6, holidays as Sunday

    Parameters
    ----------
    days, look_back_days, day_types, min_metered_share
        As :class:`~cblcast.features.reference_days.ReferenceDays`.
    time_constants_h : tuple of float
        Hours [h], 0 or more.
    temperature : str
        Column of the panel [°C]. Its gaps are bridged by straight lines; a site without any value has NaN.

    Notes
    -----
    The filter looks back only. As with every weather feature, a backtest on history has the weather as measured.
    """

    days: int = widest(10)
    look_back_days: int = widest(60)
    day_types: str | Sequence[str] = "working"
    time_constants_h: tuple[float, ...] = union(TIME_CONSTANTS_H)
    temperature: str = "temp_air_c"
    min_metered_share: float = 0.9

    def __post_init__(self) -> None:
        if self.temperature == OBSERVED:
            raise StudyError(f"{OBSERVED!r} is no weather: it would be filtered without the blindfold")
        if not self.time_constants_h or not all(0 <= tau <= 10_000 for tau in self.time_constants_h):
            raise StudyError(f"thermal_days needs time constants of 0 to 10,000 h, not {self.time_constants_h!r}")
        self._reference()  # refuses wrong numbers of days

    def reads_columns(self) -> tuple[str, ...]:
        """Columns of the panel that are read besides ``observed_kw``."""
        return (self.temperature,)

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        event = EventArrays.of(panel, cases)
        row = event.event_of_row
        site = event.site[row]
        first_day = panel.cube(OBSERVED).first_day
        chosen = self._reference().ledger(panel, event).newest(self.days)
        local = local_clock(panel, site, event.time_us)
        today, slot = local // DAY_US, local % DAY_US // panel.step_us
        start_day = local_clock(panel, event.site, event.start_us) // DAY_US
        # As in reference_load: a row after midnight looks at the day after the reference day.
        offset = today - start_day[row]
        there = chosen[row] >= 0
        then = np.where(there, chosen[row] + first_day + offset[:, None], first_day - 2)
        found: dict[str, Array] = {}
        for tau in self.time_constants_h:
            filtered = filtered_temperature(panel, self.temperature, tau)
            rows = panel.locate(site, event.time_us)
            found[f"thermal_{tau:g}h_c"] = np.where(rows >= 0, filtered[rows], np.nan)
            self._numbered(found, f"thermal_{tau:g}h_c", _on_days(panel, filtered, site, then, slot))
        self._numbered(found, "thermal_kw", reference_load(panel, event, chosen))
        age = np.where(chosen >= 0, (start_day - first_day)[:, None] - chosen, np.nan)
        self._numbered(found, "thermal_age_days", age[row])
        found["thermal_day"] = _day_of_week(panel, site, today)
        days = _day_of_week(panel, np.broadcast_to(site[:, None], then.shape), then)
        self._numbered(found, "thermal_day", np.where(there, days, np.nan))
        return pd.DataFrame(found, index=cases.index)

    def why_absent(self, panel: Panel, cases: pd.DataFrame) -> list[str]:
        """How many days qualified for each event of `cases`, and why the others fell out."""
        return self._reference().why_absent(panel, cases)

    def _reference(self) -> ReferenceDays:
        return ReferenceDays(
            days=self.days,
            look_back_days=self.look_back_days,
            day_types=self.day_types,
            min_metered_share=self.min_metered_share,
        )

    def _numbered(self, found: dict[str, Array], name: str, values: Array) -> None:
        found |= {f"{name}_{k:02d}": values[:, k - 1].astype(np.float64) for k in range(1, self.days + 1)}


def filtered_temperature(panel: Panel, column: str, time_constant_h: float) -> Array:
    """A weather column behind a first-order filter, site by site, float64, shape (n_rows,).

    T_f(t) = a T_f(t−1) + (1 − a) T(t) with a = exp(−Δt/τ): the temperature of one thermal mass that the weather alone
    drives. It begins at the mean of the first day.
    """
    values = panel.column(column)
    out = np.full(len(values), np.nan)
    keeps = np.exp(-panel.step_hours / time_constant_h) if time_constant_h > 0 else 0.0
    bounds = np.r_[np.flatnonzero(np.diff(panel.data.index.codes[0], prepend=-1)), len(values)]
    day = max(1, round(24 / panel.step_hours))
    for first, stop in pairwise(bounds.tolist()):
        own = values[first:stop]
        known = np.flatnonzero(np.isfinite(own))
        if len(known) == 0:
            continue
        if len(known) < len(own):
            own = np.interp(np.arange(len(own)), known, own[known])
        out[first:stop] = lfilter([1 - keeps], [1, -keeps], own, zi=[keeps * own[:day].mean()])[0]
    return out


def _on_days(panel: Panel, values: Array, site: Array, day: Array, slot: Array) -> Array:
    """Values of a derived column at (site, local day, slot), shape of `day`."""
    cube = build_cube(
        values,
        panel.times_us,
        np.asarray(panel.data.index.codes[0]),
        panel.sites["tz"].to_numpy(dtype=object).astype(str),
        len(panel.sites),
        panel.step_us,
    )
    return cube.lookup(site[:, None], day, slot[:, None])


def _day_of_week(panel: Panel, site: Array, day: Array) -> Array:
    """0 (Monday) … 6, holidays as Sunday, float64."""
    weekday = (day + 3) % 7
    if day.size == 0:
        return weekday.astype(np.float64)
    first, last = int(day.min()), int(day.max())
    free = np.zeros((len(panel.sites), last - first + 1), dtype=bool)
    for row, holidays in enumerate(site_holidays(panel, first, last)):
        free[row, holidays[(holidays >= first) & (holidays <= last)] - first] = True
    return np.where(free[site, day - first], 6, weekday).astype(np.float64)
