"""How long the intervals of a table are: as usual, unless a meter changed its step for good or counts more slowly than its table."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from cblcast.frames.schema import OBSERVED
from cblcast.io.align import interval_lengths, usual_step
from cblcast.io.read_report import Kind
from cblcast.io.readings import Readings

DAY_US = 86_400_000_000
LEAST_IDLE = 24  # readings by which a series shows how often it is metered
COARSE_SHARE = 0.02  # of the metered time: a longer interval that lasts so long sets the step


def without_idle_rows(readings: Readings) -> Readings:
    """Series that a table shows more often than they are metered, without their empty rows between.

    A column of hours beside one of quarter-hours is empty in three rows of four: its values are those of hours, not of quarters
    with gaps.
    """
    rows = readings.rows
    if len(readings.series.name) == 1:
        return readings
    idle = ~np.isfinite(rows.values[OBSERVED])
    drop = np.zeros(len(idle), dtype=bool)
    bounds, n_series = rows.starts(len(readings.series.name)), 0
    for first, stop in pairwise(bounds.tolist()):
        known = np.flatnonzero(~idle[first:stop])
        apart = np.diff(known)
        if len(apart) < LEAST_IDLE or apart.min() < 2:
            continue
        usual = int(np.bincount(apart).argmax())
        if (apart == usual).mean() > 1 - COARSE_SHARE:
            drop[first:stop] = idle[first:stop] & (np.arange(stop - first) % usual != known[0] % usual)
            n_series += 1
    if n_series == 0:
        return readings
    readings = readings.noting(
        Kind.GUESSED, f"{n_series} series are metered less often than the rows of the table", n_series
    )
    lengths = readings.lengths
    return readings.but(rows=rows.take(~drop), lengths=None if lengths is None else lengths[~drop])


def with_lengths(readings: Readings, wanted: int | None) -> Readings:
    """The readings with the length of each interval, where the format does not say it.

    Unless a step is `wanted`, all intervals are as long as usual: a longer distance is a gap. Only where longer distances
    last (a day on end, and a share of the whole) did the meter change its step.
    """
    if readings.lengths is not None:
        return readings
    rows = readings.rows
    usual = usual_step(rows, readings.report.source)
    plain = np.broadcast_to(np.int64(usual), len(rows.us))
    if wanted is not None:
        return readings.but(lengths=interval_lengths(rows, readings.label))
    if rows.gap_range == (usual, usual):
        return readings.but(lengths=plain)
    gap = rows.gaps
    if (gap == usual).sum() >= (1 - COARSE_SHARE) * (gap > 0).sum():
        return readings.but(lengths=plain)
    lengths = interval_lengths(rows, readings.label)
    steady = [length for length in np.unique(lengths[lengths > 0]) if _lasts(lengths, rows.site, int(length))]
    if len(steady) <= 1:
        return readings.but(lengths=plain)
    return readings.but(lengths=np.where(np.isin(lengths, steady), lengths, _nearest_length(lengths, steady)))


def _lasts(lengths: np.ndarray, site: np.ndarray, length: int) -> bool:
    """Whether intervals of this length follow each other for a day on end and make up a share of the whole."""
    mine = lengths == length
    if mine.sum() * float(length) < COARSE_SHARE * float(lengths.sum()) or DAY_US % length:
        return False
    new = np.r_[True, (mine[1:] != mine[:-1]) | (site[1:] != site[:-1])]
    run = np.diff(np.r_[np.flatnonzero(new), len(mine)])
    return bool((run[mine[new]] * length >= DAY_US - length).any())


def _nearest_length(lengths: np.ndarray, steady: list[int]) -> np.ndarray:
    """The longest steady length that is no longer than each."""
    at = np.clip(np.searchsorted(steady, lengths, side="right") - 1, 0, len(steady) - 1)
    return np.asarray(steady)[at]
