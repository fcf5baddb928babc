"""What a site's earlier days say of an estimator: ridges on what it left, weights of several estimates, limits of the rest.

All three are kernels over the days of ONE site. `recency` gives the weight of each earlier day for each event, zero for every
day that the event may not use, so that each kernel is a product of matrices and no event sees what it may not. What is wanted
of some events alone is computed for these alone: the first axis of the weights is theirs, the second that of all events.
"""

from __future__ import annotations

import numpy as np


def recency(
    day: np.ndarray, before: np.ndarray, half_life: float, window: int, of: np.ndarray | None = None
) -> np.ndarray:
    """Weight of the day of each event (second axis) for each event, or those `of` it (first axis), float64, shape (m, n_events).

    Parameters
    ----------
    day : ndarray, shape (n_events,)
        Local day of each event, whole numbers.
    before : ndarray, shape (n_events,)
        First local day that an event may not use; a day older than `window` days is not used either.
    half_life : float
        In days.
    of : ndarray of int64, shape (m,), optional
        Events that weights are wanted of.
    """
    wanted = np.arange(len(day)) if of is None else of
    whole = day.astype(np.int64)
    by_age = 0.5 ** (np.arange(window + 2) / half_life)
    by_age[[0, -1]] = 0.0  # the day itself and later ones, and older ones
    age = np.clip(whole[wanted][:, None] - whole[None, :], 0, window + 1)
    return np.where(day[None, :] < before[wanted][:, None], by_age[age], 0.0)


def by_event(values: np.ndarray, event: np.ndarray, n_events: int) -> np.ndarray:
    """Sum over the rows of each event, each of which has some, shape (n_events, ...)."""
    order = np.argsort(event, kind="stable")
    starts = np.searchsorted(event[order], np.arange(n_events))
    return np.asarray(np.add.reduceat(values[order], starts, axis=0))


def error_variance(
    weights: np.ndarray, square: np.ndarray, count: np.ndarray, prior: np.ndarray, prior_rows: float
) -> np.ndarray:
    """Mean squared error on the earlier days of each event that weights are given of, shape (m,), with `prior_rows` rows of `prior`.

    Parameters
    ----------
    weights : ndarray, shape (m, n_events)
        See :func:`recency`.
    square, count : ndarray, shape (n_events,)
        Sum of the squared errors of each event's rows, and their number.
    prior : ndarray, shape (m,)
        Squared error expected where no earlier day is known.
    """
    return (weights @ square + prior_rows * prior) / (weights @ count + prior_rows)


def ridge_moments(design: np.ndarray, left: np.ndarray, event: np.ndarray, n_events: int) -> np.ndarray:
    """Sum over the rows of each event of the products that a ridge of `left` on `design` needs, shape (n_events, k, k + 1).

    Parameters
    ----------
    design : ndarray, shape (n_rows, k)
        Finite: how far other evidence lies from the estimate.
    left : ndarray, shape (n_rows,)
        Metered load minus estimate; NaN where it may not be learned from.
    event : ndarray of int64, shape (n_rows,)
        Each event has rows.
    """
    known, k = np.isfinite(left), design.shape[1]
    both = np.where(known[:, None], np.column_stack([design, np.where(known, left, 0.0)]), 0.0)
    order = np.argsort(event, kind="stable")
    count = np.bincount(event, minlength=n_events)
    place = np.arange(len(event)) - np.repeat(np.cumsum(count) - count, count)
    rows = np.zeros((n_events, int(count.max(initial=0)), k + 1))
    rows[event[order], place] = both[order]
    return np.matmul(rows[:, :, :k].transpose(0, 2, 1), rows)


def ridge_coefficients(moments: np.ndarray, weights: np.ndarray, variance: np.ndarray, penalty: float) -> np.ndarray:
    """Coefficients of the ridge of each event on what was left on earlier days, shape (m, k).

    Parameters
    ----------
    moments : ndarray, shape (n_events, k, k + 1)
        See :func:`ridge_moments`.
    weights : ndarray, shape (m, n_events)
        See :func:`recency`.
    variance : ndarray, shape (m,)
        Of what was left, above zero. The ridge penalty is `penalty` times it: coefficients of size 1 / sqrt(penalty) are
        expected.
    penalty : float
    """
    n_events, k = moments.shape[:2]
    moment = (weights @ moments.reshape(n_events, -1)).reshape(len(weights), k, k + 1)
    gram = moment[:, :, :k] + (penalty * variance)[:, None, None] * np.eye(k)
    return np.asarray(np.linalg.solve(gram, moment[:, :, k:])[:, :, 0])


def earlier_means(load: np.ndarray, event: np.ndarray, lead: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean load of the same interval on the earlier days of each row's event [kW], shape (n_rows,); NaN where there is none.

    Parameters
    ----------
    load : ndarray, shape (n_rows,)
        NaN where it may not be learned from.
    event, lead : ndarray of int64, shape (n_rows,)
        Event, and interval of it; no event has two rows of one interval.
    weights : ndarray, shape (n_events, n_events)
        See :func:`recency`.
    """
    table = np.full((len(weights), int(lead.max(initial=0)) + 1), np.nan)
    table[event, lead] = load
    known = np.isfinite(table)
    total, mass = weights @ np.where(known, table, 0.0), weights @ known.astype(np.float64)
    mean = np.where(mass > 0, total / np.where(mass > 0, mass, 1.0), np.nan)
    return np.asarray(mean[event, lead])


def least_known(load: np.ndarray, event: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Least load of the earlier days of each event that weights are given of [kW], shape (m,); infinite where there is none."""
    least = np.full(weights.shape[1], np.inf)
    np.fmin.at(least, event, load)
    return np.where(weights > 0, least[None, :], np.inf).min(axis=1)


def exponential_weights(
    error: np.ndarray, event: np.ndarray, weights: np.ndarray, rate: float, prior: np.ndarray
) -> np.ndarray:
    """Weight of each of several estimates for each event, shape (m, n_estimates); each row sums to 1.

    Weight falls with the exponential of how much more than the first an estimate erred: `rate` a day at twice its mean squared error.

    Parameters
    ----------
    error : ndarray, shape (n_rows, n_estimates)
        NaN where it may not be learned from.
    event : ndarray of int64, shape (n_rows,)
    weights : ndarray, shape (m, n_events)
        See :func:`recency`.
    rate : float
    prior : ndarray, shape (n_estimates,)
        Weights where no earlier day is known.

    References
    ----------
    Cesa-Bianchi, Lugosi (2006), Prediction, Learning, and Games, chapter 2 (exponentially weighted average forecaster).
    """
    known = np.isfinite(error).all(1)
    n_events = weights.shape[1]
    square = weights @ by_event(np.where(known[:, None], error, 0.0) ** 2, event, n_events)
    days = weights @ (by_event(known.astype(np.float64), event, n_events) > 0)
    first = square[:, :1]
    worse = np.where(first > 0, square / np.where(first > 0, first, 1.0) - 1.0, 0.0)
    exponent = -rate * days[:, None] * worse
    share = prior * np.exp(exponent - exponent.max(1, keepdims=True))
    return np.asarray(share / share.sum(1, keepdims=True))


def blended_tails(
    scores: np.ndarray, event: np.ndarray, weights: np.ndarray, miscoverage: float, prior: np.ndarray, prior_days: float
) -> np.ndarray:
    """Score that a row of each event exceeds with probability `miscoverage`, shape (m,).

    The quantile of the scores of earlier days, each day with the mass of its weight spread over its rows; where days are few,
    `prior` counts as much as `prior_days` of them.

    Parameters
    ----------
    scores : ndarray, shape (n_rows,)
        NaN where it may not be learned from.
    event : ndarray of int64, shape (n_rows,)
    weights : ndarray, shape (m, n_events)
        See :func:`recency`.
    prior : ndarray, shape (m,)
    """
    known = np.flatnonzero(np.isfinite(scores))
    n_events = weights.shape[1]
    if len(known) == 0:
        return prior
    order = known[np.argsort(scores[known], kind="stable")]
    rows_of_day = np.bincount(event[known], minlength=n_events)
    mass = (weights / np.maximum(rows_of_day, 1))[:, event[order]]
    reached = np.cumsum(mass, axis=1)
    total = reached[:, -1]
    # Equal weights reach a level exactly, or by a rounding more or less: neither may decide which row is taken.
    place = (reached < ((1 - miscoverage) * (1 - 1e-9) * total)[:, None]).sum(1)
    own = scores[order][np.minimum(place, len(order) - 1)]
    share = total / (total + prior_days)
    return np.where(total > 0, share * own + (1 - share) * prior, prior)
