"""A limit order book of one delivery product: price, then display, then time priority; whole numbers of ticks throughout.

Displayed orders of a price go before hidden ones (LOBSTER's help: a buy of 1000 @ 20.01 against 100 + 100 @ 20.00, hidden
500 @ 20.00 and 100 @ 20.01 fills 100, 100, 500, 100 and 200 rest). An iceberg shows its peak; when that is eaten the next
slice queues up behind what came meanwhile. Prices and volumes are counts of ticks, so that volume is conserved exactly.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush

BUY, SELL = 1, -1
NON, FOK, IOC = 0, 1, 2
_SIDE, _PRICE, _OPEN, _HIDDEN, _PEAK, _RESERVE, _ORDER = range(7)
_VOLUME, _SHOWN_QUEUE, _HIDDEN_QUEUE = range(3)


class OrderBook:
    """Orders of one product.

    Events must come in the order of time; who comes first at a price stands first. Unknown orders are counted in
    `unknown`, since a stream may begin in the middle of a day.

    Attributes
    ----------
    trades : list of (time, resting order, incoming order, price, volume)
    unknown : int
        Changes, cancellations and reported matches of orders that are not in the book.
    killed : int
        Volume of fill-or-kill and immediate-or-cancel orders that found no match.
    """

    __slots__ = ("_best", "_levels", "_orders", "killed", "trades", "unknown")

    def __init__(self) -> None:
        self._levels: dict[int, dict[int, list]] = {BUY: {}, SELL: {}}  # price -> [volume, shown queue, hidden queue]
        self._best: dict[int, list[int]] = {BUY: [], SELL: []}  # heaps of −price and price; stale prices are skipped
        self._orders: dict[int, list] = {}
        self.trades: list[tuple[int, int, int, int, int]] = []
        self.unknown = 0
        self.killed = 0

    def add(
        self,
        time: int,
        order: int,
        side: int,
        price: int,
        volume: int,
        hidden: bool = False,
        peak: int = 0,
        restriction: int = NON,
    ) -> None:
        """Match a new order against the other side as far as its limit goes; what is left rests, unless it may not."""
        if order in self._orders:  # the next slice of an iceberg bears the number of the one before
            self.cancel(order)
        if restriction == FOK and self.matchable(side, price) < volume:
            self.killed += volume
            return
        other = self._levels[-side]
        if other:
            heap = self._best[-side]
            limit = side * price  # a buyer takes asks up to its price, a seller bids down to it
            while volume:
                while heap and (heap[0] * side) not in other:
                    heappop(heap)
                if not heap or heap[0] > limit:
                    break
                volume = self._take(time, order, -side, heap[0] * side, volume)
        if not volume:
            return
        if restriction != NON:
            self.killed += volume
            return
        self._rest(order, side, price, volume, hidden, peak)

    def change(self, time: int, order: int, price: int, volume: int) -> None:
        """Give an order a new price or volume; only a smaller volume at the same price keeps its place in the queue."""
        known = self._orders.get(order)
        if known is None:
            self.unknown += 1
            return
        side, hidden, peak = known[_SIDE], known[_HIDDEN], known[_PEAK]
        have = known[_OPEN] + known[_RESERVE]
        if price == known[_PRICE] and 0 < volume <= have and not peak:
            self._levels[side][price][_VOLUME] -= have - volume
            known[_OPEN] = volume
            return
        self.cancel(order)
        if volume:
            self.add(time, order, side, price, volume, hidden, peak)

    def cancel(self, order: int) -> None:
        """Take an order out."""
        known = self._orders.pop(order, None)
        if known is None:
            self.unknown += 1
            return
        self._shrink(known[_SIDE], known[_PRICE], known[_OPEN] + known[_RESERVE])
        known[_OPEN] = known[_RESERVE] = 0

    def expire(self, order: int) -> None:
        """Take an order out whose time is over; that it has been filled before is no surprise."""
        if order in self._orders:
            self.cancel(order)

    def match(self, order: int, volume: int) -> None:
        """Take volume off a resting order, as an exchange reports it."""
        known = self._orders.get(order)
        if known is None:
            self.unknown += 1
            return
        volume = min(volume, known[_OPEN] + known[_RESERVE])
        self._shrink(known[_SIDE], known[_PRICE], volume)
        shown = min(volume, known[_OPEN])
        known[_OPEN] -= shown
        known[_RESERVE] -= volume - shown
        if not known[_OPEN]:
            self._next_slice(known)

    def best(self, side: int) -> int | None:
        """Best displayed price of a side; None if it is empty."""
        ladder = self.ladder(side, 1)
        return ladder[0][0] if ladder else None

    def ladder(self, side: int, n_levels: int | None = None) -> list[tuple[int, int]]:
        """Displayed (price, volume) of a side, best first."""
        levels, found = self._levels[side], []
        for price in sorted(levels, reverse=side == BUY):
            shown = sum(order[_OPEN] for order in levels[price][_SHOWN_QUEUE])
            if shown:
                found.append((price, shown))
                if n_levels is not None and len(found) == n_levels:
                    break
        return found

    def matchable(self, side: int, price: int) -> int:
        """Volume that an order of `side` with this limit would find, hidden volume included."""
        other = self._levels[-side]
        return sum(level[_VOLUME] for at, level in other.items() if side * at <= side * price)

    def resting(self) -> int:
        """Volume that rests in the book, hidden volume included."""
        return sum(level[_VOLUME] for side in self._levels.values() for level in side.values())

    def rest(
        self,
        time: int,
        order: int,
        side: int,
        price: int,
        volume: int,
        hidden: bool = False,
        peak: int = 0,
        restriction: int = NON,
    ) -> None:
        """Let an order rest without matching it, where the stream itself reports every match."""
        self._rest(order, side, price, volume, hidden, peak)

    def _rest(self, order: int, side: int, price: int, volume: int, hidden: bool, peak: int) -> None:
        levels = self._levels[side]
        level = levels.get(price)
        if level is None:
            level = levels[price] = [0, deque(), deque()]
            heappush(self._best[side], -side * price)
        shown = min(peak, volume) if peak else volume
        known = [side, price, shown, hidden, peak, volume - shown, order]
        self._orders[order] = known
        level[_VOLUME] += volume
        level[_HIDDEN_QUEUE if hidden else _SHOWN_QUEUE].append(known)

    def _take(self, time: int, order: int, side: int, price: int, volume: int) -> int:
        """Eat a level of `side`; returns the volume that is still wanted."""
        level = self._levels[side][price]
        for queue in (level[_SHOWN_QUEUE], level[_HIDDEN_QUEUE]):
            while queue and volume:
                known = queue[0]
                got = known[_OPEN] if known[_OPEN] < volume else volume
                if got:
                    self.trades.append((time, known[_ORDER], order, price, got))
                    volume -= got
                    level[_VOLUME] -= got
                    known[_OPEN] -= got
                if not known[_OPEN]:
                    queue.popleft()
                    if got:
                        self._next_slice(known)
        if not level[_VOLUME]:
            self._levels[side].pop(price, None)
        return volume

    def _next_slice(self, known: list) -> None:
        """The next slice of an iceberg queues up at the end; an order without one is gone."""
        if not known[_RESERVE]:
            self._orders.pop(known[_ORDER], None)
            return
        shown = min(known[_PEAK], known[_RESERVE])
        fresh = [*known[:_OPEN], shown, known[_HIDDEN], known[_PEAK], known[_RESERVE] - shown, known[_ORDER]]
        known[_RESERVE] = 0
        self._orders[known[_ORDER]] = fresh
        self._levels[known[_SIDE]][known[_PRICE]][_SHOWN_QUEUE].append(fresh)

    def _shrink(self, side: int, price: int, volume: int) -> None:
        level = self._levels[side][price]
        level[_VOLUME] -= volume
        if not level[_VOLUME]:
            del self._levels[side][price]


def price_of(ladder: list[tuple[int, int]], volume: float) -> float:
    """Volume-weighted mean price of taking `volume` from a ladder; NaN if it is not that deep."""
    left, cost = volume, 0.0
    for price, there in ladder:
        got = min(left, there)
        cost += got * price
        left -= got
        if left <= 1e-12:
            return cost / volume if volume else float("nan")
    return float("nan")
