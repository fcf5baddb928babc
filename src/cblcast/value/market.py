"""The prices of one market on the grid of its products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cblcast.schema import DataError, nearest

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
