"""One site's rows, earlier days and asked ones alike, and what they say of an estimate: corrected, weighed and bounded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cblcast.estimators.wrappers import site_ridge as kernel

# Chosen on half of the sites, buildings in 2017-2018; see experiments/pretrained_baseline/adaptation.md.
RIDGES = ((500.0, 60.0), (90.0, 100.0))  # half-life [days] and penalty: a long memory and a short one
USUAL = ((40.0, False), (60.0, True))  # half-life of mean loads [days], and whether of the same weekday alone
ERROR_HALF_LIFE, PRIOR_ROWS = (
    60.0,
    6.0,
)  # of the error that penalties are measured by; rows that the spread counts as in it
WEIGHING_HALF_LIFE, RATE = 60.0, 0.25
LIMIT_HALF_LIFE, PRIOR_DAYS = 60.0, 20.0  # days that the limits of other sites count as
SIZE_HALF_LIFE, SIZE_PRIOR_ROWS = 120.0, 20.0  # of the error that limits are measured by
TAIL = 1.8  # where limits of nine in ten lie, in root mean squared errors, of loads as skewed as those of buildings and homes
# An event's limits rest on recent days, whose weights rest on days before them, whose ridges on days before those, whose usual
# loads on yet earlier ones: together the days looked at, so that no answer depends on what else is asked.
LIMIT_SHARE, WEIGHING_SHARE, USUAL_SHARE = 0.12, 0.16, 0.07


@dataclass(frozen=True, eq=False)
class SiteRows:
    """Rows of one site at one clock.

    Attributes
    ----------
    event : ndarray of int64, shape (n_rows,)
        Event of each row, 0 to n_events - 1.
    day, before : ndarray of float64, shape (n_events,)
        Local day of each event, and the first local day whose load it may not use [days since 1970-01-01].
    lead : ndarray of int64, shape (n_rows,)
        Interval of the event that the row is.
    load : ndarray of float64, shape (n_rows,)
        Metered load that later events may learn from [kW]; NaN where none may.
    plain, spread : ndarray of float64, shape (n_rows,)
        The inner estimate and the spread of the reference days [kW].
    """

    event: np.ndarray
    day: np.ndarray
    before: np.ndarray
    lead: np.ndarray
    load: np.ndarray
    plain: np.ndarray
    spread: np.ndarray

    def weights(self, half_life: float, window: int, same_weekday: bool = False) -> np.ndarray:
        """See :func:`~cblcast.estimators.wrappers.site_ridge.recency`."""
        found = kernel.recency(self.day, self.before, half_life, window)
        if same_weekday:
            found[(self.day[:, None] - self.day[None, :]) % 7 != 0] = 0.0
        return found

    def error_size(
        self, error: np.ndarray, expected: np.ndarray, half_life: float, window: int, prior_rows: float
    ) -> np.ndarray:
        """Root mean squared error on the earlier days of each event [kW], `expected` mixed in, shape (n_events,), above zero."""
        n_events = len(self.day)
        known = np.isfinite(error)
        square = kernel.by_event(np.where(known, error, 0.0) ** 2, self.event, n_events)
        count = kernel.by_event(known.astype(np.float64), self.event, n_events)
        prior = kernel.by_event(expected**2, self.event, n_events) / np.bincount(self.event, minlength=n_events)
        weights = self.weights(half_life, window)
        return np.sqrt(kernel.error_variance(weights, square, count, prior, prior_rows))


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
    bounding, weighing, usual = (round(share * days) for share in (LIMIT_SHARE, WEIGHING_SHARE, USUAL_SHARE))
    corrected = rows.plain[:, None] + corrections(rows, design, days - bounding - weighing - usual, usual)
    weights = rows.weights(WEIGHING_HALF_LIFE, weighing)
    prior = np.full(corrected.shape[1], 1.0 / corrected.shape[1])
    share = kernel.exponential_weights(rows.load[:, None] - corrected, rows.event, weights, RATE, prior)
    estimate = (share[rows.event] * corrected).sum(1)
    return np.column_stack([estimate, limits(rows, estimate, room, miscoverage, bounding, days - bounding)])


def limits(
    rows: SiteRows, estimate: np.ndarray, room: np.ndarray, miscoverage: float, window: int, size_window: int
) -> np.ndarray:
    """Lower and upper limit of each row [kW], shape (n_rows, 2), by the errors of its earlier days.

    Errors are measured by the geometric mean of what the row's own evidence and the inner estimator's errors at the site let
    expect: the one knows an uncertain hour, the other an uncertain site.

    Parameters
    ----------
    window, size_window : int
        Days before an event whose errors bound its own, and before each of them whose errors measure it.
    """
    size = rows.error_size(rows.load - rows.plain, room.mean(1) / TAIL, SIZE_HALF_LIFE, size_window, SIZE_PRIOR_ROWS)
    scale = np.sqrt(TAIL * room * size[rows.event][:, None])
    weights = rows.weights(LIMIT_HALF_LIFE, window)
    error = rows.load - estimate
    sides = []
    for side, sign in enumerate((-1.0, 1.0)):
        scores = sign * error / scale[:, side]
        tail = kernel.blended_tails(scores, rows.event, weights, miscoverage, 1.0, PRIOR_DAYS)
        sides.append(estimate + sign * tail[rows.event] * scale[:, side])
    least = kernel.least_known(rows.load, rows.event, weights)[rows.event]
    lower = np.where((least >= 0) & (estimate >= 0), np.maximum(sides[0], 0.0), sides[0])
    return np.stack([lower, sides[1]], axis=1)


def corrections(rows: SiteRows, design: np.ndarray, window: int, usual_window: int) -> np.ndarray:
    """Correction of each row by each ridge [kW], the first one zero: the estimate as it is; shape (n_rows, 1 + n_ridges).

    Parameters
    ----------
    window, usual_window : int
        Days before an event of whose rows its ridges learn, and of whose loads its usual ones are means.
    """
    left = rows.load - rows.plain
    variance = rows.error_size(left, rows.spread, ERROR_HALF_LIFE, window, PRIOR_ROWS) ** 2
    usual = [
        kernel.earlier_means(rows.load, rows.event, rows.lead, rows.weights(half_life, usual_window, same_weekday))
        for half_life, same_weekday in USUAL
    ]
    beside = np.stack(usual, axis=1) - rows.plain[:, None]
    design = np.concatenate([design, np.where(np.isfinite(beside), beside, 0.0)], axis=1)
    found = [np.zeros(len(left))]
    for half_life, penalty in RIDGES:
        weights = rows.weights(half_life, window)
        found.append(kernel.ridge_corrections(design, left, rows.event, weights, variance, penalty))
    return np.stack(found, axis=1)
