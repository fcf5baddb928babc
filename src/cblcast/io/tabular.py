"""Meter data from CSV, Parquet or a frame, long or wide, in whatever unit and clock, as a :class:`~cblcast.frames.panel.Panel`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PANEL_INDEX, SITE, DataError, nearest
from cblcast.io.align import Rows, drop_skipped, interval_lengths, join_duplicates, resample, usual_step, weather_at
from cblcast.io.clock import NOT_A_TIME, check_zone, localise
from cblcast.io.files import SITE_NAMES, Table, read_table
from cblcast.io.layout import Long, find_column, read_stamps, time_column, to_long
from cblcast.io.site_table import sites_for
from cblcast.io.units import settle_unit, unit_in_name, unit_of, warn_of_interval_factor, warn_of_register

HOUR_US = 3_600_000_000
Source: TypeAlias = str | Path | pd.DataFrame


def read_panel(
    source: Source,
    *,
    sites: Source | Mapping[str, object] | None = None,
    tz: str | None = None,
    clock: str | None = None,
    layout: str = "auto",
    unit: str = "auto",
    label: str = "start",
    columns: Mapping[str, str] | None = None,
    time_format: str | None = None,
    decimal: str | None = None,
    weather: Source | None = None,
    step: str | pd.Timedelta | None = None,
    on_duplicates: str = "raise",
    country: str | None = None,
    subdivision: str | None = None,
    segment: str | None = None,
) -> Panel:
    """Read meter data, and weather beside it, into a panel.

    Parameters
    ----------
    source : path (.csv, .csv.gz, .parquet) or DataFrame
        Long: ``site_id`` (a file without it holds one site, named after the file), ``time``, the metered value, weather
        columns, and site columns such as ``tz``. Wide: ``time``, one column for each site, weather columns for all.
    sites : path, DataFrame or dict, optional
        What is known of each site (:func:`cblcast.io.site_table.read_sites`); a dict may hold a zone, or a dict of
        columns, for each site.
    tz : str, optional
        IANA zone of the sites, where `sites` does not say.
    clock : str, optional
        IANA zone of the clock that wrote times without an offset, e.g. ``UTC`` or ``Etc/GMT-10``; by default each
        site's own zone (UTC where the column's name ends in ``_utc``). The double hour of autumn is resolved by order,
        first summer then standard time; readings in the hour that spring skips are dropped with a warning.
    layout : {"auto", "long", "wide"}
    unit : {"auto", "kW", "kWh", "W", "Wh", "MW", "MWh"}
        Unit of the metered values, energies per interval; ``auto`` is the unit that the column's name ends in, else kW.
    label : {"start", "end"}
        Which end of its interval a time marks.
    columns : mapping, optional
        Foreign name → ours (``{"When": "time", "Load": "observed_kw", "T": "temp_air_c"}``), in `source` and `weather`.
    time_format : str, optional
        As in ``strptime``; only needed for times that are not ISO 8601.
    decimal : {".", ","}, optional
        The decimal sign of a CSV file; taken from its first lines unless given.
    weather : path or DataFrame, optional
        ``time`` and weather columns, with ``site_id`` or one series for all sites; averaged to the panel's step if finer,
        interpolated between neighbouring readings if coarser.
    step : str or Timedelta, optional
        Average to this longer step; the way to join files whose step changes.
    on_duplicates : {"raise", "mean", "first", "last"}
    country, subdivision, segment : str, optional
        Where `sites` does not say.

    Returns
    -------
    Panel
        ``observed_kw`` is the mean power over the interval [kW], labelled at its start in UTC.

    Raises
    ------
    DataError
        One sentence that names the line, the rule and the remedy.

    Warns
    -----
    DataWarning
        Readings at times that do not exist; a unit that contradicts a name, a rated power or a register; text columns.
    """
    _check_options(unit, label, clock)
    meter = read_table(source, "meter", decimal)
    climate = None if weather is None else read_table(weather, "weather", decimal)
    meter, climate = _rename(meter, climate, columns)
    original = {ours: foreign for foreign, ours in (columns or {}).items()}
    long = to_long(meter, layout, original, time_format)
    defaults = {"tz": tz or long.stamps.zone, "country": country, "subdivision": subdivision, "segment": segment}
    known = sites_for(long.site_ids, sites, long.found, defaults)
    zones = [clock or zone for zone in known["tz"]]

    rows = _instants(long, zones, label, meter.name)
    rows = join_duplicates(rows, on_duplicates, _first_duplicate(rows, long, meter))
    _refuse_unmetered(rows, long.site_ids, meter.name)
    source_hours = usual_step(rows) / HOUR_US
    rows = _to_kw_at_start(rows, long, unit, label, None if step is None else _step_us(step), known)
    if climate is not None:
        rows = _with_weather(rows, climate, long.site_ids, zones, time_format, on_duplicates)
    data = _panel_frame(rows, long.site_ids)
    warn_of_interval_factor(data[OBSERVED], known, source_hours)
    return Panel(data, known)


def _check_options(unit: str, label: str, clock: str | None) -> None:
    if unit != "auto":
        unit_of(unit)
    if label not in ("start", "end"):
        raise DataError(f"label is 'start' or 'end' of the interval, not {label!r}")
    if clock is not None:
        check_zone(clock)


def _rename(meter: Table, climate: Table | None, columns: Mapping[str, str] | None) -> tuple[Table, Table | None]:
    columns = columns or {}
    here = list(meter.frame.columns) + ([] if climate is None else list(climate.frame.columns))
    for foreign in columns:
        if foreign not in here:
            raise DataError(f"{meter.name} has no column {foreign!r} to rename: {nearest(foreign, map(str, here))}")
    in_meter = {old: new for old, new in columns.items() if old in meter.frame.columns}
    if climate is None:
        return meter.renamed(in_meter), None
    return meter.renamed(in_meter), climate.renamed(
        {old: new for old, new in columns.items() if old in climate.frame.columns}
    )


def _instants(long: Long, zones: list[str], label: str, name: str) -> Rows:
    """The rows sorted by site and instant, still labelled as in the source."""
    rows = Rows(long.site, long.stamps.us, long.values, long.source_row)
    if long.stamps.aware:
        return rows.sorted()
    if label == "start":
        return _on_clock(rows, zones, 0, name)
    # Files that end their labels either write the end on the clock or a step after the start; around a clock change
    # these differ, and only one of them leaves every interval in its place.
    length = usual_step(rows.sorted())
    readings = [_clock_to_utc(rows, zones, 0), _clock_to_utc(rows, zones, length)]
    return _on_clock(
        rows, zones, 0 if _flaws(rows.site, readings[0]) <= _flaws(rows.site, readings[1]) else length, name
    )


def _clock_to_utc(rows: Rows, zones: list[str], back_us: int) -> np.ndarray:
    """Instants of the labels; with `back_us`, the clock is read that much earlier and the instant moved on again."""
    zone_of_site = np.asarray(zones, dtype=object)
    instants = np.empty_like(rows.us)
    for zone in set(zones):
        mine = np.flatnonzero((zone_of_site == zone)[rows.site])
        found = localise(rows.us[mine] - back_us, rows.site[mine], zone)
        instants[mine] = np.where(found == NOT_A_TIME, NOT_A_TIME, found + back_us)
    return instants


def _flaws(site: np.ndarray, instants: np.ndarray) -> int:
    order = np.lexsort((instants, site))
    repeated = (np.diff(site[order]) == 0) & (np.diff(instants[order]) == 0)
    return int((instants == NOT_A_TIME).sum() + repeated.sum())


def _on_clock(rows: Rows, zones: list[str], back_us: int, name: str) -> Rows:
    instants = _clock_to_utc(rows, zones, back_us)
    return drop_skipped(replace(rows, us=instants), instants == NOT_A_TIME, name).sorted()


def _first_duplicate(rows: Rows, long: Long, meter: Table) -> str:
    repeated = rows.repeated
    if not repeated.any():
        return ""
    at = int(repeated.argmax())
    return (
        f"{meter.where(int(rows.source_row[at]))} gives site {long.site_ids[rows.site[at]]!r} the time "
        f"{pd.Timestamp(int(rows.us[at]), unit='us', tz='UTC')} a second time"
    )


def _refuse_unmetered(rows: Rows, site_ids: pd.Index, name: str) -> None:
    metered = np.bincount(rows.site[np.isfinite(rows.values[OBSERVED])], minlength=len(site_ids))
    dead = site_ids[metered == 0]
    if len(dead):
        raise DataError(
            f"site {dead[0]!r} of {name} was never metered: all its values are empty "
            f"({len(dead)} such sites); drop it, or mend the file"
        )


def _step_us(step: str | pd.Timedelta) -> int:
    try:
        length = pd.Timedelta(step)
    except ValueError as error:
        raise DataError(f"step {step!r} is no length of time: write it like '30min' or '1h'") from error
    if not length > pd.Timedelta(0):
        raise DataError(f"step {step!r} is not longer than nothing: write it like '30min' or '1h'")
    return length // pd.Timedelta(1, unit="us")


def _to_kw_at_start(rows: Rows, long: Long, unit: str, label: str, step_us: int | None, sites: pd.DataFrame) -> Rows:
    """Mean kW, labelled at the start, on `step_us` if one is given."""
    usual = usual_step(rows)
    lengths = np.full(len(rows.us), usual) if step_us is None else interval_lengths(rows, label)
    settled = settle_unit(unit, "" if long.metered_name == OBSERVED else long.metered_name, usual / HOUR_US)
    power = rows.values[OBSERVED] * settled.scale / (lengths / HOUR_US if settled.energy else 1.0)
    rows = replace(rows, us=rows.us - lengths if label == "end" else rows.us, values={**rows.values, OBSERVED: power})
    for name, value in rows.values.items():
        named = unit_in_name(name)
        if named is not None and named.energy and not settled.energy:
            warn_of_register(pd.Series(power), pd.Series(value * named.scale), name, usual / HOUR_US)
    if step_us is None:
        return rows
    first = pd.Timestamp(int(rows.us[0]), unit="us", tz="UTC")
    offset = {zone: int(first.tz_convert(zone).utcoffset().total_seconds() * 1e6) for zone in sites["tz"].unique()}
    return resample(rows, step_us, lengths, sites["tz"].map(offset).to_numpy(dtype=np.int64))


def _with_weather(
    rows: Rows, climate: Table, site_ids: pd.Index, zones: list[str], time_format: str | None, on_duplicates: str
) -> Rows:
    time, site = time_column(climate), find_column(climate, SITE_NAMES)
    frame = climate.frame
    names = [
        column
        for column in frame.columns
        if column not in (time, site) and pd.api.types.is_numeric_dtype(frame[column].dtype)
    ]
    if not names:
        raise DataError(
            f"{climate.name} has no column of numbers beside the time: give weather columns such as temp_air_c"
        )
    both = [name for name in names if name in rows.values]
    if both:
        raise DataError(
            f"the weather column {both[0]!r} is in {climate.name} and in the meter file too: drop one of them, or rename it"
        )
    stamps = read_stamps(climate, time, time_format)
    code = (
        np.zeros(len(frame), dtype=np.int64)
        if site is None
        else site_ids.get_indexer(frame[site].astype("str")).astype(np.int64)
    )
    if site is not None and (code < 0).all():
        foreign = str(frame[site].iloc[0])
        raise DataError(
            f"{climate.name} has weather for none of the sites (e.g. {foreign!r}): {nearest(foreign, site_ids)}"
        )
    if not stamps.aware and site is None and len(set(zones)) > 1:
        raise DataError(
            f"{climate.name} has times without an offset, and the sites lie in {len(set(zones))} zones: name the zone "
            "of the clock (clock='UTC')"
        )
    values = {name: frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names}
    read = Rows(code, stamps.us, values, frame.index.to_numpy(dtype=np.int64)).take(code >= 0)
    read = read.sorted() if stamps.aware else _on_clock(read, zones, 0, climate.name)
    if read.repeated.any():
        twice = read.source_row[read.repeated][0]
        read = join_duplicates(read, on_duplicates, f"{climate.where(int(twice))} gives a time a second time")
    at = rows.site if site is not None else np.zeros_like(rows.site)
    return replace(rows, values=rows.values | weather_at(read, at, rows.us, usual_step(rows)))


def _panel_frame(rows: Rows, site_ids: pd.Index) -> pd.DataFrame:
    codes, distinct = pd.factorize(rows.us)
    order = np.argsort(distinct)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    times = pd.DatetimeIndex(np.asarray(distinct, dtype=np.int64)[order].view("M8[us]")).tz_localize("UTC")
    index = pd.MultiIndex(
        levels=[pd.Index(site_ids, dtype="str", name=SITE), times],
        codes=[rows.site, rank[codes]],
        names=PANEL_INDEX,
        verify_integrity=False,
    )
    return pd.DataFrame(rows.values, index=index)
