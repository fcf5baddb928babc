"""Many small weighted regressions at once, and what a further day's error may be: limits that follow the conditions.

Each unit (a site, a portfolio) has its own days, weights and conditions. The error of a further day is the fit at its
conditions plus a residual like those of the days it resembles; where too few resemble it, Student's t takes the place of
the ranks, and the limits are wider.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cblcast.days.limits import days_needed, each_tail

RIDGE = 1.0  # of the slopes per unit of their own spread, in days: a slope that one day carries is no slope
LEAST_DAYS = 8
LEAST_FREEDOM = 3.0


@dataclass(frozen=True)
class Predicted:
    """What is said of a further day, each of shape (n_units,); NaN with fewer than 8 days.

    Attributes
    ----------
    low, high : ndarray
        Limits of its error, in the unit of the errors.
    centre : ndarray
        Its expected error: the bias under its conditions.
    like_days : ndarray
        How many like days the weights amount to: their effective number (Kish), times the largest weight. Days that are
        all far from the further one are few, however many.
    few : ndarray of bool
        Whether these are too few for limits by rank, so that Student's t gives wider ones.
    """

    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray
    like_days: np.ndarray
    few: np.ndarray


def effective_days(weight: np.ndarray) -> np.ndarray:
    """Kish's effective number of each row of weights, shape (n_units,); 0 where there is no weight."""
    squares = (weight**2).sum(-1)
    return np.where(squares > 0, weight.sum(-1) ** 2 / np.where(squares > 0, squares, 1.0), 0.0)


def predict(
    error: np.ndarray, conditions: np.ndarray, weight: np.ndarray, here: np.ndarray, coverage: float
) -> Predicted:
    """Limits of a further day's error.

    Parameters
    ----------
    error : ndarray, shape (n_units, n_days)
        Finite wherever there is weight.
    conditions : ndarray, shape (n_units, n_days, n_conditions)
    weight : ndarray, shape (n_units, n_days)
        In [0, 1], how much each day resembles the further one; 0 is no day.
    here : ndarray, shape (n_units, n_conditions)
        Conditions of the further day.
    coverage : float
        In (0, 1).

    References
    ----------
    Cleveland (1979), Robust locally weighted regression and smoothing scatterplots (the fit); Barber et al. (2023),
    Conformal prediction beyond exchangeability (weighted ranks); Papadopoulos et al. (2011), Regression conformal
    prediction with nearest neighbours (residuals over their expected size).
    """
    if error.shape[1] == 0:
        none = np.full(len(error), np.nan)
        return Predicted(none, none, none, np.zeros(len(error)), np.ones(len(error), dtype=bool))
    error = np.where(weight > 0, error, 0.0)
    nearest = weight.max(-1, initial=0.0)
    weight = weight / np.where(nearest > 0, nearest, 1.0)[:, None]
    centre, residual, doubt = _fit(error, conditions, weight, here)
    reach = np.sqrt(1 + doubt / np.where(nearest > 0, nearest, 1.0))
    counted = effective_days(weight)
    like = counted * nearest
    tail = each_tail(coverage)
    few = like < days_needed(tail)
    spread = np.sqrt((weight * residual**2).sum(-1) / np.maximum(weight.sum(-1), 1e-300))
    wide = _student(like - here.shape[-1] - 1, 1 - tail) * spread
    ends = []
    for side in (-residual, residual):
        # Days that are few because they are far still have ranks among themselves: the wider of the two stands then.
        rank = ranked_quantile(side, weight, counted, 1 - tail)
        ends.append(reach * np.where(few, np.fmax(wide, np.where(np.isfinite(rank), rank, wide)), rank))
    low, high = ends
    none = (weight > 0).sum(-1) < LEAST_DAYS
    low, high, centre = (np.where(none, np.nan, each) for each in (centre - low, centre + high, centre))
    return Predicted(low, high, centre, like, few | none)


def ranked_quantile(score: np.ndarray, weight: np.ndarray, like_days: np.ndarray, level: float) -> np.ndarray:
    """Weighted quantile of each row for a FURTHER draw, shape (n_units,); infinite where the weights do not reach it.

    The further draw has the mass of one of `like_days` + 1. With n equal weights of n like days the quantile lies at the
    rank (n + 1) · level, between two ranks on the line between them.
    """
    score = np.where(weight > 0, score, np.inf)
    order = np.argsort(score, axis=-1, kind="stable")
    ranked, share = np.take_along_axis(score, order, -1), np.take_along_axis(weight, order, -1)
    like = like_days[..., None]
    total = np.maximum(weight.sum(-1, keepdims=True), 1e-300)
    reached = np.cumsum(share, -1) / total * (like / (like + 1))
    place = (reached < level - 1e-12).sum(-1, keepdims=True)
    inside = place < score.shape[-1]
    at = np.minimum(place, score.shape[-1] - 1)
    above, top = np.take_along_axis(ranked, at, -1), np.take_along_axis(reached, at, -1)
    before = np.maximum(at - 1, 0)
    below, bottom = np.take_along_axis(ranked, before, -1), np.take_along_axis(reached, before, -1)
    part = np.where((at > 0) & (top > bottom), (level - bottom) / np.where(top > bottom, top - bottom, 1.0), 1.0)
    part = np.clip(part, 0.0, 1.0)
    finite = np.isfinite(above)
    below = np.where(np.isfinite(below), below, above)
    value = np.where(finite, above, 0.0) * part + np.where(finite, below, 0.0) * (1 - part)
    return np.where(inside & finite, value, np.inf)[..., 0]


def _fit(
    error: np.ndarray, conditions: np.ndarray, weight: np.ndarray, here: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit at `here`, residuals over their expected size, and the variance of the fit over that of a residual.

    For the residuals, days err alike and the weights only choose among them. For the fit, a day half as like the further
    one says half as much of it, as a day whose error has twice the variance would.
    """
    total = np.maximum(weight.sum(-1), 1e-300)[:, None]
    middle = (weight[..., None] * conditions).sum(1) / total
    spread = np.sqrt((weight[..., None] * (conditions - middle[:, None]) ** 2).sum(1) / total)
    spread = np.where(spread > 1e-9, spread, np.inf)  # a condition that never differs explains nothing
    design = np.concatenate([np.ones((*error.shape, 1)), (conditions - middle[:, None]) / spread[:, None]], axis=2)
    place = np.concatenate([np.ones((len(here), 1)), (here - middle) / spread], axis=1)
    weighted = design * weight[..., None]
    ridge = np.diag([0.0, *[RIDGE] * conditions.shape[2]])
    moments = np.swapaxes(weighted, 1, 2) @ design + ridge
    moments[:, 0, 0] = np.maximum(moments[:, 0, 0], 1e-300)
    inverse = np.linalg.inv(moments)
    slope = (inverse @ (np.swapaxes(weighted, 1, 2) @ error[..., None]))[..., 0]
    variance = inverse @ (np.swapaxes(weighted, 1, 2) @ weighted) @ inverse
    own = weight * np.einsum("unp,upq,unq->un", design, inverse, design, optimize=True)
    shared = np.einsum("unp,upq,unq->un", design, variance, design, optimize=True)
    size = np.sqrt(np.clip(1 - 2 * own + shared, 0.25, None))
    residual = (error - (design @ slope[..., None])[..., 0]) / size
    return (place * slope).sum(-1), residual, np.einsum("up,upq,uq->u", place, inverse, place)


def _student(freedom: np.ndarray, level: float) -> np.ndarray:
    """Quantile of Student's t."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(np.maximum(freedom, LEAST_FREEDOM), level))
