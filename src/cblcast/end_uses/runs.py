"""Runs of devices from edges: an edge up and a later one down of the same size are one device's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cblcast.end_uses.edges import Edges
from cblcast.errors import StudyError

Array = np.ndarray
LIKE = 0.1  # two edges are of one size when they differ by no more than this share of it
LIKE_KW = 0.08  # … or by this much, which the scatter of the rest of the load makes


@dataclass(frozen=True, eq=False)
class FoundRuns:
    """Runs in the order of their starts; arrays of shape (n,).

    Attributes
    ----------
    start_h, hours : ndarray
        Since the first reading began; length [h].
    kw : ndarray
        Mean of the two edges [kW].
    left_on, left_off : int
        Edges up and down that found no partner: runs that are missed, or two devices in one edge.
    """

    start_h: Array
    hours: Array
    kw: Array
    left_on: int
    left_off: int

    def __len__(self) -> int:
        return len(self.kw)

    @property
    def kwh(self) -> Array:
        """Energy of each run [kWh]."""
        return self.kw * self.hours


def pair_edges(edges: Edges, load_kw: Array, *, longest_h: float = 14.0) -> FoundRuns:
    """Pair edges.

    Parameters
    ----------
    edges : Edges
    load_kw : ndarray, shape (n_readings,)
        The load that they were found in [kW].
    longest_h : float
        Of a run [h].

    Notes
    -----
    Hart (1992), section IV-C: each edge down is paired with the latest edge up that is still open and of its size. The load may
    never fall below the size of a run while it lasts, nor may it have a gap. What is left over is tried once more
    as two devices in one edge: an edge whose size is the sum of two of the other direction.
    """
    if not longest_h > 0:
        raise StudyError(f"longest_h is {longest_h}: give the length of the longest run, above 0 h")
    load = np.asarray(load_kw, dtype=np.float64)
    pairs: list[tuple[int, int]] = []
    open_up: list[int] = []
    left_down: list[int] = []
    for k in range(len(edges)):
        if edges.kw[k] > 0:
            open_up.append(k)
            continue
        open_up = [up for up in open_up if edges.at_h[k] - edges.at_h[up] <= longest_h]
        fits = [up for up in open_up if _possible(edges, load, up, k)]
        if not fits:
            left_down.append(k)
            continue
        pairs.append((fits[-1], k))
        open_up.remove(fits[-1])
    taken = {up for up, _ in pairs}
    left_up = [k for k in range(len(edges)) if edges.kw[k] > 0 and k not in taken]
    runs = [(edges.at_h[up], edges.at_h[down], (edges.kw[up] - edges.kw[down]) / 2) for up, down in pairs]
    more, left_up, left_down = _two_in_one(edges, load, left_up, left_down, longest_h)
    table = np.array(sorted(runs + more)).reshape(-1, 3)
    return FoundRuns(table[:, 0], table[:, 1] - table[:, 0], table[:, 2], len(left_up), len(left_down))


def load_of_runs(runs: FoundRuns, n: int, step_h: float) -> Array:
    """Mean power of the runs in each of `n` readings [kW]; a reading that a run covers in part has that part of it."""
    edge = np.arange(n + 1) * step_h
    energy = np.zeros(n + 1)
    for start, hours, kw in zip(runs.start_h, runs.hours, runs.kw, strict=True):
        first, last = int(start // step_h), min(int((start + hours) // step_h) + 1, n)
        energy[first : last + 1] += kw * np.clip(edge[first : last + 1] - start, 0.0, hours)
        energy[last + 1 :] += kw * hours
    return np.diff(energy) / step_h


def _gap(one: float, other: float) -> float:
    """Difference of two sizes over what may be between them: up to 1 for one device."""
    return abs(one - other) / max(LIKE * max(one, other), LIKE_KW)


def _possible(edges: Edges, load: Array, up: int, down: int) -> bool:
    return _gap(edges.kw[up], -edges.kw[down]) <= 1 and _lasts(edges, load, up, down)


def _two_in_one(
    edges: Edges, load: Array, left_up: list[int], left_down: list[int], longest_h: float
) -> tuple[list[tuple[float, float, float]], list[int], list[int]]:
    """Edges of two devices switched at once, which are switched apart at their other end."""
    runs: list[tuple[float, float, float]] = []
    up, down = list(left_up), list(left_down)
    for own, apart, sign in ((up, down, 1), (down, up, -1)):
        for one in list(own):
            near = [k for k in apart if 0 < sign * (edges.at_h[k] - edges.at_h[one]) <= longest_h]
            tried = [
                (_gap(abs(edges.kw[one]), abs(edges.kw[a]) + abs(edges.kw[b])), a, b)
                for i, a in enumerate(near)
                for b in near[i + 1 :]
            ]
            if not tried or min(tried)[0] > 1:
                continue
            two = min(tried)[1:]
            if not all(_lasts(edges, load, one, k) for k in two):
                continue
            own.remove(one)
            for k in two:
                apart.remove(k)
                first, last = sorted((edges.at_h[one], edges.at_h[k]))
                runs.append((first, last, abs(edges.kw[k])))
    return runs, up, down


def _lasts(edges: Edges, load: Array, one: int, other: int) -> bool:
    """Whether the load is known and never below the smaller edge between the two."""
    first, last = sorted((edges.row[one], edges.row[other]))
    size = min(abs(edges.kw[one]), abs(edges.kw[other]))
    within = load[first + 1 : last]
    return len(within) == 0 or bool(within.min() >= size - max(LIKE * size, LIKE_KW))
