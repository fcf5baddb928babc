"""From values of any unit on intervals of any length to mean kW on one step, labelled at the start."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from cblcast.frames.schema import OBSERVED, DataError
from cblcast.io.align import Rows, resample, usual_step
from cblcast.io.lengths import COARSE_SHARE
from cblcast.io.read_report import Kind
from cblcast.io.readings import Readings
from cblcast.io.units import UNITS, Unit, contradiction, unit_of

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


def step_us(step: str | pd.Timedelta) -> int:
    """A length of time in microseconds; a :class:`DataError` if it is none."""
    try:
        length = pd.Timedelta(step)
    except ValueError as error:
        raise DataError(f"step {step!r} is no length of time: write it like '30min' or '1h'") from error
    if not length > pd.Timedelta(0):
        raise DataError(f"step {step!r} is not longer than nothing: write it like '30min' or '1h'")
    return length // pd.Timedelta(1, unit="us")


def in_kw(readings: Readings, said: str) -> Readings:
    """Mean power [kW], labelled at the start; each series in its own unit, unless one is `said` for all."""
    rows, lengths = readings.rows, readings.lengths
    if lengths is None:
        raise TypeError("lengths are settled before units")
    hours = usual_step(rows, readings.report.source) / HOUR_US
    names, told = readings.series.name, readings.series.unit
    settled = _settled(told, said)
    by_name = {
        name: contradiction(unit, own, name, hours) for name, unit, own in zip(names, settled, told, strict=True)
    }
    report = readings.report.with_notes(note for note in by_name.values() if note is not None)
    silent = [name for name, unit in zip(names, told, strict=True) if unit is None and name != OBSERVED]
    if said == "auto" and silent:
        report = report.noting(Kind.GUESSED, f"no unit is said of {_some(silent)}, so it is read as kW")
    scale = np.array([unit.scale for unit in settled])
    energy = np.array([unit.energy for unit in settled])
    power = rows.values[OBSERVED]
    if (scale == scale[0]).all():
        power = power if scale[0] == 1.0 else power * scale[0]
    else:
        power = power * scale[rows.site]
    if energy.any():
        alike = len(lengths) == 0 or lengths.strides == (0,) or (lengths == lengths[0]).all()
        per_hour = HOUR_US / max(int(lengths[0]), 1) if alike else HOUR_US / np.maximum(lengths, 1)
        power = power * (per_hour if energy.all() else np.where(energy[rows.site], per_hour, 1.0))
    us = rows.us - lengths if readings.label == "end" else rows.us
    rows = replace(rows, us=us, values={**rows.values, OBSERVED: power})
    return readings.but(rows=rows, label="start", report=report).understanding("load", _in_words(names, settled, hours))


def _some(names: list[str]) -> str:
    distinct = list(dict.fromkeys(names))
    return ", ".join(map(repr, distinct[:4])) + (f" and {len(distinct) - 4} more" if len(distinct) > 4 else "")


def _settled(told: tuple[Unit | None, ...], said: str) -> list[Unit]:
    if said == "auto":
        return [unit or UNITS["kw"] for unit in told]
    return [unit_of(said)] * len(told)


def _in_words(names: tuple[str, ...], units: list[Unit], hours: float) -> str:
    """``kWh per 15 min``, or the unit of each column where they differ."""
    if len({unit.name for unit in units}) == 1:
        return _unit_in_words(units[0], hours)
    shown = [f"{name} in {_unit_in_words(unit, hours)}" for name, unit in zip(names, units, strict=True)]
    return "; ".join(dict.fromkeys(shown[:12])) + (" …" if len(shown) > 12 else "")


def _unit_in_words(unit: Unit, hours: float) -> str:
    return f"{unit.name} per {60 * hours:g} min" if unit.energy else unit.name


def on_one_step(readings: Readings, wanted: int | None, zones: list[str]) -> Readings:
    """All series on one step: the one that is `wanted`, else the longest that a meter counts in, if they differ.

    Raises
    ------
    DataError
        A step that is shorter than the intervals, or does not divide the day.
    """
    rows, lengths = readings.rows, readings.lengths
    if lengths is None:
        raise TypeError("lengths are settled before the step")
    if wanted is None and (lengths.strides == (0,) or (lengths == lengths[0]).all()):
        return readings
    step = wanted or _longest_of_many(lengths)
    if wanted is not None and np.median(lengths) > wanted:
        raise DataError(
            f"the readings are {pd.Timedelta(int(np.median(lengths)), unit='us')} apart, longer than step "
            f"{pd.Timedelta(wanted, unit='us')}: choose a step that is at least as long"
        )
    offset, common = _offsets(rows, [zones[site] for site in readings.series.site], step)
    if common != step:
        readings = readings.noting(
            Kind.GUESSED if wanted is None else Kind.DOUBTFUL,  # what was asked for and not done is warned of
            f"a clock of the sites is moved by {common / 60e6:g} min, so that no step of {step / 60e6:g} min begins at the same "
            f"minute all year: the step is {common / 60e6:g} min"
            + ("" if wanted is None else ", not what was asked for"),
        )
    elif wanted is None:
        shown = ", ".join(f"{length / 60e6:g}" for length in np.unique(lengths))
        readings = readings.noting(
            Kind.GUESSED, f"intervals of {shown} min are brought to the longest that lasts, {step / 60e6:g} min"
        )
    made, partial = resample(rows, common, lengths, offset)
    readings = readings.but(rows=made, lengths=np.full(len(made.us), common))
    n = int(partial.sum())
    return readings.noting(Kind.MERGED, f"{n} intervals of which less than half was metered are left empty", n)


def _longest_of_many(lengths: np.ndarray) -> int:
    """The longest length that makes up a share of the whole; a lone long reading sets no step."""
    distinct, count = np.unique(lengths, return_counts=True)
    share = distinct * count / float(lengths.sum())
    return int(distinct[share >= COARSE_SHARE].max())


def _offsets(rows: Rows, zones: list[str], step: int) -> tuple[np.ndarray, int]:
    """Offset of each series' local time [us], and the step that begins at the same minutes whatever the clock does."""
    first, last = int(rows.us.min()), int(rows.us.max())
    days = pd.DatetimeIndex(np.unique(np.r_[np.arange(first, last, DAY_US), last]).view("M8[us]")).tz_localize("UTC")
    offsets: dict[str, int] = {}
    common = step
    for zone in set(zones):
        local = days.tz_convert(zone).tz_localize(None).as_unit("us").asi8 - days.as_unit("us").asi8
        offsets[zone] = int(local[0])
        for move in np.unique(np.abs(np.diff(local))):
            common = math.gcd(common, int(move)) if move % step else common
    return np.array([offsets[zone] for zone in zones], dtype=np.int64), common
