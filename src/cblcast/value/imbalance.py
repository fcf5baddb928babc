"""Imbalance prices by rule: what long and short balance responsible parties settle at. Pure functions, EUR/MWh in and out.

*Long*: more was produced than sold, the surplus earns the long price. *Short*: less was produced, the deficit costs the
short price. One-price systems have one price for both; two-price systems pay the long no more and charge the short no
less than the day-ahead price.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.schema import DataError

Array = NDArray[np.float64]


def _float(*given: ArrayLike) -> list[Array]:
    return [np.asarray(each, dtype=np.float64) for each in given]


def single_price(price: ArrayLike) -> tuple[Array, Array]:
    """One price for both directions: ``(long, short)`` are the same."""
    (both,) = _float(price)
    return both, both.copy()


def french_two_price(
    trend: ArrayLike, up: ArrayLike, down: ArrayLike, spot: ArrayLike, k: float = 0.08
) -> tuple[Array, Array]:
    """Prices of the French mechanism of 2014 to early 2017, from RTE's weighted mean balancing prices.

    Trend up (the system was short): the short pay max(PMPh (1 + k), spot), the long get spot. Trend down: the long get
    min(PMPb / (1 + k), spot), the short pay spot. No trend: spot for both. A negative balancing price is moved the other
    way, so that k never softens it. With k = 0.08 the means of 2015 are 32.3 and 44.8 EUR/MWh; the nowcast paper prints
    32 and 45, which is how the rule, known from memory, was confirmed.

    Parameters
    ----------
    trend : array_like of str, shape (n,)
        ``"up"``, ``"down"``, ``"none"``; anything missing gives NaN.
    up, down : array_like, shape (n,)
        Weighted mean prices of upward (PMPh) and downward (PMPb) balancing energy [EUR/MWh].
    spot : array_like, shape (n,)
        Day-ahead price [EUR/MWh].
    k : float
        Surcharge, ≥ 0.

    Returns
    -------
    long, short : ndarray, shape (n,)

    Raises
    ------
    DataError
        k < 0, or a trend of another name.
    """
    if not k >= 0:
        raise DataError(f"the surcharge k of the two-price rule is {k}, but it cannot soften a price: give 0 or more")
    word = np.asarray(trend, dtype=object)
    known = np.isin(word.astype(str), ("up", "down", "none"))
    other = {str(each) for each in word[~known]} - {"nan", "None", "<NA>", "NaT", ""}
    if other:
        raise DataError(f"the balancing trend is {sorted(other)[0]!r}: it must be 'up', 'down' or 'none' (or missing)")
    h, b, s = _float(up, down, spot)
    dearer = np.where(h > 0, h * (1 + k), h / (1 + k))
    cheaper = np.where(b > 0, b / (1 + k), b * (1 + k))
    long = np.where(word == "down", np.minimum(cheaper, s), s)
    short = np.where(word == "up", np.maximum(dearer, s), s)
    return np.where(known, long, np.nan), np.where(known, short, np.nan)


def nordic_two_price(spot: ArrayLike, up: ArrayLike, down: ArrayLike) -> tuple[Array, Array]:
    """Two-price settlement of production in the Nordic countries (until November 2021).

    The long get the down-regulating price if it is below spot, the short pay the up-regulating price if it is above:
    who leans against the system's imbalance is settled at spot. In hours without regulation give NaN.

    Parameters
    ----------
    spot, up, down : array_like, shape (n,)
        Day-ahead, up- and down-regulating price [EUR/MWh].
    """
    s, h, b = _float(spot, up, down)
    return np.fmin(np.where(np.isnan(s), np.nan, b), s), np.fmax(np.where(np.isnan(s), np.nan, h), s)


def turkish_dual_price(day_ahead: ArrayLike, system_marginal: ArrayLike, k: float = 0.03) -> tuple[Array, Array]:
    """Prices of the Turkish balancing market: (1 − k) of the lower, (1 + k) of the higher of day-ahead and system price."""
    spot, system = _float(day_ahead, system_marginal)
    return (1 - k) * np.minimum(spot, system), (1 + k) * np.maximum(spot, system)
