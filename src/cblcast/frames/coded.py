"""Rows by the codes of their index: a name or an instant is looked at once, not once a row."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import microseconds, stamps
from cblcast.frames.known import known_mean_of_runs, run_starts
from cblcast.frames.panel import AnyPanel, Panel
from cblcast.frames.schema import SITE


def sites_of_rows(panel: AnyPanel, index: pd.MultiIndex) -> np.ndarray:
    """Position of the site of each row among the panel's sites, int64, shape (n_rows,)."""
    code, names = codes_and_level(index, SITE)
    used = np.flatnonzero(np.bincount(code, minlength=len(names)))
    place = np.zeros(len(names), dtype=np.int64)
    place[used] = panel.site_codes(names.take(used))
    return place[code]


def site_means(panel: Panel, column: str) -> np.ndarray:
    """Mean of what is known of a column at each site, float64, shape (n_sites,); NaN where nothing is."""
    first = run_starts(np.asarray(panel.data.index.codes[0]))
    return known_mean_of_runs(panel.column(column)[:, None], first)[:, 0]


def codes_and_level(index: pd.MultiIndex, name: str) -> tuple[np.ndarray, pd.Index]:
    """Code of each row in a level of its index, and the level."""
    place = index.names.index(name)
    return np.asarray(index.codes[place]), index.levels[place]


def instants_of_rows(index: pd.MultiIndex, name: str) -> np.ndarray:
    """Instant of each row in a level of its index, int64 microseconds UTC, shape (n_rows,)."""
    code, level = codes_and_level(index, name)
    return microseconds(level)[code]


def index_of(*columns: tuple[np.ndarray, pd.Index], names: list[str]) -> pd.MultiIndex:
    """An index of rows from their codes in ascending values, of which only those that are used are kept."""
    levels, codes = [], []
    for code, values in columns:
        used = np.bincount(code, minlength=len(values)) > 0
        levels.append(values[used])
        codes.append((np.cumsum(used) - 1)[code])
    return pd.MultiIndex(levels, codes, names=names)


def numbered(us: np.ndarray, step_us: int) -> tuple[np.ndarray, pd.DatetimeIndex]:
    """Code of each instant among ascending ones, and these; those of one grid of `step_us` are not sorted."""
    if len(us) == 0:
        return np.zeros(0, dtype=np.int64), stamps(us)
    steps, off = np.divmod(us - us.min(), step_us)
    if off.any() or steps.max() > 4 * len(us):
        different, code = np.unique(us, return_inverse=True)
        return code, stamps(different)
    return steps, stamps(us.min() + np.arange(int(steps.max()) + 1) * step_us)
