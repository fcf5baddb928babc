"""Hours and other intervals that a file numbers within each day: 0-23, 1-24, and 1-23 and 1-25 where clocks change."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError
from cblcast.io.clock import Stamps
from cblcast.io.files import Table

DAY_US = 86_400_000_000
USUAL = (24, 48, 96, 288)  # intervals of a day
_SLOT = re.compile(r"^(?:he|hb|h|hr|hour|std|sp|q|p)?[ _.]*0*(\d{1,3})\s*(?:h|\.)?$", re.IGNORECASE)
_SPAN = re.compile(r"^0*(\d{1,2})(?:[:.]?00)?\s*(?:-|–|to|bis|a|à)\s*0*(\d{1,2})(?:[:.]?00)?$", re.IGNORECASE)


def slot_of(text: object) -> tuple[int, bool] | None:
    """The number in ``HE07``, ``7`` or ``06-07``, and whether it counts from 0; None if there is none."""
    if isinstance(text, (int, np.integer)):
        return int(text), False
    if isinstance(text, (float, np.floating)):
        return (int(text), False) if float(text).is_integer() else None
    found = _SLOT.match(str(text).strip())
    if found:
        return int(found.group(1)), False
    span = _SPAN.match(str(text).strip())
    return (int(span.group(1)), True) if span and int(span.group(2)) - int(span.group(1)) in (1, -23) else None


def day_slots(day_us: np.ndarray, column: pd.Series, table: Table, ends: bool) -> Stamps:
    """The beginning of numbered intervals.

    Parameters
    ----------
    day_us : ndarray of int64, shape (n,)
        Midnight on the wall clock.
    column : Series
        The numbers.
    ends : bool
        Whether the column's name says that an interval is named by its end: then number 0 is the last of the day before.

    Returns
    -------
    Stamps
        With `elapsed` where the file counts on through the days on which clocks change (23 and 25 hours).

    Raises
    ------
    DataError
        Naming the line: a number that is none, or beyond what a day has.
    """
    codes, distinct = pd.factorize(column)
    read = [slot_of(value) for value in distinct]
    bad = next((at for at, value in enumerate(read) if value is None), None)
    if bad is not None or (codes < 0).any():
        at = int(np.flatnonzero(codes == (-1 if bad is None else bad))[0])
        raise DataError(
            f"{table.where(int(column.index[at]))}: {str(column.iloc[at])[:60]!r} in {column.name!r} is no number of an hour: "
            "write 1 to 24, or times of day"
        )
    spans = any(value is not None and value[1] for value in read)
    slot = np.array([value[0] if value else 0 for value in read], dtype=np.int64)[codes]
    base = 0 if spans or slot.min() == 0 else 1
    slot = slot - base - (1 if ends and base == 0 and not spans else 0)
    days, day = np.unique(day_us, return_inverse=True)
    last = np.full(len(days), -1)
    np.maximum.at(last, day, slot)
    usual = int(pd.Series(last + 1).mode().iloc[0])
    n = next((count for count in USUAL if usual <= count + count // 24), None)
    if n is None or slot.max() >= n + n // 24:
        at = int(slot.argmax())
        raise DataError(
            f"{table.where(int(column.index[at]))}: {str(column.iloc[at])[:60]!r} in {column.name!r} is beyond the intervals of a day"
        )
    passed = slot * (DAY_US // n)
    how = f"{n} a day, from {base}"
    if _counts_on(day, slot, last, n):
        return Stamps(day_us, False, elapsed=passed, how=f"{how}, through clock changes")
    return Stamps(day_us + passed, False, how=how)


def _counts_on(day: np.ndarray, slot: np.ndarray, last: np.ndarray, n: int) -> bool:
    """Whether numbers run on through the changes of the clock rather than name its hours."""
    hour = n // 24
    if (last >= n).any():
        return True
    shown = np.unique(np.stack([day, slot]), axis=1, return_counts=True)[1]
    if (shown > np.median(shown)).any():  # an hour that is shown twice is named, not counted
        return False
    return bool((last == n - hour - 1).any())
