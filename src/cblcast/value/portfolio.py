"""Many sites as one: sums in both orders, and intervals that respect how sites err together."""

from __future__ import annotations

import numpy as np
import pandas as pd


def delivered_limits(
    delivered: np.ndarray, low_error: np.ndarray, high_error: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of the delivered energy [kWh]: a baseline that errs by +e claims e too much."""
    return delivered - high_error, delivered - low_error


def daily_sums(values: np.ndarray, min_share: float = 0.9) -> np.ndarray:
    """Sum over the sites ON THE SAME DAY, so that what their errors share stays; shape (n_days,).

    Parameters
    ----------
    values : ndarray, shape (n_sites, n_days)
        Errors or loads; NaN is not known.
    min_share : float
        Days on which fewer sites are known are NaN; the sum of the others is scaled up, as if what is unknown erred
        alike, which can only widen an interval.
    """
    known = np.isfinite(values)
    count = known.sum(0)
    total = np.where(known, values, 0.0).sum(0) * len(values) / np.maximum(count, 1)
    return np.where((count > 0) & (count >= min_share * len(values)), total, np.nan)


def independent_halfwidth(limits: pd.DataFrame) -> float:
    """Half the width that the portfolio's interval would have if its sites erred independently [kWh].

    Parameters
    ----------
    limits : DataFrame
        Columns ``lower_kwh``, ``upper_kwh`` of each site.
    """
    half = (limits["upper_kwh"] - limits["lower_kwh"]).to_numpy() / 2
    return float(np.sqrt((half**2).sum()))
