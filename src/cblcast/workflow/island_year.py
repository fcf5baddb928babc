"""From the file of a microgrid to a year of wind, sun and load on one grid of steps, and to the islands cut from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast import datasets
from cblcast.config.microgrid import MicrogridStudy, Source
from cblcast.errors import DataError, StudyError, nearest
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.io.clock import NOT_A_TIME, localise
from cblcast.io.files import numbers, read_table
from cblcast.io.formats import read_meter
from cblcast.io.time_columns import read_times
from cblcast.physics.power_curve import published_power_curve
from cblcast.simulate.island_scenarios import (
    Drawn,
    IslandYear,
    all_islands,
    draw_islands,
    on_calendar,
    on_grid,
    steps_of,
    turbine_power,
)
from cblcast.simulate.outage import failing_share

_FASTEST_MS = 120.0  # the fastest gust ever measured had 113 m/s


def read_source(source: Source, folder: Path, what: str) -> pd.Series:
    """The series of a source, by UTC instant; several sites are summed where all are metered.

    Raises
    ------
    StudyError, DataError
        A file, data set, column, site or span that is not there.
    """
    if source.dataset is not None:
        series = _from_panel(datasets.load(source.dataset), source, what)
    else:
        path = _found(str(source.file), folder, what)
        is_load = source.column == OBSERVED
        series = _from_panel(read_meter(path, tz=source.tz), source, what) if is_load else _column(path, source)
    span = series.loc[source.first : source.last]
    if not span.notna().any():
        sites = (
            ""
            if source.site or source.file
            else " (of several sites only what all measure counts: name one with site:)"
        )
        raise StudyError(
            f"{what}: nothing is measured between {source.first or 'its first'} and {source.last or 'its last time'}{sites}: "
            "mend first: and last:"
        )
    return span.loc[span.first_valid_index() : span.last_valid_index()]


def _from_panel(panel: Panel, source: Source, what: str) -> pd.Series:
    if source.column not in panel.data.columns:
        raise StudyError(
            f"{what}.column: there is no column {source.column!r}: {nearest(source.column, panel.data.columns)}"
        )
    column = panel.data[source.column].astype("float64")
    sites = panel.data.index.get_level_values(SITE).unique()
    if source.site is not None:
        if source.site not in sites:
            raise StudyError(f"{what}.site: there is no site {source.site!r}: {nearest(source.site, sites)}")
        return column.loc[source.site]
    if len(sites) > 1 and source.column != OBSERVED:
        raise StudyError(f"{what}: {len(sites)} sites have a column {source.column!r}: name one with site:")
    return column.unstack(SITE).sum(axis=1, min_count=len(sites))


def _column(path: Path, source: Source) -> pd.Series:
    if source.site is not None:
        raise StudyError(
            f"site: {source.site!r} cannot be told apart in {path.name}, of which column {source.column!r} is read as one series: "
            "leave site: out, and write each site's series into a file"
        )
    table = read_table(path, "series")
    if source.column not in table.frame.columns:
        raise DataError(
            f"{path.name} has no column {source.column!r}: {nearest(source.column, map(str, table.frame.columns))}"
        )
    stamps = read_times(table, None).stamps
    us = (
        stamps.us if stamps.aware else localise(stamps.us, np.zeros(len(stamps.us), np.int64), stamps.zone or source.tz)
    )
    if (skipped := us == NOT_A_TIME).any():
        raise DataError(
            f"{path.name}: {int(skipped.sum())} times were never shown by the clock of {stamps.zone or source.tz} (summer time begins): "
            "name the clock that wrote them with tz:, UTC or a zone without summer time"
        )
    index = pd.DatetimeIndex(us.view("M8[us]")).tz_localize("UTC")
    return pd.Series(numbers(table.frame[source.column], table).to_numpy(), index=index).sort_index()


def _found(name: str, folder: Path, what: str) -> Path:
    for candidate in (folder / name, Path(name)):
        if candidate.is_file():
            return candidate
    raise StudyError(
        f"{what}.file names {name!r}, which is neither beside the study nor in the working directory: mend the path"
    )


def island_year(study: MicrogridStudy, folder: Path = Path()) -> tuple[IslandYear, tuple[str, ...]]:
    """The year of wind that the file names, with load and sun carried to it; and what was done to them, in sentences."""
    wind = read_source(study.wind, folder, "wind")
    steps_of(study.island.hours, study.island.step_min / 60)
    times = pd.date_range(
        wind.index[0].ceil("h"), wind.index[-1], freq=pd.Timedelta(minutes=study.island.step_min), unit="us"
    )
    speed, notes = on_grid(wind, times, "wind"), []
    if (speed < 0).any():
        raise DataError(f"wind: {int((speed < 0).sum())} speeds are below 0, which no wind is: mend the file")
    if (speed > _FASTEST_MS).any():
        raise DataError(
            f"wind: {int((speed > _FASTEST_MS).sum())} speeds are above {_FASTEST_MS:g} m/s, which no wind is: name the column of the "
            "speed [m/s] with wind.column"
        )
    mean = float(np.nanmean(speed))
    if study.wind.mean_speed_ms is not None and not mean > 0:
        raise DataError("wind: it is calm throughout, and cannot be scaled to mean_speed_ms: mend the file")
    scale = 1.0 if study.wind.mean_speed_ms is None else study.wind.mean_speed_ms / mean
    if scale != 1.0:
        notes.append(f"wind of mean {mean:.2f} m/s scaled by {scale:.3f} to {study.wind.mean_speed_ms:g} m/s")
    turbines = turbine_power(speed, published_power_curve(study.wind.turbine), study.wind.turbines, scale)
    load = _carried(read_source(study.load, folder, "load"), times, study.load.tz, "load", notes)
    if not np.isfinite(load).any():
        raise DataError("load: not one step of the wind's span has a load: mend load.first and load.last, or the site")
    peak = float(np.nanmax(load))
    if not peak > 0:
        raise DataError(f"load: its highest value is {peak:g} kW: a critical load is above 0")
    notes.append(f"load of peak {peak:.1f} kW scaled to {study.load.critical_peak_kw:g} kW")
    if (load < 0).any():
        raise DataError(f"load: {int((load < 0).sum())} steps are below 0 kW: give the load without its own generation")
    solar = None
    if study.solar is not None:
        measured = _carried(read_source(study.solar, folder, "solar"), times, study.solar.tz, "solar", notes)
        if (below := int((measured < 0).sum())) == np.isfinite(measured).sum():
            raise DataError("solar: every value is missing or below 0 kW: generation is counted above 0, mend the sign")
        if below:
            notes.append(f"solar below 0 kW in {below} steps (the plant's own use) is taken as 0")
        solar = np.maximum(measured, 0.0) * (study.solar.rated_kw / study.solar.measured_rated_kw)
    return IslandYear(times, turbines, load * (study.load.critical_peak_kw / peak), solar), tuple(notes)


def _carried(series: pd.Series, times: pd.DatetimeIndex, tz: str, what: str, notes: list[str]) -> np.ndarray:
    if series.index[0] <= times[0] and series.index[-1] >= times[-1] - pd.Timedelta(days=1):
        return on_grid(series, times, what)
    notes.append(
        f"{what} of {series.index[0]:%Y-%m} to {series.index[-1]:%Y-%m} carried to the wind's year by season, weekday and clock of {tz}"
    )
    return on_calendar(series, times, tz, what)


def study_islands(study: MicrogridStudy, year: IslandYear, seed: int | None = None) -> tuple[Drawn, tuple[str, ...]]:
    """The islands that the file asks for, and what was redrawn or left out."""
    own = study.island
    if own.scenarios == "all":
        drawn = all_islands(year, own.hours)
        note = f"all {drawn.islands.n_scenarios} windows of {own.hours:g} h; {drawn.redrawn} left out for missing wind or load"
    else:
        drawn = draw_islands(year, own.hours, own.per_month, own.seed if seed is None else seed)
        note = f"{drawn.islands.n_scenarios} islands drawn; {drawn.redrawn} redrawn for missing wind or load"
    if study.generators is None:
        return drawn, (note,)
    g, islands = study.generators, drawn.islands
    share = failing_share(
        islands.n_scenarios,
        islands.load_kw.shape[1],
        islands.step_h,
        generators=g.count,
        mean_time_to_failure_h=g.mean_time_to_failure_h,
        failure_to_start=g.failure_to_start,
        seed=own.seed if seed is None else seed,
    )
    lost = f"{g.count} generators fail: {100 * (1 - share.mean()):.1f} % of the diesel rating is out on average"
    return replace(drawn, islands=replace(islands, diesel_share=share)), (note, lost)
