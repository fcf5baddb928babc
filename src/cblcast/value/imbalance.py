"""Imbalance prices by rule: what long and short balance responsible parties settle at. Pure functions, EUR/MWh in and out.

*Long*: more was produced than sold, the surplus earns the long price. *Short*: less was produced, the deficit costs the
short price. One-price systems have one price for both; two-price systems pay the long no more and charge the short no
less than the day-ahead price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.frames.schema import DataError

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
    trend : array_like, shape (n,)
        1 up, −1 down, 0 none; NaN gives NaN. The reader makes them of words.
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
        k < 0; a trend other than 1, −1, 0 (a mean of trends: the rule is for the products that were balanced).
    """
    if not k >= 0:
        raise DataError(f"the surcharge k of the two-price rule is {k}, but it cannot soften a price: give 0 or more")
    way, h, b, s = _float(trend, up, down, spot)
    odd = np.isfinite(way) & ~np.isin(way, (-1.0, 0.0, 1.0))
    if odd.any():
        raise DataError(
            f"a trend is {way[odd].flat[0]:g}: it is 1 (up), -1 (down) or 0; apply the rule to the products that were balanced, and "
            "average its prices, not its inputs"
        )
    dearer = np.where(h > 0, h * (1 + k), h / (1 + k))
    cheaper = np.where(b > 0, b / (1 + k), b * (1 + k))
    long = np.where(way < 0, np.minimum(cheaper, s), s)
    short = np.where(way > 0, np.maximum(dearer, s), s)
    return np.where(np.isfinite(way), long, np.nan), np.where(np.isfinite(way), short, np.nan)


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


@dataclass(frozen=True)
class Rule:
    """A rule of imbalance prices, by name: what it reads beside ``day_ahead_per_mwh``, and how it makes (long, short)."""

    columns: tuple[str, ...]
    prices: Callable[[Mapping[str, Array], float], tuple[Array, Array]]
    k: float | None = None  # its surcharge unless given; None: it has none


RULES: dict[str, Rule] = {
    "single_price": Rule(("imbalance_per_mwh",), lambda c, k: single_price(c["imbalance_per_mwh"])),
    "two_price": Rule(("long_per_mwh", "short_per_mwh"), lambda c, k: (c["long_per_mwh"], c["short_per_mwh"])),
    "french": Rule(
        ("trend", "up_per_mwh", "down_per_mwh"),
        lambda c, k: french_two_price(c["trend"], c["up_per_mwh"], c["down_per_mwh"], c["day_ahead_per_mwh"], k),
        k=0.08,
    ),
    "nordic": Rule(
        ("up_per_mwh", "down_per_mwh"),
        lambda c, k: nordic_two_price(c["day_ahead_per_mwh"], c["up_per_mwh"], c["down_per_mwh"]),
    ),
    "turkish": Rule(
        ("system_per_mwh",), lambda c, k: turkish_dual_price(c["day_ahead_per_mwh"], c["system_per_mwh"], k), k=0.03
    ),
}
