"""What the recent days of a site say about its event day: the features of the pooled learned baselines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Days, HourCount, Share
from cblcast.days.day_types import DayTypes
from cblcast.days.ledger import DayLedger
from cblcast.features import day_contrasts as contrasts
from cblcast.features import day_weights as dw
from cblcast.features.day_loads import reference_load
from cblcast.features.hour_blocks import HourBlocks, hour_blocks
from cblcast.features.reference_days import ReferenceDays
from cblcast.frames.cases import EventArrays
from cblcast.frames.instants import DAY_US
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED, StudyError
from cblcast.wishes import union, widest

_EVENTS_AT_ONCE = 4000
_COMPARED_HOURS = 9  # before the event: what likeness looks at
_MODELLED_HOURS = 11  # before the event: what the best linear prediction is given
_ALIKE_DAYS = 40


@dataclass(frozen=True)
class DayHistory:
    """Weighted means of reference days, how the event day runs against them, and how steady the site is.

    All columns begin with ``history_``; those with ``kw`` among the words of their name are in kW.

    ``scale_kw``               mean load of the ten newest reference days: the size of the site now
    ``mean_kw``, ``mean_5_kw``, ``mean_20_kw``  mean of the newest 10, 5, 20 days at the interval's wall clock
    ``weekday_kw``             days of the same weekday, weight falling with age
    ``alike_kw``, ``nearest_kw``  days alike in the seen hours: smooth weights; the 5 nearest of 10
    ``steady_kw``, ``quick_kw``  best linear prediction given the seen hours, from a long and a short memory (see
                               :func:`~cblcast.features.day_weights.conditional_weights`): it knows when not to adjust
    ``<mean|nearest|alike>_ratio_kw``, ``<mean|nearest|alike>_shift_kw``  the same, met in the two nearest seen hours on
                               each side (the paper's PBLM without a buffer), the ratio within 0.5-2
    ``adjusted_kw``            mean of three of the ratios and the shift of the nearest days; ``mean_kw`` where no hour is seen
    ``day_<k>_kw``             the k-th newest day at the interval
    ``spread_kw``, ``spread_20_kw``, ``least_kw``, ``most_kw``  of the newest 10 (20) days at the interval
    ``before_<k>_kw``, ``after_<k>_kw``  the meter in the k-th hour beside the event; ``…_above_mean_kw``,
                               ``…_above_alike_kw``, ``…_above_weekday_kw`` the same minus what those days had
    ``early_kw``, ``early_above_mean_kw``  mean of the seen hours 11-16 before the event
    ``climb_mean_kw``, ``climb_alike_kw``, ``climb_nearest_kw``  the interval minus the nearest seen hour, on those days
    ``gap_least_kw``, ``gap_median_kw``  how alike the days are
    ``newest_above_mean_kw``, ``newest_event_above_mean_kw``, ``trend_kw``, ``night_kw``, ``daytime_kw``  level and drift
    ``age_1_days``, ``age_2_days``  of the newest two days; ``count_days`` how many there are
    ``year_ago_kw``, ``year_ago_change_kw``  with `year_ago`: load 364 days earlier, and what it then was above its own two
                               weeks before, both brought to today's scale; ``mean_kw`` and 0 where the panel has none
    ``<weather>_above_mean``, ``<weather>_day``, ``<weather>_day_above_mean``, ``<weather>_climb``  for each of `weather`

    Parameters
    ----------
    days : int
        Reference days kept.
    look_back_days : int
    day_types : str or eight labels
    min_metered_share : float
    hours_before, hours_after : int
        Hours beside the event.
    weather : tuple of str
        Columns of the panel that are compared with the reference days.
    year_ago : bool

    Notes
    -----
    Nothing is learned: a model trained on some sites reads the same columns at a site it has never seen.
    """

    days: Days = 60
    look_back_days: Days = 100
    day_types: DayTypes = "working"
    min_metered_share: Share = 0.9
    hours_before: HourCount = widest(16)
    hours_after: HourCount = widest(4)
    weather: tuple[str, ...] = union(("temp_air_c",))
    year_ago: bool = widest(True)

    def __post_init__(self) -> None:
        check_fields(self)
        if OBSERVED in self.weather:
            raise StudyError(f"{OBSERVED!r} is no weather: its day would be compared without the blindfold")
        if self.days < 2 or self.hours_before < 1 or self.hours_after < 0:
            raise StudyError("day_history needs days >= 2, hours_before >= 1 and hours_after >= 0")

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        event = EventArrays.of(panel, cases)
        n_events = len(event.start_us)
        parts = [
            self._features(panel, event.take(slice(first, first + _EVENTS_AT_ONCE))[0])
            for first in range(0, n_events, _EVENTS_AT_ONCE)
        ]
        if not parts:
            return pd.DataFrame(index=cases.index)
        names = list(parts[0])
        values = np.concatenate([np.stack([part[name] for name in names], axis=1) for part in parts])
        return pd.DataFrame(values, index=cases.index, columns=[f"history_{name}" for name in names])

    def reads_columns(self) -> tuple[str, ...]:
        """Columns of the panel that are read besides ``observed_kw``."""
        return self.weather

    def ledger(self, panel: Panel, event: EventArrays) -> DayLedger:
        """Every day of the look-back with its reason."""
        return ReferenceDays(
            days=self.days,
            look_back_days=self.look_back_days,
            day_types=self.day_types,
            min_metered_share=self.min_metered_share,
        ).ledger(panel, event)

    def _features(self, panel: Panel, event: EventArrays) -> contrasts.Columns:
        days = self.ledger(panel, event).newest(self.days)
        blocks = hour_blocks(panel, event, days, self.hours_before, self.hours_after)
        load = reference_load(panel, event, days)
        row = event.event_of_row
        today = local_clock(panel, event.site, event.start_us) // DAY_US - panel.cube(OBSERVED).first_day
        gap, weights = day_schemes(blocks, days, today)
        day_kw = contrasts.day_means(panel, event.site, days)
        at = dw.weighted_each(load, {name: weight[row] for name, weight in weights.items()})
        compared = {name: weights[name] for name in ("mean", "alike", "nearest", "weekday")}
        beside = dw.weighted_each(blocks.then.astype(np.float64), compared)

        found = {"scale_kw": dw.weighted(day_kw, weights["mean"])[row]}
        found |= {f"{name}_kw": value for name, value in at.items()}
        found |= contrasts.adjusted(at, beside, blocks, row)
        found |= {f"day_{k + 1}_kw": load[:, k] for k in range(min(10, self.days))}
        found |= contrasts.spread(load)
        found |= contrasts.event_day(blocks, beside, row)
        found |= contrasts.climb(at, beside, blocks, row)
        found |= contrasts.level(blocks, gap, day_kw, load, at["mean"], event)
        for k in (1, 2):
            found[f"age_{k}_days"] = np.where(days[:, k - 1] >= 0, today - days[:, k - 1], np.nan)[row]
        found["count_days"] = (days >= 0).sum(1).astype(np.float64)[row]
        if self.year_ago:
            then = contrasts.year_ago(panel, event, found["scale_kw"], self.day_types)
            known = np.isfinite(then["year_ago_kw"]) & np.isfinite(then["year_ago_change_kw"])
            found["year_ago_kw"] = np.where(known, then["year_ago_kw"], at["mean"])
            found["year_ago_change_kw"] = np.where(known | np.isnan(at["mean"]), then["year_ago_change_kw"], 0.0)
        for column in self.weather:
            found |= contrasts.weather_against_days(panel, event, days[:, :10], column)
        return found


def day_schemes(blocks: HourBlocks, days: np.ndarray, today: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """How unlike each reference day is [kW], and the weights of the days by scheme; all of shape (n_events, n_days).

    Parameters
    ----------
    days : ndarray of int64, shape (n_events, n_days)
        Positions in the cube, newest first, -1 where there is none.
    today : ndarray of int64, shape (n_events,)
        Position of the event day.
    """
    there = days >= 0
    age = np.arange(days.shape[1])
    gap = dw.day_gaps(*_hours(blocks, _COMPARED_HOURS))
    young = np.where(age < _ALIKE_DAYS, gap, np.nan)
    same_weekday = there & ((today[:, None] - days) % 7 == 0)
    long_memory = dw.summing_to_one(there * 0.5 ** (age / 20))
    short_memory = dw.summing_to_one(there * (age < _ALIKE_DAYS) * 0.5 ** (age / 15))
    seen, then = _hours(blocks, _MODELLED_HOURS)
    return gap, {
        "mean": dw.newest_weights(there, 10),
        "mean_5": dw.newest_weights(there, 5),
        "mean_20": dw.newest_weights(there, 20),
        "weekday": dw.summing_to_one(same_weekday * 0.8**age),
        "alike": dw.alike_weights(young, 0.6, 0.97),
        "nearest": dw.nearest_weights(gap, 5, 10),
        "steady": dw.conditional_weights(seen, then, long_memory, 0.3),
        "quick": dw.conditional_weights(seen, then, short_memory, 1.0),
    }


def _hours(blocks: HourBlocks, before: int) -> tuple[np.ndarray, np.ndarray]:
    """The `before` hours nearest to the event on that side, and all hours after it: on the event day, on the others."""
    column = np.arange(blocks.today.shape[1])
    use = (column < before) | (column >= blocks.n_before)
    return blocks.today[:, use], blocks.then[:, :, use].astype(np.float64)
