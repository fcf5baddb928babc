"""Day rows (site, local date, list of loads) as a cube of days: Arrow's list values are the cube, without a loop over rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cblcast.errors import DataError
from cblcast.frames.cube import DayCube
from cblcast.frames.instants import DAY_US
from cblcast.io.read_report import Kind, Note
from cblcast.io.store.footers import Name
from cblcast.io.store.row_groups import Read
from cblcast.io.store.site_days import Block, Straddled, folded, joined
from cblcast.io.store.zones import Zones, clock_changes

if TYPE_CHECKING:
    import pyarrow as pa

CHANGED_HOURS = (23, 25, 23.5, 24.5)  # half an hour on Lord Howe
DAY_MINUTES = 1440
Keeping = Callable[[Sequence[Name]], np.ndarray]


@dataclass(frozen=True, eq=False)
class DayRows:
    """The days of one row group.

    Attributes
    ----------
    names : list of str or int, sorted
    codes, days : ndarray of int32, shape (n,)
        Site and local day (since 1970-01-01) of each row.
    lengths : ndarray of int64, shape (n,)
        Readings of each row; 0 where nothing was metered.
    values : ndarray of float32, shape (lengths.sum(),)
        The readings, row after row.
    source : str
    """

    names: list[Name]
    codes: np.ndarray
    days: np.ndarray
    lengths: np.ndarray
    values: np.ndarray
    source: str


def read_day_rows(
    read: Read, date: str, value: str, keep: Keeping, span: tuple[int | None, int | None]
) -> DayRows | None:
    """The day rows of one row group that are kept and within a span of local days; None where there are none."""
    days = dates_in(read, date)
    lengths, values = lists_in(read.table[value])
    kept = keep(read.names)
    inside = np.ones(len(days), dtype=bool)
    if span[0] is not None:
        inside &= days >= span[0]
    if span[1] is not None:
        inside &= days <= span[1]
    if not kept.all():
        inside &= kept[read.codes]
    if not inside.any():
        return None
    codes, names = read.codes, read.names
    if not inside.all():
        values = values[np.repeat(inside, lengths)]
        codes, days, lengths = codes[inside], days[inside], lengths[inside]
        used = np.zeros(len(names), dtype=bool)
        used[codes] = True
        codes = (np.cumsum(used, dtype=np.int32) - 1)[codes]
        names = [name for name, is_used in zip(names, used, strict=True) if is_used]
    return DayRows(names, codes, days, lengths, values, read.source)


def dates_in(read: Read, column: str) -> np.ndarray:
    """Dates of a row group in days since 1970-01-01, int32."""
    import pyarrow as pa

    if column not in read.table.column_names:
        return np.full(len(read.codes), np.datetime64(str(read.day), "D").astype(np.int64), dtype=np.int32)
    found = read.table[column]
    if found.null_count:
        raise DataError(f"{read.source} has {found.null_count} rows without a {column}: fill it in, or drop the rows")
    try:
        found = found.cast(pa.date32())
    except pa.ArrowException:
        raise DataError(f"{read.source}: {column!r} holds {found.type}, not dates: write it as a date") from None
    return np.asarray(found.cast(pa.int32()).to_numpy(), dtype=np.int32)


def lists_in(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Length of each list, 0 of one that is null, int64; and all their values, float32."""
    import pyarrow.compute as pc

    lengths, values = [], []
    for chunk in column.chunks:
        lengths.append(
            np.asarray(pc.list_value_length(chunk).fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)
        )
        # Of null lists it gives nothing, whatever may lie behind them.
        values.append(np.asarray(chunk.flatten().to_numpy(zero_copy_only=False), dtype=np.float32))
    if len(values) == 1:
        return lengths[0], values[0]
    return np.concatenate([np.empty(0, np.int64), *lengths]), np.concatenate([np.empty(0, np.float32), *values])


def step_of_days(parts: Sequence[DayRows], known_us: int | None = None) -> int | None:
    """The step that the usual length of a day says [us]; None where no day has readings, or `known_us` must do.

    Raises
    ------
    DataError
        No length divides the day, and the step is not known: several days of 23 or 25 hours alone do not say it.
    """
    lengths = np.concatenate([part.lengths for part in parts])
    lengths = lengths[lengths > 0]
    if not len(lengths):
        return None
    counts = np.bincount(lengths)
    dividing = [length for length in np.flatnonzero(counts).tolist() if DAY_MINUTES % length == 0]
    if dividing:
        return int(DAY_US // max(dividing, key=lambda length: counts[length]))
    if known_us is None:
        changed = _step_of_one_changed_day(parts, lengths)
        if changed is not None:
            return changed
        raise DataError(
            f"{parts[0].source} has days of {int(counts.argmax())} readings, and a step must divide the day: write 24, 48, 96 or 288"
        )
    return None


def _step_of_one_changed_day(parts: Sequence[DayRows], lengths: np.ndarray) -> int | None:
    """The step [us] of readings of one date alone, as long as a day on which the clock changes; None if it is not.

    Whether the clock of the sites changes on that date is looked at where the readings are laid out.
    """
    days = np.concatenate([part.days[part.lengths > 0] for part in parts])
    if len(np.unique(days)) > 1 or len(np.unique(lengths)) > 1:
        return None
    usual = [24 * int(lengths[0]) / hours for hours in CHANGED_HOURS]
    return next((int(DAY_US // length) for length in usual if length % 1 == 0 and DAY_MINUTES % length == 0), None)


def cube_of_days(
    parts: Sequence[DayRows], zones: Zones, step_us: int, span: tuple[int | None, int | None]
) -> tuple[list[Name], DayCube, list[Note]] | None:
    """The days of a partition as one cube, and what was taken otherwise than it stood."""
    if not parts:
        return None
    notes: list[Note] = []
    grids = []
    for part in parts:
        grid, told = on_the_wall(part, zones, step_us)
        bad = np.isinf(grid)
        if bad.any():
            raise _infinite(part, int(bad.any(1).argmax()))
        grids.append(grid)
        notes += told
    blocks = [_block(part, grid) for part, grid in zip(parts, grids, strict=True)]
    together = [block for block in blocks if block is not None]
    if len(together) == len(blocks):
        try:
            return *joined(together, DAY_US // step_us, span), notes
        except Straddled:
            pass  # row by row it is found which day is there twice
    return *_scattered(parts, grids), notes


def _infinite(part: DayRows, row: int) -> DataError:
    date = np.datetime64(int(part.days[row]), "D")
    return DataError(
        f"{part.source}: site {str(part.names[part.codes[row]])!r} has an infinite reading on {date}: put NaN where nothing was metered"
    )


def _block(part: DayRows, grid: np.ndarray) -> Block | None:
    """Sites that have the same days, each whole and in order, without a copy; None of others."""
    n, count, n_slots = len(part.names), len(part.codes) // len(part.names), grid.shape[1]
    days = part.days[:count].astype(np.int64)
    alike = (
        count * n == len(part.codes)
        and (part.codes.reshape(n, count) == np.arange(n, dtype=np.int32)[:, None]).all()
        and (np.diff(days) > 0).all()
        and (part.days.reshape(n, count) == part.days[:count]).all()
    )
    if not alike:
        return None
    flat = (days[:, None] * n_slots + np.arange(n_slots)).reshape(-1)
    return Block(part.names, flat, grid.reshape(n, -1), part.source)


def _scattered(parts: Sequence[DayRows], grids: Sequence[np.ndarray]) -> tuple[list[Name], DayCube]:
    """Rows in any order, each written to its place."""
    names = sorted({name for part in parts for name in part.names})
    place = {name: number for number, name in enumerate(names)}
    codes = [np.array([place[name] for name in part.names], dtype=np.int64)[part.codes] for part in parts]
    first = min(int(part.days.min()) for part in parts)
    n_days = max(int(part.days.max()) for part in parts) - first + 1
    _refuse_twice(parts, names, np.concatenate(codes))
    cube = np.full((len(names), n_days, grids[0].shape[1]), np.nan, dtype=np.float32)
    for part, code, grid in zip(parts, codes, grids, strict=True):
        cube[code, part.days - first] = grid
    return names, DayCube(cube, first)


def _refuse_twice(parts: Sequence[DayRows], names: Sequence[Name], codes: np.ndarray) -> None:
    days = np.concatenate([part.days for part in parts])
    order = np.lexsort((days, codes))
    same = (np.diff(codes[order]) == 0) & (np.diff(days[order]) == 0)
    if not same.any():
        return
    at = int(same.argmax())
    source = np.repeat(np.arange(len(parts)), [len(part.days) for part in parts])[order[at : at + 2]]
    files = sorted({parts[number].source for number in source})
    raise DataError(
        f"{' and '.join(files)} {'hold' if len(files) > 1 else 'holds'} {np.datetime64(int(days[order[at]]), 'D')} of site "
        f"{str(names[codes[order[at]]])!r} twice ({int(same.sum())} such days): keep one of them"
    )


def on_the_wall(part: DayRows, zones: Zones, step_us: int) -> tuple[np.ndarray, list[Note]]:
    """Each row by wall-clock slot, float32, shape (n, n_slots), and what the days of clock changes were taken as.

    A day is as long as the clock says (24 hours' readings on every day), or as it passed (23 and 25 hours' on the days of
    clock changes).
    """
    n_slots = DAY_US // step_us
    usual = part.lengths == n_slots
    if usual.all():
        grid = part.values.reshape(len(part.codes), n_slots)
    else:
        grid = np.full((len(part.codes), n_slots), np.nan, dtype=np.float32)
        grid[usual] = part.values[np.repeat(usual, part.lengths)].reshape(-1, n_slots)
    begins = np.cumsum(part.lengths) - part.lengths
    zone_of = zones.of(part.names)
    fitting = usual | (part.lengths == 0)
    notes: list[Note] = []
    for zone in sorted(set(zone_of)):
        for day, change in clock_changes(np.unique(part.days), zone, step_us).items():
            rows = np.flatnonzero((part.days == day) & (zone_of == zone)[part.codes])
            passed = rows[(part.lengths[rows] == len(change.slots)) & (len(change.slots) != n_slots)]
            told = rows[part.lengths[rows] == n_slots]
            fitting[passed] = True
            if len(passed):
                readings = part.values[begins[passed][:, None] + np.arange(len(change.slots))]
                slots, values = folded(change.slots, readings)
                grid[np.ix_(passed, slots)] = values
            if len(told):
                grid, dropped = _without_skipped(grid, part, told, change.skipped)
                notes += _told(len(told), dropped, day, part.source)
    _refuse_lengths(part, fitting, n_slots)
    return grid, notes


def _without_skipped(grid: np.ndarray, part: DayRows, rows: np.ndarray, skipped: np.ndarray) -> tuple[np.ndarray, int]:
    """The grid without readings in an hour that did not pass, and how many these were."""
    there = np.isfinite(grid[np.ix_(rows, skipped)])
    if not there.any():
        return grid, 0
    if np.shares_memory(grid, part.values):  # what Arrow gave may not be written to
        grid = grid.copy()
    grid[np.ix_(rows, skipped)] = np.nan
    return grid, int(there.sum())


def _told(days: int, dropped: int, day: int, source: str) -> list[Note]:
    date = np.datetime64(day, "D")
    if dropped:
        return [
            Note(
                Kind.DROPPED,
                f"{source}: {dropped} readings of {date} stand in the hour that spring skips, and are left out",
                dropped,
            )
        ]
    return [
        Note(Kind.GUESSED, f"{source}: {days} days of {date}, when the clock changes, are read by wall clock", days)
    ]


def _refuse_lengths(part: DayRows, fitting: np.ndarray, n_slots: int) -> None:
    if fitting.all():
        return
    at = int(np.flatnonzero(~fitting)[0])
    raise DataError(
        f"{part.source}: {np.datetime64(int(part.days[at]), 'D')} of site {str(part.names[part.codes[at]])!r} has "
        f"{part.lengths[at]} readings, not {n_slots} ({int((~fitting).sum())} such days): write a whole day in each row, with "
        "nothing (null) where nothing was metered"
    )
