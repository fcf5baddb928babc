"""Strategies side by side: income, what it is over doing nothing, and its risk."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cblcast.frames.schema import DataError
from cblcast.value.strategies import Trades
from cblcast.value.wind_tables import standard_error, worst_weeks

Array = NDArray[np.float64]
_WEEK_US = 7 * 86_400_000_000


def expected_spreads(
    times: pd.DatetimeIndex, day_ahead: Array, long: Array, short: Array, zone: str
) -> tuple[Array, Array]:
    """Mean of day-ahead minus long and of short minus day-ahead price by local hour [currency/MWh], shape (24,) each.

    What a trader can know before: the history's spreads, added to tomorrow's day-ahead price.

    Raises
    ------
    DataError
        An hour of the day without any price.
    """
    hour = times.tz_convert(zone).hour
    known = np.isfinite(day_ahead) & np.isfinite(long) & np.isfinite(short)
    count = np.bincount(hour[known], minlength=24)
    if (count == 0).any():
        raise DataError(f"no imbalance price is known at {int(np.argmin(count))}:00 in the history: give a longer one")
    below, above = (
        np.bincount(hour[known], gap[known], minlength=24) / count for gap in (day_ahead - long, short - day_ahead)
    )
    return below, above


def strategy_table(
    strategies: Mapping[str, Trades],
    times: pd.DatetimeIndex,
    *,
    bid_mwh: Array,
    output_mwh: Array,
    day_ahead: Array,
    long: Array,
    short: Array,
    rated_mw: float,
    product_min: int,
    currency: str = "EUR",
) -> pd.DataFrame:
    """Income of each strategy over the products that all of them could price, and its risk.

    Parameters
    ----------
    strategies : mapping name -> Trades
        Of the same n products.
    times : DatetimeIndex, shape (n,)
    bid_mwh, output_mwh, day_ahead, long, short : ndarray, shape (n,)

    Returns
    -------
    DataFrame, index strategy
        ``income_…``, ``gain_…_per_mw_week`` over trading nothing, ``gain_se`` over weeks, ``turnover_mwh``, ``imbalance_mwh``,
        ``worst_weeks_…_per_mw`` (mean of the worst 5 % of weeks) and ``gain_worst_weeks`` (the same of the gain); ``n_products``
        in ``attrs``.
    """
    if "none" in strategies:
        raise DataError("a strategy is called 'none', which is the case that trades nothing: rename it")
    if not 0 < rated_mw < np.inf:
        raise DataError(f"rated_mw is {rated_mw}: give the installed capacity in MW, which income per MW needs")
    unit = currency.lower()
    totals, positions = {"none": bid_mwh * day_ahead + _settled(output_mwh - bid_mwh, long, short)}, {"none": bid_mwh}
    for name, traded in strategies.items():
        positions[name] = traded.position_mwh
        totals[name] = bid_mwh * day_ahead + traded.income + _settled(output_mwh - traded.position_mwh, long, short)
    keep = np.isfinite(np.array(list(totals.values()))).all(axis=0)
    if not keep.any():
        raise DataError("no product can be priced for every strategy: check that prices, bids and output overlap")
    us = times.as_unit("us").asi8[keep]
    week = (us - us.min()) // _WEEK_US
    whole = np.bincount(week) >= 7 * 24 * 60 / product_min / 2
    weeks = keep.sum() * product_min / (7 * 24 * 60)
    rows = {}
    for name, total in totals.items():
        weekly = np.bincount(week, total[keep])[whole] / rated_mw
        gained = np.bincount(week, (total - totals["none"])[keep])[whole] / rated_mw
        rows[name] = {
            f"income_{unit}": total[keep].sum(),
            f"gain_{unit}_per_mw_week": (total - totals["none"])[keep].sum() / rated_mw / weeks,
            "gain_se": standard_error(gained),
            "turnover_mwh": strategies[name].turnover_mwh[keep].sum() if name in strategies else 0.0,
            "imbalance_mwh": np.abs(output_mwh - positions[name])[keep].sum(),
            f"worst_weeks_{unit}_per_mw": worst_weeks(weekly),
            "gain_worst_weeks": worst_weeks(gained),
        }
    table = pd.DataFrame(rows).T.rename_axis("strategy")
    table.attrs["n_products"] = int(keep.sum())
    return table


def _settled(imbalance: Array, long: Array, short: Array) -> Array:
    return np.where(imbalance >= 0, imbalance * long, imbalance * short)
