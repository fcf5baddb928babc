"""Means over what is known, and runs of what is alike: NaN is what was not metered, and never counts as a number."""

from __future__ import annotations

import numpy as np


def known_mean(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """Mean over the finite values along `axis`, NaN where there is none; float64."""
    known = np.isfinite(values)
    count = known.sum(axis)
    total = np.where(known, values, 0.0).sum(axis, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def known_mean_by(values: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """Mean over the finite values of each group, NaN where there is none; float64, shape (n_groups,)."""
    known = np.isfinite(values)
    count = np.bincount(group[known], minlength=n_groups)
    total = np.bincount(group[known], weights=values[known], minlength=n_groups)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def run_starts(changes: np.ndarray) -> np.ndarray:
    """First position of each run, int64.

    Parameters
    ----------
    changes : ndarray of bool, shape (n - 1,)
        Whether each value differs from the one before it.
    """
    return np.flatnonzero(np.r_[True, changes])


def run_lengths(flags: np.ndarray) -> np.ndarray:
    """Length of the run of True that each position belongs to, 0 where it is False; int64, shape of `flags`."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    lengths = np.zeros(len(flags), dtype=np.int64)
    for first, end in edges.reshape(-1, 2):
        lengths[first:end] = end - first
    return lengths
