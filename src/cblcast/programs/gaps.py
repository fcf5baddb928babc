"""Where an event was not metered throughout: what a program puts there, and that it did."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cblcast.frames.instants import HOUR_US
from cblcast.frames.panel import AnyPanel
from cblcast.frames.schema import OBSERVED, PREDICTED
from cblcast.programs.estimated import EventRows
from cblcast.programs.terms import GapPolicy

REACH_HOURS = 3.0  # a line is drawn between readings no further away than this


def missing_share(observed: np.ndarray, hours: np.ndarray, event: np.ndarray, n_events: int) -> np.ndarray:
    """Share of each event's counted hours that were not metered, 0-1, shape (n_events,)."""
    whole = np.bincount(event, weights=hours, minlength=n_events)
    lost = np.bincount(event, weights=np.where(np.isfinite(observed), 0.0, hours), minlength=n_events)
    return np.divide(lost, whole, out=np.zeros(n_events), where=whole > 0)


def fill_gaps(
    policy: GapPolicy, panel: AnyPanel, rows: EventRows, site: np.ndarray, hours: np.ndarray, n_events: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The meter with its gaps filled as `policy` says.

    Parameters
    ----------
    panel : Panel
        As metered.
    rows : EventRows
        ``observed_kw`` and ``predicted_kw``.
    site : ndarray of int64, shape (n_events,)
        Position of each event's site in the panel.
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
    observed, event = rows.values[OBSERVED].copy(), rows.event
    allowed = missing_share(observed, hours, event, n_events) <= policy.max_missing_share
    gap = ~np.isfinite(observed) & (hours > 0) & allowed[event]
    if policy.fill == "none" or not gap.any():
        return observed, hours, np.zeros(len(event), dtype=bool)
    if policy.fill == "leave_out":
        return observed, np.where(gap, 0.0, hours), gap
    observed[gap] = _FILLERS[policy.fill](panel, rows, site, gap)
    return observed, hours, gap & np.isfinite(observed)


def _baseline(panel: AnyPanel, rows: EventRows, site: np.ndarray, gap: np.ndarray) -> np.ndarray:
    return rows.values[PREDICTED][gap]


def _line(panel: AnyPanel, rows: EventRows, site: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """The line between the nearest readings before and after; NaN where one is further away than three hours."""
    where, times = site[rows.event[gap]], rows.times_us[gap]
    found = np.full((2, len(times)), np.nan)
    away = np.zeros((2, len(times)))
    for steps in range(1, int(REACH_HOURS * HOUR_US // panel.step_us) + 1):
        for side, sign in enumerate((-1, 1)):
            load = panel.values_at(OBSERVED, where, times + sign * steps * panel.step_us)
            new = np.isnan(found[side]) & np.isfinite(load)
            found[side, new], away[side, new] = load[new], steps
    line: np.ndarray = (found[0] * away[1] + found[1] * away[0]) / np.maximum(away.sum(0), 1)
    return line


_Filler = Callable[[AnyPanel, EventRows, np.ndarray, np.ndarray], np.ndarray]
_FILLERS: dict[str, _Filler] = {"interpolate": _line, "baseline": _baseline}
