"""Many sites as one: sums in both orders, and intervals that respect how sites err together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.schema import SITE


def delivered_limits(
    delivered: np.ndarray, low_error: np.ndarray, high_error: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of the delivered energy [kWh]: a baseline that errs by +e claims e too much."""
    return delivered - high_error, delivered - low_error


def daily_sums(errors: pd.DataFrame, sites: pd.Index, min_share: float = 0.9) -> np.ndarray:
    """Error of the portfolio on each day [kWh]: the sum over its sites ON THE SAME DAY, so that what they share stays.

    Parameters
    ----------
    errors : DataFrame
        Columns ``site_id``, ``day``, ``error_kwh``.
    sites : Index
        Sites of the portfolio.
    min_share : float
        Days on which fewer of them are known do not count; the sum of the others is scaled up, as if what is unknown
        erred alike, which can only widen the interval.
    """
    own = errors[errors[SITE].isin(sites) & np.isfinite(errors["error_kwh"])]
    by_day = own.groupby("day", sort=True)["error_kwh"].agg(["sum", "size"])
    enough = by_day["size"] >= min_share * len(sites)
    kept = by_day[enough]
    return (kept["sum"] * len(sites) / kept["size"]).to_numpy(dtype=np.float64)


def independent_halfwidth(limits: pd.DataFrame) -> float:
    """Half the width that the portfolio's interval would have if its sites erred independently [kWh].

    Parameters
    ----------
    limits : DataFrame
        Columns ``lower_kwh``, ``upper_kwh`` of each site.
    """
    half = (limits["upper_kwh"] - limits["lower_kwh"]).to_numpy() / 2
    return float(np.sqrt((half**2).sum()))
