"""Whether a site's own regression is to be trusted beside the pooled one: it has seen a year, or did better on days left out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from cblcast.estimators.groups import group_rows
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.schema import ORIGIN, SITE

FULL_YEAR_MONTHS = 11  # calendar months with training days: what has seen them has seen the seasons
BLOCKS = 4  # of consecutive days, each left out once
MARGIN = 0.97  # days beside those left out are kinder than another season: the own model must do so much better

Predicts = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # rows, bool -> estimates


def justified_sites(
    X: pd.DataFrame, y: np.ndarray, weight: np.ndarray, fit: Callable[[np.ndarray], Predicts], estimator: object
) -> np.ndarray:
    """Sites whose own model is used, str, sorted.

    Parameters
    ----------
    X : DataFrame, index (site_id, origin, time)
    y, weight : ndarray, shape (n_rows,)
    fit : callable
        Rows to learn from, bool -> a function that gives the own and the pooled estimate of other rows, bool.
    estimator : object
        Whoever asks, for what has to be said of it.

    Returns
    -------
    ndarray
        Sites with training days in eleven calendar months or more; and those whose own model, on blocks of days left out of
        its training, has a mean squared error below 0.97 of the pooled one's.
    """
    groups = group_rows(X, (SITE,), estimator)
    day = microseconds(X.index.get_level_values(ORIGIN)) // DAY_US
    names, month = groups.names[:, 0], day.astype("M8[D]").astype("M8[M]").astype(np.int64) % 12
    seen = np.zeros((len(names), 12), dtype=bool)
    seen[groups.of_row, month] = True
    whole = seen.sum(1) >= FULL_YEAR_MONTHS
    if whole.all():
        return np.sort(names)
    squares = np.zeros((len(names), 2))
    for block in np.array_split(np.unique(day), BLOCKS):
        held = np.isin(day, block)
        asked = held & ~whole[groups.of_row]
        if not asked.any() or held.all():
            continue
        for side, predicted in enumerate(fit(~held)(asked)):
            error = weight[asked] * (predicted - y[asked]) ** 2
            squares[:, side] += np.bincount(groups.of_row[asked], weights=error, minlength=len(names))
    return np.sort(names[whole | (squares[:, 0] < MARGIN * squares[:, 1])])
