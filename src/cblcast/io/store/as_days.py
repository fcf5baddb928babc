"""A partition of any layout as days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

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
    store: MeterStore, partition: Partition, sites: pd.DataFrame | None, span: Span, fine: Span | None = None
) -> SiteDays | None:
    """The days of a partition's sites as a cube; None where nothing is within the span.

    Parameters
    ----------
    span : (first, last)
        Local days, both included.
    fine : (first, last), optional
        Days of which readings are told in float64 too, where they stand so (:attr:`SiteDays.fine`); a list of a day is float32.
    """
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
    parts, zones = _in_kilowatts(store, parts, step_us), store.zones(sites)
    made = cube_of_rows(parts, zones, step_us, span)
    if made is None:
        return None
    told = _site_days(*made, step_us)
    # Of a wide store a row says nothing of any one site.
    spans = spans_of(parts, made[0]) if store.layout == "long" else None
    if fine is None or all(part.values.dtype == np.float32 for part in parts):
        return replace(told, spans=spans)
    return replace(told, spans=spans, fine=_of_all(made[0], cube_of_rows(parts, zones, step_us, fine, np.float64)))


def _of_all(names: Sequence[Name], made: tuple[list[Name], DayCube] | None) -> DayCube | None:
    """A cube of some of the names as that of all."""
    if made is None or len(made[0]) == len(names):
        return None if made is None else made[1]
    own, cube = made
    values = np.full((len(names), *cube.values.shape[1:]), np.nan)
    values[np.searchsorted(np.asarray(names, dtype=object), np.asarray(own, dtype=object))] = cube.values
    return DayCube(values, cube.first_day)


_Part = TypeVar("_Part", Rows | Alike, DayRows)


def _in_kilowatts(store: MeterStore, parts: Sequence[_Part], step_us: int) -> Sequence[_Part]:
    """Readings in the unit of the store as mean power, as precise as they are."""
    factor = store.factor(step_us)
    return parts if factor == 1.0 else [replace(part, values=part.values * factor) for part in parts]


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
    made = cube_of_days(_in_kilowatts(store, parts, step_us), store.zones(sites), step_us, span)
    return None if made is None else _site_days(made[0], made[1], step_us, made[2])


def _site_days(names: Sequence[Name], cube: DayCube, step_us: int, notes: Sequence[Note] = ()) -> SiteDays:
    return SiteDays(site_index(names), cube, pd.Timedelta(step_us, unit="us").as_unit("us"), tuple(notes))
