"""Uniform-price clearing of one auction: every accepted order trades at one price. Pure function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cblcast.frames.schema import DataError


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
        The price is the limit at which orders are accepted in part; where both sides end together, the middle of the prices at which
        nobody who is left out would want in.

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
    asks, bids = _levels(volume, price, 1), _levels(volume, price, -1)
    sold = [0.0] * len(asks)
    bought = [0.0] * len(bids)
    # Volumes of one price are sums: what is left within rounding is nothing, else it would set the price.
    tiny = 1e-9 * max([there for _, there in asks + bids], default=0.0)
    i = j = 0
    while i < len(asks) and j < len(bids) and asks[i][0] <= bids[j][0]:
        got = min(asks[i][1] - sold[i], bids[j][1] - bought[j])
        sold[i], bought[j] = sold[i] + got, bought[j] + got
        sold[i] = asks[i][1] if sold[i] >= asks[i][1] - tiny else sold[i]
        bought[j] = bids[j][1] if bought[j] >= bids[j][1] - tiny else bought[j]
        i, j = i + (sold[i] >= asks[i][1]), j + (bought[j] >= bids[j][1])
    traded = float(sum(sold))
    accepted = _shared(volume, price, asks, sold, 1) + _shared(volume, price, bids, bought, -1)
    if traded == 0:
        return Cleared(float("nan"), 0.0, accepted)
    return Cleared(_price(asks, sold, bids, bought), traded, accepted)


def _levels(volume: np.ndarray, price: np.ndarray, side: int) -> list[tuple[float, float]]:
    """Limit prices of a side, the keenest first, with the volume at each."""
    mine = np.sign(volume) == side
    found = [(float(p), float(np.abs(volume[mine & (price == p)]).sum())) for p in np.unique(price[mine])]
    return found if side == 1 else found[::-1]


def _price(
    asks: list[tuple[float, float]], sold: list[float], bids: list[tuple[float, float]], bought: list[float]
) -> float:
    in_part = [
        level[0]
        for side, taken in ((asks, sold), (bids, bought))
        for level, got in zip(side, taken, strict=True)
        if 0 < got < level[1]
    ]
    if in_part:
        return in_part[0]
    last_ask, last_bid = sum(got > 0 for got in sold), sum(got > 0 for got in bought)
    low = max([asks[last_ask - 1][0], *(level[0] for level in bids[last_bid : last_bid + 1])])
    high = min([bids[last_bid - 1][0], *(level[0] for level in asks[last_ask : last_ask + 1])])
    return (low + high) / 2


def _shared(
    volume: np.ndarray, price: np.ndarray, levels: list[tuple[float, float]], taken: list[float], side: int
) -> np.ndarray:
    """Orders of one side at one price share alike, whichever stood first in the list."""
    accepted = np.zeros(len(volume))
    for (limit, there), got in zip(levels, taken, strict=True):
        mine = (np.sign(volume) == side) & (price == limit)
        accepted[mine] = np.abs(volume[mine]) * got / there
    return accepted
