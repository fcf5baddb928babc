"""Tables of a nowcast's errors: weeks that are left out with a gap, quantiles in bins of promised power, and their look-up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cblcast.frames.instants import DAY_US, HOUR_US
from cblcast.frames.schema import DataError

FEWEST = 100  # errors a lead needs, so that a tenth of them says something of its tails
FEWEST_IN_BIN = 40
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
        raise DataError(f"LeadIntervals needs folds >= 2 and as many weeks of training, got folds={folds}")
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
    y: np.ndarray, predicted: np.ndarray, base: np.ndarray, levels: Sequence[float], bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of `y` minus `base` in bins of `predicted` with equally many rows.

    Parameters
    ----------
    y, predicted : ndarray, shape (n,)
    base : ndarray, shape (n, n_levels)
        What each level is measured from.
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
    parts = np.array_split(order, max(1, min(bins, len(y) // FEWEST_IN_BIN)))
    error = y[:, None] - base
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
