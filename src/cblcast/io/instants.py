"""Times on wall clocks as instants, site by site."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError
from cblcast.io.align import Rows, usual_step
from cblcast.io.clock import NOT_A_TIME, Stamps, localise
from cblcast.io.read_report import Kind, Note


def to_instants(rows: Rows, stamps: Stamps, zones: list[str], label: str, name: str) -> tuple[Rows, tuple[Note, ...]]:
    """The rows sorted by site and instant, still labelled as in the source.

    Parameters
    ----------
    rows : Rows
        ``us`` as in `stamps`, in the order of the source.
    stamps : Stamps
    zones : list of str
        Zone of the clock of each ``rows.site``.
    label : {"start", "end"}
    name : str
        What notes call the source.
    """
    if stamps.aware:
        return rows.sorted(), ()
    if stamps.elapsed is not None:
        midnight = _by_zone(rows, zones, lambda us, _, zone: _midnight(us, zone))
        return replace(rows, us=midnight + stamps.elapsed).sorted(), ()
    notes: tuple[Note, ...] = ()
    try:
        instants = _clock_to_utc(rows, zones, 0)
    except DataError:
        rows, n = _without_copies(rows)
        if n == 0:
            raise
        notes = (Note(Kind.MERGED, f"{n} times given more than twice with the same values are read once", n),)
        instants = _clock_to_utc(rows, zones, 0)
    if label == "end":
        # Files that end their labels either write the end on the clock or a step after the start; around a clock change
        # these differ, and only one of them leaves every interval in its place.
        length = usual_step(rows.sorted(), name)
        other = _clock_to_utc(rows, zones, length)
        instants = instants if _flaws(rows.site, instants) <= _flaws(rows.site, other) else other
    kept, lost = _without_skipped(replace(rows, us=instants), instants == NOT_A_TIME, name)
    return kept, notes + lost


def _without_copies(rows: Rows) -> tuple[Rows, int]:
    """Without what repeats a time of a site and all its values for the third time or more; how many that were.

    The double hour of autumn may show equal values twice, no hour shows them three times.
    """
    table = pd.DataFrame({"site": rows.site, "us": rows.us, **rows.values})
    keys = ["site", "us"]
    nth = table.groupby(keys).cumcount()
    equal = table.groupby(list(table.columns), dropna=False).cumcount()
    times = table.groupby(keys)["us"].transform("size")
    distinct = table.drop_duplicates().groupby(keys).size().reindex(pd.MultiIndex.from_frame(table[keys])).to_numpy()
    copy = ((times > 2) & (equal >= np.where(distinct > 1, 1, 2)) & (nth > 0)).to_numpy()
    return rows.take(~copy), int(copy.sum())


def _by_zone(rows: Rows, zones: list[str], read) -> np.ndarray:  # type: ignore[no-untyped-def]
    """`read` of the times of each zone's rows, put together."""
    if len(set(zones)) == 1:
        return read(rows.us, rows.site, zones[0])
    zone_of_site = np.asarray(zones, dtype=object)
    instants = np.empty_like(rows.us)
    for zone in set(zones):
        mine = np.flatnonzero((zone_of_site == zone)[rows.site])
        instants[mine] = read(rows.us[mine], rows.site[mine], zone)
    return instants


def _clock_to_utc(rows: Rows, zones: list[str], back_us: int) -> np.ndarray:
    """Instants of the labels; with `back_us`, the clock is read that much earlier and the instant moved on again."""

    def read(us: np.ndarray, site: np.ndarray, zone: str) -> np.ndarray:
        found = localise(us - back_us if back_us else us, site, zone)
        return np.where(found == NOT_A_TIME, NOT_A_TIME, found + back_us) if back_us else found

    return _by_zone(rows, zones, read)


def _midnight(us: np.ndarray, zone: str) -> np.ndarray:
    """When local days begin; where a clock skips midnight, the day begins after it."""
    codes, distinct = pd.factorize(us)
    days = pd.DatetimeIndex(np.asarray(distinct, dtype=np.int64).view("M8[us]"))
    begin = days.tz_localize(zone, ambiguous=np.ones(len(days), dtype=bool), nonexistent="shift_forward")
    return begin.tz_convert("UTC").as_unit("us").asi8[codes]


def _flaws(site: np.ndarray, instants: np.ndarray) -> int:
    order = np.lexsort((instants, site))
    repeated = (np.diff(site[order]) == 0) & (np.diff(instants[order]) == 0)
    return int((instants == NOT_A_TIME).sum() + repeated.sum())


def _without_skipped(rows: Rows, skipped: np.ndarray, name: str) -> tuple[Rows, tuple[Note, ...]]:
    """Without the rows whose time no clock showed; metered values among them are counted."""
    if not skipped.any():
        return rows.sorted(), ()
    metered = np.zeros(len(skipped), dtype=bool)
    for value in rows.values.values():
        metered |= np.isfinite(value)
    lost = int((metered & skipped).sum())
    note = Note(
        Kind.DROPPED,
        f"{name}: {lost} readings at times that the spring clock change skips are left out "
        "(the hour does not exist): if the clock of the file is standard time or UTC, say so (clock='Etc/GMT-1', clock='UTC')",
        lost,
    )
    return rows.take(~skipped).sorted(), (note,) if lost else ()
