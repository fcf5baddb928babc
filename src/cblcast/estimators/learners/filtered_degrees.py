"""Identification of a building from its load and the weather: output error of filtered degrees.

load = base(time of week) + heating slope × (T_h − T_f)⁺ + cooling slope × (T_f − T_c)⁺, slopes ≥ 0 and their own for the
times at which the building is occupied; T_f is the outdoor temperature behind a first-order filter. With a set point that
is kept, a room of one capacity draws exactly this with no filter at all; a heavy envelope delays and smooths what is
asked, which the filter stands for. What normal load does NOT tell is the time constant of the room itself: see
:attr:`Degrees.ranges_h`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

Array = np.ndarray
HEATING_C = tuple(range(2, 23, 2))
COOLING_C = tuple(range(2, 29, 2))
ROUNDS = 4
INDISTINCT = 0.01  # time constants whose squared error is within 1 % of the best one's cannot be told apart


@dataclass(frozen=True, eq=False)
class Degrees:
    """What was identified of one building.

    Attributes
    ----------
    base_kw : ndarray, shape (n_times,)
        Load at each time of the week at rest; NaN for a time never seen.
    slope_kw_k : ndarray, shape (4,)
        Heating unoccupied, heating occupied, cooling unoccupied, cooling occupied [kW of electricity per K], ≥ 0.
    filters : ndarray of int, shape (2,)
        Which of the time constants was taken for heating, for cooling.
    balance_c : ndarray, shape (2,)
        Balance temperatures T_h, T_c [°C].
    ranges_h : ndarray, shape (2, 2)
        Least and greatest time constant, for heating and for cooling, whose error is within 1 % of the best.
    """

    base_kw: Array
    slope_kw_k: Array
    filters: Array
    balance_c: Array
    ranges_h: Array


def occupied_times(load_kw: Array, time: Array, n_times: int) -> Array:
    """Times of the week whose mean load lies in the upper half of the week's range, bool, shape (n_times,)."""
    count = np.bincount(time, minlength=n_times)
    mean = np.bincount(time, weights=load_kw, minlength=n_times) / np.maximum(count, 1)
    seen = count > 0
    middle = (mean[seen].min() + mean[seen].max()) / 2 if seen.any() else 0.0
    return np.asarray(seen & (mean > middle))


def degrees(filtered_c: Array, balance_c: Array | float, heating: bool) -> Array:
    """Heating or cooling degrees of a filtered temperature [K], ≥ 0."""
    return np.maximum(balance_c - filtered_c if heating else filtered_c - balance_c, 0.0)


def identify(
    load_kw: Array,
    time: Array,
    n_times: int,
    filtered_c: Array,
    time_constants_h: Array,
    *,
    occupied: Array | None = None,
    apart: bool = False,
) -> Degrees:
    """Fit by coordinate search over time constants and balance temperatures, slopes by non-negative least squares.

    Parameters
    ----------
    load_kw : ndarray, shape (n_rows,)
    time : ndarray of int, shape (n_rows,)
        Time of the week of each row, 0 … n_times − 1.
    filtered_c : ndarray, shape (n_rows, n_time_constants)
        Finite.
    time_constants_h : ndarray, shape (n_time_constants,)
    occupied : ndarray of bool, shape (n_times,), optional
        Times with slopes of their own; those of :func:`occupied_times` unless given.
    apart : bool
        Heating ends no higher than cooling begins. What both explain at one temperature helps to predict a load, and has
        no meaning where the two are to be told apart.
    """
    search = _Search(
        load_kw, time, filtered_c, occupied_times(load_kw, time, n_times) if occupied is None else occupied
    )
    chosen = [(0, 14), (0, 18)]
    error, slope = search.fit(chosen)
    for _ in range(ROUNDS):
        before = error
        taus = [tau for tau, _ in chosen]
        # Balance temperatures pull at each other through the base load, so they are moved together; then each filter alone.
        trials = [[(taus[0], low), (taus[1], high)] for low in HEATING_C for high in COOLING_C]
        for kind, grid in enumerate((HEATING_C, COOLING_C)):
            trials += [_with(chosen, kind, (tau, balance)) for tau in range(filtered_c.shape[1]) for balance in grid]
        for tried in trials:
            if apart and tried[0][1] > tried[1][1]:
                continue
            error_of, slope_of = search.fit(tried)
            if error_of < error * (1 - 1e-12):
                error, slope, chosen = error_of, slope_of, tried
        if error >= before * (1 - 1e-6):
            break
    ranges = np.empty((2, 2))
    for kind, grid in enumerate((HEATING_C, COOLING_C)):
        best = np.full(filtered_c.shape[1], np.inf)
        for tau in range(filtered_c.shape[1]):
            for balance in grid:
                tried = _with(chosen, kind, (tau, balance))
                if not (apart and tried[0][1] > tried[1][1]):
                    best[tau] = min(best[tau], search.fit(tried)[0])
        alike = np.asarray(time_constants_h)[best <= error * (1 + INDISTINCT) + 1e-12]
        ranges[kind] = (alike.min(), alike.max()) if len(alike) else np.nan
    return Degrees(
        search.base(chosen, slope),
        slope,
        np.array([tau for tau, _ in chosen]),
        np.array([float(balance) for _, balance in chosen]),
        ranges,
    )


def _with(chosen: list[tuple[int, int]], kind: int, value: tuple[int, int]) -> list[tuple[int, int]]:
    """A choice with another filter and balance temperature of one kind."""
    return [value if each == kind else old for each, old in enumerate(chosen)]


class _Search:
    """Columns of candidates with the effects of the times of week projected out (Frisch, Waugh and Lovell)."""

    def __init__(self, load_kw: Array, time: Array, filtered_c: Array, occupied: Array) -> None:
        self.time, self.filtered = time, filtered_c
        self.count = np.bincount(time, minlength=len(occupied))
        self.occupied = occupied[time]
        self.load, self.mean_load = self._within(load_kw)
        self.total = float(self.load @ self.load)
        self.columns: dict[tuple[int, int, int], tuple[Array, Array]] = {}

    def _within(self, values: Array) -> tuple[Array, Array]:
        mean = np.bincount(self.time, weights=values, minlength=len(self.count)) / np.maximum(self.count, 1)
        return values - mean[self.time], mean

    def _column(self, kind: int, tau: int, balance: int, mode: int) -> tuple[Array, Array]:
        key = (2 * kind + mode, tau, balance)
        if key not in self.columns:
            reached = degrees(self.filtered[:, tau], balance, kind == 0)
            self.columns[key] = self._within(np.where(self.occupied == bool(mode), reached, 0.0))
        return self.columns[key]

    def _both(self, chosen: list[tuple[int, int]]) -> list[tuple[Array, Array]]:
        return [self._column(kind, *chosen[kind], mode) for kind in (0, 1) for mode in (0, 1)]

    def fit(self, chosen: list[tuple[int, int]]) -> tuple[float, Array]:
        """Squared error and slopes of one choice."""
        a = np.column_stack([column for column, _ in self._both(chosen)])
        gram, moment = a.T @ a, a.T @ self.load
        # A column of nothing (it never froze) leaves the matrix singular: a trace of ridge gives it the slope 0.
        root = np.linalg.cholesky(gram + (1e-9 * np.trace(gram) + 1e-12) * np.eye(4))
        slope, _ = nnls(root.T, np.linalg.solve(root, moment))
        return max(self.total - 2 * slope @ moment + slope @ gram @ slope, 0.0), slope

    def base(self, chosen: list[tuple[int, int]], slope: Array) -> Array:
        """Load of the times of week without heating and cooling [kW]."""
        means = sum(each * mean for each, (_, mean) in zip(slope, self._both(chosen), strict=True))
        return np.where(self.count > 0, self.mean_load - means, np.nan)
