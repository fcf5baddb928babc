"""Instants as integers: microseconds since 1970, in UTC or, where a calendar is asked, as a wall clock shows them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
NO_INSTANT = np.iinfo(np.int64).min  # as pandas writes NaT


def microseconds(times: Any) -> np.ndarray:
    """Times (with a zone, or naive and then taken as they stand) as int64 microseconds."""
    held = getattr(times, "array", times)
    if isinstance(held, pd.arrays.DatetimeArray):  # of a series or an index, which need not become another
        if held.unit == "us":  # a tenth of the time, which one nowcast feels
            return np.array(held.asi8)
        return np.asarray(held.as_unit("us").asi8)
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


def local_microseconds(times_us: np.ndarray, tz: str | np.ndarray) -> np.ndarray:
    """Local wall clock of UTC times, as microseconds since 1970-01-01 00:00 on that wall.

    Parameters
    ----------
    times_us : ndarray of int64, shape (n,)
        Microseconds since the epoch, UTC.
    tz : str, or ndarray of str, shape (n,)
        IANA zone of all, or of each.
    """
    if isinstance(tz, np.ndarray):
        return _zone_by_zone(local_microseconds, times_us, tz)
    return microseconds(stamps(times_us).tz_convert(tz).tz_localize(None))


def instants_of_wall(wall_us: np.ndarray, tz: str | np.ndarray, unclear: str = "first") -> np.ndarray:
    """Instants at which a wall clock shows some times: what :func:`local_microseconds` undoes.

    Parameters
    ----------
    wall_us : ndarray of int64, shape (n,)
        Microseconds since 1970-01-01 00:00 on that wall.
    tz : str, or ndarray of str, shape (n,)
        IANA zone of all, or of each.
    unclear : {"first", "none"}
        Of a time that autumn shows twice and one that spring leaves out: the first of the two, and the first instant
        after the gap; or :data:`NO_INSTANT`.

    Returns
    -------
    ndarray of int64, shape (n,)
        Microseconds since the epoch, UTC.
    """
    if isinstance(tz, np.ndarray):
        return _zone_by_zone(partial(instants_of_wall, unclear=unclear), wall_us, tz)
    wall = naive_stamps(wall_us)
    if unclear == "none":
        return microseconds(wall.tz_localize(tz, ambiguous="NaT", nonexistent="NaT"))
    summer = np.ones(len(wall), dtype=bool)  # the first of the two is the one that is still summer time
    return microseconds(wall.tz_localize(tz, ambiguous=summer, nonexistent="shift_forward"))


def _zone_by_zone(convert: Callable[[np.ndarray, str], np.ndarray], us: np.ndarray, zones: np.ndarray) -> np.ndarray:
    out = np.empty_like(us)
    for tz in set(zones):
        rows = zones == tz
        out[rows] = convert(us[rows], str(tz))
    return out


def step_words(step: pd.Timedelta) -> str:
    """The length of an interval as people write it: ``15 min``, ``2 h``, ``1 d``."""
    seconds = step / pd.Timedelta(seconds=1)
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"
