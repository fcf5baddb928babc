"""The steps that the readings of every format take to a panel, in one order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.quality import odd_day_sentences, odd_days_told
from cblcast.frames.schema import OBSERVED, PANEL_INDEX, SITE, DataError
from cblcast.io.align import Rows, usual_step
from cblcast.io.dials import energies_of_dials, warn_of_dials
from cblcast.io.forecast_values import plausible
from cblcast.io.lengths import with_lengths, without_idle_rows
from cblcast.io.net import netted
from cblcast.io.options import ReaderOptions
from cblcast.io.read_report import Kind, Note
from cblcast.io.readings import Reading, Readings
from cblcast.io.repeats import without_repeats
from cblcast.io.spans import check_spans
from cblcast.io.steps import in_kw, on_one_step, step_us
from cblcast.io.units import equals_energy, interval_factor, unit_in_name
from cblcast.io.weather_table import with_weather

HOUR_US = 3_600_000_000


def to_panel(readings: Readings, sites: pd.DataFrame, clocks: list[str], options: ReaderOptions) -> Reading:
    """Readings as a panel.

    Streams of one site become one: repeats → dial readings → lengths → units → one step → net; then weather, quality, panel.

    Parameters
    ----------
    readings : Readings
        Sorted by series and instant.
    sites : DataFrame, index site_id
        With ``tz``.
    clocks : list of str
        Zone of the clock that writes times without an offset, for each site; weather may need it.
    options : ReaderOptions
    """
    zones = [str(zone) for zone in sites["tz"]]
    wanted = None if options.step is None else step_us(options.step)
    readings = without_repeats(readings, options.on_duplicates)
    _refuse_unmetered(readings)
    readings = check_spans(readings, wanted)
    readings = warn_of_dials(energies_of_dials(readings, options.register))
    readings = with_lengths(without_idle_rows(readings), wanted)
    hours = usual_step(readings.rows, readings.report.source) / HOUR_US
    readings = in_kw(readings, options.unit)
    readings = on_one_step(readings, wanted, zones)
    readings = netted(readings, zones, options.channels)
    readings = _judged(readings, sites, hours)
    if options.weather is not None:
        readings = with_weather(readings, options, clocks)
    readings = _without_stray_winds(readings)
    panel = odd_days_told(Panel(_panel_frame(readings), sites).declare(options.kinds or {}))
    odd = odd_day_sentences(panel, readings.report.source)
    return Reading(panel, readings.report.with_notes([Note(Kind.DOUBTFUL, text, n) for text, n in odd]))


def _refuse_unmetered(readings: Readings) -> None:
    rows = readings.rows
    first = rows.bounds[:-1]
    metered = np.logical_or.reduceat(np.isfinite(rows.values[OBSERVED]), first)
    known = np.zeros(len(readings.site_ids))
    np.add.at(known, readings.series.site[rows.site[first]], metered)
    dead = readings.site_ids[known == 0]
    if len(dead):
        raise DataError(
            f"site {dead[0]!r} of {readings.report.source} was never metered: all its values are empty "
            f"({len(dead)} such sites); drop it, or mend the file"
        )


def _judged(readings: Readings, sites: pd.DataFrame, hours: float) -> Readings:
    """Notes of what looks like a mix-up of power and energy."""
    rows = readings.rows
    notes = [interval_factor(rows.values[OBSERVED], rows.site, sites, hours)]
    for name, value in rows.values.items():
        unit = unit_in_name(name)
        if name != OBSERVED and unit is not None and unit.energy and not _is_energy(readings):
            notes.append(equals_energy(rows.values[OBSERVED], value * unit.scale, name, hours))
    return readings.but(report=readings.report.with_notes(note for note in notes if note is not None))


def _without_stray_winds(readings: Readings) -> Readings:
    """Without speeds that no wind has: one of them would rule a curve, a scale and a net."""
    rows = readings.rows
    notes: list[Note] = []
    values = {name: plausible(name, value, readings.report.source, notes) for name, value in rows.values.items()}
    if not notes:
        return readings
    return readings.but(rows=replace(rows, values=values), report=readings.report.with_notes(notes))


def _is_energy(readings: Readings) -> bool:
    return any(unit is not None and unit.energy for unit in readings.series.unit)


def _panel_frame(readings: Readings) -> pd.DataFrame:
    rows = readings.rows
    codes, times_us = _times(rows, len(readings.site_ids))
    site = np.zeros(len(rows.us), dtype=np.int8) if len(readings.site_ids) == 1 else rows.site
    times = pd.DatetimeIndex(times_us.view("M8[us]")).tz_localize("UTC")
    index = pd.MultiIndex(
        levels=[pd.Index(readings.site_ids, dtype="str", name=SITE), times],
        codes=[site, codes],
        names=PANEL_INDEX,
        verify_integrity=False,
    )
    return pd.DataFrame(rows.values, index=index)


def _times(rows: Rows, n_sites: int) -> tuple[np.ndarray, np.ndarray]:
    """Position of each row's time among the sorted times, and these; sites often share all their times."""
    n = len(rows.us) // n_sites
    own = rows.us[:n]
    if n * n_sites == len(rows.us) and (rows.us.reshape(n_sites, n) == own).all():
        return np.tile(np.arange(n, dtype=np.int32), n_sites), own
    codes, distinct = pd.factorize(rows.us)
    order = np.argsort(distinct)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[codes], np.asarray(distinct, dtype=np.int64)[order]
