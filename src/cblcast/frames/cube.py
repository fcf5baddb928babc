"""DayCube: a dense (site, local day, slot) view of one panel column, so that day-based rules are array kernels.

Storage is UTC, but "a day" and "17:00" are local. Slots are matched by wall clock: on the 23 h day the missing hour is
NaN, on the 25 h day the double hour is the mean of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cblcast.frames.instants import DAY_US, local_microseconds
from cblcast.frames.known import known_mean

_SITES_AT_ONCE = 256  # bounds the memory of a copy in double precision


def local_day_and_slot(times_us: np.ndarray, tz: str, step_us: int) -> tuple[np.ndarray, np.ndarray]:
    """Local day (days since 1970-01-01) and slot within the day of UTC times; both int64, shape (n,)."""
    local = local_microseconds(times_us, tz)
    day = local // DAY_US
    return day, (local - day * DAY_US) // step_us


@dataclass(frozen=True, eq=False)
class DayCube:
    """A column of the panel by site, local day and wall-clock slot.

    Attributes
    ----------
    values : ndarray of float32 (float64 where readings are told as they stand), shape (n_sites, n_days, n_slots)
        NaN where nothing was metered, and in the hour that a spring day lacks.
    first_day : int
        Local day of ``values[:, 0]``, in days since 1970-01-01.
    """

    values: np.ndarray
    first_day: int

    @property
    def n_days(self) -> int:
        """Number of local days."""
        return self.values.shape[1]

    @property
    def n_slots(self) -> int:
        """Number of slots of a day."""
        return self.values.shape[2]

    @cached_property
    def finite_count(self) -> np.ndarray:
        """How many slots of each day are metered, int16, shape (n_sites, n_days)."""
        n_slots = self.n_slots
        count = np.full(self.values.shape[:2], n_slots, dtype=np.int16)
        # A product with ones runs at the speed of the memory, and is NaN or infinite wherever a slot is: only those days
        # are counted slot by slot.
        with np.errstate(invalid="ignore", over="ignore"):
            total = self.values.reshape(-1, n_slots) @ np.ones(n_slots, dtype=self.values.dtype)
        some = np.flatnonzero(~np.isfinite(total))
        if len(some):
            count.reshape(-1)[some] = np.isfinite(self.values.reshape(-1, n_slots)[some]).sum(1)
        return count

    @cached_property
    def metered_share(self) -> np.ndarray:
        """Share of each day's slots that are metered, float64, shape (n_sites, n_days)."""
        share: np.ndarray = self.finite_count / self.n_slots
        return share

    @property
    def days(self) -> np.ndarray:
        """Local dates of the second axis, datetime64[D], shape (n_days,)."""
        return (np.arange(self.n_days) + self.first_day).astype("M8[D]")

    @cached_property
    def day_means(self) -> np.ndarray:
        """Mean of what is known of each day, float64, shape (n_sites, n_days); NaN where nothing is."""
        n_sites, n_days, n_slots = self.values.shape
        means = np.empty((n_sites, n_days))
        for first in range(0, n_sites, _SITES_AT_ONCE):
            part = self.values[first : first + _SITES_AT_ONCE].reshape(-1, n_slots)
            # A product with ones runs at the speed of the memory; only days with gaps are looked at slot by slot.
            mean = part.astype(np.float64) @ np.full(n_slots, 1.0 / n_slots)
            gaps = np.flatnonzero(~np.isfinite(mean))
            mean[gaps] = known_mean(part[gaps])
            means[first : first + _SITES_AT_ONCE] = mean.reshape(-1, n_days)
        return means

    def lookup(self, site: np.ndarray, day: np.ndarray, slot: np.ndarray) -> np.ndarray:
        """Values at broadcast (site, day, slot), float64; NaN outside the cube. `day` counts from 1970-01-01."""
        position = day - self.first_day
        inside = (position >= 0) & (position < self.n_days)
        found = self.values[site, np.where(inside, position, 0), slot].astype(np.float64)
        return np.where(inside, found, np.nan)


def build_cube(
    values: np.ndarray,
    times_us: np.ndarray,
    site_of_row: np.ndarray,
    tz_of_site: np.ndarray,
    n_sites: int,
    step_us: int,
    dtype: type[np.floating[Any]] = np.float32,
) -> DayCube:
    """Scatter rows into a :class:`DayCube`, without a loop over sites.

    Parameters
    ----------
    values : ndarray of float, shape (n_rows,)
    times_us : ndarray of int64, shape (n_rows,)
        Start of the interval, microseconds UTC.
    site_of_row : ndarray of int, shape (n_rows,)
        Non-decreasing codes 0 … n_sites - 1.
    tz_of_site : ndarray of str, shape (n_sites,)
    n_sites, step_us : int
        The step must divide the day (checked by the panel).
    dtype : type
        Of the cube: twice the memory for float64.
    """
    n_slots = DAY_US // step_us
    alike = _one_clock(times_us, site_of_row, tz_of_site, n_sites)
    if alike is not None:
        return _cube_of_one_clock(values.reshape(n_sites, -1), alike, str(tz_of_site[0]), step_us, dtype)
    day = np.empty(len(values), dtype=np.int32)
    slot = np.empty(len(values), dtype=np.int16)
    for tz in np.unique(tz_of_site):
        rows = slice(None) if (tz_of_site == tz).all() else np.flatnonzero((tz_of_site == tz)[site_of_row])
        day[rows], slot[rows] = _day_and_slot_on_grid(times_us[rows], str(tz), step_us)
    first_day = int(day.min())
    shape = (n_sites, int(day.max()) - first_day + 1, int(n_slots))
    flat = (site_of_row.astype(np.int64) * shape[1] + (day - first_day)) * shape[2] + slot
    cube = np.full(shape, np.nan, dtype=dtype)
    cube.reshape(-1)[flat] = values
    _average_double_hours(cube.reshape(-1), flat, values)
    return DayCube(cube, first_day)


def _one_clock(
    times_us: np.ndarray, site_of_row: np.ndarray, tz_of_site: np.ndarray, n_sites: int
) -> np.ndarray | None:
    """The times of every site where all have the same ones in one zone, as meters of one portfolio do; else None."""
    if n_sites == 0 or len(times_us) == 0 or len(times_us) % n_sites or (tz_of_site != tz_of_site[0]).any():
        return None
    sites, times = site_of_row.reshape(n_sites, -1), times_us.reshape(n_sites, -1)
    if (sites[:, 0] != np.arange(n_sites)).any() or (sites[:, -1] != sites[:, 0]).any():
        return None
    return times[0] if (times == times[0]).all() else None


def _cube_of_one_clock(
    values: np.ndarray, times_us: np.ndarray, tz: str, step_us: int, dtype: type[np.floating[Any]]
) -> DayCube:
    """As :func:`build_cube`, of sites with the same times: the clock is read once, and days are copied as they lie."""
    day, slot = local_day_and_slot(times_us, tz, step_us)
    n_slots, first_day = int(DAY_US // step_us), int(day.min())
    place = (day - first_day) * n_slots + slot
    cube = np.full((len(values), int(day.max()) - first_day + 1, n_slots), np.nan, dtype=dtype)
    flat = cube.reshape(len(values), -1)
    edges = np.r_[0, np.flatnonzero(np.diff(place) != 1) + 1, len(place)]
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        flat[:, place[begin] : place[begin] + end - begin] = values[:, begin:end]
    places, count = np.unique(place, return_counts=True)
    for twice in places[count > 1].tolist():
        flat[:, twice] = known_mean(values[:, place == twice])
    return DayCube(cube, first_day)


def _day_and_slot_on_grid(times_us: np.ndarray, tz: str, step_us: int) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`local_day_and_slot`, but the zone is looked up once per instant, not once per site and instant."""
    first, last = int(times_us.min()), int(times_us.max())
    offset = times_us - first
    if (offset % step_us).any() or (last - first) // step_us > len(times_us):
        return local_day_and_slot(times_us, tz, step_us)
    grid = np.arange(first, last + step_us, step_us, dtype=np.int64)
    day, slot = local_day_and_slot(grid, tz, step_us)
    position = offset // step_us
    return day.astype(np.int32)[position], slot.astype(np.int16)[position]


def _average_double_hours(cube: np.ndarray, flat: np.ndarray, values: np.ndarray) -> None:
    """Where autumn writes one wall-clock slot twice, put the mean of what was metered. Works in place."""
    # Rows run forward in UTC, so a slot that does not exceed every slot before it is the second reading of an hour.
    highest_before = np.r_[-1, np.maximum.accumulate(flat)[:-1]]
    repeated = flat <= highest_before
    second = np.flatnonzero(repeated)
    if len(second) == 0:
        return
    first_readings = np.flatnonzero(~repeated)
    position = np.searchsorted(flat[first_readings], flat[second])
    first = first_readings[np.minimum(position, len(first_readings) - 1)]
    both = np.stack([values[first], values[second]]).astype(np.float64)
    both[0, flat[first] != flat[second]] = (
        np.nan
    )  # a record that begins within the double hour has no first reading of it
    cube[flat[second]] = known_mean(both, 0)
