"""Readings of whole sites as a dense cube of days, put together from the blocks that row groups give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.cube import DayCube
from cblcast.frames.known import known_mean
from cblcast.frames.schema import SITE
from cblcast.io.read_report import Note
from cblcast.io.store.footers import Name


@dataclass(frozen=True, eq=False)
class SiteDays:
    """What some sites metered, by local day and wall-clock slot, without a row for each reading.

    Attributes
    ----------
    site_ids : Index of str
        In the order of the cube's first axis, sorted.
    cube : DayCube
        Mean power [kW], shape (n_sites, n_days, n_slots).
    step : Timedelta
        Length of one interval.
    notes : tuple of Note
        What was taken otherwise than it stood, or left out.
    fine : DayCube, optional
        Of the days around the events that were asked for, in float64, where readings are told so; sites as in `cube`.
    spans : (ndarray, ndarray), optional
        First and last interval of each site that has a row, metered or not [us UTC]; None where rows say no more than readings.
    """

    site_ids: pd.Index
    cube: DayCube
    step: pd.Timedelta
    notes: tuple[Note, ...] = ()
    spans: tuple[np.ndarray, np.ndarray] | None = None
    fine: DayCube | None = None


@dataclass(frozen=True, eq=False)
class Block:
    """Sites that share their slots.

    Attributes
    ----------
    names : sequence of str or int, sorted
    flat : ndarray of int64, shape (k,), increasing
        Local day (since 1970-01-01) × slots a day + slot.
    values : ndarray of float32 or float64, shape (n, k)
    source : str
        The file, for errors.
    """

    names: Sequence[Name]
    flat: np.ndarray
    values: np.ndarray
    source: str


LARGEST = float(np.finfo(np.float32).max)  # what days hold; beyond it is infinite


class Straddled(Exception):
    """Two blocks hold one wall-clock slot of one site, which neither knows: a double hour, or readings given twice."""


def joined(
    blocks: Sequence[Block],
    n_slots: int,
    span: tuple[int | None, int | None],
    dtype: type[np.floating[Any]] = np.float32,
) -> tuple[list[Name], DayCube]:
    """One cube of all blocks.

    Parameters
    ----------
    blocks : sequence of Block
    n_slots : int
        Intervals of a day.
    span : (first_day, last_day)
        Local days since 1970-01-01, both included; None where all days are wanted.
    dtype : type
        Of the cube.

    Returns
    -------
    names : list
        Sorted.
    cube : DayCube

    Raises
    ------
    Straddled
        Two blocks hold the same slot of a site.
    """
    first = min(int(block.flat[0]) for block in blocks) // n_slots
    last = max(int(block.flat[-1]) for block in blocks) // n_slots
    first, last = max(first, _or(span[0], first)), min(last, _or(span[1], last))
    names = list(blocks[0].names) if len(blocks) == 1 else sorted({name for block in blocks for name in block.names})
    n_days = last - first + 1
    whole = blocks[0]
    if len(blocks) == 1 and len(whole.flat) == n_days * n_slots and whole.flat[0] == first * n_slots:
        values = whole.values.astype(dtype, copy=False)
        return names, DayCube(values.reshape(len(names), n_days, n_slots), first)
    _refuse_common_slots(blocks)
    cube = np.full((len(names), n_days * n_slots), np.nan, dtype=dtype)
    place = {name: number for number, name in enumerate(names)}
    for block in blocks:
        rows = np.fromiter((place[name] for name in block.names), np.int64, len(block.names))
        low, high = np.searchsorted(block.flat, [first * n_slots, (last + 1) * n_slots])
        _put(cube, rows, block.flat[low:high] - first * n_slots, block.values[:, low:high])
    return names, DayCube(cube.reshape(len(names), n_days, n_slots), first)


def _or(end: int | None, otherwise: int) -> int:
    return otherwise if end is None else end


def _put(cube: np.ndarray, rows: np.ndarray, flat: np.ndarray, values: np.ndarray) -> None:
    """Write a block, run of slots by run of slots: slices cost a fraction of places."""
    if not len(flat):
        return
    where: slice | np.ndarray = rows
    if rows[-1] - rows[0] + 1 == len(rows):
        where = slice(int(rows[0]), int(rows[-1]) + 1)
    begins = np.flatnonzero(np.r_[True, np.diff(flat) != 1])
    if len(begins) > 64 and isinstance(where, slice):
        cube[where][:, flat] = values
        return
    for low, high in zip(begins, np.r_[begins[1:], len(flat)], strict=True):
        cube[where, int(flat[low]) : int(flat[high - 1]) + 1] = values[:, low:high]


def _refuse_common_slots(blocks: Sequence[Block]) -> None:
    ordered = sorted(blocks, key=lambda block: (block.names[0], block.names[-1]))
    open_blocks: list[Block] = []
    for block in ordered:
        open_blocks = [one for one in open_blocks if one.names[-1] >= block.names[0]]
        for one in open_blocks:
            apart = one.flat[-1] < block.flat[0] or block.flat[-1] < one.flat[0]
            if not apart and len(np.intersect1d(one.flat, block.flat)) and set(one.names) & set(block.names):
                raise Straddled(one.source, block.source)
        open_blocks.append(block)


def folded(flat: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slots once each, increasing: where autumn shows one twice, the mean of what was metered.

    Parameters
    ----------
    flat : ndarray of int64, shape (k,)
        Slots of consecutive instants.
    values : ndarray of float32, shape (n, k)
    """
    if (np.diff(flat) > 0).all():
        return flat, values
    slots, first, where = np.unique(flat, return_index=True, return_inverse=True)
    made = np.ascontiguousarray(values[:, first])
    for second in np.setdiff1d(np.arange(len(flat)), first):
        both = np.stack([values[:, first[where[second]]], values[:, second]]).astype(np.float64)
        made[:, where[second]] = known_mean(both, 0)
    return slots, made


def site_index(names: Sequence[Name]) -> pd.Index:
    """Names of sites as the index of a panel's sites."""
    return pd.Index([str(name) for name in names], name=SITE, dtype="str")


def refuse_infinite(block: Block) -> None:
    """A :class:`DataError` where a reading is infinite."""
    bad = np.abs(block.values) > LARGEST
    if bad.any():
        site = block.names[int(np.flatnonzero(bad.any(1))[0])]
        raise DataError(
            f"{block.source}: site {str(site)!r} has an infinite reading: put NaN where nothing was metered"
        )
