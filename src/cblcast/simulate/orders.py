"""A simulated continuous intraday market: orders whose spread and volatility rise towards delivery.

SYNTHETIC: no order book of France is to be had. The middle of each product's prices starts from a price that is known before
(the day-ahead price, shrunk to its mean as an intraday level is) and walks, faster and faster towards delivery; the best
prices stand a half-spread around it that grows too, and orders arrive around them, are changed and cancelled, and trade.
Prices and volumes are on the exchange's ticks.

References
----------
Figure 6 of Dupré et al. 2020 (Energies 13(20) 5266): standard deviation of the price over a year, 12.1 EUR to sell at and
12.3 EUR to buy at three hours before delivery, 13.4 and 14.5 EUR at thirty minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError

MINUTE_US = 60_000_000


@dataclass(frozen=True)
class IntradayModel:
    """Parameters of the simulated market; prices in EUR/MWh, times in minutes before delivery.

    Attributes
    ----------
    level, pass_through : float
        The middle starts at ``level + pass_through · (known price − its mean)``; ``level=None`` is that mean.
    sd_far, sd_near : float
        Standard deviation of the middle around that start at `far_min` and at `near_min`; between, its variance rises as a
        power of the time that is left.
    half_spread_far, half_spread_near : float
        Mean half-spread there.
    spread_sd_share : float
        Standard deviation of the half-spread over its mean, between products.
    spread_price_share : float
        How much the price to buy at moves away, per EUR by which the middle stands above its mean, at `near_min`; a fifth of
        that at `far_min`. It makes the price to buy at vary more, as figure 6 shows.
    orders_per_hour : float
        New orders of a product in the last hour; fewer before.
    life_share : float
        Mean life of an order that nobody takes, as a share of the time to delivery when it came.
    """

    level: float | None = 32.0
    pass_through: float = 0.85
    sd_far: float = 5.0
    sd_near: float = 7.8
    half_spread_far: float = 0.7
    half_spread_near: float = 1.2
    spread_sd_share: float = 0.3
    spread_price_share: float = 0.09
    far_min: float = 180.0
    near_min: float = 30.0
    orders_per_hour: float = 240.0
    life_share: float = 0.05

    def __post_init__(self) -> None:
        if not (0 < self.near_min < self.far_min and 0 <= self.sd_far <= self.sd_near):
            raise DataError(
                "the intraday model needs near_min < far_min and 0 <= sd_far <= sd_near: it must rise towards delivery"
            )
        if not all(x > 0 for x in (self.half_spread_far, self.half_spread_near, self.orders_per_hour, self.life_share)):
            raise DataError("the intraday model needs half-spreads, orders_per_hour and life_share above 0")

    def _between(self, minutes: np.ndarray, far: float, near: float) -> np.ndarray:
        """A quantity that goes from `far` to `near` with the logarithm of the time that is left."""
        share = np.log(self.far_min / np.asarray(minutes, dtype=np.float64)) / np.log(self.far_min / self.near_min)
        return far + np.clip(share, -1.0, 2.0) * (near - far)

    def middle_sd(self, minutes: np.ndarray) -> np.ndarray:
        """Standard deviation of the middle around its start, this long before delivery."""
        return np.sqrt(np.maximum(self._between(minutes, self.sd_far**2, self.sd_near**2), 0.01))

    def half_spread(self, minutes: np.ndarray) -> np.ndarray:
        """Mean half-spread this long before delivery."""
        return np.maximum(self._between(minutes, self.half_spread_far, self.half_spread_near), 0.05)


def movement_from_auctions(
    changes: np.ndarray, minutes_before: np.ndarray, far_min: float = 180.0, near_min: float = 30.0
) -> tuple[float, float]:
    """Standard deviation of a price around its day-ahead value at two times, from intraday auctions held at others.

    The mean square of the changes is fitted as a straight line in the logarithm of the time that is left, each auction-hour with
    the weight of its products, and read off at both times (extrapolated if no auction was so near).

    Parameters
    ----------
    changes : ndarray, shape (n,)
        Auction price minus day-ahead price of each product [EUR/MWh]; NaN are left out.
    minutes_before : ndarray, shape (n,)
        From the auction to the beginning of delivery.

    Returns
    -------
    sd_far, sd_near : float
        For :class:`IntradayModel`, in the unit of the changes.

    Raises
    ------
    DataError
        Auctions that were all held at one time before delivery.
    """
    known = np.isfinite(changes) & (minutes_before > 0)
    at, square = np.log(minutes_before[known]), changes[known] ** 2
    if known.sum() < 30 or np.ptp(at) == 0:
        raise DataError(
            "a movement towards delivery needs 30 auction prices or more, at different times before delivery"
        )
    slope, level = np.polyfit(at, square, 1)
    far, near = (max(float(level + slope * np.log(minutes)), 0.0) for minutes in (far_min, near_min))
    return np.sqrt(far), np.sqrt(max(near, far))


def starting_middles(known_price: np.ndarray, model: IntradayModel) -> np.ndarray:
    """Where the middle of each product starts."""
    price = np.asarray(known_price, dtype=np.float64)
    mean = float(np.nanmean(price))
    return (mean if model.level is None else model.level) + model.pass_through * (price - mean)


def simulate_quotes(
    starts: np.ndarray, minutes: np.ndarray, model: IntradayModel, rng: np.random.Generator, correlation: float = 0.8
) -> tuple[np.ndarray, np.ndarray]:
    """Best prices to sell and to buy at, without the orders behind them: what a year of products needs.

    Parameters
    ----------
    starts : ndarray, shape (n_products,)
        See :func:`starting_middles`, products in time.
    minutes : ndarray, shape (k,)
        Minutes before delivery, descending.
    correlation : float
        Of the movement of one product with that of the next.

    Returns
    -------
    sell, buy : ndarray, shape (n_products, k)
    """
    minutes = np.asarray(minutes, dtype=np.float64)
    if len(minutes) == 0 or (np.diff(minutes) >= 0).any() or (minutes <= 0).any():
        raise DataError("minutes before delivery descend and are above 0, like 180, 120, 60, 30")
    if not abs(correlation) < 1:
        raise DataError(f"the correlation of one product with the next is {correlation}: it lies between -1 and 1")
    variance = model.middle_sd(minutes) ** 2
    step_sd = np.sqrt(np.diff(np.r_[0.0, variance]).clip(0.0))
    from scipy.signal import lfilter

    shocks = rng.normal(size=(len(starts), len(minutes)))
    shocks[1:] *= np.sqrt(1 - correlation**2)
    shared = lfilter([1.0], [1.0, -correlation], shocks, axis=0)
    middle = np.asarray(starts)[:, None] + np.cumsum(shared * step_sd, axis=1)
    wide = np.clip(1 + model.spread_sd_share * rng.normal(size=(len(starts), 1)), 0.2, None)
    half = wide * model.half_spread(minutes)
    lean = model.spread_price_share * (middle - np.mean(starts)) * np.maximum(model._between(minutes, 0.2, 1.0), 0.0)
    return middle - half, middle + half + np.maximum(lean, -half)


def simulate_orders(
    deliveries: pd.DatetimeIndex,
    known_price: np.ndarray,
    model: IntradayModel | None = None,
    *,
    product_min: int = 60,
    opens_min: float = 300.0,
    closes_min: float = 5.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Order events of products, as :func:`cblcast.value.order_stream.order_stream` takes them.

    Parameters
    ----------
    deliveries : DatetimeIndex, UTC
        Starts of delivery.
    known_price : ndarray, shape (n_products,)
        Price known the day before [EUR/MWh].
    model : IntradayModel, optional
    product_min : int
        60, 30 or 15.
    opens_min, closes_min : float
        Orders come from `opens_min` to `closes_min` before delivery.
    seed : int

    Returns
    -------
    DataFrame
        About two events an order: adds, changes, cancels; a tenth immediate-or-cancel, some fill-or-kill, some icebergs.
    """
    model = model or IntradayModel()
    if deliveries.tz is None:
        raise DataError("deliveries have no zone: give them in UTC, like pd.date_range(..., tz='UTC')")
    if product_min not in (15, 30, 60) or not 0 < closes_min < opens_min < np.inf:
        raise DataError(
            f"products are 15, 30 or 60 min and orders come from opens_min to a later closes_min > 0 before delivery, not {product_min}, "
            f"{opens_min:g} and {closes_min:g}"
        )
    if len(deliveries) == 0 or len(deliveries) != len(known_price) or not np.isfinite(known_price).all():
        raise DataError("every delivery needs a known price: give arrays of one length without NaN")
    rng = np.random.default_rng(seed)
    starts = starting_middles(known_price, model)
    minutes = np.geomspace(opens_min, closes_min, 60)
    sell, buy = simulate_quotes(starts, minutes, model, rng)
    frames, first = [], 1
    for k, delivery in enumerate(deliveries):
        made = _product_orders(minutes, sell[k], buy[k], model, rng, first)
        first += int(made["order_id"].nunique())
        frames.append(made.assign(start=delivery, stop=delivery + pd.Timedelta(minutes=product_min)))
    table = pd.concat(frames, ignore_index=True)
    table["time"] = pd.DatetimeIndex(table["start"]) - pd.to_timedelta(table.pop("minutes_before"), unit="m").dt.round(
        "ms"
    )
    return table


def _product_orders(
    minutes: np.ndarray, sell: np.ndarray, buy: np.ndarray, model: IntradayModel, rng: np.random.Generator, first: int
) -> pd.DataFrame:
    """Orders of one product: more towards delivery, most behind the best price, some that cross it."""
    density = np.minimum(60.0 / minutes, 2.0)
    expected = model.orders_per_hour / 60 * np.trapezoid(density[::-1], minutes[::-1])
    n = max(4, int(rng.poisson(expected)))
    weight = np.cumsum(np.r_[0.0, (density[1:] + density[:-1]) / 2 * -np.diff(minutes)])
    came = np.interp(rng.uniform(0, weight[-1], n), weight, minutes)
    side = rng.choice([1, -1], n)
    # The best resting order of a side stands at the quote; a twentieth crosses, the rest stand behind it.
    quote = np.where(side > 0, np.interp(-came, -minutes, sell), np.interp(-came, -minutes, buy))
    other = np.where(side > 0, np.interp(-came, -minutes, buy), np.interp(-came, -minutes, sell))
    aggressive = rng.uniform(size=n) < 0.12
    behind = rng.exponential(1.5, n) * (rng.uniform(size=n) > 0.35)
    price = np.where(aggressive, other + side * 0.01, quote - side * behind)
    lives = rng.exponential(np.maximum(model.life_share * came, 1.0))
    ends = np.maximum(came - lives, minutes[-1] + 1e-3)
    moves = (rng.uniform(size=n) < 0.3) & ~aggressive
    kind = rng.uniform(size=n)
    volume = np.maximum(1, rng.geometric(0.02, n)) / 10
    peak = np.where((kind > 0.97) & (volume > 2), np.maximum(np.round(volume * 2) / 10, 0.1), 0.0)
    restriction = np.select([aggressive & (kind < 0.5), aggressive & (kind < 0.6)], ["ioc", "fok"], "none")
    identity = np.arange(first, first + n)
    words = {"side": np.where(side > 0, "buy", "sell"), "order_id": identity, "volume_mw": volume}
    same = {**words, "peak_mw": peak, "restriction": restriction}
    add = pd.DataFrame({**same, "minutes_before": came, "action": "add", "price_per_mwh": price})
    rests = restriction == "none"
    half_way = came - (came - ends) * 0.5
    moved_quote = np.where(side > 0, np.interp(-half_way, -minutes, sell), np.interp(-half_way, -minutes, buy))
    change = pd.DataFrame(
        {**same, "minutes_before": half_way, "action": "change", "price_per_mwh": moved_quote - side * behind}
    )[moves & rests]
    cancel = pd.DataFrame({**same, "minutes_before": ends, "action": "cancel", "price_per_mwh": price})[rests]
    made = pd.concat([add, change, cancel], ignore_index=True)
    made["price_per_mwh"] = made["price_per_mwh"].round(2)
    return made
