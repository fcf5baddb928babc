"""Scenarios of island operation, cut from measured wind and load: some drawn in every month, or every window of a year."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.schema import SITE
from cblcast.physics.power_curve import PowerCurve
from cblcast.simulate.island import Islands

_MOST_PIECES = 10_000  # of a step: an hour of values every 360 ms


@dataclass(frozen=True, eq=False)
class IslandYear:
    """A year on one grid of steps, from which islands are cut.

    Attributes
    ----------
    times : DatetimeIndex (n,)
        Starts of the steps, UTC, without gaps.
    turbine_kw : ndarray (n, n_turbines)
        What each turbine could generate [kW]; NaN where the wind is missing.
    load_kw : ndarray (n,)
        Critical load [kW].
    solar_kw : ndarray (n,), optional
    """

    times: pd.DatetimeIndex
    turbine_kw: np.ndarray
    load_kw: np.ndarray
    solar_kw: np.ndarray | None = None

    def __post_init__(self) -> None:
        given = {"turbine_kw": self.turbine_kw, "load_kw": self.load_kw, "solar_kw": self.solar_kw}
        for name, values in given.items():
            if values is not None and len(values) != len(self.times):
                raise DataError(
                    f"a year has {len(self.times)} times, but {len(values)} rows of {name}: give one for each"
                )
        if len(self.times) < 2:
            raise DataError(f"a year of {len(self.times)} steps has no islands: give at least two steps")

    @property
    def step_h(self) -> float:
        """Length of a step [h]."""
        return float((self.times[1] - self.times[0]) / pd.Timedelta(hours=1))


@dataclass(frozen=True, eq=False)
class Drawn:
    """Islands, when each begins, and how many draws were thrown away because wind or load was missing."""

    islands: Islands
    starts: pd.DatetimeIndex
    redrawn: int
    first_row: np.ndarray


def steps_of(hours: float, step_h: float) -> int:
    """Steps in an island of `hours`; a step that does not divide the time is a :class:`DataError`."""
    steps = hours / step_h if step_h else math.nan
    if not (np.isfinite(steps) and hours > 0) or abs(steps - round(steps)) > 1e-6 or round(steps) < 1:
        raise DataError(
            f"a step of {step_h * 60:g} min does not divide an island of {hours:g} h: choose a step that does, like "
            "10 min and 6 h"
        )
    return round(steps)


def turbine_power(wind_ms: np.ndarray, curve: PowerCurve, count: int, scale: float = 1.0) -> np.ndarray:
    """Power of `count` like turbines in the same wind, through `curve` [kW], shape (n, count).

    Parameters
    ----------
    scale : float
        Factor on the wind speed, to carry a measured series to a site of another mean speed; > 0.
    """
    if not (np.isfinite(scale) and scale > 0):
        raise DataError(f"wind is scaled by {scale}: give a factor above 0")
    if count < 0:
        raise DataError(f"there are {count} turbines: give 0 or more")
    return np.repeat(curve(np.asarray(wind_ms, dtype=np.float64) * scale)[:, None], count, axis=1)


def draw_islands(year: IslandYear, hours: float = 6.0, per_month: int = 4, seed: int = 0) -> Drawn:
    """`per_month` islands in every month, at random whole hours (the paper: four a month, 48 in all).

    A draw with missing wind or load is thrown away, counted and drawn again.

    Raises
    ------
    DataError
        A month without a single complete window; a year that is not twelve months; a step that does not divide the time.
    """
    steps = steps_of(hours, year.step_h)
    if per_month < 1 or seed < 0:
        raise DataError(f"{per_month} islands a month with seed {seed}: draw at least one, with a seed of 0 or more")
    whole = _whole_windows(year, steps)
    months, rows, redrawn = np.asarray(year.times.month), [], 0
    rng = np.random.default_rng(seed)
    candidate = np.asarray(year.times.minute == 0) & (np.arange(len(whole)) + steps <= len(whole))
    for month in range(1, 13):
        here = np.flatnonzero(candidate & (months == month))
        if not whole[here].any():
            raise DataError(
                f"month {month} has no window of {hours:g} h with wind and load throughout "
                f"({year.times[0]:%Y-%m-%d} to {year.times[-1]:%Y-%m-%d}; {_missing(year, months == month)}): "
                "fill the gaps, or give another year"
            )
        chosen: list[int] = []
        while len(chosen) < per_month:
            row = int(rng.choice(here))
            if whole[row]:
                chosen.append(row)
            else:
                redrawn += 1
        rows += sorted(chosen)
    return _cut(year, np.array(rows), steps, redrawn)


def all_islands(year: IslandYear, hours: float = 6.0) -> Drawn:
    """Every window of the year, one after the other; those with missing wind or load are left out and counted."""
    steps = steps_of(hours, year.step_h)
    first = np.arange(0, len(year.times) - steps + 1, steps)
    whole = _whole_windows(year, steps)[first]
    if not whole.any():
        raise DataError(f"no window of {hours:g} h has wind and load throughout: fill the gaps")
    return _cut(year, first[whole], steps, int((~whole).sum()))


def _missing(year: IslandYear, here: np.ndarray) -> str:
    """How much of the wind, load and sun `here` is missing, in words."""
    if not here.any():
        return "it has no step of this month"
    seen = {"wind": np.isfinite(year.turbine_kw).all(axis=1), "load": np.isfinite(year.load_kw)}
    if year.solar_kw is not None:
        seen["sun"] = np.isfinite(year.solar_kw)
    return "missing there: " + ", ".join(
        f"{100 * (1 - s[here].mean()):.0f} % of the {what}" for what, s in seen.items()
    )


def _whole_windows(year: IslandYear, steps: int) -> np.ndarray:
    """Whether the window that begins at each row has everything, (n,)."""
    seen = np.isfinite(year.turbine_kw).all(axis=1) & np.isfinite(year.load_kw)
    if year.solar_kw is not None:
        seen &= np.isfinite(year.solar_kw)
    total = np.r_[0, np.cumsum(seen)]
    whole = np.zeros(len(seen), dtype=bool)
    whole[: len(seen) - steps + 1] = total[steps:] - total[:-steps] == steps
    return whole


def _cut(year: IslandYear, first: np.ndarray, steps: int, redrawn: int) -> Drawn:
    at = first[:, None] + np.arange(steps)
    solar = None if year.solar_kw is None else year.solar_kw[at]
    islands = Islands(year.turbine_kw[at], year.load_kw[at], year.step_h, solar)
    return Drawn(islands, pd.DatetimeIndex(year.times[first]), redrawn, first)


def on_grid(series: pd.Series, times: pd.DatetimeIndex, what: str, step: pd.Timedelta | None = None) -> np.ndarray:
    """`series` (mean over intervals, label at the start) as means over the steps that begin at `times`.

    Nothing is interpolated: each value is held through its interval, as long as the series' own labels say; a longer step takes the
    mean of all that it covers, each for its share, and is NaN where any of it is missing. `step` is that of `times`, where these
    jump; else what lies between the first two.
    """
    if series.index.has_duplicates or not series.index.is_monotonic_increasing:
        raise DataError(f"{what}: times must rise and be unique; sort them and drop what is double")
    stamps = pd.DatetimeIndex(series.index).as_unit("us").asi8
    if len(stamps) < 2:
        raise DataError(f"{what} has {len(stamps)} values: give a series")
    commonest = np.bincount(np.searchsorted(gaps := np.unique(np.diff(stamps)), np.diff(stamps))).argmax()
    length, at = int(gaps[commonest]), times.as_unit("us").asi8
    if step is None:
        step = times[1] - times[0] if len(times) > 1 else pd.Timedelta(0)
    longer = round(step / pd.Timedelta(microseconds=1))
    piece = math.gcd(length, longer) if longer > length else longer
    pieces = longer // piece if longer > length else 1
    if pieces > _MOST_PIECES:
        raise DataError(
            f"{what} comes every {length / 6e7:g} min, which does not fit steps of {longer / 6e7:g} min: choose a multiple"
        )
    found = _held(stamps, series.to_numpy(np.float64), length, at)
    for k in range(1, pieces):
        found += _held(stamps, series.to_numpy(np.float64), length, at + k * piece)
    return found / pieces


def _held(stamps: np.ndarray, values: np.ndarray, length: int, at: np.ndarray) -> np.ndarray:
    """The value whose interval covers each instant, NaN where there is none."""
    place = np.searchsorted(stamps, at, side="right") - 1
    known = (place >= 0) & (at - stamps[np.maximum(place, 0)] < length)
    return np.where(known, values[np.maximum(place, 0)], np.nan)


def on_calendar(series: pd.Series, times: pd.DatetimeIndex, tz: str, what: str) -> np.ndarray:
    """`series` of another span, carried to `times` by season, local clock and weekday.

    A load of 2019 laid beside the wind of 2015 must keep its season, its clock and its working days: each time looks up the
    instant a whole number of weeks away that is nearest to a whole number of years, which keeps weekday and clock and moves
    the date by at most three days (ten, at the ends of the series).
    """
    local = pd.DatetimeIndex(series.index).tz_convert(tz).tz_localize(None)
    wanted = times.tz_convert(tz).tz_localize(None)
    low, high, week = local[0], local[-1], pd.Timedelta(weeks=1)
    moved = pd.DatetimeIndex([pd.NaT] * len(wanted)).as_unit("us")
    years = range(low.year - wanted[-1].year - 1, high.year - wanted[0].year + 2)
    for slack in (0, -1, 1):  # a like week beside the series' own, where its ends fall short
        for year in years:
            there = wanted + (round(year * 365.2425 / 7) + slack) * week
            moved = moved.where(moved.notna() | (there < low) | (there > high), there)
    naive = pd.Series(series.to_numpy(), index=local)
    naive = naive[~naive.index.duplicated()].sort_index()  # the repeated hour of autumn: the first stands for both
    step = times[1] - times[0] if len(times) > 1 else None
    return on_grid(naive, pd.DatetimeIndex(moved).fillna(low - 53 * week), what, step)


def island_events(starts: pd.DatetimeIndex, hours: float, site_ids: Sequence[str]) -> pd.DataFrame:
    """Islands as events of every site: what would a customer on the critical load have drawn, had the grid been there?

    Returns
    -------
    DataFrame
        ``site_id``, ``start``, ``stop``: what :func:`cblcast.frames.cases.make_cases` and every baseline take.
    """
    if starts.tz is None:
        raise DataError("islands begin at instants with a zone: localise starts first")
    frames = [
        pd.DataFrame({SITE: site, "start": starts, "stop": starts + pd.Timedelta(hours=hours)}) for site in site_ids
    ]
    return pd.concat(frames, ignore_index=True)
