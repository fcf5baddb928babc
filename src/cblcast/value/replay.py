"""Books of many products rebuilt from a stream of orders, and what they offered at chosen times before delivery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError
from cblcast.value.order_book import BUY, SELL, OrderBook
from cblcast.value.order_stream import ADD, CANCEL, CHANGE, EXPIRE, OrderStream

MINUTE_US = 60_000_000


@dataclass(frozen=True, eq=False)
class Replay:
    """What a replay leaves behind.

    Attributes
    ----------
    trades : DataFrame
        ``start`` of the product, ``time``, ``resting``, ``incoming`` (order ids), ``price_per_mwh``, ``volume_mw``.
    quotes : DataFrame, index (start, stop, minutes_before)
        ``bid_per_mwh``, ``ask_per_mwh`` (best displayed), ``bid_depth_mw``, ``ask_depth_mw`` (all displayed volume).
    prices, volumes : ndarray, shape (n_quotes, 2, n_levels)
        The ladders of bids (0) and asks (1), best first [per MWh], [MW]; NaN and 0 beyond the last level.
    counts : dict
        The stream's, and ``unknown_orders``, ``trades``.
    killed_mw, resting_mw : float
        Volume of fill-or-kill and immediate-or-cancel orders without match, and volume resting at the end.
    """

    trades: pd.DataFrame
    quotes: pd.DataFrame
    prices: np.ndarray
    volumes: np.ndarray
    counts: dict[str, int]
    killed_mw: float
    resting_mw: float


def replay(
    stream: OrderStream, minutes_before: Sequence[float] = (180, 120, 60, 30), n_levels: int = 20, matching: bool = True
) -> Replay:
    """Rebuild every product's book event by event.

    Parameters
    ----------
    stream : OrderStream
    minutes_before : sequence of float
        When to look into each book, before delivery begins; events at that very instant count.
    n_levels : int
        Levels of the ladders that are kept.
    matching : bool
        Match orders that cross, by price, display and time. False for a stream that reports every match itself
        (``match`` events of both orders), as exchanges' message files do.
    """
    looks = sorted({float(m) for m in minutes_before}, reverse=True)
    if not looks or not all(0 <= m < np.inf for m in looks):
        raise DataError("a book is looked into before delivery: give one or more minutes_before of 0 or more")
    if n_levels < 1:
        raise DataError(f"n_levels is {n_levels}: keep one level of each ladder or more")
    trades: list[tuple[int, int, int, int, int, int]] = []
    seen: list[tuple[int, float, list, list]] = []
    counts, killed, resting = {"unknown_orders": 0}, 0, 0
    for product, events in _by_product(stream):
        begins = int(stream.products["start"].iloc[product].value // 1000)
        book = OrderBook()
        at = 0
        for minutes in looks:
            until = int(np.searchsorted(stream.time_us[events], begins - round(minutes * MINUTE_US), side="right"))
            _run(book, stream, events.start + at, events.start + until, matching)
            at = until
            seen.append((product, minutes, book.ladder(BUY), book.ladder(SELL)))
        _run(book, stream, events.start + at, events.stop, matching)
        trades.extend((product, *trade) for trade in book.trades)
        counts["unknown_orders"] += book.unknown
        killed, resting = killed + book.killed, resting + book.resting()
    counts = {**stream.counts, **counts, "trades": len(trades)}
    quotes, prices, volumes = _quotes(stream, seen, n_levels)
    tick = stream.volume_tick
    return Replay(_trades(stream, trades), quotes, prices, volumes, counts, killed * tick, resting * tick)


def _by_product(stream: OrderStream) -> Iterator[tuple[int, slice]]:
    edge = np.flatnonzero(np.r_[True, np.diff(stream.product) != 0, True])
    for first, last in pairwise(edge):
        yield int(stream.product[first]), slice(int(first), int(last))


def _run(book: OrderBook, stream: OrderStream, first: int, last: int, matching: bool) -> None:
    """Feed events [first, last) to a book: the hot loop."""
    part = slice(first, last)
    rows = zip(
        stream.time_us[part].tolist(),
        stream.action[part].tolist(),
        stream.order[part].tolist(),
        stream.side[part].tolist(),
        stream.price[part].tolist(),
        stream.volume[part].tolist(),
        stream.hidden[part].tolist(),
        stream.peak[part].tolist(),
        stream.restriction[part].tolist(),
        strict=True,
    )
    add = book.add if matching else book.rest
    change, cancel, match, expire = book.change, book.cancel, book.match, book.expire
    for time, action, order, side, price, volume, hidden, peak, restriction in rows:
        if action == ADD:
            add(time, order, side, price, volume, hidden, peak, restriction)
        elif action == CANCEL:
            cancel(order)
        elif action == CHANGE:
            change(time, order, price, volume)
        elif action == EXPIRE:
            expire(order)
        else:
            match(order, volume)


def _trades(stream: OrderStream, trades: list[tuple[int, int, int, int, int, int]]) -> pd.DataFrame:
    product, time, resting, incoming, price, volume = (
        np.array(column, dtype=np.int64) for column in (zip(*trades, strict=True) if trades else ([],) * 6)
    )
    return pd.DataFrame(
        {
            "start": pd.DatetimeIndex(stream.products["start"])[product],
            "time": pd.DatetimeIndex(time.view("M8[us]")).tz_localize("UTC"),
            "resting": resting,
            "incoming": incoming,
            "price_per_mwh": price * stream.price_tick,
            "volume_mw": volume * stream.volume_tick,
        }
    )


def _quotes(
    stream: OrderStream, seen: list[tuple[int, float, list, list]], n_levels: int
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    prices = np.full((len(seen), 2, n_levels), np.nan)
    volumes = np.zeros((len(seen), 2, n_levels))
    depth = np.zeros((len(seen), 2))
    for k, (_, _, *ladders) in enumerate(seen):
        for side, ladder in enumerate(ladders):
            depth[k, side] = sum(volume for _, volume in ladder)
            if kept := ladder[:n_levels]:
                prices[k, side, : len(kept)], volumes[k, side, : len(kept)] = zip(*kept, strict=True)
    prices, volumes, depth = prices * stream.price_tick, volumes * stream.volume_tick, depth * stream.volume_tick
    at = stream.products.iloc[[product for product, *_ in seen]]
    index = pd.MultiIndex.from_arrays(
        [at["start"], at["stop"], [minutes for _, minutes, *_ in seen]], names=["start", "stop", "minutes_before"]
    )
    told = {
        "bid_per_mwh": prices[:, 0, 0],
        "ask_per_mwh": prices[:, 1, 0],
        "bid_depth_mw": depth[:, 0],
        "ask_depth_mw": depth[:, 1],
    }
    return pd.DataFrame(told, index=index), prices, volumes


def walk(prices: np.ndarray, volumes: np.ndarray, wanted_mw: np.ndarray) -> np.ndarray:
    """Volume-weighted price of taking `wanted_mw` from each ladder; NaN where it is not that deep (keep enough `n_levels`).

    Parameters
    ----------
    prices, volumes : ndarray, shape (n, n_levels)
        One side, best first [per MWh], [MW].
    wanted_mw : ndarray, shape (n,)
        ≥ 0; nothing wanted costs the best price.
    """
    wanted = np.asarray(wanted_mw, dtype=np.float64)
    if (wanted < 0).any():
        raise DataError(
            "a negative volume is wanted from a ladder: give how much is taken (≥ 0), and the ladder of the other side to sell"
        )
    before = np.cumsum(volumes, axis=1) - volumes
    taken = np.clip(wanted[:, None] - before, 0.0, volumes)
    total = taken.sum(axis=1)
    cost = np.where(taken > 0, taken * np.nan_to_num(prices), 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(total > 0, cost / total, prices[:, 0])
    return np.where(total >= wanted - 1e-9, mean, np.nan)
