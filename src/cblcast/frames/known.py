"""Means over what is known, and runs of what is alike: NaN is what was not metered, and never counts as a number."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike


def known_mean(
    values: np.ndarray,
    axis: int = -1,
    *,
    weight: np.ndarray | None = None,
    otherwise: float = np.nan,
    dtype: DTypeLike = np.float64,
) -> np.ndarray:
    """Mean over the finite values along `axis`; float64.

    Parameters
    ----------
    values : ndarray
    weight : ndarray, optional
        At least 0, broadcast to `values`; NaN is no weight. Without one every value counts alike.
    otherwise : float
        What stands where nothing is known, or nothing that is known has weight.
    dtype : dtype
        Of the sums; that of float32 `values` halves the time on large arrays and rounds at the seventh digit.
    """
    known = np.isfinite(values)
    if weight is None and known.size and known.all():
        return values.sum(axis, dtype=dtype) / values.shape[axis]
    if weight is None:
        count = known.sum(axis)
        total = np.where(known, values, 0.0).sum(axis, dtype=dtype)
        return np.where(count > 0, total / np.maximum(count, 1), otherwise)
    share = np.where(known & np.isfinite(weight), weight, 0.0)
    whole = share.sum(axis)
    total = (np.where(known, values, 0.0) * share).sum(axis)
    return np.where(whole > 0, total / np.where(whole > 0, whole, 1.0), otherwise)


def known_moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column over its finite values; both 0 where there is none; float64."""
    mean = known_mean(values, 0, otherwise=0.0)
    return mean, np.sqrt(known_mean((values - mean) ** 2, 0, otherwise=0.0))


def known_mean_by(values: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """Mean over the finite values of each group, NaN where there is none; float64, shape (n_groups,)."""
    known = np.isfinite(values)
    count = np.bincount(group[known], minlength=n_groups)
    total = np.bincount(group[known], weights=values[known], minlength=n_groups)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def known_mean_of_runs(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Mean over the finite values of each run of rows, NaN where there is none; float64, (n_rows, k) -> (n_runs, k).

    Parameters
    ----------
    values : ndarray, shape (n_rows, k)
    first : ndarray of int, shape (n_runs,)
        Row at which each run begins.
    """
    known = np.isfinite(values)
    total = np.add.reduceat(np.where(known, values, 0.0), first, axis=0)
    count = np.add.reduceat(known.astype(np.int64), first, axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def run_begins(*keys: np.ndarray) -> np.ndarray:
    """Whether each row differs from the one before it in any of the `keys`; the first always does; bool, shape (n,)."""
    begins = np.ones(len(keys[0]), dtype=bool)
    if len(begins) > 1:
        begins[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return begins


def run_starts(*keys: np.ndarray) -> np.ndarray:
    """First row of each run of rows that are alike in all `keys`, int64."""
    return np.flatnonzero(run_begins(*keys))


def run_lengths(*keys: np.ndarray) -> np.ndarray:
    """Length of the run that each row stands in, int64, shape (n,)."""
    begins = run_begins(*keys)
    return np.diff(np.r_[np.flatnonzero(begins), len(begins)])[np.cumsum(begins) - 1]
