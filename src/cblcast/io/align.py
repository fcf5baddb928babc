"""Rows onto one grid: lengths of intervals, coarser steps, weather between its readings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError
from cblcast.io.column_kinds import ColumnKind, between, join, kind_of

DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Rows:
    """Readings as arrays, sorted by site and time.

    Attributes
    ----------
    site : ndarray of int64, shape (n,)
        Position of the site, or of the series where a site has several.
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

    def part(self, first: int, stop: int) -> Rows:
        """The rows from `first` to `stop`, not copied."""
        part = slice(first, stop)
        values = {name: value[part] for name, value in self.values.items()}
        return Rows(self.site[part], self.us[part], values, self.source_row[part])

    def order(self) -> np.ndarray | None:
        """The rows sorted by site and time, those of one site and time as in the source; None if they are."""
        site, us = self.site, self.us
        back = np.flatnonzero(us[1:] < us[:-1])
        forward = (site[back + 1] > site[back]).all() and not (site[1:] < site[:-1]).any()
        return None if forward else np.lexsort((us, site))

    def sorted(self) -> Rows:
        """Sorted by site and time; rows of one site and time keep the order of the source."""
        order = self.order()
        return self if order is None else self.take(order)

    @cached_property
    def gaps(self) -> np.ndarray:
        """Distance of each row to the next of its site [us], -1 where that is another site's, shape (n - 1,)."""
        gaps = np.diff(self.us)
        if len(self.site):
            gaps[self.bounds[1:-1] - 1] = -1
        return gaps

    @cached_property
    def bounds(self) -> np.ndarray:
        """Where each site begins among the rows, and where the last one ends; sites without rows are left out."""
        return np.unique(self.starts(int(self.site[-1]) + 1))

    def starts(self, n: int) -> np.ndarray:
        """Where each of `n` sites begins among the sorted rows, and where the last one ends, shape (n + 1,)."""
        return np.searchsorted(self.site, np.arange(n + 1, dtype=self.site.dtype))

    @cached_property
    def usual_step(self) -> int:
        """See :func:`usual_step`; 0 where no site has two readings."""
        least, most = self.gap_range
        if least == most or least < 0:
            return max(least, 0)
        gaps = self.gaps[self.gaps > 0]
        if len(gaps) and (gaps == gaps[0]).sum() > 0.5 * len(gaps):
            return int(gaps[0])
        return int(pd.Series(gaps).value_counts().index[0]) if len(gaps) else 0

    @cached_property
    def gap_range(self) -> tuple[int, int]:
        """The shortest and the longest distance of neighbours of one site [us]; (-1, -1) where there are none.

        Site by site, since most files are regular and need no array of all distances.
        """
        least, most = -1, -1
        for first, stop in pairwise(self.bounds.tolist()) if len(self.site) else ():
            if stop - first > 1:
                gaps = np.diff(self.us[first:stop])
                low = int(gaps.min())
                least, most = (low if least < 0 else min(least, low)), max(most, int(gaps.max()))
        return least, most

    @property
    def repeated(self) -> np.ndarray:
        """Which rows have the site and time of the row before them, shape (n,)."""
        return np.r_[False, self.gaps == 0][: len(self.us)]


def usual_step(rows: Rows, source: str) -> int:
    """The most frequent distance of two readings of one site [us]; `source` is what is read, as errors call it."""
    step = rows.usual_step
    if step == 0:
        raise DataError(
            f"no site of {source} has two readings, so the length of an interval is unknown: give at least one day"
        )
    return step


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


def resample(
    rows: Rows, step_us: int, lengths: np.ndarray, utc_offset: np.ndarray, least_share: float = 0.5
) -> tuple[Rows, np.ndarray]:
    """Values over intervals of one length; a reading that reaches into the next interval counts in both by its share.

    Parameters
    ----------
    rows : Rows
        Sorted, without duplicates, labelled at their start.
    step_us : int
    lengths : ndarray of int64, shape (n,)
        Length of each row's interval [us]: a quarter-hour weighs a quarter of an hour.
    utc_offset : ndarray of int64, shape (n_sites,)
        Offset of local time [us], so that half-hour zones get intervals on their own full hours.
    least_share : float
        An interval of which less was metered is NaN.

    Returns
    -------
    rows : Rows
    partial : ndarray of bool, shape (n_new,)
        Intervals of which something was metered, but too little.
    """
    if DAY_US % step_us:
        raise DataError(
            f"step {pd.Timedelta(step_us, unit='us')} does not divide the day: use 60, 30, 15, 10 or 5 minutes"
        )
    rows, lengths = _cut_at_steps(rows, step_us, lengths, utc_offset)
    shift = utc_offset[rows.site]
    start = (rows.us + shift) // step_us * step_us - shift
    new = np.r_[True, (np.diff(rows.site) != 0) | (np.diff(start) != 0)]
    group, first = np.cumsum(new) - 1, np.flatnonzero(new)
    joined, partial = {}, np.zeros(len(first), dtype=bool)
    for name, value in rows.values.items():
        together, metered = join(name, value, group, len(first), lengths.astype(np.float64))
        if kind_of(name) is ColumnKind.SUM:
            together = together * np.divide(step_us, metered, out=np.ones(len(first)), where=metered > 0)
        enough = metered >= least_share * step_us
        joined[name] = np.where(enough, together, np.nan)
        partial |= (metered > 0) & ~enough
    return Rows(rows.site[first], start[first], joined, rows.source_row[first]), partial


def _cut_at_steps(rows: Rows, step_us: int, lengths: np.ndarray, utc_offset: np.ndarray) -> tuple[Rows, np.ndarray]:
    """Readings that reach beyond their step, cut where a step ends; a mean holds in each part, a sum by its share."""
    begin = rows.us + utc_offset[rows.site]
    pieces = (begin + np.maximum(lengths, 1) - 1) // step_us - begin // step_us + 1
    if (pieces <= 1).all():
        return rows, lengths
    at = np.repeat(np.arange(len(pieces)), pieces)
    within = np.arange(len(at)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    edge = (begin[at] // step_us + within) * step_us
    first = np.maximum(edge, begin[at])
    last = np.minimum(edge + step_us, begin[at] + lengths[at])
    cut = rows.take(at)
    share = (last - first) / np.maximum(lengths[at], 1)
    values = {name: value * share if kind_of(name) is ColumnKind.SUM else value for name, value in cut.values.items()}
    cut = replace(cut, us=first - utc_offset[cut.site], values=values)
    order = cut.order()
    return (cut, last - first) if order is None else (cut.take(order), (last - first)[order])


def weather_at(weather: Rows, site: np.ndarray, us: np.ndarray, step_us: int) -> dict[str, np.ndarray]:
    """Weather on the metering grid, float64.

    Readings finer than the step are joined over the interval; coarser ones are joined by a line (directions the short
    way round, sums in equal parts, flags not at all) between two readings that are no more than one of their own steps
    apart (1.5 with jitter). Elsewhere NaN.

    Parameters
    ----------
    weather : Rows
        Sorted, without duplicates; its sites are the panel's, or 0 for one series that serves all.
    site, us : ndarray of int64, shape (n,)
    """
    own_step = usual_step(weather, "the weather")
    if own_step < step_us:
        phase = int(us.min() % step_us)
        moved = replace(weather, us=weather.us - phase)
        joined, _ = resample(
            moved, step_us, interval_lengths(moved, "start"), np.zeros(int(weather.site.max()) + 1, dtype=np.int64)
        )
        weather, own_step = replace(joined, us=joined.us + phase), step_us
    line, span = _number_line(weather.us, us, 4 * own_step)
    wanted = site * span + (us - line)
    found = {}
    for name, value in weather.values.items():
        seen = np.isfinite(value)
        known = weather.site[seen] * span + (weather.us[seen] - line)
        found[name] = _between(name, known, value[seen], wanted, own_step, step_us)
    return found


def _number_line(a: np.ndarray, b: np.ndarray, room: int) -> tuple[int, int]:
    """Origin and length of one site's stretch of a line on which all sites follow each other."""
    first, last = min(int(a.min()), int(b.min())), max(int(a.max()), int(b.max()))
    return first, last - first + room


def _between(
    name: str, known: np.ndarray, value: np.ndarray, wanted: np.ndarray, own_step: int, step_us: int
) -> np.ndarray:
    if len(known) == 0:
        return np.full(len(wanted), np.nan)
    left = np.clip(np.searchsorted(known, wanted, side="right") - 1, 0, len(known) - 1)
    if kind_of(name) is ColumnKind.SUM:
        inside = (wanted >= known[left]) & (wanted - known[left] < own_step)
        return np.where(inside, value[left] * (step_us / own_step), np.nan)
    right = np.minimum(left + 1, len(known) - 1)
    gap = known[right] - known[left]
    share = np.divide(wanted - known[left], gap, out=np.zeros(len(wanted)), where=gap > 0)
    inside = (wanted >= known[left]) & (wanted <= known[right]) & (gap <= int(1.5 * own_step))
    joined = between(name, value[left], value[right], share)
    return np.where(known[left] == wanted, value[left], np.where(inside, joined, np.nan))
