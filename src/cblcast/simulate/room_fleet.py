"""Thousands of rooms step by step, in blocks that are handed out at once.

A year of 15-min steps for 10,000 customers is 3.5e8 values: nothing of that size is held, each block of steps is given to
whoever asked and forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cblcast.errors import DataError
from cblcast.simulate.room_run import RoomRun
from cblcast.simulate.rooms import Drive, Rooms, Signals

Array = np.ndarray
CUSTOMERS_AT_ONCE = 5000  # a dozen vectors of so many floats stay in the cache


class Block(NamedTuple):
    """Some steps of all customers: first step, electricity of heating and cooling [kW], air temperature at the end [°C]."""

    first: int
    hvac_kw: Array
    air_c: Array | None


def stream_rooms(
    rooms: Rooms,
    drive: Drive,
    step_h: float,
    signals: Signals | None = None,
    follows: Array | None = None,
    block_steps: int = 672,
    deadband_k: float | None = None,
    keep_air: bool = False,
) -> Iterator[Block]:
    """Simulate, block by block.

    Parameters
    ----------
    rooms : Rooms
    drive : Drive
        Arrays of shape (n_steps,).
    step_h : float
        Length of a step [h].
    signals : Signals, optional
    follows : ndarray of bool, shape (n,) or (n_events, n), optional
        Who follows the signals, or the events that the signals number; all unless given.
    block_steps : int
        Steps in a block; a week of quarter hours by default.
    deadband_k : float, optional
        Width of the dead band of an on/off thermostat [K]; None: an ideal thermostat of limited power. With it a plant
        runs fully or not at all, and steps should be a minute or so.
    keep_air : bool
        Hand out air temperatures too.

    Yields
    ------
    Block
        Arrays of float32, shape (steps, n); they are overwritten by the next block: copy what is to be kept.
    """
    n_steps = len(drive.out_c)
    if not all(np.isfinite(values).all() and len(values) == n_steps for values in drive):
        raise DataError("the weather of a simulation needs a finite value for every step: fill its gaps first")
    signals = Signals.none(n_steps) if signals is None else signals
    if len(signals.load_fraction) != n_steps:
        raise DataError(
            f"the signals have {len(signals.load_fraction)} steps and the weather {n_steps}: give one a step"
        )
    part = [slice(k, k + CUSTOMERS_AT_ONCE) for k in range(0, len(rooms), CUSTOMERS_AT_ONCE)]
    joins = np.ones(len(rooms), dtype=bool) if follows is None else np.asarray(follows, dtype=bool)
    runs = [RoomRun(rooms.take(rows), step_h, float(drive.out_c[0]), joins[..., rows], deadband_k) for rows in part]
    hvac = np.empty((block_steps, len(rooms)), dtype=np.float32)
    air = np.empty_like(hvac) if keep_air else None
    for first in range(0, n_steps, block_steps):
        count = min(block_steps, n_steps - first)
        for rows, run in zip(part, runs, strict=True):
            now = slice(first, first + count)
            run.advance(
                Drive(*(values[now] for values in drive)),
                signals.part(now),
                hvac[:, rows],
                None if air is None else air[:, rows],
            )
        yield Block(first, hvac[:count], None if air is None else air[:count])
