"""Dates that cannot be meant: far from all others, or of another century; named, before anything is laid out up to them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cblcast.errors import DataError

DAY_US = 86_400_000_000
LONGEST_GAP_US = 3653 * DAY_US  # ten years
FIRST_US, LAST_US = (int(np.datetime64(day, "us").astype(np.int64)) for day in ("1900-01-01", "2200-01-01"))


def refuse_stray_times(us: np.ndarray, where: Callable[[int], str], what: str = "time") -> None:
    """Refuse a time before 1900, from 2200 on, or more than ten years from all others.

    Parameters
    ----------
    us : ndarray of int64
        Instants [us], in any order.
    where : callable
        Where the time at a position stands, for the error.
    what : str
        What the times are of, in the singular.

    Raises
    ------
    DataError
        Naming the place, the date, and its nearest other.
    """
    if len(us) == 0:
        return
    order = np.argsort(us, kind="stable")
    ends = us[order[0]], us[order[-1]]
    if ends[0] < FIRST_US or ends[1] >= LAST_US:
        at = int(order[0] if ends[0] < FIRST_US else order[-1])
        raise DataError(f"{where(at)} has a {what} of {date_of(us[at])}, and years go from 1900 to 2199: mend the date")
    gaps = np.diff(us[order])
    if len(gaps) and gaps.max() > LONGEST_GAP_US:
        after = int(gaps.argmax()) + 1
        stray, other = (after - 1, after) if after < len(us) - after else (after, after - 1)
        at = int(order[stray])
        years = gaps.max() / DAY_US / 365.25
        raise DataError(
            f"{where(at)} has a {what} of {date_of(us[at])}, {years:.0f} years from the nearest other "
            f"({date_of(us[order[other]])}): mend the date, or drop the row"
        )


def date_of(us: int | np.integer) -> str:
    """The UTC date of an instant, of any year."""
    return str(np.datetime64(int(us), "us").astype("M8[D]"))
