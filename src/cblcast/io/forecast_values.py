"""What the numbers of a forecast are: speeds and their units, sums over time, means and their centres, directions."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from cblcast.frames.known import run_begins
from cblcast.frames.run_layout import RunRows
from cblcast.io.column_kinds import ColumnKind, kind_of
from cblcast.io.forecast_options import ForecastOptions
from cblcast.io.read_report import Kind, Note

STRONGEST_MS = 150.0  # no wind near the ground or at the height of jets is stronger
WINDIEST_MS = 13.0  # no place near the ground has such a mean wind; in knots many have
MS_PER_UNIT = {
    "kn": 0.514444,
    "kt": 0.514444,
    "kts": 0.514444,
    "knots": 0.514444,
    "kmh": 1 / 3.6,
    "km_h": 1 / 3.6,
    "mph": 0.44704,
}
_SPEED = re.compile(r"(wind|gust|(^|_)[uv](_|\d)).*_ms$")
_UPPER_AIR = re.compile(r"\d+_?hpa", re.IGNORECASE)
FEW_RUNS, FEW_STEPS = 10, 6


def with_speeds(rows: RunRows) -> RunRows:
    """The norm of each pair of wind components that comes without a speed, at the stamps: between them speeds are joined as speeds."""
    added = {}
    for name in rows.values:
        found = re.fullmatch(r"(.*)wind_u_(.*)", name)
        if found is None:
            continue
        v, speed = f"{found[1]}wind_v_{found[2]}", f"{found[1]}wind_speed_{found[2]}"
        if v in rows.values and speed not in rows.values:
            added[speed] = np.hypot(rows.values[name], rows.values[v])
    return replace(rows, values={**rows.values, **added}) if added else rows


def weather_of(rows: RunRows, options: ForecastOptions, name: str) -> tuple[RunRows, frozenset[str], tuple[Note, ...]]:
    """The weather under the names of the panel, in its units; what cannot be meant is left out and told.

    Returns
    -------
    RunRows
        Columns ``<product>_<column>``, directions as complex unit vectors.
    nearest : frozenset of str
        Columns that are not joined by lines.
    notes : tuple of Note
    """
    notes: list[Note] = []
    values: dict[str, np.ndarray] = {}
    for column, given in rows.values.items():
        ours, value = _in_ms(column, given, notes)
        if kind_of(ours) is ColumnKind.SUM or accumulates(rows, value):
            what = (
                "is a sum over time"
                if kind_of(ours) is ColumnKind.SUM
                else "never falls within a run, as a sum since its beginning does"
            )
            notes.append(
                Note(
                    Kind.DROPPED,
                    f"{column!r} of {name} {what}, and is left out: give the mean rate instead (W/m2, mm/h)",
                )
            )
            continue
        values[ours] = _plausible(ours, value, name, notes)
    rows = with_speeds(replace(rows, values=values))
    notes += [note for ours, value in rows.values.items() if (note := _looks_like_knots(ours, value, name)) is not None]
    named, nearest = {}, set()
    for ours, value in rows.values.items():
        kind, full = kind_of(ours), f"{options.product}_{ours}"
        named[full] = np.exp(1j * np.radians(value)) if kind is ColumnKind.CIRCULAR else value
        if kind is ColumnKind.NEAREST:
            nearest.add(full)
    return replace(rows, values=named), frozenset(nearest), tuple(notes)


def at_centres(rows: RunRows, stamp: str) -> RunRows:
    """Means moved from the stamp to the centre of the time that they stand for, which lasts from one stamp to the next."""
    if stamp == "centre":
        return rows
    first = run_begins(rows.block, rows.issued_us)
    gap = np.diff(rows.valid_us) * ~first[1:]
    before, after = np.concatenate([[0], gap]), np.concatenate([gap, [0]])
    first_choice, second = (after, before) if stamp == "start" else (before, after)
    own = np.where(first_choice > 0, first_choice, second)
    return replace(rows, valid_us=rows.valid_us + (own // 2 if stamp == "start" else -(own // 2)))


def accumulates(rows: RunRows, value: np.ndarray) -> bool:
    """Whether a column never falls within any run, and rises in nearly every one: a sum since the run began."""
    first = run_begins(rows.block, rows.issued_us)
    if first.sum() < FEW_RUNS or len(value) < FEW_STEPS * first.sum():
        return False
    change = np.diff(value)[~first[1:]]
    known = change[np.isfinite(change)]
    if len(known) == 0 or (known < 0).any():
        return False
    start = np.flatnonzero(first)
    ends = np.r_[start[1:], len(value)] - 1
    return float(np.nanmean(value[ends] > value[start])) > 0.9


def _in_ms(column: str, value: np.ndarray, notes: list[Note]) -> tuple[str, np.ndarray]:
    """A speed in m/s where its name says another unit."""
    for unit, factor in MS_PER_UNIT.items():
        if column.lower().endswith(f"_{unit}"):
            ours = f"{column[: -len(unit) - 1]}_ms"
            notes.append(Note(Kind.GUESSED, f"{column!r} is turned from {unit} into m/s, {ours!r}"))
            return ours, value * factor
    return column, value


def _plausible(column: str, value: np.ndarray, name: str, notes: list[Note]) -> np.ndarray:
    if not _SPEED.search(column):
        return value
    wrong = np.abs(value) > STRONGEST_MS
    if "speed" in column or "gust" in column:
        wrong |= value < 0
    if not wrong.any():
        return value
    text = f"{int(wrong.sum())} values of {column!r} in {name} are no wind, e.g. {value[int(wrong.argmax())]:g} m/s, and are left out"
    notes.append(Note(Kind.DROPPED, text, int(wrong.sum())))
    return np.where(wrong, np.nan, value)


def _looks_like_knots(column: str, value: np.ndarray, name: str) -> Note | None:
    if "speed" not in column or not _SPEED.search(column) or _UPPER_AIR.search(column) or not np.isfinite(value).any():
        return None
    mean = float(np.nanmean(value))
    if mean <= WINDIEST_MS:
        return None
    in_knots, in_kmh = (mean * MS_PER_UNIT[unit] for unit in ("kn", "kmh"))
    remedy = f"let its name end in its unit (columns={{{column!r}: '{column.removesuffix('_ms')}_kn'}})"
    return Note(
        Kind.DOUBTFUL,
        f"{column!r} of {name} has a mean of {mean:.1f} m/s, more than any farm has: in knots that were {in_knots:.1f} m/s, in "
        f"km/h {in_kmh:.1f}; {remedy}",
    )
