"""The obvious order book: a list that is searched through for every single fill. Kept to judge the fast one."""

from __future__ import annotations

BUY, SELL = 1, -1


class SlowBook:
    """One product; the same events as :class:`cblcast.value.order_book.OrderBook`, without any index."""

    def __init__(self):
        self.orders, self.trades, self.killed, self.turn = [], [], 0, 0

    def _rank(self, order):
        return (-order["side"] * order["price"], order["hidden"], order["turn"])

    def _find(self, number):
        return next((order for order in self.orders if order["number"] == number), None)

    def add(self, time, number, side, price, volume, hidden=False, peak=0, restriction=0):
        self.cancel(number)
        against = [o for o in self.orders if o["side"] == -side and side * o["price"] <= side * price]
        if restriction == 1 and sum(o["open"] + o["reserve"] for o in against) < volume:
            self.killed += volume
            return
        while volume:
            against = [o for o in self.orders if o["side"] == -side and side * o["price"] <= side * price]
            if not against:
                break
            first = min(against, key=self._rank)
            got = min(volume, first["open"])
            self.trades.append((time, first["number"], number, first["price"], got))
            volume -= got
            first["open"] -= got
            self._refill(first)
        if volume and restriction:
            self.killed += volume
        elif volume:
            shown = min(peak, volume) if peak else volume
            self.turn += 1
            self.orders.append(
                {
                    "number": number,
                    "side": side,
                    "price": price,
                    "open": shown,
                    "reserve": volume - shown,
                    "peak": peak,
                    "hidden": hidden,
                    "turn": self.turn,
                }
            )

    def _refill(self, order):
        if order["open"]:
            return
        if not order["reserve"]:
            self.orders.remove(order)
            return
        order["open"] = min(order["peak"], order["reserve"])
        order["reserve"] -= order["open"]
        self.turn += 1
        order["turn"] = self.turn

    def change(self, time, number, price, volume):
        order = self._find(number)
        if order is None:
            return
        have = order["open"] + order["reserve"]
        if price == order["price"] and 0 < volume <= have and not order["peak"]:
            order["open"] = volume
            return
        self.orders.remove(order)
        if volume:
            self.add(time, number, order["side"], price, volume, order["hidden"], order["peak"])

    def cancel(self, number):
        order = self._find(number)
        if order is not None:
            self.orders.remove(order)

    def match(self, number, volume):
        order = self._find(number)
        if order is not None:
            volume = min(volume, order["open"] + order["reserve"])
            taken = min(volume, order["open"])
            order["open"] -= taken
            order["reserve"] -= volume - taken
            self._refill(order)

    def ladder(self, side):
        found = {}
        for order in self.orders:
            if order["side"] == side and not order["hidden"]:
                found[order["price"]] = found.get(order["price"], 0) + order["open"]
        return sorted(found.items(), reverse=side == BUY)

    def resting(self):
        return sum(order["open"] + order["reserve"] for order in self.orders)
