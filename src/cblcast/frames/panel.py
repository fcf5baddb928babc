"""The panel: what was metered, and the weather, for any number of sites on one fixed step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from cblcast.frames.cube import DayCube, build_cube
from cblcast.frames.day_panel import DayPanel, codes_of
from cblcast.frames.forecast_runs import ForecastRuns
from cblcast.frames.grid import completed, refuse_stray_rows
from cblcast.frames.instants import DAY_US, HOUR_US, instants_of_wall, local_microseconds, microseconds
from cblcast.frames.known import run_starts
from cblcast.frames.schema import OBSERVED, PANEL_INDEX, SITE, TIME, DataError, check_panel, check_sites, nearest, utc
from cblcast.frames.sources import UNDECLARED, Origin, Source, declared
from cblcast.frames.steps import common_step
from cblcast.frames.stray import LONGEST_GAP_US, date_of


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
    sources : mapping column -> Source, optional
        Which columns of `data` are forecasts or reanalyses; what is not named counts as measured.
    runs : tuple of ForecastRuns
        Forecasts whose value depends on when they are looked up; their columns stand beside those of `data`.

    Raises
    ------
    DataError
        With the site, the time and the remedy.
    """

    data: pd.DataFrame
    sites: pd.DataFrame
    events: pd.DataFrame | None = field(default=None)
    sources: Mapping[str, Source] = field(default_factory=dict)
    runs: tuple[ForecastRuns, ...] = ()

    def __post_init__(self) -> None:
        check_panel(self.data)
        data = self.data if self.data.index.is_monotonic_increasing else self.data.sort_index()
        data = data.set_axis(_canonical(data.index))
        step_us = common_step(data)
        refuse_stray_rows(data, step_us)
        data = completed(data, step_us)
        site_ids = data.index.levels[0]
        check_sites(self.sites, site_ids)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "sites", self.sites.loc[site_ids])
        object.__setattr__(self, "sources", {k: v for k, v in self.sources.items() if k in data.columns})
        _check_runs(self.runs, data.columns, site_ids)
        object.__setattr__(self, "step_us", step_us)
        object.__setattr__(self, "_cubes", {})
        object.__setattr__(self, "_views", {})

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
    def zones(self) -> np.ndarray:
        """IANA zone of each site, ndarray of str objects, shape (n_sites,); of one element where all sites share it."""
        zones = self.sites["tz"].to_numpy(dtype=object)
        return zones[:1] if len(set(zones)) == 1 else zones

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
        codes = codes_of(self.site_ids, site_ids)
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
        views: dict[str, np.ndarray] = self.__dict__["_views"]
        if column in views:
            return views[column]
        if column not in self.data.columns:
            if self.runs_of(column) is not None:
                raise DataError(
                    f"{column!r} is of forecast runs, whose value depends on when it is looked up: use it in nwp or nwp_error"
                )
            raise DataError(
                f"the panel has no column {column!r} ({nearest(column, self.names)}): give weather with that "
                "column (weather: in a study, --weather), or a method that does without"
            )
        series = self.data[column]
        values = series.to_numpy(dtype=np.float64)
        if series.dtype == np.float64:  # a view costs nothing to keep, and its look-up ten times the look at it
            views[column] = values
        return values

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that can be asked for, those of forecast runs included."""
        return (*map(str, self.data.columns), *(name for runs in self.runs for name in (*runs.columns, runs.age)))

    def source(self, column: str) -> Source:
        """Where a column comes from; what nobody declared counts as measured."""
        runs = self.runs_of(column)
        if runs is not None:
            return Source(Origin.FORECAST, runs.product)
        return self.sources.get(column, UNDECLARED)

    def runs_of(self, column: str) -> ForecastRuns | None:
        """The forecast runs that hold a column, None for a column of :attr:`data`."""
        return next((runs for runs in self.runs if column in runs.values or column == runs.age), None)

    def declare(self, kinds: Mapping[str, Any]) -> Panel:
        """The panel that knows where columns come from: ``{"era5_*": "reanalysis", "wind_ms": "forecast"}``."""
        told = declared(kinds, (column for column in self.data.columns if column != OBSERVED))
        panel = object.__new__(Panel)  # the same rows and values need not be checked a second time
        panel.__dict__.update(self.__dict__, sources={**self.sources, **told})
        return panel

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
        panel.__dict__.update(self.__dict__, data=data, events=known.reset_index(drop=True), _cubes={}, _views={})
        return panel

    def select(self, site_ids: pd.Index | list[str]) -> Panel:
        """The panel of some of the sites; itself, with what it has built already, where these are all."""
        wanted = pd.Index(site_ids)
        if len(np.unique(self.site_codes(wanted))) == len(self.site_ids):
            return self
        keep = self.data.index.get_level_values(SITE).isin(wanted)
        events = None if self.events is None else self.events[self.events[SITE].isin(wanted)]
        runs = tuple(one.select(wanted) for one in self.runs)
        return replace(self, data=self.data[keep], events=events, runs=runs)


AnyPanel = Panel | DayPanel  # what looks at days alone takes either
OnePanel = TypeVar("OnePanel", bound=AnyPanel)  # and some give back what they were given


def local_clock(panel: AnyPanel, site_code: np.ndarray, times_us: np.ndarray) -> np.ndarray:
    """Local wall clock of (site, time) pairs, int64 microseconds since 1970-01-01 00:00 on that wall."""
    if len(panel.zones) == 1:
        return local_microseconds(np.ascontiguousarray(times_us), panel.zones[0])
    return local_microseconds(times_us, panel.zones[site_code])


def clock_instants(panel: AnyPanel, site_code: np.ndarray, wall_us: np.ndarray, unclear: str = "first") -> np.ndarray:
    """UTC instants of (site, wall clock) pairs, int64 microseconds; see :func:`~cblcast.frames.instants.instants_of_wall`."""
    zone = panel.zones[0] if len(panel.zones) == 1 else panel.zones[site_code]
    return instants_of_wall(wall_us, zone, unclear)


def _check_runs(runs: tuple[ForecastRuns, ...], columns: pd.Index, site_ids: pd.Index) -> None:
    taken = {str(column) for column in columns}
    for one in runs:
        both = next((name for name in (*one.columns, one.age) if name in taken), None)
        if both is not None:
            raise DataError(
                f"the forecast column {both!r} of {one.product} is in the panel already: give the product another name, or "
                "drop one of them"
            )
        taken |= {*one.columns, one.age}
        lacking = site_ids[one.blocks_of(site_ids) < 0]
        if len(lacking):
            raise DataError(
                f"{one.product} has no forecasts for site {lacking[0]!r} ({len(lacking)} of {len(site_ids)} sites): "
                f"{nearest(str(lacking[0]), one.sites or ())}; give every site's, or choose sites:"
            )


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
