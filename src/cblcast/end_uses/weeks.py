"""A regression on levels and degrees as sums of weeks, so that weeks can be drawn again or left out at the cost of a small solve."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from scipy.optimize import nnls

Array = np.ndarray
FOLDS = 5
ROUNDS = 4  # of fitting two kinds of effects by turns: tables of a calendar are nearly balanced


@dataclass(frozen=True, eq=False)
class WeekSums:
    """Sums of each week.

    Attributes
    ----------
    load, degree : ndarray, shape (n_rows,), (n_rows, n_slopes)
    cell, week : ndarray of int, shape (n_rows,)
        Season × level of the clock (season · n_clock + clock), and number of the week, 0 … n_weeks − 1.
    n_clock : int
    count, total : ndarray, shape (n_weeks, n_cells)
    degree_total : ndarray, shape (n_weeks, n_cells, n_slopes)
    gram, moment : ndarray, shape (n_weeks, n_slopes, n_slopes), (n_weeks, n_slopes)
    """

    load: Array
    degree: Array
    cell: Array
    week: Array
    n_clock: int
    count: Array
    total: Array
    degree_total: Array
    gram: Array
    moment: Array

    @property
    def n_weeks(self) -> int:
        """How many weeks have rows."""
        return len(self.count)

    @classmethod
    def of(cls, load: Array, cell: Array, shape: tuple[int, int], degree: Array, week: Array) -> Self:
        """Sums of rows; `shape` is (n_seasons, n_clock), and `week` has any numbers that do not fall."""
        numbers, week = np.unique(week, return_inverse=True)
        n_weeks, n_cells = len(numbers), shape[0] * shape[1]

        def sums(values: Array | None) -> Array:
            return np.bincount(week * n_cells + cell, weights=values, minlength=n_weeks * n_cells).reshape(
                n_weeks, n_cells
            )

        bounds = np.searchsorted(week, np.arange(n_weeks + 1))
        parts = [slice(a, b) for a, b in pairwise(bounds)]
        return cls(
            load,
            degree,
            cell,
            week,
            shape[1],
            sums(None).astype(np.float64),
            sums(load),
            np.stack([sums(column) for column in degree.T], axis=2),
            np.stack([degree[rows].T @ degree[rows] for rows in parts]),
            np.stack([degree[rows].T @ load[rows] for rows in parts]),
        )

    def solve(self, often: Array, keep: Array) -> tuple[Array, Array]:
        """Slopes ≥ 0, and levels ≥ 0 of the cells [kW], when each week counts `often` times; slopes that are not kept are 0.

        Slopes come from what differs within a cell (Frisch, Waugh and Lovell): weather of one month at one hour. Levels are
        those of the clock plus those of the seasons; what no chosen week has seen is 0 above their mean.
        """
        here = often @ self.count
        seen = here > 0
        mean_load = np.divide(often @ self.total, here, out=np.zeros(len(here)), where=seen)
        mean = np.tensordot(often, self.degree_total, 1)
        mean = np.divide(mean, here[:, None], out=np.zeros_like(mean), where=seen[:, None])
        gram = np.tensordot(often, self.gram, 1) - (mean * here[:, None]).T @ mean
        moment = often @ self.moment - mean.T @ (here * mean_load)
        slope = np.zeros(len(moment))
        if keep.any():
            a = gram[np.ix_(keep, keep)]
            # A column of nothing leaves the matrix singular: a trace of ridge gives it the slope 0.
            root = np.linalg.cholesky(a + (1e-9 * np.trace(a) + 1e-12) * np.eye(len(a)))
            slope[keep] = nnls(root.T, np.linalg.solve(root, moment[keep]))[0]
        levels = _additive((mean_load - mean @ slope).reshape(-1, self.n_clock), here.reshape(-1, self.n_clock))
        return slope, np.maximum(levels.ravel(), 0.0)

    def left_out_error(self, keep: Array) -> float:
        """Squared error of weeks by a fit of the others, a fifth of them left out at a time."""
        fold = np.arange(self.n_weeks) % FOLDS
        error = 0.0
        for one in range(min(FOLDS, self.n_weeks)):
            slope, levels = self.solve((fold != one).astype(np.float64), keep)
            rows = fold[self.week] == one
            missed = self.load[rows] - levels[self.cell[rows]] - self.degree[rows] @ slope
            error += float(missed @ missed)
        return error

    def worth_keeping(self, kind: Array) -> Array:
        """Which slopes stay, bool: those of the kinds (0, 1) whose lack makes weeks left out be predicted worse."""
        options = [np.isin(kind, kinds) for kinds in ((0, 1), (0,), (1,), ())]
        return min(options, key=self.left_out_error)


def _additive(mean: Array, weight: Array) -> Array:
    """Row effects plus column effects nearest to a table of means of `weight`, by turns."""
    row, column = np.zeros((len(mean), 1)), np.zeros((1, mean.shape[1]))
    rows, columns = weight.sum(1, keepdims=True), weight.sum(0, keepdims=True)
    middle = (weight * mean).sum() / weight.sum()
    for _ in range(ROUNDS):
        column = _divided((weight * (mean - middle - row)).sum(0, keepdims=True), columns)
        row = _divided((weight * (mean - middle - column)).sum(1, keepdims=True), rows)
    return np.asarray(middle + row + column)


def _divided(total: Array, weight: Array) -> Array:
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
