"""Days like the event: by weather, season and load, as far as any of it may be seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cblcast.days.local_fit import Predicted, effective_days, predict
from cblcast.frames.instants import DAY_US, HOUR_US, microseconds
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import SITE

TEMPERATURE = "temp_air_c"
COMFORT_C = 15.0  # a day warmer is cooled against, a day colder heated
LOAD_HOURS = (10, 4)  # hours before the start whose load is compared: before most windows and notifications
USUAL_DAYS = 10
# What a standard deviation of likeness is; chosen on the summers of 2016 and 2018 (benchmarks/event_like_intervals).
WARMTH_K, WARMTH_GAP_K, LOAD_GAP, SEASON_DAYS = 4.5, 3.5, 0.3, 75.0
MOST_LOAD_GAP = 0.5
MOST_APART = 50.0  # a weight is small then, but no zero
LEAST_LIKE_DAYS = 10.0
BLOCK = 2_000_000  # unit-days at once: bounds the memory


def conditions(masked: Panel, days: pd.DataFrame) -> pd.DataFrame:
    """What may be seen of each event's day.

    Parameters
    ----------
    masked : Panel
        With real events masked: what a site did in another event is no habit.
    days : DataFrame
        ``site_id``, ``start``.

    Returns
    -------
    DataFrame, same index
        ``day`` (local, days since 1970-01-01), ``warmth_c`` (mean air temperature of the day [°C], NaN without weather)
        and ``load_kw`` (mean load from ten to four hours before the start).
    """
    code, start = masked.site_codes(pd.Index(days[SITE])), microseconds(days["start"])
    day = local_clock(masked, code, start) // DAY_US
    warmth = np.full(len(days), np.nan)
    if TEMPERATURE in masked.data.columns:
        cube = masked.cube(TEMPERATURE)
        mean = known_mean(cube.values, dtype=cube.values.dtype)
        warmth = mean[code, np.clip(day - cube.first_day, 0, cube.n_days - 1)]
    first, last = (hours * HOUR_US for hours in LOAD_HOURS)
    grid = np.arange(-first, -last, masked.step_us)
    load = np.zeros(len(days))
    count = np.zeros(len(days))
    for shift in grid:  # a column at a time: a table of all would not fit
        value = masked.values_at("observed_kw", code, start + shift)
        known = np.isfinite(value)
        load += np.where(known, value, 0.0)
        count += known
    load = np.where(2 * count >= len(grid), load / np.maximum(count, 1), np.nan)
    return pd.DataFrame({"day": day, "warmth_c": warmth, "load_kw": load}, index=days.index)


@dataclass(frozen=True, eq=False)
class History:
    """Errors of a rule on days without events, and the conditions of these days.

    Attributes
    ----------
    days : ndarray of int64, shape (n_days,)
        Local days since 1970-01-01, sorted.
    error, warmth_c, load_kw : ndarray, shape (n_units, n_days)
        Estimate minus metered [kWh], mean air temperature of the day, mean load before the start; NaN where not known.
    """

    days: np.ndarray
    error: np.ndarray
    warmth_c: np.ndarray
    load_kw: np.ndarray

    def units(self, rows: np.ndarray) -> History:
        """The history of some of the units."""
        return History(self.days, self.error[rows], self.warmth_c[rows], self.load_kw[rows])

    @cached_property
    def gaps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How each day differs from the ten before it: warmth [K], distance from comfort [K], load (share of its mean)."""
        before = np.arange(len(self.days))
        return self._gaps(before, self.warmth_c, self.load_kw)

    @cached_property
    def usual_load_kw(self) -> np.ndarray:
        """Mean size of the load of each unit, shape (n_units, 1)."""
        return np.maximum(known_mean(np.abs(self.load_kw), otherwise=1.0), 1e-9)[:, None]

    def gaps_of(self, day: int, warmth_c: np.ndarray, load_kw: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same of a further day, each of shape (n_units,)."""
        before = np.array([np.searchsorted(self.days, day)])
        warmth, comfort, load = self._gaps(before, warmth_c[:, None], load_kw[:, None])
        return warmth[:, 0], comfort[:, 0], load[:, 0]

    def _gaps(
        self, before: np.ndarray, warmth_c: np.ndarray, load_kw: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`before` is the number of days that lie before each column."""
        far, all_far = (np.abs(each - COMFORT_C) for each in (warmth_c, self.warmth_c))
        warmth = warmth_c - _mean_of_last(self.warmth_c, before)
        load = (load_kw - _mean_of_last(self.load_kw, before)) / self.usual_load_kw
        return warmth, far - _mean_of_last(all_far, before), np.clip(load, -MOST_LOAD_GAP, MOST_LOAD_GAP)


def _mean_of_last(values: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Mean over the known of the ten columns before each position, NaN with fewer than three; (n_units, n_positions)."""
    known = np.isfinite(values)
    total = np.cumsum(np.pad(np.where(known, values, 0.0), ((0, 0), (1, 0))), axis=1)
    count = np.cumsum(np.pad(known.astype(np.int64), ((0, 0), (1, 0))), axis=1)
    first = np.maximum(before - USUAL_DAYS, 0)
    n = count[:, before] - count[:, first]
    return np.where(n >= 3, (total[:, before] - total[:, first]) / np.maximum(n, 1), np.nan)


def like_limits(
    history: History,
    day: int,
    warmth_c: np.ndarray,
    load_kw: np.ndarray,
    coverage: float,
    days_before: int = 400,
) -> Predicted:
    """Limits of the error on `day` from earlier days, those most like it counting most.

    Parameters
    ----------
    history : History
        Days from `day` on are not looked at.
    day : int
        Local, days since 1970-01-01.
    warmth_c, load_kw : ndarray, shape (n_units,)
        Conditions of the day; what is NaN plays no part.
    coverage : float
    days_before : int
        Calendar days that are looked back.
    """
    block = max(1, BLOCK // max(len(history.days), 1))
    parts = []
    for first in range(0, len(history.error), block):
        rows = np.arange(first, min(first + block, len(history.error)))
        parts.append(_limits(history.units(rows), day, warmth_c[rows], load_kw[rows], coverage, days_before))
    return Predicted(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))


_FIELDS = ("low", "high", "centre", "like_days", "few")


def _limits(
    history: History, day: int, warmth_c: np.ndarray, load_kw: np.ndarray, coverage: float, days_before: int
) -> Predicted:
    use = (history.days < day) & (history.days >= day - days_before)
    warmth_gap, comfort_gap, load_gap = history.gaps
    here = history.gaps_of(day, warmth_c, load_kw)
    pairs = (
        (history.warmth_c, warmth_c, WARMTH_K),
        (warmth_gap, here[0], WARMTH_GAP_K),
        (load_gap, here[2], LOAD_GAP),
    )
    season = np.abs((history.days[use] - day + 182.6) % 365.2425 - 182.6)
    apart = np.tile((season / SEASON_DAYS) ** 2, (len(history.error), 1))
    for past, now, scale in pairs:
        # What is not known of the event's day tells nothing; a day of which it is not known is no like day then.
        apart += np.where(np.isfinite(now)[:, None], ((past[:, use] - now[:, None]) / scale) ** 2, 0.0)
    error = history.error[:, use]
    weight = likeness(np.where(np.isfinite(error), apart, np.nan))
    explained = np.stack([_known(past[:, use], now) for past, now in ((comfort_gap, here[1]), (load_gap, here[2]))], 2)
    place = np.stack([np.nan_to_num(here[1]), np.nan_to_num(here[2])], 1)
    weight = np.where(np.isfinite(explained).all(2), weight, 0.0)
    return predict(error, np.nan_to_num(explained), weight, place, coverage)


def _known(past: np.ndarray, now: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(now)[:, None], past, 0.0)


def likeness(apart: np.ndarray) -> np.ndarray:
    """Weights in [0, 1] from squared distances, exp(-apart / 2); 0 of NaN; shape (n_units, n_days).

    Where fewer than ten days would count beside the nearest, the scale on which they differ from it is doubled until ten
    do or all count alike; the weight of the nearest stays.
    """
    if apart.shape[1] == 0:
        return np.zeros_like(apart)
    nearest = np.where(np.isfinite(apart), apart, np.inf).min(axis=1, keepdims=True)
    nearest = np.where(np.isfinite(nearest), nearest, 0.0)
    further = np.where(np.isfinite(apart), apart - nearest, np.inf)
    weight = np.exp(-further / 2)
    wanted = np.minimum(LEAST_LIKE_DAYS, np.isfinite(apart).sum(1) - 0.5)
    for doubled in range(1, 12):
        short = effective_days(weight) < wanted
        if not short.any():
            break
        weight[short] = np.exp(-further[short] / (2 * 4.0**doubled))
    return weight * np.exp(-np.minimum(nearest, MOST_APART) / 2)
