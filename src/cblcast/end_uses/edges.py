"""Edges of a load read every minute: instants at which something was switched on or off, and how large it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import find_peaks

from cblcast.errors import DataError, StudyError

Array = np.ndarray
COARSEST_MIN = 2.0
NEAR = 3  # readings beside an edge by which it is found; two edges nearer than this are one
SCATTERS = 4.0  # a mean of three readings leaves this about once in a month of minutes
SETTLED = 10  # readings at most by which its size is measured


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges in the order of time; arrays of shape (n,).

    Attributes
    ----------
    row : ndarray of int64
        Reading within which the load changes.
    at_h : ndarray
        Instant since the first reading began [h], finer than a reading: the share of it at the higher level is read off.
    kw : ndarray
        Change of the load, > 0 on, < 0 off [kW].
    least_kw : float
        Smallest change that was looked for: what was asked, or four times the scatter of the load at rest where that is more.
    """

    row: Array
    at_h: Array
    kw: Array
    least_kw: float

    def __len__(self) -> int:
        return len(self.row)


def find_edges(load_kw: Array, step_h: float, *, least_kw: float = 0.25) -> Edges:
    """Edges of one home.

    Parameters
    ----------
    load_kw : ndarray, shape (n,)
        Mean power of consecutive readings [kW], ≥ 0; NaN for a gap, beside which nothing is found.
    step_h : float
        Length of a reading [h], two minutes at most.
    least_kw : float
        Smallest change that counts [kW]; raised to four times the scatter of the load at rest where that is more, which the
        result tells.

    Raises
    ------
    DataError
        Net load, a constant or infinite load, several homes at once, or nothing metered.
    StudyError
        Readings of no length or of more than two minutes, or a threshold that is not above 0.

    Notes
    -----
    G. W. Hart (1992), Nonintrusive appliance load monitoring, Proc. IEEE 80(12), section IV: steps between steady levels. Real power
    alone is used, since meters of homes seldom give more. A run shorter than about three readings, changes of less than
    `least_kw`, and devices that change their power smoothly (variable-speed compressors) leave no edge.
    """
    load = np.asarray(load_kw, dtype=np.float64)
    if load.ndim != 1 or np.isinf(load).any():
        raise DataError(
            f"load_kw has the shape {load.shape} or holds infinite values: give one number a reading of one home, NaN in gaps"
        )
    if not step_h > 0:
        raise StudyError(f"step_h is {step_h}: give the length of a reading, above 0 h")
    if step_h * 60 > COARSEST_MIN + 1e-9:
        raise StudyError(
            f"edges need readings of {COARSEST_MIN:g} min or less, not {60 * step_h:g} min, which show energies, not switches: "
            "use the regression (end_uses)"
        )
    if not least_kw > 0:
        raise StudyError(f"least_kw is {least_kw}: give the smallest change that counts, above 0 kW")
    known = load[np.isfinite(load)]
    if len(known) <= 2 * NEAR:
        raise DataError(f"{len(known)} readings are metered, too few for an edge")
    if known.min() < 0:
        raise DataError(
            f"the load is {known.min():.3g} kW at its lowest, and no use is below 0: "
            "give what is used (load_kw), not the net load of a roof"
        )
    if np.ptp(known) == 0:
        raise DataError(f"the load is {known[0]:.3g} kW throughout: a constant has no edges")
    # Most readings have no switch near: the middle of their differences is what the load does at rest.
    steps = np.abs(np.diff(load))
    least_kw = max(least_kw, SCATTERS * 1.4826 / np.sqrt(2) * float(np.median(steps[np.isfinite(steps)])))
    rows = _candidates(load, least_kw)
    before, after = _levels(load, rows)
    size = after - before
    keep = np.abs(size) >= least_kw
    rows, before, after, size = rows[keep], before[keep], after[keep], size[keep]
    # The part of the reading that lies after the change, from where its mean falls between the two levels.
    later = np.clip((load[rows] - before) / size, 0.0, 1.0)
    return Edges(rows, (rows + 1 - later) * step_h, size, least_kw)


def _candidates(load: Array, least_kw: float) -> Array:
    """Readings at which the mean of the next three differs most from that of the last three."""
    n = len(load)
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(load))])
    mean = (total[NEAR:] - total[:-NEAR]) / NEAR  # of the readings k … k + NEAR − 1
    known = np.concatenate([[0], np.cumsum(np.isfinite(load))])
    mean[known[NEAR:] - known[:-NEAR] < NEAR] = np.nan
    jump = np.zeros(n)
    jump[NEAR : n - NEAR] = np.nan_to_num(mean[NEAR + 1 :] - mean[: n - 2 * NEAR])
    found = [find_peaks(sign * jump, height=0.6 * least_kw, distance=2)[0] for sign in (1, -1)]
    rows = np.sort(np.concatenate(found))
    return rows[np.isfinite(load[rows])]


def _levels(load: Array, rows: Array) -> tuple[Array, Array]:
    """Level before and after each edge: the median of up to ten readings that no other edge interrupts."""
    bounds = np.concatenate([[-1], rows, [len(load)]])
    before, after = np.empty(len(rows)), np.empty(len(rows))
    for k, row in enumerate(rows):
        first, last = max(bounds[k] + 1, row - SETTLED), min(bounds[k + 2], row + 1 + SETTLED)
        left, right = load[first:row], load[row + 1 : last]
        left, right = left[np.isfinite(left)], right[np.isfinite(right)]
        before[k] = np.median(left) if len(left) else load[row]
        after[k] = np.median(right) if len(right) else load[row]
    return before, after
