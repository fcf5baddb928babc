"""Tables of a nowcast's errors: weeks that are left out with a gap, quantiles in bins of promised power, and their look-up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cblcast.frames.instants import DAY_US, HOUR_US
from cblcast.frames.schema import DataError

FEWEST = 100  # errors a lead needs, so that a tenth of them says something of its tails
FEWEST_IN_BIN = 40
POWER_BINS = 8
LEAST = 0.003  # share of the site's unit that is no unrest at all
WEEK_US = 7 * DAY_US


def weeks_apart(origin_us: np.ndarray, folds: int, gap_h: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of every `folds`-th week, and the rows that may be learned from for them: further than `gap_h` from each of these.

    Parameters
    ----------
    origin_us : ndarray of int64, shape (n_rows,)
    folds : int
    gap_h : float
        [h]

    Yields
    ------
    held, learned : ndarray of bool, shape (n_rows,)

    Raises
    ------
    DataError
        Fewer weeks than folds, or a gap that leaves nothing to learn from.
    """
    week = origin_us // WEEK_US
    fold = week % folds
    if folds < 2 or len(np.unique(fold)) < folds:
        raise DataError(
            f"limits by lead leave out one of {folds} weeks in turn (LeadIntervals needs folds >= 2 and as many weeks of training), and "
            f"the training has {len(np.unique(week))}: begin it earlier, or do without intervals:"
        )
    gap = round(gap_h * HOUR_US)
    for number in range(folds):
        held = fold == number
        weeks = np.unique(week[held])
        near = np.zeros(len(origin_us), dtype=bool)
        for side in (-1, 1):  # origins of the next held week before and after
            place = np.searchsorted(weeks, week) - (side < 0)
            there = (place >= 0) & (place < len(weeks))
            edge = weeks[np.clip(place, 0, len(weeks) - 1)] * WEEK_US + (WEEK_US if side < 0 else 0)
            near |= there & (np.abs(origin_us - edge) < gap)
        learned = ~held & ~near
        if not learned.any():
            raise DataError(
                f"a gap of {gap_h:g} h around every {folds}-th week leaves no origin to learn from: give more folds or a smaller gap_h"
            )
        yield held, learned


def error_table(
    error: np.ndarray, predicted: np.ndarray, levels: Sequence[float], bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of the errors in bins of `predicted` with equally many rows.

    Parameters
    ----------
    error : ndarray, shape (n, n_levels)
        Observed power minus what each level is measured from.
    predicted : ndarray, shape (n,)
    levels : sequence of float
    bins : int
        At most; never with fewer than 40 rows each.

    Returns
    -------
    centres : ndarray, shape (bins,)
        Mean of `predicted` in each bin; where there are fewer bins the last is repeated.
    errors : ndarray, shape (bins, n_levels)
    """
    order = np.argsort(predicted, kind="stable")
    parts = np.array_split(order, max(1, min(bins, len(predicted) // FEWEST_IN_BIN)))
    centres = [predicted[part].mean() for part in parts]
    errors = [[np.quantile(error[part, k], level) for k, level in enumerate(levels)] for part in parts]
    more = bins - len(parts)
    return np.array(centres + [centres[-1]] * more), np.array(errors + [errors[-1]] * more)


def looked_up(
    centres: np.ndarray, errors: np.ndarray, table: np.ndarray, lead: np.ndarray, power: np.ndarray
) -> np.ndarray:
    """Errors at each row's power, on straight lines between the bins' centres and level beyond them.

    Parameters
    ----------
    centres : ndarray, shape (n_tables, n_leads, bins)
    errors : ndarray, shape (n_tables, n_leads, bins, n_levels)
    table, lead : ndarray of int, shape (n_rows,)
    power : ndarray, shape (n_rows,)

    Returns
    -------
    ndarray, shape (n_rows, n_levels)
        NaN where the power is.
    """
    own = centres[table, lead]
    right = np.clip((own < power[:, None]).sum(1), min(1, own.shape[1] - 1), own.shape[1] - 1)
    left = np.maximum(right - 1, 0)
    rows = np.arange(len(power))
    width = own[rows, right] - own[rows, left]
    share = np.clip((power - own[rows, left]) / np.where(width > 0, width, 1.0), 0.0, 1.0)[:, None]
    return (1 - share) * errors[table, lead, left] + share * errors[table, lead, right]


@dataclass(frozen=True)
class UnrestScale:
    """How large the error at each lead is to be expected, from how restless the power has been: a product of powers.

    log(error) is regressed on bins of promised power and on the logarithms of the features; the part of the features scales.

    Attributes
    ----------
    exponents : ndarray, shape (n_leads, n_features)
    typical : ndarray, shape (n_features,)
        Mean logarithm in training, which stands in where a feature is missing.
    bounds : ndarray, shape (n_leads, 2)
        The scale does not leave what nearly all of the training had.
    """

    exponents: np.ndarray
    typical: np.ndarray
    bounds: np.ndarray

    @classmethod
    def fit(
        cls, unrest: np.ndarray, error: np.ndarray, predicted: np.ndarray, lead: np.ndarray, n_leads: int
    ) -> UnrestScale:
        """Exponents of each lead.

        Parameters
        ----------
        unrest : ndarray, shape (n, n_features)
            As shares of the site's unit, like the rest; no column gives a scale of 1.
        error, predicted : ndarray, shape (n,)
            Out of sample; NaN is left out.
        lead : ndarray of int, shape (n,)
        """
        logs = np.log(unrest + LEAST)
        known = np.isfinite(error) & np.isfinite(predicted)
        typical = np.array([np.nanmean(column) if np.isfinite(column).any() else 0.0 for column in logs.T])
        logs = np.where(np.isfinite(logs), logs, typical)
        exponents, bounds = np.zeros((n_leads, logs.shape[1])), np.ones((n_leads, 2))
        for number in range(n_leads):
            rows = known & (lead == number)
            if not logs.shape[1] or rows.sum() < FEWEST:
                continue
            edges = np.quantile(predicted[rows], np.linspace(0, 1, POWER_BINS + 1)[1:-1])
            bin_of_row = np.eye(POWER_BINS)[np.searchsorted(edges, predicted[rows])]
            design = np.column_stack([bin_of_row, logs[rows]])
            target = np.log(np.abs(error[rows]) + LEAST / 6)
            ridge = 1e-6 * len(target) * np.eye(design.shape[1])
            exponents[number] = np.linalg.solve(design.T @ design + ridge, design.T @ target)[POWER_BINS:]
            bounds[number] = np.quantile(np.exp((logs[rows] - typical) @ exponents[number]), [0.005, 0.995])
        return cls(exponents, typical, bounds)

    def __call__(self, unrest: np.ndarray, lead: np.ndarray) -> np.ndarray:
        """Scale of each row, shape (n,)."""
        logs = np.log(unrest + LEAST)
        logs = np.where(np.isfinite(logs), logs, self.typical)
        scale = np.exp(((logs - self.typical) * self.exponents[lead]).sum(1))
        return np.clip(scale, self.bounds[lead, 0], self.bounds[lead, 1])
