"""How an event day stands against its reference days: parts of :class:`cblcast.features.day_history.DayHistory`.

Every function returns columns by name, one value per row of the cases, float64.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cblcast.days.day_types import site_day_types
from cblcast.features.day_loads import mean_by_event
from cblcast.features.hour_blocks import HourBlocks
from cblcast.frames.cases import EventArrays
from cblcast.frames.cube import DayCube
from cblcast.frames.instants import DAY_US
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED

Columns = dict[str, np.ndarray]

RATIO_LIMITS = (0.5, 2.0)  # a spike in one seen hour must not multiply the evening
_YEAR = 364  # days: the same weekday


def adjusted(at: Columns, beside: Columns, blocks: HourBlocks, row: np.ndarray) -> Columns:
    """Means of days, scaled and shifted to meet the meter in the two nearest seen hours on each side.

    Parameters
    ----------
    at : dict of ndarray, shape (n_rows,)
        Weighted days at the interval.
    beside : dict of ndarray, shape (n_events, n_hours)
        The same in the hours beside the event.
    row : ndarray of int
        Event of each row.
    """
    window = blocks.nearest_seen(2)
    seen = known_mean(np.where(window, blocks.today, np.nan))
    found = {}
    for name in ("mean", "nearest", "alike"):
        expected = known_mean(np.where(window & np.isfinite(blocks.today), beside[name], np.nan))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.clip(seen / np.where(expected > 0, expected, np.nan), *RATIO_LIMITS)
        found[f"{name}_ratio_kw"] = at[name] * ratio[row]
        found[f"{name}_shift_kw"] = at[name] + (seen - expected)[row]
    several = np.stack(
        [found[f"{name}_kw"] for name in ("mean_ratio", "nearest_ratio", "alike_ratio", "nearest_shift")], axis=1
    )
    together = known_mean(several)
    found["adjusted_kw"] = np.where(np.isfinite(together), together, at["mean"])
    return found


def spread(load: np.ndarray) -> Columns:
    """How far the newest days lie apart at the interval; `load` is (n_rows, n_days)."""

    def deviation(values: np.ndarray) -> np.ndarray:
        return np.sqrt(known_mean((values - known_mean(values)[:, None]) ** 2))

    newest = load[:, :10]
    none = ~np.isfinite(newest).any(1)
    least = np.where(none, np.nan, np.where(np.isfinite(newest), newest, np.inf).min(1))
    most = np.where(none, np.nan, np.where(np.isfinite(newest), newest, -np.inf).max(1))
    return {"spread_kw": deviation(newest), "spread_20_kw": deviation(load[:, :20]), "least_kw": least, "most_kw": most}


def event_day(blocks: HourBlocks, beside: Columns, row: np.ndarray) -> Columns:
    """The seen hours of the event day, and what they are above the reference days."""
    today, n_before = blocks.today, blocks.n_before
    found = {}
    for column in range(today.shape[1]):
        after = column >= n_before
        k = column - n_before + 1 if after else column + 1
        if not after and k > 10:
            continue
        name = f"{'after' if after else 'before'}_{k}"
        found[f"{name}_kw"] = today[row, column]
        against = ("mean", "alike", "weekday") if after or k <= 4 else ("mean",)
        found |= {f"{name}_above_{other}_kw": (today - beside[other])[row, column] for other in against}
    early = slice(10, min(16, n_before))
    found["early_kw"] = known_mean(today[:, early])[row]
    found["early_above_mean_kw"] = known_mean((today - beside["mean"])[:, early])[row]
    return found


def climb(at: Columns, beside: Columns, blocks: HourBlocks, row: np.ndarray) -> Columns:
    """What the interval is above the nearest hour before the event that is seen, on the reference days."""
    before = np.isfinite(blocks.today[:, : blocks.n_before])
    nearest, any_seen = before.argmax(1), before.any(1)
    event = np.arange(len(nearest))
    return {
        f"climb_{name}_kw": at[name] - np.where(any_seen, beside[name][event, nearest], np.nan)[row]
        for name in ("mean", "alike", "nearest")
    }


def level(
    blocks: HourBlocks, gap: np.ndarray, day_kw: np.ndarray, load: np.ndarray, at_mean: np.ndarray, event: EventArrays
) -> Columns:
    """Where the site's level stands and drifts, and how alike its days are.

    Parameters
    ----------
    gap : ndarray, shape (n_events, n_days)
        See :func:`~cblcast.features.day_weights.day_gaps`.
    day_kw : ndarray, shape (n_events, n_days)
        Mean load of each reference day.
    load : ndarray, shape (n_rows, n_days)
    at_mean : ndarray, shape (n_rows,)
        Mean of the newest ten days at the interval.
    """
    row = event.event_of_row
    event_load = mean_by_event(load[:, :10], event)
    newest = {
        "gap_least_kw": np.where(np.isfinite(gap).any(1), np.where(np.isfinite(gap), gap, np.inf).min(1), np.nan),
        "gap_median_kw": _known_median(gap[:, :20]),
        "newest_above_mean_kw": day_kw[:, 0] - known_mean(day_kw[:, :10]),
        "newest_event_above_mean_kw": event_load[:, 0] - known_mean(event_load),
        "trend_kw": known_mean(day_kw[:, :5]) - known_mean(day_kw[:, 5:15]),
        "night_kw": known_mean(known_mean(blocks.then[:, :10, 11:16].astype(np.float64))),
        "daytime_kw": known_mean(known_mean(blocks.then[:, :10, :8].astype(np.float64))),
    }
    return {name: value[row] for name, value in newest.items()} | {"newest_at_above_mean_kw": load[:, 0] - at_mean}


def year_ago(panel: Panel, event: EventArrays, scale_kw: np.ndarray, day_types: str | Sequence[str]) -> Columns:
    """Load 364 days earlier and its change against the two weeks before it, brought to the site's present scale [kW].

    Holidays, terms and school years come again; the reference days know nothing of them.
    """
    cube = panel.cube(OBSERVED)
    row = event.event_of_row
    start_day = local_clock(panel, event.site, event.start_us) // DAY_US
    local = local_clock(panel, event.site[row], event.time_us)
    slot = local % DAY_US // panel.step_us
    offset = local // DAY_US - start_day[row]
    first, last = int(start_day.min()), int(start_day.max())
    types = site_day_types(panel, day_types, first - _YEAR - 20, last - first + _YEAR + 25)
    own_type = types[event.site, start_day - first + _YEAR + 20]

    def loads(shifts: range) -> tuple[np.ndarray, np.ndarray]:
        """Mean over days of the own type, at the interval and over the whole day."""
        day = start_day[:, None] - _YEAR + np.array(shifts)
        alike = types[event.site[:, None], day - first + _YEAR + 20] == own_type[:, None]
        at = cube.lookup(event.site[row][:, None], day[row] + offset[:, None], slot[:, None])
        position = day - cube.first_day
        inside = (position >= 0) & (position < cube.n_days)
        whole = cube.day_means[event.site[:, None], np.where(inside, position, 0)]
        return known_mean(np.where(alike[row], at, np.nan)), known_mean(np.where(alike & inside, whole, np.nan))

    near_at, _ = loads(range(-1, 2))
    wide_at, _ = loads(range(-3, 4))
    before_at, before_day = loads(range(-15, -1))
    near_at = np.where(np.isfinite(near_at), near_at, wide_at)
    with np.errstate(divide="ignore", invalid="ignore"):
        to_now = scale_kw / np.where(before_day > 0, before_day, np.nan)[row]
    return {"year_ago_kw": near_at * to_now, "year_ago_change_kw": (near_at - before_at) * to_now}


def weather_against_days(panel: Panel, event: EventArrays, days: np.ndarray, column: str) -> Columns:
    """Weather of the event day, at the interval and over the day, against the newest reference days.

    The weather after the event is used, as measured: in a backtest the result is as of perfect weather.
    """
    cube = panel.cube(column)
    shift = panel.cube(OBSERVED).first_day
    row = event.event_of_row
    start_day = local_clock(panel, event.site, event.start_us) // DAY_US
    local = local_clock(panel, event.site[row], event.time_us)
    slot, offset = local % DAY_US // panel.step_us, local // DAY_US - start_day[row]
    day = np.where(days >= 0, days + shift, -1)
    now = cube.lookup(event.site[row], local // DAY_US, slot)
    then = cube.lookup(event.site[row][:, None], day[row] + offset[:, None], slot[:, None])
    own, others = (
        _day_mean(cube, event.site, start_day - cube.first_day),
        _day_mean(cube, event.site[:, None], np.where(days >= 0, day - cube.first_day, -1)),
    )
    before = panel.values_at(column, event.site, event.start_us - panel.step_us)
    return {
        f"{column}_above_mean": now - known_mean(then),
        f"{column}_day": own[row],
        f"{column}_day_above_mean": (own - known_mean(others))[row],
        f"{column}_climb": now - before[row],
    }


def day_means(panel: Panel, site: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Mean load of whole days [kW], shape (n_events, n_days); NaN for a day of -1."""
    return _day_mean(panel.cube(OBSERVED), site[:, None], days)


def _day_mean(cube: DayCube, site: np.ndarray, position: np.ndarray) -> np.ndarray:
    inside = (position >= 0) & (position < cube.n_days)
    return np.where(inside, cube.day_means[site, np.where(inside, position, 0)], np.nan)


def _known_median(values: np.ndarray) -> np.ndarray:
    out = np.full(len(values), np.nan)
    some = np.isfinite(values).any(1)
    if some.any():
        out[some] = np.nanmedian(values[some], axis=1)
    return out
