"""Where an event was not metered throughout: what a program puts there, and that it did."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from cblcast.frames.instants import HOUR_US, microseconds
from cblcast.frames.panel import AnyPanel
from cblcast.frames.schema import OBSERVED, PREDICTED, SITE, TIME
from cblcast.programs.terms import GapPolicy

REACH_HOURS = 3.0  # a line is drawn between readings no further away than this


def missing_share(observed: np.ndarray, hours: np.ndarray, event: np.ndarray, n_events: int) -> np.ndarray:
    """Share of each event's counted hours that were not metered, 0-1, shape (n_events,)."""
    whole = np.bincount(event, weights=hours, minlength=n_events)
    lost = np.bincount(event, weights=np.where(np.isfinite(observed), 0.0, hours), minlength=n_events)
    return np.divide(lost, whole, out=np.zeros(n_events), where=whole > 0)


def fill_gaps(
    policy: GapPolicy, panel: AnyPanel, rows: pd.DataFrame, event: np.ndarray, hours: np.ndarray, n_events: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The meter with its gaps filled as `policy` says.

    Parameters
    ----------
    panel : Panel
        As metered.
    rows : DataFrame, index (site_id, origin, time)
        ``observed_kw`` and ``predicted_kw``.
    event : ndarray of int64, shape (n_rows,)
    hours : ndarray, shape (n_rows,)
        How much of each interval counts [h].

    Returns
    -------
    observed : ndarray, shape (n_rows,)
        Still NaN where too much is missing, or nothing is near enough to fill it from.
    hours : ndarray, shape (n_rows,)
        0 where an interval is left out.
    filled : ndarray of bool, shape (n_rows,)
        Which intervals were filled or left out.
    """
    observed = rows[OBSERVED].to_numpy(dtype=np.float64).copy()
    allowed = missing_share(observed, hours, event, n_events) <= policy.max_missing_share
    gap = ~np.isfinite(observed) & (hours > 0) & allowed[event]
    if policy.fill == "none" or not gap.any():
        return observed, hours, np.zeros(len(rows), dtype=bool)
    if policy.fill == "leave_out":
        return observed, np.where(gap, 0.0, hours), gap
    observed[gap] = _FILLERS[policy.fill](panel, rows[gap])
    return observed, hours, gap & np.isfinite(observed)


def _baseline(panel: AnyPanel, rows: pd.DataFrame) -> np.ndarray:
    return rows[PREDICTED].to_numpy(dtype=np.float64)


def _line(panel: AnyPanel, rows: pd.DataFrame) -> np.ndarray:
    """The line between the nearest readings before and after; NaN where one is further away than three hours."""
    site = panel.site_codes(rows.index.get_level_values(SITE))
    times = microseconds(rows.index.get_level_values(TIME))
    found = np.full((2, len(rows)), np.nan)
    away = np.zeros((2, len(rows)))
    for steps in range(1, int(REACH_HOURS * HOUR_US // panel.step_us) + 1):
        for side, sign in enumerate((-1, 1)):
            load = panel.values_at(OBSERVED, site, times + sign * steps * panel.step_us)
            new = np.isnan(found[side]) & np.isfinite(load)
            found[side, new], away[side, new] = load[new], steps
    line: np.ndarray = (found[0] * away[1] + found[1] * away[0]) / np.maximum(away.sum(0), 1)
    return line


_FILLERS: dict[str, Callable[[AnyPanel, pd.DataFrame], np.ndarray]] = {"interpolate": _line, "baseline": _baseline}
