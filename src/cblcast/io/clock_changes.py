"""Days on which a clock changes: where they are, and whether a series of prices took them rightly.

Portals get these days wrong: on 2025-10-26 a Belgian series showed 0.00 for the four quarter-hours from 02:00+02:00 and
every later price an hour too late (EnergieID/entsoe-py, issue 468); another jumped from 02:00+02:00 to 03:00+01:00.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US


def _local(us: np.ndarray, zone: str) -> np.ndarray:
    index = pd.DatetimeIndex(np.ascontiguousarray(us).view("M8[us]")).tz_localize("UTC").tz_convert(zone)
    return index.tz_localize(None).as_unit("us").asi8


def changes_between(first_us: int, last_us: int, zone: str) -> list[tuple[int, int]]:
    """Clock changes in [first, last]: the instant (to the quarter hour) and by how much the clock is put on [us]."""
    grid = np.arange(first_us // (15 * MINUTE_US) * 15 * MINUTE_US, last_us + 1, 15 * MINUTE_US)
    if len(grid) < 2:
        return []
    offset = _local(grid, zone) - grid
    at = np.flatnonzero(np.diff(offset)) + 1
    return [(int(grid[k]), int(offset[k] - offset[k - 1])) for k in at]


def repeated_hours(us: np.ndarray, zone: str) -> np.ndarray:
    """Instants whose wall clock comes again within the hour: the first showing of autumn's double hour, shape (n,)."""
    return _local(us + HOUR_US, zone) == _local(us, zone)


def refuse_slipped_days(us: np.ndarray, prices: np.ndarray, zone: str, step_min: int, name: str) -> None:
    """Raise :class:`DataError` where a day of a clock change has not its own number of hours.

    Parameters
    ----------
    us : ndarray of int64, shape (n,)
        Starts of the products, ascending, microseconds UTC.
    prices : ndarray, shape (n, k)
    zone : str
        IANA zone of the market.
    step_min : int
        Length of the products [min].
    name : str
        What an error calls the series.
    """
    if len(us) < 2:
        return
    for at, moved in changes_between(int(us[0]), int(us[-1]), zone):
        first = at - max(0, -moved)  # autumn: the first showing of the double hour; spring: the hour after the jump
        inside = (us >= first) & (us < first + HOUR_US)
        around = ((us >= first - HOUR_US) & (us < first)).any() and (
            (us >= first + HOUR_US) & (us < first + 3 * HOUR_US)
        ).any()
        stamp = pd.Timestamp(first, unit="us", tz="UTC").tz_convert(zone).isoformat()
        known = inside & np.isfinite(prices).any(axis=1)
        if around and not known.any():
            raise DataError(
                f"{name} has no price from {stamp}, on the day of a clock change, though it has the hours around it: the "
                "series counts 24 hours on that day; take that day from another source, or leave it out"
            )
        second = (us >= at) & (us < at + HOUR_US)
        if moved < 0 and around and not second.any():
            raise DataError(
                f"{name} has the double hour of {pd.Timestamp(at, unit='us', tz='UTC').tz_convert(zone).date()} once: which "
                "one cannot be told; if every day has 24 hours give days='flattened', else take that day from another source"
            )
        if (
            moved < 0
            and inside.sum() == 60 // step_min
            and inside.sum() > 1
            and _is_filler(prices[inside], prices[second])
        ):
            raise DataError(
                f"{name} holds one value for every product from {stamp}, a filler: a series of 24 hours that slips an hour "
                "behind from there on; take that day from another source, or say trust_clock_changes if it is right"
            )


def _is_filler(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether a column is exactly zero through the first showing of the double hour and then is not."""
    return bool(((first == 0).all(axis=0) & ~(second == 0).all(axis=0)).any())
