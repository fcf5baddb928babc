"""A partition of any layout as days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.frames.cube import DayCube
from cblcast.frames.instants import DAY_US
from cblcast.io.read_report import Note
from cblcast.io.store.day_rows import DayRows, cube_of_days, read_day_rows, step_of_days
from cblcast.io.store.footers import Name
from cblcast.io.store.long_rows import Alike, Rows, cube_of_rows, read_long, spans_of, step_of
from cblcast.io.store.partitions import Partition
from cblcast.io.store.row_groups import Span, chooser, narrowed
from cblcast.io.store.site_days import SiteDays, site_index
from cblcast.io.store.wide_columns import read_wide

if TYPE_CHECKING:
    from cblcast.io.store.meter_store import MeterStore

MARGIN_US = 2 * DAY_US  # beyond local days, for any zone


def days_of_partition(
    store: MeterStore, partition: Partition, sites: pd.DataFrame | None, span: Span
) -> SiteDays | None:
    """The days of a partition's sites as a cube; None where nothing is within the span."""
    if store.layout == "days":
        return _of_day_rows(store, day_rows_of(store, partition, sites, span), sites, span)
    around = (
        None if span[0] is None else span[0] * DAY_US - MARGIN_US,
        None if span[1] is None else (span[1] + 1) * DAY_US + MARGIN_US,
    )
    parts = rows_of(store, partition, sites, around)
    if not parts:
        return None
    step_us = store.step_in(step_of(parts), parts[0].source)
    made = cube_of_rows(parts, store.zones(sites), step_us, span)
    if made is None:
        return None
    # Of a wide store a row says nothing of any one site.
    spans = spans_of(parts, made[0]) if store.layout == "long" else None
    return _site_days(store, *made, step_us, spans=spans)


def day_rows_of(store: MeterStore, partition: Partition, sites: pd.DataFrame | None, span: Span) -> list[DayRows]:
    """The day rows of a partition that are within a span of days."""
    keep = chooser(partition, None if sites is None else sites.index)
    layout = store.layout_of_files
    parts = (
        read_day_rows(read, layout.when, layout.value, keep, span)
        for read in store.reads(partition, [layout.when, layout.value], span)
    )
    return [part for part in parts if part is not None]


def rows_of(
    store: MeterStore, partition: Partition, sites: pd.DataFrame | None, around: Span
) -> Sequence[Rows | Alike]:
    """The readings of a long or wide partition in row groups that meet a span of instants."""
    index = None if sites is None else sites.index
    layout = store.layout_of_files
    if layout.kind == "wide":
        return read_wide(store.folder, layout, partition, index, around)
    partition = narrowed(partition, index)
    keep = chooser(partition, index)
    parts = (
        read_long(read, layout.when, layout.value, keep)
        for read in store.reads(partition, [layout.when, layout.value], around)
    )
    return [part for part in parts if part is not None]


def _of_day_rows(
    store: MeterStore, parts: Sequence[DayRows], sites: pd.DataFrame | None, span: Span
) -> SiteDays | None:
    if not parts:
        return None
    step_us = store.step_in(step_of_days(parts, store.step_us), parts[0].source)
    made = cube_of_days(parts, store.zones(sites), step_us, span)
    return None if made is None else _site_days(store, made[0], made[1], step_us, made[2])


def _site_days(
    store: MeterStore,
    names: Sequence[Name],
    cube: DayCube,
    step_us: int,
    notes: Sequence[Note] = (),
    spans: tuple[np.ndarray, np.ndarray] | None = None,
) -> SiteDays:
    factor = store.factor(step_us)
    if factor != 1.0:
        cube = DayCube(cube.values * np.float32(factor), cube.first_day)
    return SiteDays(site_index(names), cube, pd.Timedelta(step_us, unit="us").as_unit("us"), tuple(notes), spans)
