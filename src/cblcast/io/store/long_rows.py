"""Long rows (site, time, load) as a cube of days: row groups whose sites share their times are copied, others scattered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.cube import DayCube, build_cube, local_day_and_slot
from cblcast.frames.instants import DAY_US, stamp, stamps
from cblcast.frames.schema import PANEL_INDEX
from cblcast.frames.steps import common_step
from cblcast.io.store.footers import Name
from cblcast.io.store.row_groups import Read
from cblcast.io.store.site_days import LARGEST, Block, Straddled, folded, joined, refuse_infinite
from cblcast.io.store.zones import Zones

if TYPE_CHECKING:
    import pyarrow as pa

Keeping = Callable[[Sequence[Name]], np.ndarray]


@dataclass(frozen=True, eq=False)
class Rows:
    """Readings as they stand in a row group.

    Attributes
    ----------
    names : list of str or int, sorted
    codes : ndarray of int32, shape (n,)
    us : ndarray of int64, shape (n,)
        Start of the interval [us UTC].
    values : ndarray of float32 or float64, shape (n,)
        As precise as they stand.
    source : str
    """

    names: list[Name]
    codes: np.ndarray
    us: np.ndarray
    values: np.ndarray
    source: str


@dataclass(frozen=True, eq=False)
class Alike:
    """Sites that were metered at the same times: `values` is (n_sites, n_times)."""

    names: list[Name]
    us: np.ndarray
    values: np.ndarray
    source: str

    def rows(self) -> Rows:
        """The same as rows."""
        codes = np.repeat(np.arange(len(self.names), dtype=np.int32), len(self.us))
        return Rows(self.names, codes, np.tile(self.us, len(self.names)), self.values.reshape(-1), self.source)


def read_long(read: Read, time: str, value: str, keep: Keeping) -> Rows | Alike | None:
    """The readings of one row group that are kept; None where there are none."""
    names, codes = read.names, read.codes
    us, values = instants_in(read.table[time], time, read.source), loads(read.table[value])
    kept = keep(names)
    if not kept.any() or not len(codes):
        return None
    n, count = len(names), len(codes) // len(names)
    if count * n == len(codes) and (codes.reshape(n, count) == np.arange(n, dtype=np.int32)[:, None]).all():
        own = us[:count]
        if (np.diff(own) > 0).all() and (us.reshape(n, count) == own).all():
            grid = values.reshape(n, count)
            if not kept.all():
                grid, names = grid[kept], [name for name, is_kept in zip(names, kept, strict=True) if is_kept]
            return Alike(names, own, grid, read.source)
    if not kept.all():
        rows = kept[codes]
        rank = np.cumsum(kept, dtype=np.int32) - 1
        codes, us, values = rank[codes[rows]], us[rows], values[rows]
        names = [name for name, is_kept in zip(names, kept, strict=True) if is_kept]
    return Rows(names, codes, us, values, read.source) if len(codes) else None


def instants_in(column: pa.ChunkedArray, name: str, source: str) -> np.ndarray:
    """Times of a column [us UTC], int64."""
    import pyarrow as pa

    if column.null_count:
        raise DataError(f"{source} has {column.null_count} rows without a {name}: fill it in, or drop the rows")
    if column.type.unit != "us":
        column = column.cast(pa.timestamp("us", "UTC"), safe=False)
    return flat_values(column.cast(pa.int64()))


def flat_values(column: pa.ChunkedArray) -> np.ndarray:
    """A column of numbers as one array; null is NaN."""
    if column.num_chunks == 1:
        return column.chunk(0).to_numpy(zero_copy_only=False)
    return column.to_numpy()


def loads(column: pa.ChunkedArray) -> np.ndarray:
    """A column of loads, NaN where it is null: float32 where it is no more precise, else float64."""
    values = flat_values(column)
    return np.asarray(
        values, dtype=np.float32 if values.dtype.itemsize <= 4 and values.dtype.kind == "f" else np.float64
    )


def cube_of_rows(
    parts: Sequence[Rows | Alike],
    zones: Zones,
    step_us: int,
    span: tuple[int | None, int | None],
    dtype: type[np.floating[Any]] = np.float32,
) -> tuple[list[Name], DayCube] | None:
    """The readings of a partition by site, local day and slot; None where none is within the span of days."""
    n_slots = DAY_US // step_us
    if all(isinstance(part, Alike) for part in parts):
        blocks = [block for part in parts if isinstance(part, Alike) for block in _blocks(part, zones, step_us)]
        blocks = [block for block in blocks if _within(block, n_slots, span)]
        if not blocks:
            return None
        try:
            return joined(blocks, n_slots, span, dtype)
        except Straddled:
            pass  # the general way joins double hours over row groups, and names what is given twice
    return _scattered(parts, zones, step_us, span, dtype)


def _within(block: Block, n_slots: int, span: tuple[int | None, int | None]) -> bool:
    first, last = block.flat[0] // n_slots, block.flat[-1] // n_slots
    return (span[0] is None or last >= span[0]) and (span[1] is None or first <= span[1])


def _blocks(part: Alike, zones: Zones, step_us: int) -> Iterable[Block]:
    zone_of = zones.of(part.names)
    for zone in sorted(set(zone_of)):
        own = zone_of == zone
        day, slot = local_day_and_slot(part.us, zone, step_us)
        values = part.values if own.all() else part.values[own]
        names = [name for name, is_own in zip(part.names, own, strict=True) if is_own]
        block = Block(names, *folded(day * (DAY_US // step_us) + slot, values), part.source)
        refuse_infinite(block)
        yield block


def ordered(parts: Sequence[Rows | Alike]) -> tuple[list[Name], np.ndarray, np.ndarray, np.ndarray]:
    """All readings sorted by site and time: names, codes, instants and values.

    Raises
    ------
    DataError
        One time of a site that is there twice, with the files.
    """
    rows = [part.rows() if isinstance(part, Alike) else part for part in parts]
    names = sorted({name for part in rows for name in part.names})
    place = {name: number for number, name in enumerate(names)}
    codes = np.concatenate(
        [np.array([place[name] for name in part.names], dtype=np.int32)[part.codes] for part in rows]
    )
    us = np.concatenate([part.us for part in rows])
    values = np.concatenate([part.values for part in rows])
    source = np.repeat(np.arange(len(rows)), [len(part.us) for part in rows])
    onward = (codes[1:] > codes[:-1]) | ((codes[1:] == codes[:-1]) & (us[1:] > us[:-1]))
    if not onward.all():
        order = np.lexsort((us, codes))
        codes, us, values, source = codes[order], us[order], values[order], source[order]
        twice = np.flatnonzero((codes[1:] == codes[:-1]) & (us[1:] == us[:-1]))
        if len(twice):
            at = int(twice[0])
            files = sorted({rows[source[at]].source, rows[source[at + 1]].source})
            raise DataError(
                f"{' and '.join(files)} {'hold' if len(files) > 1 else 'holds'} site {str(names[codes[at]])!r} twice at "
                f"{stamp(us[at])} ({len(twice)} such readings): keep one of them"
            )
    return names, codes, us, values


def _scattered(
    parts: Sequence[Rows | Alike],
    zones: Zones,
    step_us: int,
    span: tuple[int | None, int | None],
    dtype: type[np.floating[Any]],
) -> tuple[list[Name], DayCube] | None:
    names, codes, us, values = ordered(parts)
    zone_of = zones.of(names)
    if span != (None, None):
        day = np.empty(len(us), dtype=np.int64)
        for zone in set(zone_of):
            own = (zone_of == zone)[codes]
            day[own] = local_day_and_slot(us[own], zone, step_us)[0]
        kept = (day >= (day.min() if span[0] is None else span[0])) & (
            day <= (day.max() if span[1] is None else span[1])
        )
        codes, us, values = codes[kept], us[kept], values[kept]
        used, codes = np.unique(codes, return_inverse=True)
        names, zone_of = [names[number] for number in used], zone_of[used]
    if not len(us):
        return None
    infinite = np.abs(values) > LARGEST
    if infinite.any():
        at = int(infinite.argmax())
        raise DataError(
            f"site {str(names[codes[at]])!r} has an infinite reading at {stamp(us[at])}: put NaN where nothing was metered"
        )
    return names, build_cube(values, us, codes, zone_of.astype(str), len(names), step_us, dtype)


def spans_of(parts: Sequence[Rows | Alike], names: Sequence[Name]) -> tuple[np.ndarray, np.ndarray]:
    """First and last instant of each of some sorted names that a row has [us UTC], int64, shape (n,)."""
    place = {name: number for number, name in enumerate(names)}
    first, last = np.full(len(names), np.iinfo(np.int64).max), np.full(len(names), np.iinfo(np.int64).min)
    for part in parts:
        where = np.array([place.get(name, -1) for name in part.names], dtype=np.int64)
        there = where >= 0
        if isinstance(part, Alike):
            own = part.us[0], part.us[-1]
        else:
            low, high = np.full(len(where), np.iinfo(np.int64).max), np.full(len(where), np.iinfo(np.int64).min)
            np.minimum.at(low, part.codes, part.us)
            np.maximum.at(high, part.codes, part.us)
            own = low[there], high[there]
        first[where[there]] = np.minimum(first[where[there]], own[0])
        last[where[there]] = np.maximum(last[where[there]], own[1])
    return first, last


def step_of(parts: Sequence[Rows | Alike]) -> int | None:
    """The one step of some readings [us]; None where no site has two.

    Raises
    ------
    DataError
        Two steps, with the file.
    """
    found: dict[int, str] = {}
    for part in parts:
        if isinstance(part, Alike):
            names, codes, us = part.names[:1], np.zeros(len(part.us), dtype=np.int32), part.us
        else:
            names, codes, us, _ = ordered([part])
        if not (codes[1:] == codes[:-1]).any():
            continue
        place, distinct = pd.factorize(us, sort=True)
        index = pd.MultiIndex(
            levels=[[str(name) for name in names], stamps(np.asarray(distinct))],
            codes=[codes, place],
            names=PANEL_INDEX,
            verify_integrity=False,
        )
        try:
            found.setdefault(common_step(pd.DataFrame(index=index)), part.source)
        except DataError as error:
            raise DataError(f"{part.source}: {error}") from None
    if len(found) > 1:
        (one, first), (other, second) = list(found.items())[:2]
        raise DataError(
            f"{second} is at steps of {minutes(other)} where {first} is at {minutes(one)}: bring all sites to one step "
            "(cblcast data convert --step)"
        )
    return next(iter(found), None)


def minutes(step_us: int) -> str:
    """A step in words."""
    return f"{step_us / 60_000_000:g} min"
