"""Rows of forecasts laid out as tables of runs and steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.forecast_runs import HOUR_US, ForecastRuns
from cblcast.frames.known import run_starts
from cblcast.frames.schema import DataError

# Cells that are laid out for each row given, beyond what costs nothing.
MOST_CELLS_A_ROW, FEW_CELLS = 40, 5_000_000


@dataclass(frozen=True, eq=False)
class RunRows:
    """Rows of forecasts, sorted by block, issue and instant, before they are laid out.

    Attributes
    ----------
    block, issued_us, arrived_us, valid_us : ndarray of int64, shape (n,)
    values : mapping column -> ndarray of float, shape (n,)
        Directions as complex unit vectors.
    """

    block: np.ndarray
    issued_us: np.ndarray
    arrived_us: np.ndarray
    valid_us: np.ndarray
    values: Mapping[str, np.ndarray]


def lay_out(
    rows: RunRows,
    product: str,
    sites: tuple[str, ...] | None,
    *,
    max_gap_us: int | None = None,
    nearest: frozenset[str] = frozenset(),
    read_as: Mapping[str, Any] | None = None,
) -> ForecastRuns:
    """Rows as tables of runs and steps; what lies between two values is filled where they are near enough.

    Parameters
    ----------
    rows : RunRows
    product : str
    sites : tuple of str, or None
    max_gap_us : int, optional
        Values further apart are not joined; three hours, or the longest distance that the product itself keeps, unless given.
    nearest : frozenset of str
    read_as : mapping, optional

    Raises
    ------
    DataError
        Instants so irregular that the tables would be far larger than the rows.
    """
    first = run_starts(rows.block, rows.issued_us)
    run = np.zeros(len(rows.block), dtype=np.int64)
    run[first] = 1
    run = np.cumsum(run) - 1
    lead = rows.valid_us - rows.issued_us
    begin = int(lead.min())
    step = int(np.gcd.reduce(np.unique(lead - begin))) or HOUR_US
    n_steps = int(lead.max() - begin) // step + 1
    if len(first) * n_steps > MOST_CELLS_A_ROW * len(lead) + FEW_CELLS:
        raise DataError(
            f"the forecasts of {product} stand at irregular instants (steps of {pd.Timedelta(step, unit='us')} would be "
            f"needed for runs of {pd.Timedelta(int(lead.max() - begin), unit='us')}): round their valid times"
        )
    place = (lead - begin) // step + 1
    gap = np.where(np.diff(run) == 0, np.diff(lead), 0)
    longest = max_gap_us if max_gap_us is not None else max(3 * HOUR_US, _kept_distance(gap[gap > 0]))
    tables = {}
    for name, value in rows.values.items():
        table = np.full((len(first), n_steps + 2), np.nan, dtype=value.dtype)
        table[run, place] = value
        seen = np.isfinite(value)
        _fill(table, run[seen], place[seen], value[seen], longest // step, name in nearest)
        tables[name] = table
    n_blocks = 1 if sites is None else len(sites)
    return ForecastRuns(
        product,
        sites,
        np.searchsorted(rows.block[first], np.arange(n_blocks + 1)),
        rows.issued_us[first],
        rows.arrived_us[first],
        begin,
        step,
        min(step, longest) // 2,
        tables,
        nearest,
        step <= longest,
        dict(read_as or {}),
    )


def _kept_distance(gaps: np.ndarray) -> int:
    """The longest distance between values that is the product's own, not a gap: one in a hundred is as long."""
    distances, how_often = np.unique(gaps, return_counts=True)
    kept = distances[how_often >= 0.01 * max(1, len(gaps))]
    return int(kept.max()) if len(kept) else 0


def _fill(
    table: np.ndarray, run: np.ndarray, place: np.ndarray, value: np.ndarray, longest: int, nearest: bool
) -> None:
    """Lines between known values at most `longest` steps apart."""
    if len(run) == 0:
        return
    width = np.where(np.diff(run) == 0, np.diff(place), 1)
    for steps in np.unique(width[(width > 1) & (width <= longest)]):
        at = np.flatnonzero(width == steps)
        for k in range(1, int(steps)):
            share = np.round(k / steps) if nearest else k / steps
            table[run[at], place[at] + k] = value[at] * (1 - share) + value[at + 1] * share
