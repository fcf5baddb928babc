"""How the values of a column are joined over time: one table for coarser steps, finer steps, repeats and farms alike."""

from __future__ import annotations

import re
from enum import Enum

import numpy as np

from cblcast.io.names import fold, words


class ColumnKind(Enum):
    """What several values of a column make together."""

    MEAN = "mean"  # powers, temperatures, speeds
    SUM = "sum"  # energies, rain: what fell in an interval
    CIRCULAR = "circular"  # directions: 350° and 10° make 0°
    NEAREST = "nearest"  # flags and codes: values between them mean nothing


_RADIANS = re.compile(r"(_rad|[\[(]rad[\])])$", re.IGNORECASE)
# The first that fits the name of a column is its kind; mean unless one does.
_BY_UNIT = (
    (re.compile(r"(_deg|[\[(]\s*(°|deg|degrees|grad)\s*[\])])$|_rad$|[\[(]rad[\])]$", re.IGNORECASE), ColumnKind.CIRCULAR),
    (re.compile(r"(mm/h|mm_h|mmh|w/m2|w/m²|wm2|_w_m2)[\])]?$", re.IGNORECASE), ColumnKind.MEAN),
    (re.compile(r"(^|[_\s(\[])(kwh|mwh|gwh|wh|mm|j/cm2|j_cm2|wh/m2|wh_m2|kwh_m2|inch)[\])]?$", re.IGNORECASE), ColumnKind.SUM),
    (re.compile(r"(_flag|_code|_class|_state|_status|_id)$|^(is|has)_", re.IGNORECASE), ColumnKind.NEAREST),
)  # fmt: skip
_CIRCULAR_WORDS = words(
    """
    direction, dir, wdir, wd, drct, winddir, winddirection, azimuth, bearing, heading, yaw, richtung, windrichtung, direccion,
    direzione, direcao
    """
)
_SUM_WORDS = words(
    """
    rain, rainfall, precipitation, precip, snowfall, niederschlag, regen, pluie, precipitations, lluvia,
    precipitacion, pioggia, precipitazione, precipitazioni, chuva, precipitacao
    """
)
_NEAREST_WORDS = words(
    """
    holiday, holidays, weekday, weekend, workday, workingday, occupied, flag, status, state, code, feiertag,
    wochentag, wochenende, ferie, festivo, festivita, feriado, ferien, vacances
    """
)


def kind_of(column: str) -> ColumnKind:
    """The kind of a column by its name, its unit first: ``wind_dir_nacelle_deg`` is circular, ``rain_mm`` a sum."""
    for pattern, kind in _BY_UNIT:
        if pattern.search(str(column).strip()):
            return kind
    there = set(fold(column).split())
    for names, kind in (
        (_NEAREST_WORDS, ColumnKind.NEAREST),
        (_CIRCULAR_WORDS, ColumnKind.CIRCULAR),
        (_SUM_WORDS, ColumnKind.SUM),
    ):
        if there & names:
            return kind
    return ColumnKind.MEAN


def turn_of(column: str) -> float:
    """A full turn in the unit of a circular column: 360 degrees or 2π radians."""
    return 2 * np.pi if _RADIANS.search(str(column).strip()) else 360.0


def join(
    column: str, value: np.ndarray, group: np.ndarray, n_groups: int, weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """What the known values of each group make together, by the kind of the column.

    Parameters
    ----------
    column : str
    value : ndarray of float64, shape (n,)
    group : ndarray of int, shape (n,)
        Non-decreasing, 0 … `n_groups` - 1.
    n_groups : int
    weight : ndarray, shape (n,), optional
        Length of each value's interval; 1 unless given.

    Returns
    -------
    joined : ndarray of float64, shape (n_groups,)
        NaN where nothing is known. A sum is the sum of what is known.
    known : ndarray of float64, shape (n_groups,)
        Weight of what is known.
    """
    seen = np.isfinite(value)
    share = np.where(seen, 1.0 if weight is None else weight, 0.0)
    known = np.bincount(group, share, n_groups)
    kind = kind_of(column)
    if kind is ColumnKind.CIRCULAR:
        angle = np.where(seen, value, 0.0) * (2 * np.pi / turn_of(column))
        east, north = (np.bincount(group, part(angle) * share, n_groups) for part in (np.sin, np.cos))
        return np.where(known > 0, _angle(east, north, turn_of(column)), np.nan), known
    if kind is ColumnKind.NEAREST:
        joined = np.full(n_groups, np.nan)
        first = np.flatnonzero(seen)[::-1]
        joined[group[first]] = value[first]  # written backwards, so that the first known value stays
        return joined, known
    if kind is ColumnKind.SUM:
        return np.where(known > 0, np.bincount(group, np.where(seen, value, 0.0), n_groups), np.nan), known
    total = np.bincount(group, np.where(seen, value, 0.0) * share, n_groups)
    return np.divide(total, known, out=np.full(n_groups, np.nan), where=known > 0), known


def between(column: str, left: np.ndarray, right: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Values between two neighbouring readings, `share` of the way from `left` to `right`, by the kind of the column."""
    kind = kind_of(column)
    if kind is ColumnKind.CIRCULAR:
        turn = turn_of(column)
        return np.mod(left + share * (np.mod(right - left + turn / 2, turn) - turn / 2), turn)
    if kind is ColumnKind.NEAREST:
        return np.where(share < 0.5, left, right)
    return left + share * (right - left)


def _angle(east: np.ndarray, north: np.ndarray, turn: float) -> np.ndarray:
    """Direction of a vector, in [0, turn); NaN where directions cancel out."""
    angle = np.mod(np.arctan2(east, north) * (turn / (2 * np.pi)), turn)
    angle = np.where(turn - angle < 1e-9 * turn, 0.0, angle)
    return np.where(np.hypot(east, north) > 1e-12, angle, np.nan)
