"""Ensembles: the members of each instant become their mean and their spread, or one of them is read."""

from __future__ import annotations

import numpy as np

from cblcast.frames.known import known_mean_of_runs, run_begins
from cblcast.frames.run_layout import RunRows
from cblcast.io.column_kinds import ColumnKind, kind_of
from cblcast.io.forecast_options import ForecastOptions
from cblcast.io.forecast_values import with_speeds
from cblcast.io.read_report import Kind, Note

SPREAD = "spread"


def of_members(rows: RunRows, member: np.ndarray | None, options: ForecastOptions) -> tuple[RunRows, tuple[Note, ...]]:
    """One row an instant of each run.

    Speeds are taken of each member before they are averaged: the norm of mean components would be too small.

    Parameters
    ----------
    rows : RunRows
        By block, issue, instant and member.
    member : ndarray of int64, or None
    options : ForecastOptions

    Returns
    -------
    RunRows
        Each column as its mean over the members that have it, and ``<column>_spread``, their standard deviation; directions as mean vector.
    notes : tuple of Note
    """
    if member is None:
        return rows, ()
    rows = with_speeds(rows)
    first = np.flatnonzero(run_begins(rows.block, rows.issued_us, rows.valid_us))
    counts = np.diff(np.r_[first, len(rows.block)])
    values: dict[str, np.ndarray] = {}
    for name, value in rows.values.items():
        if kind_of(name) is ColumnKind.CIRCULAR:
            turn = np.exp(1j * np.radians(value))
            mean = _mean(turn.real, first) + 1j * _mean(turn.imag, first)
            values[name] = np.where(np.isfinite(mean), np.degrees(np.angle(mean)) % 360.0, np.nan)
            continue
        mean = _mean(value, first)
        values[name] = mean
        values[f"{name}_{SPREAD}"] = np.sqrt(_mean((value - np.repeat(mean, counts)) ** 2, first))
    kept = RunRows(rows.block[first], rows.issued_us[first], rows.arrived_us[first], rows.valid_us[first], values)
    few, many = int(counts.min()), int(counts.max())
    text = (
        f"{options.product}: the mean and the spread of {few if few == many else f'{few} to {many}'} members are read"
    )
    return kept, (Note(Kind.MERGED, text),)


def _mean(value: np.ndarray, first: np.ndarray) -> np.ndarray:
    return known_mean_of_runs(value[:, None], first)[:, 0]
