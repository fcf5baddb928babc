"""Sites that share all their days, as the row groups of a store, without a row for each reading before they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cblcast.frames.instants import DAY_US
from cblcast.frames.schema import OBSERVED, SITE, TIME
from cblcast.io.store.layouts import DATE, Kind
from cblcast.io.store.tables import ROWS_PER_GROUP, named
from cblcast.io.store.zones import clock_changes, midnights

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST_SPAN = 62  # days of a row group where a portfolio has more: so that a look-back reads only its own


@dataclass(frozen=True, eq=False)
class Passed:
    """The intervals that pass on some local days.

    Attributes
    ----------
    flat : ndarray of int64, shape (k,)
        Day × slots a day + wall-clock slot of each.
    us : ndarray of int64, shape (k,)
        Its start [us UTC].
    lengths : ndarray of int64, shape (n_days,)
        Intervals of each day.
    """

    flat: np.ndarray
    us: np.ndarray
    lengths: np.ndarray


def passed(days: np.ndarray, tz: str, step_us: int) -> Passed:
    """The intervals of consecutive local days (since 1970-01-01), through the days on which the clock changes."""
    n_slots = DAY_US // step_us
    changes = clock_changes(days, tz, step_us)
    slots = [changes[day].slots if day in changes else np.arange(n_slots) for day in days.tolist()]
    lengths = np.array([len(own) for own in slots])
    flat = np.concatenate([number * n_slots + own for number, own in enumerate(slots)])
    begin = np.repeat(midnights(days, tz), lengths)
    within = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Passed(flat, begin + within * step_us, lengths)


def grid_tables(
    names: Sequence[str],
    loads: np.ndarray,
    days: np.ndarray,
    tz: str,
    step_us: int,
    layout: Kind,
    rows_per_group: int | None = None,
) -> Iterator[pa.Table]:
    """The row groups of sites with the same days.

    Parameters
    ----------
    names : sequence of str, length n
        Sorted.
    loads : ndarray of float32, shape (n, n_days, n_slots)
        By wall-clock slot [kW].
    days : ndarray of int64, shape (n_days,)
        Consecutive local days, since 1970-01-01.
    tz : str
    step_us : int
    layout : {"long", "days", "wide"}
    rows_per_group : int, optional
    """
    most = rows_per_group or ROWS_PER_GROUP[layout]
    if layout == "wide":
        yield _wide(names, loads, passed(days, tz, step_us))
        return
    spans = np.array_split(np.arange(len(days)), -(-len(days) // LONGEST_SPAN))
    told = [passed(days[span], tz, step_us) for span in spans]
    rows_of_site = max(len(one.us) if layout == "long" else len(one.lengths) for one in told)
    sites = max(1, most // rows_of_site)
    for first in range(0, len(names), sites):
        some = list(names[first : first + sites])
        for span, one in zip(spans, told, strict=True):
            block = loads[first : first + sites, span[0] : span[-1] + 1].reshape(len(some), -1)
            values = block if len(one.flat) == block.shape[1] and (np.diff(one.flat) == 1).all() else block[:, one.flat]
            yield _long(some, values, one) if layout == "long" else _days(some, values, one, days[span])


def _long(names: list[str], values: np.ndarray, one: Passed) -> pa.Table:
    import pyarrow as pa

    codes = np.repeat(np.arange(len(names), dtype=np.int32), len(one.us))
    times = pa.array(np.tile(one.us, len(names))).cast(pa.timestamp("us", "UTC"))
    return pa.table({SITE: named(codes, names), TIME: times, OBSERVED: pa.array(values.reshape(-1))})


def _days(names: list[str], values: np.ndarray, one: Passed, days: np.ndarray) -> pa.Table:
    import pyarrow as pa

    codes = np.repeat(np.arange(len(names), dtype=np.int32), len(days))
    ends = np.r_[0, np.cumsum(np.tile(one.lengths, len(names)))].astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(ends), pa.array(values.reshape(-1)))
    dates = pa.array(np.tile(days, len(names)).astype("M8[D]"), pa.date32())
    return pa.table({SITE: named(codes, names), DATE: dates, OBSERVED: lists})


def _wide(names: Sequence[str], loads: np.ndarray, one: Passed) -> pa.Table:
    import pyarrow as pa

    values = loads.reshape(len(names), -1)[:, one.flat]
    columns = {name: pa.array(own) for name, own in zip(names, values, strict=True)}
    return pa.table({TIME: pa.array(one.us).cast(pa.timestamp("us", "UTC")), **columns})
