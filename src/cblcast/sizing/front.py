"""Fronts of two objectives that are both to be small: what is not dominated, how crowded it is, how much it covers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError

Array = NDArray[np.float64]


def non_dominated(objectives: ArrayLike) -> NDArray[np.int64]:
    """Rows of `objectives` (n, 2) that no other row beats in one objective without losing in the other, by the first objective.

    Of equal rows the first is kept. Rows with NaN or infinity are never on a front.
    """
    f = np.asarray(objectives, dtype=np.float64)
    if f.ndim != 2 or f.shape[1] != 2:
        raise DataError(f"a front has two objectives, not an array of shape {f.shape}")
    rows = np.flatnonzero(np.isfinite(f).all(axis=1))
    order = rows[np.lexsort((rows, f[rows, 1], f[rows, 0]))]
    second = f[order, 1]
    before = np.r_[np.inf, np.minimum.accumulate(second)[:-1]] if len(order) else second
    return order[second < before]


def hypervolume(objectives: ArrayLike, reference: ArrayLike) -> float:
    """Area between a front and the `reference` point (2,) that is worse than all of it; points beyond it add nothing."""
    f, ref = np.asarray(objectives, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if f.ndim != 2 or f.shape[1] != 2 or ref.shape != (2,):
        raise DataError(f"a front has two objectives and a reference point of two, not {f.shape} and {ref.shape}")
    inside = f[(f < ref).all(axis=1)]
    front = inside[non_dominated(inside)]
    if not len(front):
        return 0.0
    widths = np.diff(np.r_[front[:, 0], ref[0]])
    return float((widths * (ref[1] - front[:, 1])).sum())


def crowding_distance(objectives: ArrayLike) -> Array:
    """NSGA-II's crowding distance of each row of one front (n, m): mean over objectives of the gap between its neighbours.

    Each objective is scaled by its range first, so that dollars and minutes weigh alike; the ends are infinitely far.

    Source: Deb et al. 2002, A fast and elitist multiobjective genetic algorithm, section III-B.

    Examples
    --------
    >>> crowding_distance([[0, 0], [0.5, 50], [1, 100]]).tolist()
    [inf, 1.0, inf]
    """
    f = np.asarray(objectives, dtype=np.float64)
    if f.ndim != 2 or not len(f) or not np.isfinite(f).all():
        raise DataError(f"crowding needs numbers, one row for each design, not an array of shape {f.shape}")
    total = np.zeros(len(f))
    for column in f.T:
        order = np.argsort(column, kind="stable")
        extent = column[order[-1]] - column[order[0]]
        gap = np.full(len(f), np.inf)
        gap[1:-1] = (column[order[2:]] - column[order[:-2]]) / extent if extent > 0 else 0.0
        total[order] += gap
    return total / f.shape[1]
