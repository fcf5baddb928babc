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
SIZE_HALF_LIFE, SIZE_PRIOR_ROWS = 60.0, 20.0  # of the error that limits are measured by
TAIL = 1.8  # where limits of nine in ten lie, in root mean squared errors, of loads as skewed as those of buildings and homes
# An event's limits rest on recent days, whose errors are measured by days before them, whose weights rest on days before those,
# whose ridges on yet earlier ones, whose usual loads on the first: together the days looked at, so that no answer depends on
# what else is asked. The ridges have what is left.
LIMIT_SHARE, SIZE_SHARE, WEIGHING_SHARE, USUAL_SHARE = 0.12, 0.08, 0.12, 0.07


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
    asked : ndarray of bool, shape (n_events,)
        Events that are asked, and not only there to be learned from.
    least : ndarray of float64, shape (n_rows,)
        Least load of the reference days at the row [kW]; NaN where there is none.
    """

    event: np.ndarray
    day: np.ndarray
    before: np.ndarray
    lead: np.ndarray
    load: np.ndarray
    plain: np.ndarray
    spread: np.ndarray
    asked: np.ndarray
    least: np.ndarray

    def within(self, days: int) -> np.ndarray:
        """Events that are asked, and those up to `days` days before one that is; positions, int64, shape (m,)."""
        asked = np.sort(self.day[self.asked])
        following = np.searchsorted(asked, self.day)
        there = following < len(asked)
        return np.flatnonzero(there & (np.r_[asked, np.inf][following] - self.day <= days))

    def weights(
        self, half_life: float, window: int, same_weekday: bool = False, of: np.ndarray | None = None
    ) -> np.ndarray:
        """See :func:`~cblcast.estimators.wrappers.site_ridge.recency`."""
        found = kernel.recency(self.day, self.before, half_life, window, of)
        if same_weekday:
            day = self.day if of is None else self.day[of]
            found[(day[:, None] - self.day[None, :]) % 7 != 0] = 0.0
        return found

    def error_size(
        self, error: np.ndarray, expected: np.ndarray, weights: np.ndarray, of: np.ndarray, prior_rows: float
    ) -> np.ndarray:
        """Root mean squared error on the earlier days of the events `of` [kW], `expected` mixed in, shape (m,), above zero."""
        n_events = len(self.day)
        known = np.isfinite(error)
        square = kernel.by_event(np.where(known, error, 0.0) ** 2, self.event, n_events)
        count = kernel.by_event(known.astype(np.float64), self.event, n_events)
        return np.sqrt(kernel.error_variance(weights, square, count, self.mean_square(expected)[of], prior_rows))

    def mean_square(self, values: np.ndarray) -> np.ndarray:
        """Mean square over the rows of each event, shape (n_events,)."""
        n_events = len(self.day)
        return kernel.by_event(values**2, self.event, n_events) / np.bincount(self.event, minlength=n_events)

    def rows_of(self, events: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of some events, and the place among these events of the one that each belongs to; both int64."""
        place = np.full(len(self.day), -1)
        place[events] = np.arange(len(events))
        rows = np.flatnonzero(place[self.event] >= 0)
        return rows, place[self.event[rows]]


def adapt_to_site(rows: SiteRows, design: np.ndarray, room: np.ndarray, miscoverage: float, days: int) -> np.ndarray:
    """Estimate, lower and upper limit of each row that is asked [kW], shape (n_rows, 3); NaN where there is no inner estimate.

    Rows that are not asked keep the inner estimate and `room`: what nobody reads need not be corrected, but on the days that
    the asked ones rest on.

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
    shares = LIMIT_SHARE, SIZE_SHARE, WEIGHING_SHARE, USUAL_SHARE
    bounding, sizing, weighing, usual = (round(share * days) for share in shares)
    correcting = days - bounding - sizing - weighing - usual
    corrected = rows.plain[:, None] + corrections(
        rows, design, rows.within(bounding + sizing + weighing), correcting, usual
    )
    weighed = rows.within(bounding + sizing)
    weights = rows.weights(WEIGHING_HALF_LIFE, weighing, of=weighed)
    prior = np.full(corrected.shape[1], 1.0 / corrected.shape[1])
    share = kernel.exponential_weights(rows.load[:, None] - corrected, rows.event, weights, RATE, prior)
    estimate = rows.plain.copy()
    own, place = rows.rows_of(weighed)
    estimate[own] = (share[place] * corrected[own]).sum(1)
    found = np.column_stack([rows.plain, rows.plain - room[:, 0], rows.plain + room[:, 1]])
    own, bounds = limits(rows, estimate, room, miscoverage, bounding, sizing)
    found[own] = np.column_stack([estimate[own], bounds])
    return found


def limits(
    rows: SiteRows, estimate: np.ndarray, room: np.ndarray, miscoverage: float, window: int, size_window: int
) -> tuple[np.ndarray, np.ndarray]:
    """The rows that are asked, int64, and lower and upper limit of each [kW], shape (n_asked, 2), by the errors of its earlier days.

    Errors are measured by the geometric mean of what the row's own evidence and the site's errors let expect: the one knows an
    uncertain hour, the other an uncertain site. Where few days are known, the tails are those of the site's errors alone, or
    without any day what `room` says, as it was known elsewhere.

    Parameters
    ----------
    window, size_window : int
        Days before an event whose errors bound its own, and before each of them whose errors measure it.
    """
    error, expected = rows.load - estimate, room.mean(1)
    of = rows.within(window)
    weights = rows.weights(SIZE_HALF_LIFE, size_window, of=of)
    size = np.full(len(rows.day), np.nan)
    size[of] = TAIL * rows.error_size(error, expected / TAIL, weights, of, SIZE_PRIOR_ROWS)
    scale = np.sqrt(room * size[rows.event][:, None])
    asked = np.flatnonzero(rows.asked)
    prior = np.sqrt(size / np.sqrt(rows.mean_square(expected)))[asked]
    weights = rows.weights(LIMIT_HALF_LIFE, window, of=asked)
    own, place = rows.rows_of(asked)
    sides = []
    for side, sign in enumerate((-1.0, 1.0)):
        scores = sign * error / scale[:, side]
        tail = kernel.blended_tails(scores, rows.event, weights, miscoverage, prior, PRIOR_DAYS)
        sides.append(estimate[own] + sign * tail[place] * scale[own, side])
    shown = np.full(len(rows.day), np.inf)
    np.fmin.at(shown, rows.event, rows.least)
    # Only a site of which days are known, and none of them below zero, is held above it: any other may export.
    least = np.minimum(kernel.least_known(rows.load, rows.event, weights), shown[asked])[place]
    never_exports = np.isfinite(least) & (least >= 0)
    lower = np.where(never_exports & (estimate[own] >= 0), np.maximum(sides[0], 0.0), sides[0])
    return own, np.stack([lower, sides[1]], axis=1)


def corrections(rows: SiteRows, design: np.ndarray, of: np.ndarray, window: int, usual_window: int) -> np.ndarray:
    """Correction of each row by each ridge [kW], the first one zero: the estimate as it is; shape (n_rows, 1 + n_ridges).

    Parameters
    ----------
    of : ndarray of int64
        Events whose rows are corrected; those of others keep zeros.
    window, usual_window : int
        Days before an event of whose rows its ridges learn, and of whose loads its usual ones are means.
    """
    left = rows.load - rows.plain
    usual = [
        kernel.earlier_means(rows.load, rows.event, rows.lead, rows.weights(half_life, usual_window, same_weekday))
        for half_life, same_weekday in USUAL
    ]
    beside = np.stack(usual, axis=1) - rows.plain[:, None]
    design = np.concatenate([design, np.where(np.isfinite(beside), beside, 0.0)], axis=1)
    moments = kernel.ridge_moments(design, left, rows.event, len(rows.day))
    weights = rows.weights(ERROR_HALF_LIFE, window, of=of)
    variance = rows.error_size(left, rows.spread, weights, of, PRIOR_ROWS) ** 2
    own, place = rows.rows_of(of)
    found = np.zeros((len(left), 1 + len(RIDGES)))
    for number, (half_life, penalty) in enumerate(RIDGES, start=1):
        weights = rows.weights(half_life, window, of=of)
        coefficient = kernel.ridge_coefficients(moments, weights, variance, penalty)
        found[own, number] = (design[own] * coefficient[place]).sum(1)
    return found
