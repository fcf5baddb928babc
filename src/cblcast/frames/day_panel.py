"""A meter by site, local day and slot: what rules of days ask of a panel, without a row an interval.

A million sites of one event fit as arrays of days; as rows with an index they do not. What only looks at days (the rules of
programs, their windows, their energies) takes either: see :data:`cblcast.frames.panel.AnyPanel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from cblcast.frames.cube import DayCube
from cblcast.frames.instants import DAY_US, HOUR_US, instants_of_wall, local_microseconds, microseconds
from cblcast.frames.schema import OBSERVED, SITE, DataError, check_sites, nearest, utc

NO_SPAN = (
    np.iinfo(np.int64).max // 4,
    np.iinfo(np.int64).min // 4,
)  # first and last interval of a site without a reading


@dataclass(frozen=True, eq=False)
class DayPanel:
    """Metered power of many sites by local day and slot.

    Parameters
    ----------
    cubes : mapping column -> DayCube
        ``observed_kw`` and what else is known, all of the same sites and days.
    sites : DataFrame, index site_id
        In the order of the cubes' first axis; ``tz`` and what else a panel's sites have.
    step_us : int
    events : DataFrame, optional
        Real events that are masked already.
    spans : (ndarray, ndarray), optional
        First and last interval of each site, microseconds UTC; from the first to the last reading unless given.
    fine : DayCube, optional
        The metered power of some of the days in float64, where it was told so: what stands at an instant is looked up there.

    Notes
    -----
    The hour that autumn shows twice is one slot, with the mean of its two readings: each of the two is taken to have it.
    """

    cubes: Mapping[str, DayCube]
    sites: pd.DataFrame
    step_us: int
    events: pd.DataFrame | None = None
    spans: tuple[np.ndarray, np.ndarray] | None = field(default=None, repr=False)
    fine: DayCube | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_sites(self.sites, self.sites.index)
        shape = self.cubes[OBSERVED].values.shape
        if DAY_US % self.step_us or shape[2] * self.step_us != DAY_US or shape[0] != len(self.sites):
            raise DataError(
                f"days of {shape[2]} slots for {shape[0]} sites do not fit a step of {self.step} and {len(self.sites)} sites: "
                "give one row a site and whole days"
            )

    @property
    def step(self) -> pd.Timedelta:
        """Length of one interval."""
        return pd.Timedelta(self.step_us, unit="us").as_unit("us")

    @property
    def step_hours(self) -> float:
        """Length of one interval [h]."""
        return self.step_us / HOUR_US

    @property
    def site_ids(self) -> pd.Index:
        """Sites in the order of their codes."""
        return self.sites.index

    @cached_property
    def zones(self) -> np.ndarray:
        """IANA zone of each site, ndarray of str objects, shape (n_sites,); of one element where all sites share it."""
        zones = self.sites["tz"].to_numpy(dtype=object)
        return zones[:1] if len(set(zones)) == 1 else zones

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that can be asked for."""
        return tuple(self.cubes)

    @property
    def first_times_us(self) -> np.ndarray:
        """First interval of each site, int64 microseconds UTC, shape (n_sites,)."""
        return self.known_spans[0]

    @property
    def last_times_us(self) -> np.ndarray:
        """Last interval of each site, int64 microseconds UTC, shape (n_sites,)."""
        return self.known_spans[1]

    @cached_property
    def known_spans(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last interval of each site, as given or as metered (of none, :data:`NO_SPAN`), int64 microseconds UTC."""
        if self.spans is not None:
            return self.spans
        cube = self.cubes[OBSERVED]
        alive = cube.finite_count > 0
        row = np.arange(len(alive))
        first = np.where(alive.any(1), alive.argmax(1), 0)
        last = np.where(alive.any(1), alive.shape[1] - 1 - alive[:, ::-1].argmax(1), 0)
        begin = np.isfinite(cube.values[row, first]).argmax(1)
        end = cube.n_slots - 1 - np.isfinite(cube.values[row, last])[:, ::-1].argmax(1)
        wall = np.stack([(first + cube.first_day) * DAY_US + begin * self.step_us,
                         (last + cube.first_day) * DAY_US + end * self.step_us])  # fmt: skip
        found = np.empty_like(wall)
        zones = np.broadcast_to(self.zones, len(self.sites))
        for tz in set(self.zones):
            mine = zones == tz
            for which in (0, 1):
                known, place = np.unique(wall[which, mine], return_inverse=True)
                found[which, mine] = instants_of_wall(known, str(tz))[place]
        never = ~alive.any(1)
        return tuple(np.where(never, none, own) for none, own in zip(NO_SPAN, found, strict=True))  # type: ignore[return-value]

    def site_codes(self, site_ids: pd.Index) -> np.ndarray:
        """Position of each id among the sites; an unknown id is a :class:`DataError`."""
        codes = codes_of(self.site_ids, site_ids)
        if (codes < 0).any():
            unknown = site_ids[int(np.flatnonzero(codes < 0)[0])]
            raise DataError(f"site {unknown!r} is not in the panel: {nearest(str(unknown), map(str, self.site_ids))}")
        return codes

    def cube(self, column: str = OBSERVED) -> DayCube:
        """The (site, local day, slot) view of `column`."""
        if column not in self.cubes:
            raise DataError(
                f"the days have no column {column!r} ({nearest(column, self.cubes)}): settle a panel that holds it, or take a "
                "rule that does without"
            )
        return self.cubes[column]

    def values_at(self, column: str, site_code: np.ndarray, times_us: np.ndarray) -> np.ndarray:
        """Values of `column` at (site, time), float64, NaN outside the days; broadcasts."""
        zone: str | np.ndarray = self.zones[0]
        if len(self.zones) > 1:
            site_code, times_us = np.broadcast_arrays(site_code, times_us)
            zone = self.zones[site_code.ravel()]
        local = local_microseconds(times_us.ravel(), zone).reshape(times_us.shape)
        day = local // DAY_US
        slot = (local - day * DAY_US) // self.step_us
        found = self.cube(column).lookup(site_code, day, slot)
        if column != OBSERVED or self.fine is None:
            return found
        fine = self.fine.lookup(site_code, day, slot)
        return np.where(np.isnan(fine), found, fine)

    def with_events(self, events: pd.DataFrame) -> DayPanel:
        """The days with the metered power of real events masked, and their days known for exclusion.

        A slot that an event only touches is masked too; events already known stay known.
        """
        code = self.site_codes(pd.Index(events[SITE]))
        start, stop = (microseconds(utc(events[edge], f"event {edge}")) for edge in ("start", "stop"))
        start = start - (start - self.first_times_us[code]) % self.step_us
        count = np.maximum(-((start - stop) // self.step_us), 0)
        cubes = [cube for cube in (self.cubes[OBSERVED], self.fine) if cube is not None]
        masked = [DayCube(cube.values.copy(), cube.first_day) for cube in cubes]
        for within in range(int(count.max(initial=0))):
            there = np.flatnonzero(count > within)
            times = start[there] + within * self.step_us
            local = local_microseconds(times, self.zones[0] if len(self.zones) == 1 else self.zones[code[there]])
            day = local // DAY_US
            slot = (local - day * DAY_US) // self.step_us
            for cube in masked:
                place = day - cube.first_day
                inside = (place >= 0) & (place < cube.n_days)
                cube.values[code[there][inside], place[inside], slot[inside]] = np.nan
        known = events if self.events is None else pd.concat([self.events, events])
        fine = None if self.fine is None else masked[1]
        own = {**self.cubes, OBSERVED: masked[0]}
        return replace(self, cubes=own, fine=fine, events=known.reset_index(drop=True), spans=self.known_spans)


def codes_of(known: pd.Index, asked: pd.Index) -> np.ndarray:
    """Position of each asked id among the known ones, -1 where it is not among them; int64."""
    if len(known) == len(asked) and known.equals(asked):  # one event of every site needs no look-up
        return np.arange(len(known))
    found: np.ndarray = known.get_indexer(asked)
    return found
