"""Forecast runs of one product as arrays: which run a case may see is a look-up, not a value per interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

SECOND_US, HOUR_US = 1_000_000, 3_600_000_000
AGE = "run_age_h"  # a column that every product has: hours from the issue of the run to the interval


@dataclass(frozen=True, eq=False)
class Found:
    """Which value of which run was found for each interval that was asked for.

    Attributes
    ----------
    run : ndarray of int64, shape (n,)
        -1 where no run that had arrived covers the interval.
    left : ndarray of int64, shape (n,)
        Column of the value at or before the instant, in the tables of :attr:`ForecastRuns.values`.
    share : ndarray of float64, shape (n,)
        How far the instant lies towards the next value, from 0 to 1.
    older : ndarray of int64, shape (n,)
        How many newer runs had arrived and lack the interval.
    """

    run: np.ndarray
    left: np.ndarray
    share: np.ndarray
    older: np.ndarray


@dataclass(frozen=True, eq=False)
class ForecastRuns:
    """The runs of one product, by site (or shared by all), issue and lead.

    Attributes
    ----------
    product : str
    sites : tuple of str, or None
        Whose forecasts these are, one block of runs each; None is one block that serves every site.
    first_run : ndarray of int64, shape (n_blocks + 1,)
        Where the runs of each block begin.
    issued_us, arrived_us : ndarray of int64, shape (n_runs,)
        Nominal issue, ascending in each block, and when the run could be used [us UTC].
    first_lead_us, step_us : int
        Instant of the first value after the issue, and the distance of the values [us].
    hold_us : int
        How far a value at the end of a run, or beside a gap, stands for instants beyond it [us].
    values : mapping column -> ndarray, shape (n_runs, n_steps + 2)
        At the stamps; the first and the last column are NaN. Directions are unit vectors as complex numbers.
    nearest : frozenset of str
        Columns whose values are not joined by lines.
    joined : bool
        Whether neighbouring values are joined by lines; not where they stand further apart than was allowed.
    read_as : mapping
        How the product was read, so that its next runs are read alike.
    """

    product: str
    sites: tuple[str, ...] | None
    first_run: np.ndarray
    issued_us: np.ndarray
    arrived_us: np.ndarray
    first_lead_us: int
    step_us: int
    hold_us: int
    values: Mapping[str, np.ndarray]
    nearest: frozenset[str] = frozenset()
    joined: bool = True
    read_as: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the weather columns; :attr:`age` is not among them."""
        return tuple(self.values)

    @property
    def age(self) -> str:
        """Name of the column that says how old the run is, hours from its issue to the interval."""
        return f"{self.product}_{AGE}"

    @property
    def last_lead_us(self) -> int:
        """Instant of the last value after the issue [us]."""
        return self.first_lead_us + (next(iter(self.values.values())).shape[1] - 3) * self.step_us

    @cached_property
    def _there(self) -> tuple[dict[str, int], list[np.ndarray]]:
        """Which values there are; columns that lack the same share one table, and one look-up."""
        group: dict[str, int] = {}
        tables: list[np.ndarray] = []
        seen: dict[bytes, int] = {}
        for name, value in self.values.items():
            there = np.isfinite(value)
            key = np.packbits(there).tobytes()
            if key not in seen:
                seen[key] = len(tables)
                tables.append(there)
            group[name] = seen[key]
        return group, tables

    @cached_property
    def _keys(self) -> tuple[np.ndarray, int, int]:
        """Block and issue of each run as one ascending number; the earliest issue; how many numbers a block takes."""
        base = int(self.issued_us.min())
        second = (self.issued_us - base) // SECOND_US + 1
        width = int(second.max()) + 1
        block = np.repeat(np.arange(len(self.first_run) - 1), np.diff(self.first_run))
        return block * width + second, base, width

    def group_of(self, name: str) -> int:
        """Columns of one group lack the same values, so that one :meth:`find` serves them."""
        return 0 if name == self.age else self._there[0][name]

    def blocks_of(self, site_ids: Iterable[str]) -> np.ndarray:
        """Block of each site, -1 for a site without forecasts."""
        names = list(map(str, site_ids))
        if self.sites is None:
            return np.zeros(len(names), dtype=np.int64)
        return pd.Index(self.sites).get_indexer(names).astype(np.int64)

    def find(self, group: int, block: np.ndarray, time_us: np.ndarray, known_us: np.ndarray) -> Found:
        """For each instant the value of the newest run that had arrived and has it; older runs fill what newer lack.

        Parameters
        ----------
        group : int
        block, time_us, known_us : ndarray of int64, shape (n,)
            Whose weather, of which instant, as known when.
        """
        there = self._there[1][group]
        found = Found(
            np.full(len(block), -1),
            np.zeros(len(block), np.int64),
            np.zeros(len(block)),
            np.zeros(len(block), np.int64),
        )
        floor = self.first_run[np.maximum(block, 0)]
        run = self._newest_issued(block, known_us)
        rows = np.flatnonzero((block >= 0) & (run >= floor))
        run = run[rows]
        while len(rows):
            offset = time_us[rows] - self.issued_us[run] - self.first_lead_us
            left = np.clip(offset // self.step_us + 1, 0, there.shape[1] - 2)
            rest = offset - (left - 1) * self.step_us
            before, after = there[run, left], there[run, left + 1]
            covered = (before & after & (rest <= self.step_us) & (self.joined | (rest == 0))) | (
                before & (rest >= 0) & (rest <= self.hold_us)
            )
            covered |= after & (self.step_us - rest <= self.hold_us) & (rest <= self.step_us)
            arrived = self.arrived_us[run] <= known_us[rows]
            good = covered & arrived
            hit = rows[good]
            found.run[hit], found.left[hit] = run[good], left[good]
            found.share[hit] = rest[good] / self.step_us
            found.older[rows[arrived & ~covered]] += 1
            reached = offset <= self.last_lead_us - self.first_lead_us + self.hold_us
            open_ = ~good & (run > floor[rows]) & reached
            rows, run = rows[open_], run[open_] - 1
        return found

    def value(self, name: str, found: Found) -> np.ndarray:
        """Values of a column where `found` says, float64, NaN where there is no run."""
        run, left = np.maximum(found.run, 0), found.left
        table = self.values[name]
        before, after = table[run, left], table[run, left + 1]
        before, after = (np.where(np.isfinite(a), a, b) for a, b in ((before, after), (after, before)))
        share = np.clip(found.share, 0.0, 1.0)
        if name in self.nearest:
            share = np.round(share)
        value = before * (1.0 - share) + after * share
        if np.iscomplexobj(value):
            value = np.degrees(np.angle(value)) % 360.0
        return np.where(found.run >= 0, value, np.nan)

    def age_h(self, found: Found, time_us: np.ndarray) -> np.ndarray:
        """Hours from the issue of the run to `time_us`, NaN where there is no run."""
        hours = (time_us - self.issued_us[np.maximum(found.run, 0)]) / HOUR_US
        return np.where(found.run >= 0, hours, np.nan)

    def last_value_us(self, block: int, issued_us: int) -> int:
        """Instant of the last value of a run of a block [us UTC]; its issue where it holds none."""
        first = int(self.first_run[block])
        run = first + int(np.searchsorted(self.issued_us[first : self.first_run[block + 1]], issued_us))
        there = np.any([np.isfinite(value[run]) for value in self.values.values()], axis=0)
        if not there.any():
            return issued_us
        return issued_us + self.first_lead_us + (int(np.flatnonzero(there)[-1]) - 1) * self.step_us

    def select(self, site_ids: Iterable[str]) -> ForecastRuns:
        """The runs of some of the sites."""
        if self.sites is None:
            return self
        wanted = set(map(str, site_ids))
        keep = [k for k, site in enumerate(self.sites) if site in wanted]
        if len(keep) == len(self.sites):
            return self
        runs = np.concatenate([np.arange(self.first_run[k], self.first_run[k + 1]) for k in keep] or [np.zeros(0, int)])
        counts = np.diff(self.first_run)[keep]
        return replace(
            self,
            sites=tuple(self.sites[k] for k in keep),
            first_run=np.r_[0, np.cumsum(counts)],
            issued_us=self.issued_us[runs],
            arrived_us=self.arrived_us[runs],
            values={name: value[runs] for name, value in self.values.items()},
        )

    def _newest_issued(self, block: np.ndarray, known_us: np.ndarray) -> np.ndarray:
        keys, base, width = self._keys
        second = np.clip((known_us - base) // SECOND_US + 1, 0, width - 1)
        return np.searchsorted(keys, np.maximum(block, 0) * width + second, side="right") - 1
