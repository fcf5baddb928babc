"""A partition of any layout as a panel: a row for each reading, in UTC."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.errors import DataError, DataWarning
from cblcast.frames.instants import DAY_US, stamps
from cblcast.frames.known import run_starts
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PANEL_INDEX
from cblcast.io.store.as_days import day_rows_of, rows_of
from cblcast.io.store.day_readings import readings_of_days
from cblcast.io.store.day_rows import step_of_days
from cblcast.io.store.footers import Name
from cblcast.io.store.layouts import require_beside
from cblcast.io.store.long_rows import Alike, Rows, flat_values, instants_in
from cblcast.io.store.partitions import Partition
from cblcast.io.store.row_groups import Read, Span, chooser, narrowed
from cblcast.io.store.site_days import site_index

if TYPE_CHECKING:
    from cblcast.io.store.meter_store import MeterStore


@dataclass(frozen=True, eq=False)
class Readings:
    """Rows of a panel: sites as codes, instants [us UTC], and columns by their names there."""

    names: list[Name]
    codes: np.ndarray
    us: np.ndarray
    columns: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, part: Rows | Alike) -> Readings:
        """Of a load alone."""
        rows = part.rows() if isinstance(part, Alike) else part
        return cls(rows.names, rows.codes, rows.us, {OBSERVED: rows.values})

    def where(self, rows: np.ndarray) -> Readings:
        """Some of the rows."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Readings(self.names, self.codes[rows], self.us[rows], columns)

    def within(self, span: Span) -> Readings:
        """Rows with first ≤ time < last."""
        inside = np.ones(len(self.us), dtype=bool)
        if span[0] is not None:
            inside &= self.us >= span[0]
        if span[1] is not None:
            inside &= self.us < span[1]
        return self if inside.all() else self.where(inside)


def panel_of_partition(
    store: MeterStore,
    partition: Partition,
    sites: pd.DataFrame | None,
    span: Span,
    columns: Sequence[str] | None,
) -> Panel:
    """See :meth:`cblcast.io.store.meter_store.MeterStore.read_panel`; `span` is in instants [us UTC], the last not included."""
    layout = store.layout_of_files
    beside = layout.beside if columns is None else require_beside(columns, layout, store.name)
    if layout.kind == "long":
        parts = _long(store, partition, sites, span, beside)
    elif layout.kind == "wide":
        parts = [Readings.of(part) for part in rows_of(store, partition, sites, span)]
    else:
        parts = _days(store, partition, sites, span)
    parts = [part for part in (part.within(span) for part in parts) if len(part.codes)]
    if not parts:
        raise DataError(
            f"partition {partition.key} of {store.name} holds nothing of what was asked for: check the span and the site ids"
        )
    together = _joined(parts)
    if layout.kind != "long":
        together = _trimmed(together)
    return _panel(store, partition, sites, together)


def _long(
    store: MeterStore, partition: Partition, sites: pd.DataFrame | None, span: Span, beside: Sequence[str]
) -> list[Readings]:
    partition = narrowed(partition, None if sites is None else sites.index)
    keep = chooser(partition, None if sites is None else sites.index)
    layout = store.layout_of_files
    wanted = (layout.value, *beside)
    parts = []
    for read in store.reads(partition, [layout.when, *wanted], span):
        part = _readings(read, layout.when, {column: layout.ours(column) for column in wanted})
        kept = keep(read.names)
        parts.append(part if kept.all() else part.where(kept[read.codes]))
    return parts


def _readings(read: Read, time: str, names: Mapping[str, str]) -> Readings:
    columns = {}
    for column, ours in names.items():
        if column not in read.table.column_names:
            raise DataError(
                f"{read.source} lacks the column {column!r}, which other files of the store have: add it there"
            )
        columns[ours] = np.asarray(flat_values(read.table[column]))
    return Readings(read.names, read.codes, instants_in(read.table[time], time, read.source), columns)


def _days(store: MeterStore, partition: Partition, sites: pd.DataFrame | None, span: Span) -> list[Readings]:
    around = (
        None if span[0] is None else span[0] // DAY_US - 1,
        None if span[1] is None else span[1] // DAY_US + 1,
    )
    parts = day_rows_of(store, partition, sites, around)
    if not parts:
        return []
    step_us = store.step_in(step_of_days(parts, store.step_us), parts[0].source)
    zones = store.zones(sites)
    readings = []
    for part in parts:
        rows, notes = readings_of_days(part, zones, step_us)
        for note in notes:
            if note.kind.warned:
                warnings.warn(note.text, DataWarning, stacklevel=5)
        readings.append(Readings.of(rows))
    return readings


def _joined(parts: Sequence[Readings]) -> Readings:
    """All rows, sorted by site and time."""
    names = sorted({name for part in parts for name in part.names})
    place = {name: number for number, name in enumerate(names)}
    codes = np.concatenate(
        [np.array([place[name] for name in part.names], dtype=np.int32)[part.codes] for part in parts]
    )
    us = np.concatenate([part.us for part in parts])
    columns = {column: np.concatenate([part.columns[column] for part in parts]) for column in parts[0].columns}
    onward = (codes[1:] > codes[:-1]) | ((codes[1:] == codes[:-1]) & (us[1:] >= us[:-1]))
    made = Readings(names, codes, us, columns)
    return made if onward.all() else made.where(np.lexsort((us, codes)))


def _trimmed(readings: Readings) -> Readings:
    """Without what a day row or a wide table says nothing of before a site's first reading and after its last."""
    known = np.isfinite(readings.columns[OBSERVED])
    if known.all():
        return readings
    first = run_starts(readings.codes)
    last = np.r_[first[1:], len(known)] - 1
    place = np.where(known, np.arange(len(known)), len(known))
    begin = np.minimum.reduceat(place, first)
    end = np.maximum.reduceat(np.where(known, np.arange(len(known)), -1), first)
    nothing = end < 0  # a site that was never metered stays as it is
    begin, end = np.where(nothing, first, begin), np.where(nothing, last, end)
    at = np.arange(len(known))
    lengths = last - first + 1
    return readings.where((at >= np.repeat(begin, lengths)) & (at <= np.repeat(end, lengths)))


def _panel(store: MeterStore, partition: Partition, sites: pd.DataFrame | None, readings: Readings) -> Panel:
    used, codes = np.unique(readings.codes, return_inverse=True)
    names = [readings.names[number] for number in used]
    place, distinct = pd.factorize(readings.us, sort=True)
    index = pd.MultiIndex(
        levels=[site_index(names), stamps(np.asarray(distinct, dtype=np.int64))],
        codes=[codes, place],
        names=PANEL_INDEX,
        verify_integrity=False,
    )
    where = " and ".join(partition.files[:3]) or store.name
    try:
        panel = Panel(pd.DataFrame(dict(readings.columns), index=index), store.sites_of(names, sites))
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    store.step_in(panel.step_us, where)
    factor = store.factor(panel.step_us)
    if factor != 1.0:
        panel.data[OBSERVED] *= factor
    return panel
