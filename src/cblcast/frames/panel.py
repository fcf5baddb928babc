"""The panel: what was metered, and the weather, for any number of sites on one fixed step."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from cblcast.frames.cube import DayCube, build_cube
from cblcast.frames.grid import completed, refuse_stray_rows
from cblcast.frames.instants import DAY_US, HOUR_US, instants_of_wall, local_microseconds, microseconds
from cblcast.frames.known import run_lengths, run_starts
from cblcast.frames.schema import OBSERVED, PANEL_INDEX, SITE, TIME, DataError, check_panel, check_sites, nearest, utc
from cblcast.frames.stray import LONGEST_GAP_US, date_of

# So many equal long distances in a row are another step; readings do not go missing that regularly.
MISSING_NEVER_AS_REGULAR = 6


@dataclass(frozen=True, eq=False)
class Panel:
    """Metered power and weather of one or many sites, gap-free on one step (what was not metered is NaN).

    Parameters
    ----------
    data : DataFrame, index (site_id: str, time: datetime64[us, UTC])
        ``observed_kw``: mean power over the interval [kW], load > 0 for a customer, generation > 0 for a farm. Other
        columns carry their unit in their name (``temp_air_c``). The label is the START of the interval. Rows may be
        missing or unsorted; they are completed to the grid.
    sites : DataFrame, index site_id
        ``tz`` (IANA); optional ``country``, ``subdivision`` (holidays), ``segment``, ``rated_kw``, ``lat``, ``lon``.
    events : DataFrame, optional
        Real events already masked in `data` (see :meth:`with_events`): columns ``site_id``, ``start``, ``stop``.

    Raises
    ------
    DataError
        With the site, the time and the remedy.
    """

    data: pd.DataFrame
    sites: pd.DataFrame
    events: pd.DataFrame | None = field(default=None)

    def __post_init__(self) -> None:
        check_panel(self.data)
        data = self.data if self.data.index.is_monotonic_increasing else self.data.sort_index()
        data = data.set_axis(_canonical(data.index))
        step_us = _common_step(data)
        refuse_stray_rows(data, step_us)
        data = completed(data, step_us)
        site_ids = data.index.levels[0]
        check_sites(self.sites, site_ids)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "sites", self.sites.loc[site_ids])
        object.__setattr__(self, "step_us", step_us)
        object.__setattr__(self, "_cubes", {})

    step_us: int = field(init=False, default=0)

    @property
    def step(self) -> pd.Timedelta:
        """Length of one interval."""
        return pd.Timedelta(self.step_us, unit="us").as_unit("us")

    @property
    def step_hours(self) -> float:
        """Length of one interval [h]; energy [kWh] = power [kW] × this."""
        return self.step_us / HOUR_US

    @property
    def site_ids(self) -> pd.Index:
        """Sites in the order of their codes."""
        return self.sites.index

    @cached_property
    def times_us(self) -> np.ndarray:
        """Start of each row's interval, int64 microseconds UTC, shape (n_rows,)."""
        return microseconds(self.data.index.levels[1])[self.data.index.codes[1]]

    @cached_property
    def _layout(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        codes = self.data.index.codes[0]
        first_row = run_starts(codes)
        counts = np.diff(np.r_[first_row, len(codes)])
        return first_row, counts, self.times_us[first_row]

    @property
    def first_times_us(self) -> np.ndarray:
        """First interval of each site, int64 microseconds UTC, shape (n_sites,)."""
        return self._layout[2]

    @property
    def last_times_us(self) -> np.ndarray:
        """Last interval of each site, int64 microseconds UTC, shape (n_sites,)."""
        _, counts, first = self._layout
        return first + (counts - 1) * self.step_us

    def site_codes(self, site_ids: pd.Index) -> np.ndarray:
        """Position of each id among the panel's sites; an unknown id is a :class:`DataError`."""
        codes = self.site_ids.get_indexer(site_ids)
        if (codes < 0).any():
            unknown = site_ids[int(np.flatnonzero(codes < 0)[0])]
            raise DataError(f"site {unknown!r} is not in the panel: {nearest(str(unknown), map(str, self.site_ids))}")
        return codes

    def locate(self, site_code: np.ndarray, times_us: np.ndarray) -> np.ndarray:
        """Row of each (site, time), -1 where the panel has none; broadcasts, int64."""
        first_row, counts, first = self._layout
        offset = times_us - first[site_code]
        position = offset // self.step_us
        inside = (position >= 0) & (position < counts[site_code]) & (offset % self.step_us == 0)
        return np.where(inside, first_row[site_code] + position, -1)

    def values_at(self, column: str, site_code: np.ndarray, times_us: np.ndarray) -> np.ndarray:
        """Values of `column` at (site, time), float64, NaN where the panel has no row."""
        rows = self.locate(site_code, times_us)
        return np.where(rows >= 0, self.column(column)[rows], np.nan)

    def column(self, column: str) -> np.ndarray:
        """One column as float64, shape (n_rows,)."""
        if column not in self.data.columns:
            raise DataError(
                f"the panel has no column {column!r} ({nearest(column, map(str, self.data.columns))}): give weather with that "
                "column (weather: in a study, --weather), or a method that does without"
            )
        return self.data[column].to_numpy(dtype=np.float64)

    def cube(self, column: str = OBSERVED) -> DayCube:
        """The (site, local day, slot) view of `column`, built once."""
        cubes: dict[str, DayCube] = self.__dict__["_cubes"]
        if column not in cubes:
            if DAY_US % self.step_us:
                raise DataError(
                    f"a step of {self.step} does not divide the day: resample to 60, 30, 15, 10 or 5 minutes"
                )
            cubes[column] = build_cube(
                self.column(column),
                self.times_us,
                np.asarray(self.data.index.codes[0]),
                self.sites["tz"].to_numpy(dtype=object).astype(str),
                len(self.sites),
                self.step_us,
            )
        return cubes[column]

    def with_events(self, events: pd.DataFrame) -> Panel:
        """A panel in which the metered power of real events is masked, and their days are known for exclusion.

        An interval that an event only touches is masked too; events already known stay known.
        """
        code = self.site_codes(pd.Index(events[SITE]))
        observed = self.column(OBSERVED).copy()
        start = microseconds(utc(events["start"], "event start"))
        stop = microseconds(utc(events["stop"], "event stop"))
        wrong = (stop <= start) | (stop - start > LONGEST_GAP_US)
        if wrong.any():
            at = int(wrong.argmax())
            raise DataError(
                f"the event of site {events[SITE].iloc[at]!r} lasts from {date_of(start[at])} to {date_of(stop[at])}: mend its times"
            )
        start = start - (start - self.first_times_us[code]) % self.step_us
        count = np.maximum(-((start - stop) // self.step_us), 0)
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        rows = self.locate(np.repeat(code, count), np.repeat(start, count) + within * self.step_us)
        observed[rows[rows >= 0]] = np.nan
        known = events if self.events is None else pd.concat([self.events, events])
        panel = object.__new__(Panel)  # other values on the same rows need not be checked a second time
        data = self.data.assign(**{OBSERVED: observed})
        panel.__dict__.update(self.__dict__, data=data, events=known.reset_index(drop=True), _cubes={})
        return panel

    def select(self, site_ids: pd.Index | list[str]) -> Panel:
        """The panel of some of the sites; itself, with what it has built already, where these are all."""
        wanted = pd.Index(site_ids)
        if len(np.unique(self.site_codes(wanted))) == len(self.site_ids):
            return self
        keep = self.data.index.get_level_values(SITE).isin(wanted)
        events = None if self.events is None else self.events[self.events[SITE].isin(wanted)]
        return Panel(self.data[keep], self.sites, events)


def local_clock(panel: Panel, site_code: np.ndarray, times_us: np.ndarray) -> np.ndarray:
    """Local wall clock of (site, time) pairs, int64 microseconds since 1970-01-01 00:00 on that wall."""
    zones = panel.sites["tz"].to_numpy(dtype=object)
    if len(set(zones)) == 1:
        return local_microseconds(np.ascontiguousarray(times_us), zones[0])
    return local_microseconds(times_us, zones[site_code])


def clock_instants(panel: Panel, site_code: np.ndarray, wall_us: np.ndarray, unclear: str = "first") -> np.ndarray:
    """UTC instants of (site, wall clock) pairs, int64 microseconds; see :func:`~cblcast.frames.instants.instants_of_wall`."""
    return instants_of_wall(wall_us, panel.sites["tz"].to_numpy(dtype=object)[site_code], unclear)


def _common_step(data: pd.DataFrame) -> int:
    """The one step of all sites [us]; two steps in a site, or two sites with two steps, are errors."""
    codes = np.asarray(data.index.codes[0])
    times = microseconds(data.index.levels[1])[data.index.codes[1]]
    gaps = np.diff(times)
    same_site = codes[1:] == codes[:-1]
    if not same_site.any():
        raise DataError("no site has two rows, so the step is unknown: give at least one day of intervals")
    gaps[~same_site] = gaps[same_site.argmax()]  # between sites there is no gap; below only those within a site count
    step = int(gaps.min())
    if step == gaps.max():  # as most files are: nothing is odd, finer or coarser
        return step
    odd = np.flatnonzero(same_site & (gaps % step != 0))
    usual, how_often = np.unique(gaps[same_site], return_counts=True)
    common = int(usual[how_often.argmax()])
    # A second, finer step shows as many short gaps beside many long ones; a lone gap is only missing data.
    finer = np.flatnonzero(same_site & (gaps < common))
    _refuse_second_step(data, common, gaps, odd if len(odd) else finer)
    common = _check_every_site_keeps(common, data, codes, gaps, same_site)
    coarser = _steady_runs(np.where(same_site & (gaps > common), gaps, 0), MISSING_NEVER_AS_REGULAR)
    _refuse_second_step(data, common, gaps, coarser)
    return common


def _refuse_second_step(data: pd.DataFrame, common: int, gaps: np.ndarray, where: np.ndarray) -> None:
    if len(where):
        site, time = data.index[int(where[0])]
        raise DataError(
            f"site {site!r} changes its step near {time} (from {pd.Timedelta(common, unit='us')} to "
            f"{pd.Timedelta(int(gaps[where[0]]), unit='us')}): resample the file to one step "
            "(step='60min'; --step 60min)"
        )


def _steady_runs(gaps: np.ndarray, length: int) -> np.ndarray:
    """Where runs of at least `length` equal gaps begin; zeros do not count."""
    first = run_starts(gaps)
    return first[(run_lengths(gaps)[first] >= length) & (gaps[first] > 0)]


def _check_every_site_keeps(
    step: int, data: pd.DataFrame, codes: np.ndarray, gaps: np.ndarray, same_site: np.ndarray
) -> int:
    """Sites whose own usual step is longer than the panel's are named rather than filled with NaN."""
    inner_codes = codes[1:][same_site]
    kept = np.bincount(inner_codes, weights=gaps[same_site] == step, minlength=codes.max() + 1)
    total = np.bincount(inner_codes, minlength=codes.max() + 1)
    slow = np.flatnonzero((total > 1) & (kept < 0.5 * total))
    if len(slow):
        site = data.index.levels[0][slow[0]]
        raise DataError(
            f"site {site!r} has another step than the panel's {pd.Timedelta(step, unit='us')}: "
            "resample all sites to one step (step='60min'; --step 60min)"
        )
    return step


def _canonical(index: pd.MultiIndex) -> pd.MultiIndex:
    """The same index with sorted levels that are all used, so that a site's code is its position among the sites.

    Selecting rows keeps the levels of all sites, and levels need not be sorted even where rows are.
    """
    levels, codes = [], []
    for level, code in zip(index.levels, index.codes, strict=True):
        used = np.flatnonzero(np.bincount(code, minlength=len(level)))
        if len(used) == len(level) and level.is_monotonic_increasing:
            levels.append(level)
            codes.append(code)
            continue
        order = used[level.take(used).argsort()]
        rank = np.zeros(len(level), dtype=np.int64)
        rank[order] = np.arange(len(order))
        levels.append(level.take(order))
        codes.append(rank[np.asarray(code)])
    return pd.MultiIndex(levels=levels, codes=codes, names=index.names, verify_integrity=False)


def panel_of(frame: pd.DataFrame, tz: str = "UTC", **site: object) -> Panel:
    """A panel of a long frame with columns or index ``site_id``, ``time`` whose sites share one zone."""
    if list(frame.index.names) != PANEL_INDEX:
        frame = frame.set_index(PANEL_INDEX)
    frame = frame.set_axis(frame.index.set_levels(pd.DatetimeIndex(frame.index.levels[1]).as_unit("us"), level=TIME))
    sites = pd.DataFrame({"tz": tz, **site}, index=pd.Index(frame.index.levels[0], name=SITE))
    return Panel(frame, sites)
