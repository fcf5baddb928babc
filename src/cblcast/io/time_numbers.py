"""Times as numbers: seconds, milli-, micro- and nanoseconds since 1970, dates written together, days of a spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.io.time_text import NOT_A_TIME

DAY_US = 86_400_000_000
_SPREADSHEET_EPOCH_US = -25_569 * DAY_US  # 1899-12-30
# Written together: digits, format, first and last number that can be one.
_TOGETHER = (
    ("%Y%m%d", 19_000_101, 22_001_231, "dates YYYYMMDD"),
    ("%Y%m%d%H", 1_900_010_100, 2_200_123_124, "YYYYMMDDHH"),
    ("%Y%m%d%H%M", 190_001_010_000, 220_012_312_400, "YYYYMMDDhhmm"),
    ("%Y%m%d%H%M%S", 19_000_101_000_000, 22_001_231_240_000, "YYYYMMDDhhmmss"),
)
# Since 1970: from 1980 to 2100, microseconds for one.
_SINCE_1970 = (
    (3.1e8, 4.2e9, 1_000_000.0, "seconds since 1970, UTC"),
    (3.1e11, 4.2e12, 1_000.0, "milliseconds since 1970, UTC"),
    (3.1e14, 4.2e15, 1.0, "microseconds since 1970, UTC"),
    (3.1e17, 4.2e18, 0.001, "nanoseconds since 1970, UTC"),
)


@dataclass(frozen=True)
class NumberTimes:
    """Numbers as times.

    Attributes
    ----------
    us : ndarray of int64, shape (n,)
        ``NOT_A_TIME`` where a number is none like the others.
    aware : bool
        Whether they are instants.
    how : str
    """

    us: np.ndarray
    aware: bool
    how: str


def read_number_times(numbers: np.ndarray) -> NumberTimes | None:
    """Numbers as times, by the size of the middle one; None where such numbers are no times.

    Parameters
    ----------
    numbers : ndarray of int64 or float64, shape (n,)
        NaN where nothing stands.
    """
    known = numbers[np.isfinite(numbers)] if numbers.dtype.kind == "f" else numbers
    if len(known) == 0:
        return None
    middle = float(np.median(known))
    whole = numbers.dtype.kind in "iu" or bool((known == np.floor(known)).all())
    for form, first, last, how in _TOGETHER if whole else ():
        if first <= middle <= last:
            found = _together(numbers, form)
            if (found != NOT_A_TIME).mean() > 0.5:
                return NumberTimes(found, False, how)
    for least, most, scale, how in _SINCE_1970:
        if least <= middle <= most:
            inside = (numbers >= least) & (numbers <= most)
            exact = numbers.dtype.kind in "iu"
            us = _scaled(numbers, scale) if exact else np.rint(np.where(inside, numbers, 0.0) * scale).astype(np.int64)
            return NumberTimes(np.where(inside, us, NOT_A_TIME), True, how)
    if 20_000 <= middle <= 80_000:
        inside = (numbers >= 20_000) & (numbers <= 80_000)
        seconds = np.rint(np.where(inside, numbers, 0.0).astype(np.float64) * 86_400).astype(np.int64)
        return NumberTimes(
            np.where(inside, _SPREADSHEET_EPOCH_US + seconds * 1_000_000, NOT_A_TIME), False, "days of a spreadsheet"
        )
    return None


def _scaled(numbers: np.ndarray, scale: float) -> np.ndarray:
    whole = numbers.astype(np.int64)
    return whole * int(scale) if scale >= 1 else whole // int(1 / scale)


def _together(numbers: np.ndarray, form: str) -> np.ndarray:
    """Dates written together; hour 24 is the end of the day."""
    texts = pd.Series(np.where(np.isfinite(numbers.astype(np.float64)), numbers, 0).astype(np.int64)).astype("str")
    late = np.zeros(len(texts), dtype=bool)
    if "%H" in form:
        late = (texts.str.slice(8, 10) == "24").to_numpy(dtype=bool)
        texts = texts.where(~late, texts.str.slice(0, 8) + "00" + texts.str.slice(10))
    times = pd.DatetimeIndex(pd.to_datetime(texts, format=form, errors="coerce"))
    us = times.as_unit("us").asi8 + np.where(late, DAY_US, 0)
    return np.where(times.isna(), NOT_A_TIME, us)
