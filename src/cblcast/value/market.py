"""The prices of one market on the grid of its products."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cblcast.frames.schema import DataError, DataWarning, StudyError, nearest, require_columns
from cblcast.value.imbalance import RULES

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Market:
    """Prices of one market on the grid of its products.

    Attributes
    ----------
    times : DatetimeIndex, UTC
        Starts of the products.
    day_ahead, long, short : ndarray, shape (n,)
        [currency/MWh]; NaN where there is no price.
    sell, buy : ndarray, shape (n,), or mapping gate_min -> ndarray
        Intraday best bid and best ask; by gate where they depend on when one trades.
    product_min : int
    currency : str
    """

    times: pd.DatetimeIndex
    day_ahead: Array
    long: Array
    short: Array
    sell: Array | Mapping[int, Array]
    buy: Array | Mapping[int, Array]
    product_min: int
    currency: str = "EUR"

    def intraday(self, gate_min: int) -> tuple[Array, Array]:
        """Prices to sell and to buy at, this long before delivery."""
        if isinstance(self.sell, Mapping) and isinstance(self.buy, Mapping):
            if gate_min not in self.sell or gate_min not in self.buy:
                raise DataError(
                    f"the market has no intraday price {gate_min} min before delivery: {nearest(str(gate_min), map(str, self.sell))}"
                )
            return self.sell[gate_min], self.buy[gate_min]
        return self.sell, self.buy  # type: ignore[return-value]

    def at(self, times: pd.DatetimeIndex) -> Market:
        """The market at other products; NaN where it has none."""
        place = self.times.get_indexer(times)

        def moved(values: Array | Mapping[int, Array]) -> Any:
            if isinstance(values, Mapping):
                return {gate: np.where(place >= 0, one[place], np.nan) for gate, one in values.items()}
            return np.where(place >= 0, values[place], np.nan)

        return replace(
            self,
            times=times,
            day_ahead=moved(self.day_ahead),
            long=moved(self.long),
            short=moved(self.short),
            sell=moved(self.sell),
            buy=moved(self.buy),
        )

    def products(self, times: pd.DatetimeIndex, minutes: int) -> Market:
        """The market at products of another length that begin at `times`.

        The prices of a longer product hold for every part of it; of shorter ones the mean is taken, NaN unless all are known. A
        rule of imbalance prices is applied before, where those prices were set: of a mean of its inputs it would make others.
        """
        step = self.product_min
        parts = range(0, max(minutes, step), step) if minutes >= step else [0]
        found = [self.at((times + pd.Timedelta(minutes=part)).floor(f"{step}min")) for part in parts]

        def mean(name: str) -> Any:
            each = [getattr(one, name) for one in found]
            if isinstance(each[0], Mapping):
                return {gate: np.mean([one[gate] for one in each], axis=0) for gate in each[0]}
            return np.mean(each, axis=0)

        made = {name: mean(name) for name in ("day_ahead", "long", "short", "sell", "buy")}
        return replace(self, times=times, product_min=minutes, **made)


def make_market(
    prices: pd.DataFrame,
    rule: str,
    product_min: int,
    *,
    k: float | None = None,
    half_spread: float = 1.0,
    currency: str = "EUR",
) -> Market:
    """A market from prices on the grid of its products.

    Parameters
    ----------
    prices : DataFrame, index time (UTC)
        ``day_ahead_per_mwh``; what the rule reads; ``intraday_sell_per_mwh`` and ``intraday_buy_per_mwh``, or ``intraday_per_mwh``, around
        which `half_spread` is put. Without intraday prices the day-ahead price stands in, which is told.
    rule : str
        One of :data:`cblcast.value.imbalance.RULES`.
    product_min : int
    k : float, optional
        Surcharge of the rule; its own default unless given.
    half_spread : float
        [currency/MWh], the nowcast paper's 1 EUR.

    Raises
    ------
    DataError, StudyError
        A column that is missing, a trend that is a mean of trends, terms that are negative or without end, a `k` for a rule that
        has none. Prices whose sides stand the wrong way round are told.
    """
    if rule not in RULES:
        raise StudyError(f"unknown market {rule!r}: {nearest(rule, RULES)}")
    if not 0 <= half_spread < np.inf:
        raise StudyError(
            f"half_spread is {half_spread}: the price to buy at is never below the price to sell at; give 0 or more"
        )
    made = RULES[rule]
    if k is not None and made.k is None:
        raise StudyError(f"the rule of a {rule} market has no surcharge, so k = {k:g} would do nothing: leave k out")
    if k is not None and not 0 <= k < np.inf:
        raise StudyError(f"the surcharge k is {k}: it cannot soften a price; give 0 or more, like 0.08")
    require_columns(prices, ["day_ahead_per_mwh", *made.columns], f"the price table of a {rule} market")
    columns = {str(name): prices[name].to_numpy(dtype=np.float64) for name in prices.columns}
    long, short = made.prices(columns, (made.k or 0.0) if k is None else k)
    sell, buy = columns.get("intraday_sell_per_mwh"), columns.get("intraday_buy_per_mwh")
    if (sell is None) != (buy is None):
        raise DataError(
            "the prices have only one of intraday_sell_per_mwh and intraday_buy_per_mwh: give both, or intraday_per_mwh"
        )
    if sell is None or buy is None:
        if "intraday_per_mwh" not in columns:
            warnings.warn(
                f"there are no intraday prices: the day-ahead price ± {half_spread:g} {currency}/MWh stands in for them",
                DataWarning,
                stacklevel=2,
            )
        middle = columns.get("intraday_per_mwh", columns["day_ahead_per_mwh"])
        sell, buy = middle - half_spread, middle + half_spread
    _tell_wrong_way("long", long, "short", short)
    _tell_wrong_way("intraday selling", sell, "intraday buying", buy)
    return Market(
        pd.DatetimeIndex(prices.index), columns["day_ahead_per_mwh"], long, short, sell, buy, product_min, currency
    )


def _tell_wrong_way(lower: str, low: Array, higher: str, high: Array) -> None:
    wrong = low > high + 1e-9
    if wrong.any():
        warnings.warn(
            f"the {lower} price lies above the {higher} price in {int(wrong.sum())} of {len(wrong)} products, which pays for trading "
            "or erring: check whether the two columns are exchanged",
            DataWarning,
            stacklevel=3,
        )
