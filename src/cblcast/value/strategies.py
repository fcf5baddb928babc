"""Ways to trade a nowcast intraday: all at once, in steps, the newsvendor's volume, and what a book's depth makes of it.

All are pure functions of one product's numbers, vectorised over products: energies in MWh, prices in currency per MWh. The
newsvendor: selling one more MWh earns the intraday price and costs, at settlement, the long price if the output turns out
above the position and the short price if below; so the best position is the quantile (price − long) / (short − long) of the
predicted output (Pinson, Chevallier, Kariniotakis 2007, IEEE Trans. Power Syst. 22, 1148-1156).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.frames.schema import DataError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trades:
    """What a strategy did in each product, arrays of shape (n,).

    Attributes
    ----------
    position_mwh : ndarray
        Sold in all, day-ahead and intraday.
    income : ndarray
        Intraday income [currency].
    turnover_mwh : ndarray
        Bought and sold intraday.
    """

    position_mwh: Array
    income: Array
    turnover_mwh: Array


def _pay(traded: Array, sell: ArrayLike, buy: ArrayLike) -> Array:
    return np.where(traded >= 0, traded * np.asarray(sell), traded * np.asarray(buy))


def at_once(bid_mwh: ArrayLike, target_mwh: ArrayLike, sell: ArrayLike, buy: ArrayLike) -> Trades:
    """Trade the whole difference between target and bid at one time."""
    bid, target = np.asarray(bid_mwh, dtype=np.float64), np.asarray(target_mwh, dtype=np.float64)
    traded = target - bid
    return Trades(target, _pay(traded, sell, buy), np.abs(traded))


def in_steps(
    bid_mwh: ArrayLike, targets_mwh: ArrayLike, sell: ArrayLike, buy: ArrayLike, shares: Sequence[float] | None = None
) -> Trades:
    """Trade towards the newest nowcast at several times.

    Parameters
    ----------
    bid_mwh : array_like, shape (n,)
    targets_mwh, sell, buy : array_like, shape (k, n)
        Nowcast and prices at each time, the earliest first.
    shares : sequence of k floats, optional
        Share of the difference between nowcast and position that is traded at each time, in [0, 1]; 1/k, 1/(k−1) … 1 unless
        given, so that the last trade closes the position on the last nowcast.
    """
    targets, sell, buy = (np.atleast_2d(np.asarray(x, dtype=np.float64)) for x in (targets_mwh, sell, buy))
    k = len(targets)
    part = [1 / (k - number) for number in range(k)] if shares is None else list(shares)
    if len(part) != k or not all(0 <= share <= 1 for share in part):
        raise DataError(f"trading in {k} steps needs {k} shares between 0 and 1, not {part}")
    position = np.asarray(bid_mwh, dtype=np.float64).copy()
    income, turnover = np.zeros_like(position), np.zeros_like(position)
    for share, target, low, high in zip(part, targets, sell, buy, strict=True):
        traded = share * (target - position)
        income += _pay(traded, low, high)
        turnover += np.abs(traded)
        position = position + traded
    return Trades(position, income, turnover)


def newsvendor_level(price: ArrayLike, long: ArrayLike, short: ArrayLike) -> Array:
    """Probability level of the best position, in [0, 1]; with one imbalance price 1, ½ or 0 as the price is above it or below.

    Parameters
    ----------
    price, long, short : array_like
        Intraday price and the imbalance prices that are expected.

    Raises
    ------
    DataError
        A short price below the long price: then no position is best.
    """
    p, low, high = (np.asarray(x, dtype=np.float64) for x in (price, long, short))
    if (high < low - 1e-9).any():
        raise DataError(
            "an expected short price lies below the long price: income would grow without bound; check the two"
        )
    width = high - low
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.where(width > 1e-9, (p - low) / width, 0.5 + 0.5 * np.sign(np.round(p - low, 9)))
    return np.clip(level, 0.0, 1.0)


def quantile_at(levels: ArrayLike, quantiles_mwh: ArrayLike, wanted: ArrayLike, floor: float, ceiling: float) -> Array:
    """Quantile of each row at its own level, straight lines between; 0 is `floor` and 1 is `ceiling` [MWh].

    Parameters
    ----------
    levels : array_like, shape (k,)
        Ascending, in (0, 1).
    quantiles_mwh : array_like, shape (n, k)
    wanted : array_like, shape (n,)

    Raises
    ------
    DataError
        Levels that do not ascend in (0, 1) or do not fit the columns, quantiles that cross.
    """
    q, given = np.asarray(quantiles_mwh, dtype=np.float64), np.asarray(levels, dtype=np.float64)
    if q.ndim != 2 or q.shape[1] != len(given):
        raise DataError(f"{len(given)} levels need a column of quantiles each, shape (n, {len(given)}), not {q.shape}")
    if not ((given > 0) & (given < 1)).all() or (np.diff(given) <= 0).any():
        raise DataError(f"levels of quantiles ascend between 0 and 1, like 0.1, 0.5, 0.9, not {given.tolist()}")
    if (np.diff(q, axis=1) < -1e-9).any():
        raise DataError("quantiles cross: a higher level has a lower energy; sort the quantiles of each row first")
    if ceiling < floor:
        raise DataError(
            f"the ceiling of {ceiling:g} MWh lies below the floor of {floor:g} MWh: check the installed capacity"
        )
    x = np.r_[0.0, np.asarray(levels, dtype=np.float64), 1.0]
    y = np.column_stack([np.full(len(q), floor), np.clip(q, floor, ceiling), np.full(len(q), ceiling)])
    want = np.clip(np.asarray(wanted, dtype=np.float64), 0.0, 1.0)
    right = np.clip(np.searchsorted(x, want, side="left"), 1, len(x) - 1)
    rows = np.arange(len(q))
    share = (want - x[right - 1]) / (x[right] - x[right - 1])
    return y[rows, right - 1] * (1 - share) + y[rows, right] * share


def newsvendor(
    bid_mwh: ArrayLike,
    levels: ArrayLike,
    quantiles_mwh: ArrayLike,
    *,
    sell: ArrayLike,
    buy: ArrayLike,
    long: ArrayLike,
    short: ArrayLike,
    ceiling: float,
) -> Trades:
    """The volume that maximises expected income, given the predicted distribution and expected imbalance prices.

    More is sold only up to the quantile that the selling price asks for, more is bought only up to the one of the buying
    price; between them the spread is not worth a trade.

    Parameters
    ----------
    bid_mwh : array_like, shape (n,)
    levels, quantiles_mwh : array_like, shapes (k,), (n, k)
    sell, buy, long, short : array_like, shape (n,)
        Intraday prices, and imbalance prices as they are EXPECTED when one trades.
    ceiling : float
        Most energy of a product [MWh].
    """
    bid = np.asarray(bid_mwh, dtype=np.float64)
    up = quantile_at(levels, quantiles_mwh, newsvendor_level(sell, long, short), 0.0, ceiling)
    down = quantile_at(levels, quantiles_mwh, newsvendor_level(buy, long, short), 0.0, ceiling)
    return at_once(bid, np.clip(bid, up, np.maximum(up, down)), sell, buy)


def along_ladder(
    bid_mwh: ArrayLike, targets_mwh: ArrayLike, prices: ArrayLike, volumes_mw: ArrayLike, product_min: int
) -> Trades:
    """Trade towards a target through the book, level by level, each with its own target.

    Parameters
    ----------
    bid_mwh : array_like, shape (n,)
    targets_mwh : array_like, shape (n,) or (n, 2, n_levels)
        One target, or the target at the price of each level of bids (0) and asks (1).
    prices, volumes_mw : array_like, shape (n, 2, n_levels)
        Ladders as :class:`cblcast.value.replay.Replay` keeps them.
    product_min : int

    Returns
    -------
    Trades
        What the book does not take stays untraded.
    """
    price, depth = np.asarray(prices, dtype=np.float64), np.asarray(volumes_mw, dtype=np.float64) * product_min / 60
    target = np.asarray(targets_mwh, dtype=np.float64)
    target = np.broadcast_to(target[:, None, None], price.shape) if target.ndim == 1 else target
    position = np.asarray(bid_mwh, dtype=np.float64).copy()
    income, turnover = np.zeros_like(position), np.zeros_like(position)
    for side, sign in ((0, 1.0), (1, -1.0)):
        for level in range(price.shape[2]):
            wanted = np.clip(sign * (target[:, side, level] - position), 0.0, depth[:, side, level])
            wanted = np.where(np.isfinite(price[:, side, level]), wanted, 0.0)
            income += sign * wanted * np.nan_to_num(price[:, side, level])
            turnover += wanted
            position = position + sign * wanted
    return Trades(position, income, turnover)


def newsvendor_targets(
    levels: ArrayLike, quantiles_mwh: ArrayLike, prices: ArrayLike, long: ArrayLike, short: ArrayLike, ceiling: float
) -> Array:
    """Target of the newsvendor at the price of every level of a book [MWh], shape (n, 2, n_levels), for :func:`along_ladder`."""
    price = np.asarray(prices, dtype=np.float64)
    low, high = (np.asarray(x, dtype=np.float64) for x in (long, short))
    made = np.zeros(price.shape)
    for side in range(2):
        for level in range(price.shape[2]):
            want = newsvendor_level(np.nan_to_num(price[:, side, level]), low, high)
            made[:, side, level] = quantile_at(levels, quantiles_mwh, want, 0.0, ceiling)
    return made
