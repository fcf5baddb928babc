"""Products of a price series: how long they are, where prices lack, and the series at products of another length."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.schema import TIME, DataError

MINUTE_US = 60_000_000
PRODUCTS_MIN = (60, 30, 15)
TREND = "trend"  # of the system's imbalance: 1 up, −1 down, 0 none


def product_minutes(times_us: np.ndarray, name: str = "the price series") -> int:
    """Length of the products [min], from ascending starts; products that overlap are a :class:`DataError`."""
    if len(times_us) < 2:
        return 60
    gaps = np.diff(times_us) // MINUTE_US
    step = next((m for m in PRODUCTS_MIN if (gaps % m == 0).all() and (times_us % (m * MINUTE_US) == 0).all()), None)
    if step is None:
        raise DataError(
            f"{name} has products that begin {int(gaps.min())} min apart: products are hours, half-hours or quarter-hours "
            "that begin on their own grid"
        )
    shorter = gaps == gaps.min()
    if gaps.min() < 60 and not _is_one_length(gaps, shorter):
        at = pd.Timestamp(
            int(times_us[int(np.flatnonzero(np.diff(shorter.astype(np.int8)))[0]) + 1]), unit="us", tz="UTC"
        )
        raise DataError(
            f"{name} mixes products of {int(gaps.min())} min with longer ones that overlap them (first at {at}): "
            "give each length its own file"
        )
    return step


def _is_one_length(gaps: np.ndarray, shorter: np.ndarray) -> bool:
    """Whether longer gaps are holes in a series of the shorter length, or a change of length that happens once."""
    if shorter.mean() > 0.9:
        return True
    return int((np.diff(shorter.astype(np.int8)) != 0).sum()) <= 1


def hold_longer(times_us: np.ndarray, prices: np.ndarray, step_min: int) -> tuple[np.ndarray, np.ndarray, int]:
    """A series whose products become shorter or longer once, at the shorter length: a longer product's price holds for its parts.

    Markets change so (day-ahead hours became quarter-hours in Europe on 2025-10-01).

    Parameters
    ----------
    times_us : ndarray of int64, shape (n,)
        Starts, ascending.
    prices : ndarray, shape (n, k)
    step_min : int
        Length of the shorter products [min].

    Returns
    -------
    times_us, prices, n_longer : starts and prices of all parts, and how many longer products were divided.
    """
    gaps = np.diff(times_us) // MINUTE_US
    longer = gaps > step_min
    if longer.sum() < 3 or longer.all() or int(np.diff(longer.astype(np.int8)).astype(bool).sum()) != 1:
        return times_us, prices, 0
    length = int(gaps[longer].min())
    if length not in PRODUCTS_MIN or (gaps[longer] % length).any() or (gaps[longer] == length).mean() < 0.5:
        return times_us, prices, 0  # holes, not products
    rows = np.r_[longer, longer[-1]]
    parts = np.where(rows, length // step_min, 1)
    offset = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
    return np.repeat(times_us, parts) + offset * step_min * MINUTE_US, np.repeat(prices, parts, axis=0), int(rows.sum())


def to_products(prices: pd.DataFrame, times: pd.DatetimeIndex, minutes: int) -> pd.DataFrame:
    """Prices of the products of `minutes` that begin at `times`; NaN where the file has none.

    A longer product's price holds for every part of it; of shorter products the mean is taken, and it is NaN unless all
    of them are known.

    Parameters
    ----------
    prices : DataFrame
        As :func:`cblcast.io.prices.read_prices` makes it.
    times : DatetimeIndex, UTC
    minutes : int
        15, 30 or 60.
    """
    step = int(prices.attrs.get("step_min") or product_minutes(pd.DatetimeIndex(prices.index).as_unit("us").asi8))
    have, at = (pd.DatetimeIndex(t).as_unit("us").asi8 for t in (prices.index, times))
    values = prices.to_numpy(dtype=np.float64)
    parts = max(1, minutes // step)
    if parts > 1 and TREND in prices.columns:
        raise DataError(
            f"the trend of {step} min has no mean over {minutes} min: make the market of the products that were balanced "
            "(cblcast.value.market.make_market) and take its products(times, minutes)"
        )
    total = np.zeros((len(at), values.shape[1]))
    for part in range(parts):
        wanted = (at + part * step * MINUTE_US) // (step * MINUTE_US) * (step * MINUTE_US)
        place = np.searchsorted(have, wanted)
        known = (place < len(have)) & (have[np.minimum(place, len(have) - 1)] == wanted)
        total += np.where(known[:, None], values[np.minimum(place, len(have) - 1)], np.nan)
    made = pd.DataFrame(total / parts, index=times.rename(TIME), columns=prices.columns)
    made.attrs["step_min"] = minutes
    return made


def price_gaps(prices: pd.DataFrame) -> pd.DataFrame:
    """Runs of products without a price: ``column``, ``start``, ``stop`` (exclusive), ``n_products``."""
    step = int(prices.attrs["step_min"])
    us = pd.DatetimeIndex(prices.index).as_unit("us").asi8
    if len(us) == 0:
        return pd.DataFrame(columns=["column", "start", "stop", "n_products"])
    grid = np.arange(us[0], us[-1] + 1, step * MINUTE_US)
    found = []
    for column in prices.columns:
        known = np.zeros(len(grid), dtype=bool)
        known[(us - us[0]) // (step * MINUTE_US)] = np.isfinite(prices[column].to_numpy(dtype=np.float64))
        edge = np.flatnonzero(np.diff(np.r_[True, known, True].astype(np.int8)))
        for first, last in edge.reshape(-1, 2):
            start, stop = (
                pd.Timestamp(int(grid[0] + k * step * MINUTE_US), unit="us", tz="UTC") for k in (first, last)
            )
            found.append({"column": column, "start": start, "stop": stop, "n_products": int(last - first)})
    return pd.DataFrame(found, columns=["column", "start", "stop", "n_products"])
