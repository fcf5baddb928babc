"""Rows onto one grid: lengths of intervals, duplicates, coarser steps, weather between its readings."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError, DataWarning

DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Rows:
    """Readings as arrays, sorted by site and time.

    Attributes
    ----------
    site : ndarray of int64, shape (n,)
    us : ndarray of int64, shape (n,)
        Microseconds UTC.
    values : dict of str to ndarray of float64, shape (n,)
    source_row : ndarray of int64, shape (n,)
        Row number in the source, for errors.
    """

    site: np.ndarray
    us: np.ndarray
    values: dict[str, np.ndarray]
    source_row: np.ndarray

    def take(self, rows: np.ndarray) -> Rows:
        """Some of the rows, by position or mask."""
        return Rows(
            self.site[rows],
            self.us[rows],
            {name: value[rows] for name, value in self.values.items()},
            self.source_row[rows],
        )

    def sorted(self) -> Rows:
        """Sorted by site and time; rows of one site and time keep the order of the source."""
        site, us = self.site, self.us
        forward = (site[1:] > site[:-1]) | ((site[1:] == site[:-1]) & (us[1:] >= us[:-1]))
        return self if forward.all() else self.take(np.lexsort((self.us, self.site)))

    @property
    def repeated(self) -> np.ndarray:
        """Which rows have the site and time of the row before; bool, shape (n,)."""
        return np.r_[False, (self.us[1:] == self.us[:-1]) & (self.site[1:] == self.site[:-1])][: len(self.us)]


def usual_step(rows: Rows) -> int:
    """The most frequent distance of two readings of one site [us]."""
    gaps = np.diff(rows.us)
    gaps = gaps[(gaps != 0) & (rows.site[1:] == rows.site[:-1])]
    if len(gaps) == 0:
        raise DataError("no site has two readings, so the length of an interval is unknown: give at least one day")
    return int(pd.Series(gaps).value_counts().index[0])


def interval_lengths(rows: Rows, label: str) -> np.ndarray:
    """Length of each row's interval [us], where sites may change their step and readings may be missing.

    A distance to the neighbour counts as a step when the distance beside it is the same; a lone longer one is a gap.
    """
    same = np.diff(rows.site) == 0
    gap = np.where(same, np.diff(rows.us), 0)
    ahead, behind = np.r_[gap, 0], np.r_[0, gap]
    toward, away = (ahead, behind) if label == "start" else (behind, ahead)
    beside = np.r_[ahead[1:], 0] if label == "start" else np.r_[0, behind[:-1]]
    steady = (toward > 0) & ((toward == beside) | (toward == away))
    shorter = np.where((toward > 0) & (away > 0), np.minimum(toward, away), np.maximum(toward, away))
    return np.where(steady, toward, shorter)


def join_duplicates(rows: Rows, how: str, describe: str) -> Rows:
    """One row for each site and time.

    Parameters
    ----------
    rows : Rows
        Sorted.
    how : {"raise", "mean", "first", "last"}
    describe : str
        Where the first duplicate stands, for the error.
    """
    if how not in ("raise", "mean", "first", "last"):
        raise DataError(f"on_duplicates is 'raise', 'mean', 'first' or 'last', not {how!r}")
    repeated = rows.repeated
    if not repeated.any():
        return rows
    if how == "raise":
        raise DataError(
            f"{describe} ({int(repeated.sum())} duplicates in all): drop them in the file, or say how to join them "
            "(on_duplicates='mean', 'first' or 'last')"
        )
    kept = rows.take(~repeated)
    if how == "first":
        return kept
    if how == "last":
        return rows.take(~np.r_[repeated[1:], False])
    group = np.cumsum(~repeated) - 1
    return replace(
        kept, values={name: _group_mean(value, group, len(kept.us))[0] for name, value in rows.values.items()}
    )


def _group_mean(
    value: np.ndarray, group: np.ndarray, n_groups: int, weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of what is not NaN in each group, and the weight that was there."""
    seen = np.isfinite(value)
    share = np.where(seen, 1.0 if weight is None else weight, 0.0)
    total = np.bincount(group, np.where(seen, value, 0.0) * share, n_groups)
    there = np.bincount(group, share, n_groups)
    return np.divide(total, there, out=np.full(n_groups, np.nan), where=there > 0), there


def resample(rows: Rows, step_us: int, lengths: np.ndarray, utc_offset: np.ndarray) -> Rows:
    """Means over longer intervals; an interval of which less than half was metered is NaN.

    Parameters
    ----------
    rows : Rows
        Sorted, without duplicates.
    step_us : int
    lengths : ndarray of int64, shape (n,)
        Length of each row's interval [us]: a quarter-hour weighs a quarter of an hour.
    utc_offset : ndarray of int64, shape (n_sites,)
        Offset of local time [us], so that half-hour zones get intervals on their own full hours.
    """
    if DAY_US % step_us:
        raise DataError(
            f"step {pd.Timedelta(step_us, unit='us')} does not divide the day: use 60, 30, 15, 10 or 5 minutes"
        )
    if len(lengths) and np.median(lengths) > step_us:
        raise DataError(
            f"the readings are {pd.Timedelta(int(np.median(lengths)), unit='us')} apart, longer than step "
            f"{pd.Timedelta(step_us, unit='us')}: choose a step that is at least as long"
        )
    shift = utc_offset[rows.site]
    start = (rows.us + shift) // step_us * step_us - shift
    new = np.r_[True, (np.diff(rows.site) != 0) | (np.diff(start) != 0)]
    group, first = np.cumsum(new) - 1, np.flatnonzero(new)
    means = {}
    for name, value in rows.values.items():
        mean, metered = _group_mean(value, group, len(first), lengths.astype(np.float64))
        means[name] = np.where(metered >= 0.5 * step_us, mean, np.nan)
    return Rows(rows.site[first], start[first], means, rows.source_row[first])


def weather_at(weather: Rows, site: np.ndarray, us: np.ndarray, step_us: int) -> dict[str, np.ndarray]:
    """Weather on the metering grid, float64.

    Readings finer than the step are averaged over the interval; coarser ones are interpolated linearly between two
    readings that are no more than one of their own steps apart (1.5 with jitter). Elsewhere NaN.

    Parameters
    ----------
    weather : Rows
        Sorted, without duplicates; its sites are the panel's, or 0 for one series that serves all.
    site, us : ndarray of int64, shape (n,)
    """
    own_step = usual_step(weather)
    if own_step < step_us:
        phase = int(us.min() % step_us)
        moved = replace(weather, us=weather.us - phase)
        averaged = resample(
            moved, step_us, interval_lengths(moved, "start"), np.zeros(int(weather.site.max()) + 1, dtype=np.int64)
        )
        weather, own_step = replace(averaged, us=averaged.us + phase), step_us
    line, span = _number_line(weather.us, us, 4 * own_step)
    wanted = site * span + (us - line)
    found = {}
    for name, value in weather.values.items():
        seen = np.isfinite(value)
        found[name] = _between(
            weather.site[seen] * span + (weather.us[seen] - line), value[seen], wanted, int(1.5 * own_step)
        )
    return found


def _number_line(a: np.ndarray, b: np.ndarray, room: int) -> tuple[int, int]:
    """Origin and length of one site's stretch of a line on which all sites follow each other."""
    first, last = min(int(a.min()), int(b.min())), max(int(a.max()), int(b.max()))
    return first, last - first + room


def _between(known: np.ndarray, value: np.ndarray, wanted: np.ndarray, longest_gap: int) -> np.ndarray:
    if len(known) == 0:
        return np.full(len(wanted), np.nan)
    left = np.clip(np.searchsorted(known, wanted, side="right") - 1, 0, len(known) - 1)
    right = np.minimum(left + 1, len(known) - 1)
    gap = known[right] - known[left]
    share = np.divide(wanted - known[left], gap, out=np.zeros(len(wanted)), where=gap > 0)
    inside = (wanted >= known[left]) & (wanted <= known[right]) & (gap <= longest_gap)
    return np.where(
        known[left] == wanted, value[left], np.where(inside, value[left] + share * (value[right] - value[left]), np.nan)
    )


def drop_skipped(rows: Rows, skipped: np.ndarray, source: str) -> Rows:
    """Without the rows whose time no clock showed; metered values among them are counted in a warning."""
    if not skipped.any():
        return rows
    metered = np.zeros(len(skipped), dtype=bool)
    for value in rows.values.values():
        metered |= np.isfinite(value)
    lost = int((metered & skipped).sum())
    if lost:
        warnings.warn(
            f"{source}: {lost} readings at times that the spring clock change skips are left out "
            "(the hour does not exist): if the clock of the file is standard time or UTC, say so (clock='Etc/GMT-1', clock='UTC')",
            DataWarning,
            stacklevel=4,
        )
    return rows.take(~skipped)
