"""One site's rows, earlier days and asked ones alike, and what they say of an estimate: corrected, weighed and bounded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cblcast.estimators.wrappers import site_ridge as kernel

# Chosen on half of the sites in 2017-2018; see experiments/pretrained_baseline/adaptation.md.
RIDGES = ((500.0, 60.0), (60.0, 200.0))  # half-life [days] and penalty: a long memory and a short one
ERROR_HALF_LIFE, PRIOR_ROWS = (
    60.0,
    6.0,
)  # of the error that penalties are measured by; rows that the spread counts as in it
WEIGHING_HALF_LIFE, RATE = 60.0, 0.5
LIMIT_HALF_LIFE, PRIOR_DAYS = 60.0, 15.0  # days that the limits of other sites count as
WEIGHING_DAYS = 180  # of those looked at; a ridge of such a day looks back over the rest


@dataclass(frozen=True, eq=False)
class SiteRows:
    """Rows of one site at one clock.

    Attributes
    ----------
    event : ndarray of int64, shape (n_rows,)
        Event of each row, 0 to n_events - 1.
    day, before : ndarray of float64, shape (n_events,)
        Local day of each event, and the first local day whose load it may not use [days since 1970-01-01].
    load : ndarray of float64, shape (n_rows,)
        Metered load that later events may learn from [kW]; NaN where none may.
    plain, spread : ndarray of float64, shape (n_rows,)
        The inner estimate and the spread of the reference days [kW].
    """

    event: np.ndarray
    day: np.ndarray
    before: np.ndarray
    load: np.ndarray
    plain: np.ndarray
    spread: np.ndarray

    def weights(self, half_life: float, window: int) -> np.ndarray:
        """See :func:`~cblcast.estimators.wrappers.site_ridge.recency`."""
        return kernel.recency(self.day, self.before, half_life, window)


def adapt_to_site(rows: SiteRows, design: np.ndarray, room: np.ndarray, miscoverage: float, days: int) -> np.ndarray:
    """Estimate, lower and upper limit of each row [kW], shape (n_rows, 3); NaN where there is no inner estimate.

    Parameters
    ----------
    rows : SiteRows
    design : ndarray, shape (n_rows, k)
        What the ridges are shown [kW], finite.
    room : ndarray, shape (n_rows, 2)
        What the limits leave below and above the estimate where nothing is known of the site [kW], above zero.
    miscoverage : float
        Of each tail.
    days : int
        Calendar days looked at.
    """
    recent = min(WEIGHING_DAYS, days // 2)
    corrected = rows.plain[:, None] + corrections(rows, design, days - recent)
    weights = rows.weights(WEIGHING_HALF_LIFE, recent)
    prior = np.full(corrected.shape[1], 1.0 / corrected.shape[1])
    share = kernel.exponential_weights(rows.load[:, None] - corrected, rows.event, weights, RATE, prior)
    estimate = (share[rows.event] * corrected).sum(1)
    weights = rows.weights(LIMIT_HALF_LIFE, recent)
    sides = []
    for side, sign in enumerate((-1.0, 1.0)):
        scores = sign * (rows.load - estimate) / room[:, side]
        tail = kernel.blended_tails(scores, rows.event, weights, miscoverage, 1.0, PRIOR_DAYS)
        sides.append(estimate + sign * tail[rows.event] * room[:, side])
    return np.stack([estimate, *sides], axis=1)


def corrections(rows: SiteRows, design: np.ndarray, window: int) -> np.ndarray:
    """Correction of each row by each ridge [kW], the first one zero: the estimate as it is; shape (n_rows, 1 + n_ridges)."""
    n_events = len(rows.day)
    left = rows.load - rows.plain
    known = np.isfinite(left)
    square = kernel.by_event(np.where(known, left, 0.0) ** 2, rows.event, n_events)
    count = kernel.by_event(known.astype(np.float64), rows.event, n_events)
    spread = kernel.by_event(rows.spread**2, rows.event, n_events) / np.bincount(rows.event, minlength=n_events)
    weights = rows.weights(ERROR_HALF_LIFE, window)
    variance = kernel.error_variance(weights, square, count, spread, PRIOR_ROWS)
    found = [np.zeros(len(left))]
    for half_life, penalty in RIDGES:
        weights = rows.weights(half_life, window)
        found.append(kernel.ridge_corrections(design, left, rows.event, weights, variance, penalty))
    return np.stack(found, axis=1)
