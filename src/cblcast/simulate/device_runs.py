"""Runs of devices: when one starts, how long it goes on, what it takes; and the load that many runs make together.

A home's appliances are a list of runs rather than a series each: a program moves, cuts or drops runs, and what it changed is
known run by run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cblcast.errors import DataError

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of any devices in any homes; every array has the shape (n,).

    Attributes
    ----------
    home : ndarray of int64
        Position of the home.
    start_h : ndarray of float64
        Since the first interval began [h]; a run may begin before it or end after the last.
    hours : ndarray of float64
        Length [h], ≥ 0.
    kw : ndarray of float64
        Power, < 0 for what is given back [kW].
    device : ndarray of int8
        Position of the device in a list of the caller's.
    """

    home: Array
    start_h: Array
    hours: Array
    kw: Array
    device: Array

    def __len__(self) -> int:
        return len(self.home)

    def take(self, rows: Array) -> Runs:
        """Some of the runs."""
        return Runs(*(value[rows] for value in vars(self).values()))

    @classmethod
    def joined(cls, parts: list[Runs]) -> Runs:
        """Runs of all parts, in their order."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    @property
    def kwh(self) -> Array:
        """Energy of each run [kWh]."""
        return self.kw * self.hours


def load_of(runs: Runs, n_homes: int, n_steps: int, step_h: float) -> Array:
    """Mean power of each home and interval [kW], float32, shape (n_homes, n_steps).

    What falls before the first or after the last interval is not counted. Energy within is exact, whatever the step: a run
    that covers a third of an interval adds a third of its power.

    Raises
    ------
    DataError
        A run of negative or infinite length, or of a home that is not there.
    """
    if len(runs) and not (np.isfinite(runs.start_h) & np.isfinite(runs.hours) & (runs.hours >= 0)).all():
        raise DataError("a run needs a finite start and a length of 0 or more hours")
    if len(runs) and not ((runs.home >= 0) & (runs.home < n_homes)).all():
        raise DataError(f"a run belongs to home {int(runs.home.max())}, and there are {n_homes}")
    # The cumulative energy of a run is a ramp between its ends. Its slope changes twice, and a slope's change inside an
    # interval acts on that interval by the part that is left of it and on all later ones in full.
    flat, weight = [], []
    for sign, at in ((1.0, runs.start_h), (-1.0, runs.start_h + runs.hours)):
        step = np.clip(at / step_h, 0.0, float(n_steps))
        whole = np.floor(step).astype(np.int64)
        left = 1.0 - (step - whole)
        inside = whole < n_steps
        first = runs.home * (n_steps + 1) + whole
        flat += [first, first[inside] + 1]
        weight += [sign * runs.kw * left, (sign * runs.kw * (1.0 - left))[inside]]
    change = np.bincount(np.concatenate(flat), np.concatenate(weight), minlength=n_homes * (n_steps + 1))
    by_home = change.reshape(n_homes, n_steps + 1)
    return np.cumsum(by_home, axis=1)[:, :n_steps].astype(np.float32)


def overlap_h(runs: Runs, first_h: Array | float, last_h: Array | float) -> Array:
    """How long each run goes on between two instants [h]."""
    begins, ends = np.maximum(runs.start_h, first_h), np.minimum(runs.start_h + runs.hours, last_h)
    return np.maximum(ends - begins, 0.0)
