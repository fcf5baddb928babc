"""How many persons are where in each slice of a day, from their comings and goings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cblcast.errors import DataError

DAY_S = 86_400
DAY_MS = DAY_S * 1000
Ints = NDArray[np.int64]


def slices_of_day(slice_h: float) -> int:
    """How many slices of `slice_h` hours a day has; 96 of 0.25 h (the commuters paper's 144 would be 36 h)."""
    n = round(24 / slice_h) if slice_h > 0 else 0
    if n < 1 or abs(n * slice_h - 24) > 1e-9 or DAY_MS % n:
        raise DataError(f"slices of {slice_h:g} h do not divide the day: take 0.25 or 1, say")
    return n


def changes_of_spells(place: Ints, begin_ms: Ints, end_ms: Ints) -> tuple[Ints, Ints, Ints]:
    """Spells [begin, end) → changes (place, ms of the day, persons) within ONE day; what crosses midnight wraps round.

    Parameters
    ----------
    place : ndarray of int, shape (n,)
    begin_ms, end_ms : ndarray of int, shape (n,)
        At most 24 h apart; negative or beyond 24 h is on the same day's clock. Spells without length count for nothing.
    """
    some = end_ms > begin_ms
    place, begin, end = place[some], begin_ms[some], end_ms[some]
    if (end - begin > DAY_MS).any():
        raise DataError("a spell is longer than 24 h: cut it before it is counted into a day")
    end = end - begin // DAY_MS * DAY_MS
    begin = begin % DAY_MS
    late = end > DAY_MS
    place = np.r_[place, place[late]]
    begin = np.r_[begin, np.zeros(late.sum(), dtype=np.int64)]
    end = np.r_[np.minimum(end, DAY_MS), end[late] - DAY_MS]
    ones = np.ones(len(place), dtype=np.int64)
    return np.r_[place, place], np.r_[begin, end], np.r_[ones, -ones]


def persons_by_slice(
    place: Ints, time_ms: Ints, change: Ints, n_places: int, n_slices: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and greatest number of persons at each place in each slice.

    Parameters
    ----------
    place, time_ms, change : ndarray of int, shape (n,)
        As :func:`changes_of_spells` makes them; those of one place add up to 0. Who goes at the very moment another comes
        makes no peak.

    Returns
    -------
    mean, peak : ndarray, shape (n_places, n_slices)
    """
    if DAY_MS % n_slices:
        raise DataError(f"{n_slices} slices do not divide the day: take 96 or 24, say")
    step = DAY_MS // n_slices
    edges = (np.arange(n_places)[:, None] * (DAY_MS + 1) + np.arange(n_slices + 1) * step).ravel()
    # One number says place and time; the places lie behind one another on one axis, a millisecond apart.
    at, where = np.unique(np.r_[place * (DAY_MS + 1) + time_ms, edges], return_inverse=True)
    net = np.bincount(where, np.r_[change, np.zeros(len(edges), dtype=np.int64)], len(at))
    count = np.rint(np.cumsum(net))  # persons from this instant to the next
    area = np.r_[0.0, np.cumsum(count[:-1] * np.diff(at))]
    edge = np.searchsorted(at, edges).reshape(n_places, n_slices + 1)
    mean = np.diff(area[edge], axis=1) / step
    peak = np.maximum.reduceat(count, edge.ravel()).reshape(n_places, n_slices + 1)[:, :-1]
    return mean, peak
