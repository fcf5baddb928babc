"""Limits that hold with finitely many days, whatever the errors look like: what a further day exceeds how rarely.

Days are taken as exchangeable, so that the day to come is as likely to hold any rank among n + 1 as every other. From this
follow the bound of a tail, the two limits of an error, how many days they need, and how rare a score is.
"""

from __future__ import annotations

import math

import numpy as np


def each_tail(coverage: float) -> float:
    """Miscoverage of each of two tails that leave `coverage` between them."""
    return (1 - coverage) / 2


def days_needed(miscoverage: float) -> int:
    """Least number of days n for which ceil((n + 1)(1 - miscoverage)) <= n, so that a tail bound is finite.

    Limits of nominal coverage 0.9 have a twentieth in each tail and need 19.
    """
    return math.ceil((1 - miscoverage) / miscoverage - 1e-9)


def tail_bound(scores: np.ndarray, day: np.ndarray, miscoverage: float, weight: np.ndarray | None = None) -> float:
    """The score that a row of a further day exceeds with probability `miscoverage` at most.

    Days are exchangeable, the rows of one day are not: each of the n days has the mass 1 / (n + 1), spread evenly over
    its rows, and the day to come has the rest, at infinity. With one row a day this is the usual rule, the
    ceil((n + 1)(1 - miscoverage))-th smallest score.

    Parameters
    ----------
    scores : ndarray, shape (n_rows,)
        Larger is worse.
    day : ndarray of int, shape (n_rows,)
    miscoverage : float
        In (0, 1).
    weight : ndarray, shape (n_rows,), optional
        Weight of each row's day relative to the day to come, in (0, 1]; all 1 unless given.

    Returns
    -------
    float
        Infinite where there are fewer than :func:`days_needed` days.

    References
    ----------
    Dunn, Wasserman, Ramdas (2023), Distribution-free prediction sets for two-layer hierarchical models; Lee, Barber,
    Willett (2023), Distribution-free inference with hierarchical data; Barber et al. (2023), Conformal prediction
    beyond exchangeability (the weights).
    """
    if len(scores) == 0:
        return math.inf
    _, code, rows_of_day = np.unique(day, return_inverse=True, return_counts=True)
    mass = (np.ones(len(scores)) if weight is None else weight) / rows_of_day[code]
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(mass[order]) / (mass.sum() + 1)
    place = int(np.searchsorted(reached, 1 - miscoverage - 1e-12))
    return float(scores[order][place]) if place < len(scores) else math.inf


def signed_limits(errors: np.ndarray, coverage: float) -> tuple[float, float]:
    """Limits of the next day's error: the :func:`tail_bound` of each side; NaN with fewer days than that needs.

    Parameters
    ----------
    errors : ndarray, shape (n_days,)
        Estimate minus truth, one a day; NaN is no day.
    coverage : float
        In (0, 1).

    References
    ----------
    Lei et al. (2018), Distribution-free predictive inference for regression.
    """
    known = errors[np.isfinite(errors)]
    day = np.arange(len(known))
    low, high = (tail_bound(side, day, each_tail(coverage)) for side in (-known, known))
    return (-low, high) if math.isfinite(low) else (math.nan, math.nan)


def conformal_p(score: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Share of the reference days that are at least as extreme, (1 + #{reference >= score}) / (n + 1); NaN of NaN.

    At most `miscoverage` exactly where the score exceeds the :func:`tail_bound` of the reference. Flagging p <= 0.05
    raises at most 5 % false alarms on days like the reference, whatever their distribution; with fewer than 19 reference
    days nothing can be flagged at 5 %.

    Parameters
    ----------
    score : ndarray, shape (n,)
    reference : ndarray, shape (m,)
        One a day; NaN is no day.
    """
    known = np.sort(reference[np.isfinite(reference)])
    above = len(known) - np.searchsorted(known, score, side="left")
    return np.where(np.isfinite(score), (1 + above) / (len(known) + 1), np.nan)
