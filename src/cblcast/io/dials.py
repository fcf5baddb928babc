"""Dial readings: what a register shows is no energy of an interval, the difference of two readings is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cblcast.frames.schema import OBSERVED, DataError
from cblcast.io.align import usual_step
from cblcast.io.read_report import Kind
from cblcast.io.readings import Readings
from cblcast.io.units import UNITS

LEAST_READINGS = 48
TINY = 0.02  # of the level: a dial's step from one reading to the next
FALLS = 0.002  # so many readings may fall: dials roll over and are exchanged
ROLLS_OVER_AT = 0.9  # of its range
PLAUSIBLE = 20.0  # times the 99 % quantile of its steps


def energies_of_dials(readings: Readings, wanted: bool) -> Readings:
    """Energies between the readings of each dial.

    A dial is one where the file says so; with `wanted` every series of a table that does not say that it is a power.
    The energy of an interval is the reading at its end less the one at its start: tables label the instant of a reading,
    Green Button the interval at whose end it was read. Where readings are missing, an interval is not metered; where a
    dial falls, it rolled over if that gives a plausible energy, else the meter was exchanged and the interval is not
    metered.

    Raises
    ------
    DataError
        A dial, and `wanted` is False.
    """
    dial = readings.series.dial > 0
    told = bool(dial.any())
    if told and not wanted:
        name = readings.series.name[int(dial.argmax())]
        raise DataError(
            f"{readings.report.source} holds readings of a dial (a register that only rises: {name}), not energies of intervals: "
            "ask for interval data, or have their differences taken (register: true, --register)"
        )
    if not wanted:
        return readings
    if not told:
        dial = readings.series.dial == 0
        power = next((i for i, unit in enumerate(readings.series.unit) if unit is not None and not unit.energy), None)
        if power is not None:
            raise DataError(
                f"{readings.series.name[power]!r} of {readings.report.source} is a power [{readings.series.unit[power].name}], "  # type: ignore[union-attr]
                "which no dial shows: leave register (--register) out, or rename the column"
            )
    return _differences(readings, dial, at_end=told)


def _differences(readings: Readings, dial: np.ndarray, at_end: bool) -> Readings:
    rows = readings.rows
    known = np.isfinite(rows.values[OBSERVED]) | ~dial[rows.site]
    rows = rows.take(known)
    lengths = None if readings.lengths is None else readings.lengths[known]
    value = rows.values[OBSERVED].copy()
    same = np.diff(rows.site) == 0
    step = np.full(len(rows.us), usual_step(rows, readings.report.source)) if lengths is None else lengths
    mine = dial[rows.site]
    apart = np.where(same, np.diff(rows.us), 0)
    follows = same & (apart <= 1.5 * step[1:]) & (apart > 0) & mine[1:]
    energy, rolled, exchanged = _steps_of_dial(value, follows)
    if at_end:
        new, keep = np.r_[np.nan, energy], ~mine | np.r_[False, same]
    else:
        new, keep = np.r_[energy, np.nan], ~mine | np.r_[same, False]
    value = np.where(mine, new, value)
    n_gaps = int((same & mine[1:] & ~follows).sum())
    made = replace(rows, values={**rows.values, OBSERVED: value}).take(keep)
    series = replace(
        readings.series, dial=-dial.astype(np.int8), unit=tuple(unit or UNITS["kwh"] for unit in readings.series.unit)
    )
    readings = readings.but(rows=made, series=series, label="start", lengths=None if lengths is None else lengths[keep])
    readings = readings.noting(
        Kind.GUESSED, f"energies are the differences of {int(mine.sum())} dial readings", int(mine.any())
    )
    readings = readings.noting(Kind.MERGED, f"a dial rolled over {rolled} times", rolled)
    readings = readings.noting(
        Kind.MISSING,
        f"a dial falls or leaps {exchanged} times, as where a meter is exchanged: those intervals are not metered",
        exchanged,
    )
    return readings.noting(
        Kind.MISSING, f"{n_gaps} intervals between dial readings that are missing are not metered", n_gaps
    )


def _steps_of_dial(value: np.ndarray, follows: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Differences of following readings, roll-overs mended; how often one rolled over, and how often none explains a fall."""
    step = np.where(follows, np.diff(value), np.nan)
    rising = step[np.isfinite(step) & (step >= 0)]
    largest = float(np.quantile(rising, 0.99)) * PLAUSIBLE if len(rising) else 0.0
    falls = np.flatnonzero(follows & (step < 0))
    rolled = exchanged = 0
    for at in falls:
        turn = 10.0 ** np.ceil(np.log10(max(value[at], 1.0) * (1 + 1e-12)))
        over = step[at] + turn
        if value[at] > ROLLS_OVER_AT * turn and 0 <= over <= largest:
            step[at] = over
            rolled += 1
        else:
            step[at] = np.nan
            exchanged += 1
    leaps = follows & (step > max(largest, 0.0)) if len(rising) > LEAST_READINGS else np.zeros_like(follows)
    step[leaps] = np.nan
    return step, rolled, exchanged + int(leaps.sum())


def warn_of_dials(readings: Readings) -> Readings:
    """A note of series that never fall and rise in tiny steps, as dials do; powers are not looked at."""
    rows, suspects = readings.rows, []
    if (readings.series.dial != 0).all():
        return readings
    bounds = rows.starts(len(readings.series.name))
    for number, name in enumerate(readings.series.name):
        unit = readings.series.unit[number]
        if readings.series.dial[number] or (unit is not None and not unit.energy):
            continue
        if looks_like_dial(rows.values[OBSERVED][bounds[number] : bounds[number + 1]]):
            suspects.append(name)
    if not suspects:
        return readings
    return readings.noting(
        Kind.DOUBTFUL,
        f"{readings.report.source}: {', '.join(map(repr, dict.fromkeys(suspects)))} never falls: dial readings? Then have their "
        "differences taken (register: true, --register)",
        len(suspects),
    )


def looks_like_dial(value: np.ndarray) -> bool:
    """Whether values never fall (but where a dial rolls over or is exchanged) and rise in steps tiny beside their level."""
    some = value[: 4 * LEAST_READINGS]
    if np.count_nonzero(some[1:] < some[:-1]) > max(1, FALLS * len(value)):
        return False  # as nearly all loads show soon
    known = value[np.isfinite(value)]
    if len(known) < LEAST_READINGS:
        return False
    step = np.diff(known)
    rises, falls = step[step > 0], step[step < 0]
    if len(rises) < 0.1 * len(step) or len(falls) > max(1, FALLS * len(step)):
        return False
    # A fall of a dial is a leap: back to zero, or to where the next meter stands.
    return bool(
        np.median(rises) < TINY * np.median(known) and (len(falls) == 0 or (-falls > 100 * np.median(rises)).all())
    )
