"""Dates far from the rest: named, before a grid up to them is laid out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError
from cblcast.io.align import usual_step
from cblcast.io.readings import Readings

DAY_US = 86_400_000_000
MOST_CELLS = 400_000_000  # intervals of a panel; more would not fit
MOST_TIMES_READ, FEW_CELLS = 50, 5_000_000  # and so many times what was read, beyond what costs nothing
STRAY_GAP_US = 366 * DAY_US
LONGEST_GAP_US = 3653 * DAY_US


def check_spans(readings: Readings, wanted: int | None) -> Readings:
    """Refuse a date far from the rest, before a grid up to it is laid out.

    Parameters
    ----------
    readings : Readings
    wanted : int, optional
        The step that the panel will have [us].

    Raises
    ------
    DataError
        Naming the line beside the longest gap: where the panel would be far larger than what was read, where a few
        readings lie more than a year from the others, and any more than ten years.
    """
    rows = readings.rows
    step = max(usual_step(rows, readings.report.source), wanted or 0)
    if rows.gap_range[1] <= step:
        return readings
    gap = np.maximum(rows.gaps, 0)
    cells = float(np.sum(gap // step)) + len(rows.us)
    bounds = rows.starts(len(readings.series.name))
    for at in np.flatnonzero(gap > STRAY_GAP_US):
        site = rows.site[at]
        before, after = at + 1 - bounds[site], bounds[site + 1] - at - 1
        if min(before, after) <= max(3, 0.02 * (before + after)) or gap[at] > LONGEST_GAP_US:
            _refuse_stray(readings, int(at), stray_is_first=before < after, step=step)
    if cells > MOST_CELLS or cells > MOST_TIMES_READ * len(rows.us) + FEW_CELLS:
        _refuse_stray(readings, int(gap.argmax()), stray_is_first=False, step=step)
    return readings


def _refuse_stray(readings: Readings, at: int, *, stray_is_first: bool, step: int) -> None:
    rows = readings.rows
    stray, other = (at, at + 1) if stray_is_first else (at + 1, at)
    days = abs(int(rows.us[stray] - rows.us[other])) / DAY_US
    far = f"{days / 365.25:.0f} years" if days > 730 else f"{days:.0f} days"
    raise DataError(
        f"{readings.where(int(rows.source_row[stray]))} is at {_instant(rows.us[stray])}, {far} from the nearest other reading "
        f"({_instant(rows.us[other])}), while readings are {step / 60e6:g} min apart: mend the date, drop the row, or average to a "
        "longer step"
    )


def _instant(us: np.int64) -> str:
    return str(pd.Timestamp(int(us), unit="us", tz="UTC"))
