"""Instants as integers: microseconds since 1970, in UTC or, where a calendar is asked, as a wall clock shows them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


def microseconds(times: Any) -> np.ndarray:
    """Times (with a zone, or naive and then taken as they stand) as int64 microseconds."""
    return pd.DatetimeIndex(times).as_unit("us").asi8


def naive_stamps(us: np.ndarray) -> pd.DatetimeIndex:
    """Microseconds of a wall clock, or of UTC, as times without a zone."""
    return pd.DatetimeIndex(np.ascontiguousarray(us).view("M8[us]"))


def stamps(us: np.ndarray) -> pd.DatetimeIndex:
    """Microseconds of UTC as UTC times."""
    return naive_stamps(us).tz_localize("UTC")


def stamp(us: float) -> pd.Timestamp:
    """One instant, for a sentence."""
    return pd.Timestamp(int(us), unit="us", tz="UTC")


def local_microseconds(times_us: np.ndarray, tz: str) -> np.ndarray:
    """Local wall clock of UTC times, as microseconds since 1970-01-01 00:00 on that wall.

    Parameters
    ----------
    times_us : ndarray of int64, shape (n,)
        Microseconds since the epoch, UTC.
    tz : str
        IANA zone.
    """
    return microseconds(stamps(times_us).tz_convert(tz).tz_localize(None))
