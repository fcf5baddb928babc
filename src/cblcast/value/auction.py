"""Uniform-price clearing of one auction: every accepted order trades at one price. Pure function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cblcast.schema import DataError


@dataclass(frozen=True, eq=False)
class Cleared:
    """Outcome of an auction.

    Attributes
    ----------
    price : float
        [currency/MWh]; NaN if nothing trades.
    volume_mw : float
        Sold and bought.
    accepted_mw : ndarray, shape (n_orders,)
        Volume of each order that trades, ≥ 0; the orders at the margin share what is left in proportion to their volume.
    """

    price: float
    volume_mw: float
    accepted_mw: np.ndarray


def clear_uniform(volume_mw: ArrayLike, price_per_mwh: ArrayLike) -> Cleared:
    """Clear hourly orders at one price.

    Parameters
    ----------
    volume_mw : array_like, shape (n_orders,)
        > 0 offered for sale, < 0 wanted.
    price_per_mwh : array_like, shape (n_orders,)
        Limit of each order.

    Returns
    -------
    Cleared
        The price is the limit of the order that is accepted in part; where both sides end together, the middle between the last
        accepted sale and the last accepted purchase.

    Raises
    ------
    DataError
        Arrays of different length, an order without volume or price.

    Examples
    --------
    >>> clear_uniform([-400, 300, 200, 230], [3000, 100, 50, 60]).price
    60.0
    """
    volume, price = (np.asarray(x, dtype=np.float64) for x in (volume_mw, price_per_mwh))
    if volume.shape != price.shape or volume.ndim != 1:
        raise DataError("an auction needs one volume and one price for each order: give arrays of one length")
    if not (np.isfinite(volume) & np.isfinite(price) & (volume != 0)).all():
        raise DataError("every order of an auction has a volume other than 0 and a price: mend or drop the others")
    sales, wants = np.flatnonzero(volume > 0), np.flatnonzero(volume < 0)
    sales, wants = sales[np.argsort(price[sales], kind="stable")], wants[np.argsort(-price[wants], kind="stable")]
    accepted = np.zeros(len(volume))
    sold, bought = 0, 0
    left = np.abs(volume)
    ask = bid = np.nan
    while sold < len(sales) and bought < len(wants) and price[sales[sold]] <= price[wants[bought]]:
        s, w = sales[sold], wants[bought]
        ask, bid = price[s], price[w]
        got = min(left[s], left[w])
        for k in (s, w):
            accepted[k] += got
            left[k] -= got
        sold, bought = sold + (left[s] <= 0), bought + (left[w] <= 0)
    traded = float(accepted[sales].sum())
    if traded == 0:
        return Cleared(float("nan"), 0.0, accepted)
    in_part = [k for k in (*sales, *wants) if 0 < accepted[k] < abs(volume[k])]
    clearing = float(price[in_part[0]]) if in_part else float((ask + bid) / 2)
    return Cleared(clearing, traded, _shared(accepted, volume, price, clearing))


def _shared(accepted: np.ndarray, volume: np.ndarray, price: np.ndarray, clearing: float) -> np.ndarray:
    """Orders of one side at the clearing price share alike, whichever stood first in the list."""
    shared = accepted.copy()
    for side in (1, -1):
        tied = np.flatnonzero((np.sign(volume) == side) & (price == clearing))
        if len(tied) > 1:
            shared[tied] = np.abs(volume[tied]) * accepted[tied].sum() / np.abs(volume[tied]).sum()
    return shared
