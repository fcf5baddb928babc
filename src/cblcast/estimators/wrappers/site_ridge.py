"""What a site's earlier days say of an estimator: ridges on what it left, weights of several estimates, limits of the rest.

All three are kernels over the days of ONE site. `recency` gives the weight of each earlier day for each event, zero for every
day that the event may not use, so that each kernel is a product of matrices and no event sees what it may not.
"""

from __future__ import annotations

import numpy as np


def recency(day: np.ndarray, before: np.ndarray, half_life: float, window: int) -> np.ndarray:
    """Weight of the day of each event (second axis) for each event (first axis), float64, shape (n_events, n_events).

    Parameters
    ----------
    day : ndarray, shape (n_events,)
        Local day of each event.
    before : ndarray, shape (n_events,)
        First local day that an event may not use; a day older than `window` days is not used either.
    half_life : float
        In days.
    """
    age = day[:, None] - day[None, :]
    usable = (day[None, :] < before[:, None]) & (age > 0) & (age <= window)
    return np.where(usable, 0.5 ** (np.maximum(age, 0.0) / half_life), 0.0)


def by_event(values: np.ndarray, event: np.ndarray, n_events: int) -> np.ndarray:
    """Sum over the rows of each event, shape (n_events, ...)."""
    total = np.zeros((n_events, *values.shape[1:]))
    np.add.at(total, event, values)
    return total


def error_variance(
    weights: np.ndarray, square: np.ndarray, count: np.ndarray, prior: np.ndarray, prior_rows: float
) -> np.ndarray:
    """Mean squared error on the earlier days of each event, shape (n_events,), with `prior_rows` rows of `prior` mixed in.

    Parameters
    ----------
    weights : ndarray, shape (n_events, n_events)
        See :func:`recency`.
    square, count : ndarray, shape (n_events,)
        Sum of the squared errors of each event's rows, and their number.
    prior : ndarray, shape (n_events,)
        Squared error expected where no earlier day is known.
    """
    return (weights @ square + prior_rows * prior) / (weights @ count + prior_rows)


def ridge_corrections(
    design: np.ndarray,
    left: np.ndarray,
    event: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    penalty: float,
) -> np.ndarray:
    """Correction of each row by the ridge of its event on what was left on earlier days, shape (n_rows,).

    Parameters
    ----------
    design : ndarray, shape (n_rows, k)
        Finite: how far other evidence lies from the estimate.
    left : ndarray, shape (n_rows,)
        Metered load minus estimate; NaN where it may not be learned from.
    event : ndarray of int64, shape (n_rows,)
    weights : ndarray, shape (n_events, n_events)
        See :func:`recency`.
    variance : ndarray, shape (n_events,)
        Of `left`, above zero. The ridge penalty is `penalty` times it: coefficients of size 1 / sqrt(penalty) are expected.
    penalty : float
    """
    n_events, k = len(weights), design.shape[1]
    known = np.isfinite(left)
    rows = np.where(known[:, None], design, 0.0)
    both = np.concatenate([rows, np.where(known, left, 0.0)[:, None]], axis=1)
    moment = by_event((rows[:, :, None] * both[:, None, :]).reshape(len(rows), -1), event, n_events)
    moment = (weights @ moment).reshape(n_events, k, k + 1)
    gram = moment[:, :, :k] + (penalty * variance)[:, None, None] * np.eye(k)
    coefficient = np.linalg.solve(gram, moment[:, :, k:])[:, :, 0]
    return (design * coefficient[event]).sum(1)


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
    """Least load of the earlier days of each event [kW], shape (n_events,); infinite where there is none."""
    least = np.full(len(weights), np.inf)
    np.fmin.at(least, event, load)
    return np.where(weights > 0, least[None, :], np.inf).min(axis=1)


def exponential_weights(
    error: np.ndarray, event: np.ndarray, weights: np.ndarray, rate: float, prior: np.ndarray
) -> np.ndarray:
    """Weight of each of several estimates for each event, shape (n_events, n_estimates); each row sums to 1.

    Weight falls with the exponential of how much more than the first an estimate erred: `rate` a day at twice its mean squared error.

    Parameters
    ----------
    error : ndarray, shape (n_rows, n_estimates)
        NaN where it may not be learned from.
    event : ndarray of int64, shape (n_rows,)
    weights : ndarray, shape (n_events, n_events)
        See :func:`recency`.
    rate : float
    prior : ndarray, shape (n_estimates,)
        Weights where no earlier day is known.

    References
    ----------
    Cesa-Bianchi, Lugosi (2006), Prediction, Learning, and Games, chapter 2 (exponentially weighted average forecaster).
    """
    known = np.isfinite(error).all(1)
    n_events = len(weights)
    square = weights @ by_event(np.where(known[:, None], error, 0.0) ** 2, event, n_events)
    days = weights @ (by_event(known.astype(np.float64), event, n_events) > 0)
    first = square[:, :1]
    worse = np.where(first > 0, square / np.where(first > 0, first, 1.0) - 1.0, 0.0)
    exponent = -rate * days[:, None] * worse
    share = prior * np.exp(exponent - exponent.max(1, keepdims=True))
    return np.asarray(share / share.sum(1, keepdims=True))


def blended_tails(
    scores: np.ndarray, event: np.ndarray, weights: np.ndarray, miscoverage: float, prior: float, prior_days: float
) -> np.ndarray:
    """Score that a row of each event exceeds with probability `miscoverage`, shape (n_events,).

    The quantile of the scores of earlier days, each day with the mass of its weight spread over its rows; where days are few,
    `prior` counts as much as `prior_days` of them.

    Parameters
    ----------
    scores : ndarray, shape (n_rows,)
        NaN where it may not be learned from.
    event : ndarray of int64, shape (n_rows,)
    weights : ndarray, shape (n_events, n_events)
        See :func:`recency`.
    """
    known = np.flatnonzero(np.isfinite(scores))
    n_events = len(weights)
    if len(known) == 0:
        return np.full(n_events, prior)
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
