"""The price of each interval of an event: one number, one for each local hour, or a series."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import DAY_US, HOUR_US, local_microseconds, microseconds
from cblcast.frames.schema import DataError, StudyError
from cblcast.value.contract import Contract


def interval_prices(
    contract: Contract, times: pd.DatetimeIndex, tz: np.ndarray, prices: pd.Series | None = None
) -> np.ndarray:
    """Price of each interval [currency/kWh], float64.

    Parameters
    ----------
    times : DatetimeIndex, UTC
        Interval starts.
    tz : ndarray of str
        Local zone of each interval's site.
    prices : Series, optional
        Price by UTC instant; each price holds until the next.

    Raises
    ------
    StudyError
        A contract without a price for an hour of an event, or a series that is not given.
    DataError
        A price series that does not cover an interval.
    """
    if isinstance(contract.energy_price, (int, float)):
        return np.full(len(times), float(contract.energy_price))
    if isinstance(contract.energy_price, dict):
        return _by_hour(contract, contract.energy_price, times, tz)
    if prices is None:
        raise StudyError(f"the contract {contract.name!r} is priced by a series, but none is given: name its file")
    return _by_series(prices, times)


def _by_hour(contract: Contract, by_hour: dict[int, float], times: pd.DatetimeIndex, tz: np.ndarray) -> np.ndarray:
    hour = local_microseconds(microseconds(times), tz) % DAY_US // HOUR_US
    table = np.array([by_hour.get(k, np.nan) for k in range(24)])
    price = table[hour]
    if np.isnan(price).any():
        first = int(np.flatnonzero(np.isnan(price))[0])
        at = hour[first]
        raise StudyError(
            f"the contract {contract.name!r} has no price for {at:02d}:00-{(at + 1) % 24:02d}:00, in which an event lies "
            f"({times[first].tz_convert(tz[first])}): add {at}: to energy_price"
        )
    return price


def _by_series(prices: pd.Series, times: pd.DatetimeIndex) -> np.ndarray:
    series = prices.dropna().sort_index()
    if np.isinf(series.to_numpy(dtype=np.float64)).any():
        at = series.index[np.isinf(series.to_numpy(dtype=np.float64))][0]
        raise DataError(f"the price series is infinite at {at}: mend it, or leave the hour out if it has no event")
    stamps = pd.DatetimeIndex(series.index)
    if stamps.tz is None:
        raise DataError("the price series has times without a zone: give offsets (2019-06-01T17:00+02:00)")
    if stamps.has_duplicates:
        raise DataError(f"the price series has two prices at {stamps[stamps.duplicated()][0]}: keep one")
    known_at = microseconds(stamps)
    step = np.diff(known_at).min(initial=HOUR_US) if len(stamps) > 1 else HOUR_US
    at = microseconds(times)
    place = np.searchsorted(known_at, at, side="right") - 1
    known = (place >= 0) & (at - known_at[np.maximum(place, 0)] < step) if len(stamps) else np.zeros(len(at), bool)
    if not known.all():
        raise DataError(
            f"the price series has no price at {times[int(np.flatnonzero(~known)[0])]}, in which an event lies: "
            "extend it, or mend the gap"
        )
    return series.to_numpy(dtype=np.float64)[place]
