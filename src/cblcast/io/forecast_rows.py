"""Rows of forecast runs: several files together, in one order, each instant of a run once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.instants import stamp
from cblcast.frames.known import run_begins
from cblcast.frames.run_layout import RunRows
from cblcast.frames.schema import DataError
from cblcast.io.forecast_options import ForecastOptions
from cblcast.io.forecast_times import RunTimes
from cblcast.io.read_report import Kind, Note


@dataclass(frozen=True, eq=False)
class LongRuns:
    """Rows as a file gives them: whose, when issued, of when, of which member, and the weather.

    Attributes
    ----------
    site : ndarray of str, shape (n,), or None
        None where one series serves every site.
    times : RunTimes
    member : ndarray of str, shape (n,), or None
    values : dict column -> ndarray of float64, shape (n,)
    name : str
        What errors call the source.
    """

    site: np.ndarray | None
    times: RunTimes
    member: np.ndarray | None
    values: dict[str, np.ndarray]
    name: str


def together(parts: list[LongRuns], options: ForecastOptions) -> LongRuns:
    """The rows of all files; a column that one of them lacks is empty there."""
    if len(parts) == 1:
        return parts[0]
    if len({part.site is None for part in parts}) > 1:
        raise DataError(
            f"some files of {options.product} name their sites and some do not: give all of them the column site_id"
        )
    names = list(dict.fromkeys(name for part in parts for name in part.values))
    values = {
        name: np.concatenate([part.values.get(name, np.full(len(part.times.issued_us), np.nan)) for part in parts])
        for name in names
    }
    site = None if parts[0].site is None else np.concatenate([part.site for part in parts])
    some = any(part.member is not None for part in parts)
    member = (
        np.concatenate(
            [np.full(len(p.times.issued_us), "", dtype=object) if p.member is None else p.member for p in parts]
        )
        if some
        else None
    )
    times = RunTimes(
        *(
            np.concatenate([getattr(part.times, name) for part in parts])
            for name in ("issued_us", "arrived_us", "valid_us")
        )
    )
    return LongRuns(site, times, member, values, f"the {len(parts)} files of {options.product}")


def blocks_of(rows: LongRuns) -> tuple[tuple[str, ...] | None, np.ndarray]:
    """The sites of the rows, None where one series serves all, and which of them each row is of."""
    if rows.site is None:
        return None, np.zeros(len(rows.times.issued_us), dtype=np.int64)
    codes, names = pd.factorize(rows.site, sort=True)
    return tuple(map(str, names)), codes.astype(np.int64)


def of_member(rows: LongRuns, wanted: str, product: str) -> LongRuns:
    """The rows of one member of an ensemble."""
    if rows.member is None:
        return rows
    keep = rows.member == wanted
    if not keep.any():
        some = ", ".join(map(repr, sorted(set(rows.member))[:8]))
        raise DataError(f"{product} has no member {wanted!r}, only {some}: say members: mean, or one of them")
    times = RunTimes(rows.times.issued_us[keep], rows.times.arrived_us[keep], rows.times.valid_us[keep])
    values = {name: value[keep] for name, value in rows.values.items()}
    return LongRuns(None if rows.site is None else rows.site[keep], times, None, values, rows.name)


def sorted_rows(rows: LongRuns, block: np.ndarray) -> tuple[RunRows, np.ndarray | None]:
    """The rows by site, issue, instant and member."""
    member = None if rows.member is None else pd.factorize(rows.member, sort=True)[0].astype(np.int64)
    keys = [key for key in (member, rows.times.valid_us, rows.times.issued_us, block) if key is not None]
    order: np.ndarray | slice = slice(None)
    if not _ascending(keys[::-1]):
        order = np.lexsort(keys)
    values = {name: value[order] for name, value in rows.values.items()}
    times = rows.times
    made = RunRows(block[order], times.issued_us[order], times.arrived_us[order], times.valid_us[order], values)
    return made, None if member is None else member[order]


def _ascending(keys: list[np.ndarray]) -> bool:
    """Whether rows are sorted by their keys, the first of them first."""
    equal, fine = np.ones(max(0, len(keys[0]) - 1), dtype=bool), np.zeros(max(0, len(keys[0]) - 1), dtype=bool)
    for key in keys:
        fine |= equal & (key[1:] > key[:-1])
        equal &= key[1:] == key[:-1]
    return bool((fine | equal).all())


def without_repeats(
    rows: RunRows, member: np.ndarray | None, name: str, sites: tuple[str, ...] | None
) -> tuple[RunRows, np.ndarray | None, tuple[Note, ...]]:
    """Each instant of a run once: equal values are read once, different ones refused."""
    keys = [rows.block, rows.issued_us, rows.valid_us] + ([] if member is None else [member])
    first = run_begins(*keys)
    if first.all():
        return rows, member, ()
    again = np.flatnonzero(~first)
    for column, value in rows.values.items():
        differs = (value[again] != value[again - 1]) & ~(np.isnan(value[again]) & np.isnan(value[again - 1]))
        if differs.any():
            at = int(again[differs.argmax()])
            whose = "" if sites is None else f" for {sites[rows.block[at]]!r}"
            raise DataError(
                f"{name} gives {column!r}{whose} of {stamp(rows.valid_us[at])} twice in the run issued {stamp(rows.issued_us[at])}, "
                f"{value[at - 1]:g} and {value[at]:g} ({int(differs.sum())} such values): keep one of each, or name the members (member)"
            )
    note = Note(Kind.DOUBTFUL, f"{name}: {len(again)} rows stand twice with equal values and are read once", len(again))
    kept = RunRows(
        rows.block[first],
        rows.issued_us[first],
        rows.arrived_us[first],
        rows.valid_us[first],
        {k: v[first] for k, v in rows.values.items()},
    )
    return kept, None if member is None else member[first], (note,)
