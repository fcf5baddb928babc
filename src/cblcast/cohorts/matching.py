"""Matching home by home: each home of one group gets the unlike homes of the other that are least unlike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.cohorts.balance import balance_table, covariates
from cblcast.errors import DataError, StudyError


@dataclass(frozen=True, eq=False)
class Matches:
    """Who was matched with whom.

    Attributes
    ----------
    pairs : DataFrame
        ``home``, ``partner`` (index labels of the two groups) and ``distance`` [standard deviations].
    unmatched : DataFrame, index home
        ``reason``: incomplete (a covariate is missing), or no partner within the caliper, and the ``distance`` to the nearest.
    before, after : DataFrame
        :func:`~cblcast.cohorts.balance.balance_table` of all homes, and of those matched.
    """

    pairs: pd.DataFrame
    unmatched: pd.DataFrame
    before: pd.DataFrame
    after: pd.DataFrame


def nearest_neighbours(
    homes: pd.DataFrame,
    pool: pd.DataFrame,
    columns: Sequence[str],
    *,
    caliper: float | None = 0.25,
    exact: Sequence[str] = (),
) -> Matches:
    """Match each home with one of the pool, without giving any away twice, at the least total distance.

    Parameters
    ----------
    homes, pool : DataFrame
        One row a home, e.g. of Ithaca and of Austin.
    columns : sequence of str
        What homes are alike by: size, occupants, PV. Each is standardised by the spread of both groups together.
    caliper : float or None
        The largest difference allowed in each of `columns` [standard deviations]; None allows any.
    exact : sequence of str
        Columns that must be equal, such as ``pv`` or ``building_type``.

    Returns
    -------
    Matches

    Raises
    ------
    DataError
        An empty group, a home in both groups, a column that cannot be compared, no pair within the caliper.
    StudyError
        A caliper that is no positive number.

    Notes
    -----
    Optimal pair matching (Rosenbaum 1989) rather than one home after another: the order of homes does not matter.
    """
    if caliper is not None and not (isinstance(caliper, (int, float)) and np.isfinite(caliper) and caliper > 0):
        raise StudyError(f"caliper is a positive number of standard deviations, or None, not {caliper!r}")
    counted = isinstance(homes.index, pd.RangeIndex) and isinstance(
        pool.index, pd.RangeIndex
    )  # row numbers name nobody
    both = homes.index.intersection(pool.index)
    if len(both) and not counted:
        raise DataError(f"home {both[0]!r} stands in both groups ({len(both)} such homes): match homes with others")
    ours, theirs = covariates(homes, columns, "homes"), covariates(pool, columns, "the pool")
    before = balance_table(homes, pool, columns)
    spread = np.nanstd(np.concatenate([ours, theirs]), axis=0)
    apart = np.abs(ours[:, None] - theirs[None]) / np.where(spread > 0, spread, 1.0)
    complete = np.isfinite(ours).all(1)[:, None] & np.isfinite(theirs).all(1)
    apart = np.where(complete[:, :, None], apart, np.inf)
    distance = np.sqrt((apart**2).sum(2))
    allowed = complete & ((apart <= caliper).all(2) if caliper is not None else True) & _equal(homes, pool, exact)
    row, partner = _least_total(distance, allowed)
    if len(row) == 0:
        raise DataError(
            "no home has a partner "
            + (f"within {caliper:g} standard deviations " if caliper is not None else "")
            + f"in {', '.join(columns)}{' with equal ' + ', '.join(exact) if exact else ''}: widen the caliper, or match on less"
        )
    pairs = pd.DataFrame({"home": homes.index[row], "partner": pool.index[partner], "distance": distance[row, partner]})
    after = balance_table(homes.iloc[row], pool.iloc[partner], columns)
    return Matches(pairs, _left_over(homes, np.isfinite(ours).all(1), distance, row), before, after)


def _equal(homes: pd.DataFrame, pool: pd.DataFrame, exact: Sequence[str]) -> np.ndarray:
    same = np.ones((len(homes), len(pool)), dtype=bool)
    for name in exact:
        for frame, what in ((homes, "homes"), (pool, "the pool")):
            if name not in frame.columns:
                raise DataError(f"{what} has no column {name!r} that should be equal")
        same &= homes[name].to_numpy()[:, None] == pool[name].to_numpy()[None]
    return same


def _least_total(distance: np.ndarray, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As many allowed pairs as there can be, and of these the least total distance."""
    from scipy.optimize import linear_sum_assignment

    # A pair that is not allowed costs more than all allowed ones together, so none of these is given up for it.
    forbidden = distance[allowed].sum() + 1.0 if allowed.any() else 1.0
    row, column = linear_sum_assignment(np.where(allowed, distance, forbidden))
    kept = allowed[row, column]
    return row[kept], column[kept]


def _left_over(homes: pd.DataFrame, complete: np.ndarray, distance: np.ndarray, matched: np.ndarray) -> pd.DataFrame:
    left = np.setdiff1d(np.arange(len(homes)), matched)
    nearest = distance[left].min(1, initial=np.inf)
    reason = np.where(
        complete[left], "no partner within the caliper that another home does not need more", "a covariate is missing"
    )
    table = {"reason": reason, "distance": np.where(np.isfinite(nearest), nearest, np.nan)}
    return pd.DataFrame(table, index=pd.Index(homes.index[left], name="home"))
