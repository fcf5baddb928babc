"""One time twice: equal values are one reading, different ones are named, or joined as the user says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError
from cblcast.io.align import Rows
from cblcast.io.column_kinds import join
from cblcast.io.read_report import Kind
from cblcast.io.readings import Readings

WAYS = ("raise", "mean", "first", "last")


def check_way(how: str) -> None:
    """A :class:`DataError` unless `how` is one of :data:`WAYS`."""
    if how not in WAYS:
        raise DataError(f"on_duplicates is 'raise', 'mean', 'first' or 'last', not {how!r}")


def without_repeats(readings: Readings, how: str) -> Readings:
    """One row for each series and time.

    Parameters
    ----------
    readings : Readings
        Sorted.
    how : {"raise", "mean", "first", "last"}
        What is done with different values of one time; a value beside an empty cell is the value.

    Raises
    ------
    DataError
        Naming the line of the first time that is given twice with different values, if `how` is ``raise``.
    """
    check_way(how)
    rows = readings.rows
    if rows.gap_range[0] != 0:
        return readings
    repeated = rows.repeated
    start = np.flatnonzero(~repeated)
    differs = np.zeros(len(start), dtype=bool)
    merged = {}
    for name, value in rows.values.items():
        high, low = np.fmax.reduceat(value, start), np.fmin.reduceat(value, start)
        differs |= high - low > 1e-9 * np.maximum(np.abs(high), np.abs(low))
        merged[name] = high
    lengths = readings.lengths
    kept = replace(rows.take(start), values=merged)
    n_equal = int(repeated.sum() - repeated[np.repeat(differs, np.diff(np.r_[start, len(rows.us)]))].sum())
    readings = readings.noting(Kind.MERGED, f"{n_equal} times given twice with the same values are read once", n_equal)
    if differs.any():
        kept, n = _joined(readings, kept, start, differs, how)
        readings = readings.noting(Kind.MERGED, f"{n} times given twice with different values: {_SAYS[how]}", n)
    return readings.but(rows=kept, lengths=None if lengths is None else np.maximum.reduceat(lengths, start))


_SAYS = {"mean": "their mean is taken", "first": "the first is kept", "last": "the last is kept"}


def _joined(readings: Readings, kept: Rows, start: np.ndarray, differs: np.ndarray, how: str) -> tuple[Rows, int]:
    """`kept`, where values differ as `how` says, and how many rows that concerns."""
    rows = readings.rows
    size = np.diff(np.r_[start, len(rows.us)])
    if how == "raise":
        group = int(differs.argmax())
        at = int(start[group] + 1)
        site = readings.site_ids[readings.series.site[rows.site[at]]]
        raise DataError(
            f"{readings.where(int(rows.source_row[at]))} gives site {site!r} the time "
            f"{pd.Timestamp(int(rows.us[at]), unit='us', tz='UTC')} a second time "
            f"({int((size[differs] - 1).sum())} duplicates in all, with other values): drop them in the file, or say how to join them "
            "(on_duplicates='mean', 'first' or 'last')"
        )
    if how == "mean":
        of_row = np.repeat(np.arange(len(start)), size)
        chosen = {name: join(name, value, of_row, len(start))[0] for name, value in rows.values.items()}
    else:
        row = start if how == "first" else start + size - 1
        chosen = {name: value[row] for name, value in rows.values.items()}
    values = {name: np.where(differs, chosen[name], value) for name, value in kept.values.items()}
    return replace(kept, values=values), int((size[differs] - 1).sum())
