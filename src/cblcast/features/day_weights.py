"""Weights over reference days: how much each day says about the event day. Pure functions over arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cblcast.frames.known import known_mean


def day_gaps(today: np.ndarray, then: np.ndarray) -> np.ndarray:
    """Root mean square difference to the event day over the hours seen on both [kW], shape (n_events, n_days).

    Parameters
    ----------
    today : ndarray, shape (n_events, n_hours)
        NaN where not seen.
    then : ndarray, shape (n_events, n_days, n_hours)
    """
    difference = then - today[:, None, :]
    return np.sqrt(known_mean(difference**2, 2))


def alike_weights(gap: np.ndarray, width: float, fade: float) -> np.ndarray:
    """Gaussian weights by likeness, fading with age; rows sum to 1, or are NaN where nothing can be compared.

    Parameters
    ----------
    gap : ndarray, shape (n_events, n_days)
        Newest day first; NaN is a day that cannot be compared.
    width : float
        Of the kernel, as a share of the median gap.
    fade : float
        Weight of a day relative to the next newer one, all else equal.
    """
    known = np.isfinite(gap)
    any_known = known.any(1)
    median = np.full(len(gap), np.nan)
    if any_known.any():
        median[any_known] = np.nanmedian(gap[any_known], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # The tiny floor keeps equal weights where all days are alike (a constant site).
        closeness = np.exp(-((gap / np.maximum(width * median, 1e-12)[:, None]) ** 2)) + 1e-9
    weights = np.where(known, closeness * fade ** np.arange(gap.shape[1]), 0.0)
    return summing_to_one(weights)


def nearest_weights(gap: np.ndarray, x: int, y: int) -> np.ndarray:
    """Equal weights on the `x` days with the smallest gap among the `y` newest; NaN rows where none can be compared."""
    key = np.where(np.isfinite(gap), gap, np.inf)
    key[:, y:] = np.inf
    rank = key.argsort(1, kind="stable").argsort(1, kind="stable")
    return summing_to_one(((rank < x) & np.isfinite(key)).astype(np.float64))


def newest_weights(there: np.ndarray, count: int) -> np.ndarray:
    """Equal weights on the `count` newest days that are there, shape (n_events, n_days)."""
    return summing_to_one((there & (np.cumsum(there, axis=1) <= count)).astype(np.float64))


def conditional_weights(today: np.ndarray, then: np.ndarray, prior: np.ndarray, penalty: float) -> np.ndarray:
    """Weights whose weighted day meets the event day in the hours that are seen, as far as the past supports it.

    With m the prior mean day and S the prior-weighted covariance of the seen hours, the best linear prediction of any
    other hour y is ``m_y + C_y,seen (S + penalty · mean(diag S) · I)⁻¹ (today - m)``. C is a weighted sum over days, so
    the prediction is one too, and its weights serve every hour. A volatile home has hours that say little about each
    other: C is small and the weights stay at the prior, that is, no adjustment; a steady building with lasting shifts
    is met fully. So this is an adjustment that knows when not to adjust.

    Parameters
    ----------
    today : ndarray, shape (n_events, n_hours)
        NaN where not seen.
    then : ndarray, shape (n_events, n_days, n_hours)
    prior : ndarray, shape (n_events, n_days)
        Weights before anything is seen; rows sum to 1 (or are NaN: no days).
    penalty : float
        Ridge as a share of the mean variance.

    Returns
    -------
    ndarray, shape (n_events, n_days)
        Rows sum to 1; single weights may be negative.
    """
    prior = np.where(np.isfinite(prior), prior, 0.0)
    known = np.isfinite(then)
    weight = prior[:, :, None] * known
    total = weight.sum(1)
    mean = (weight * np.where(known, then, 0.0)).sum(1) / np.maximum(total, 1e-300)
    seen = np.isfinite(today) & (total > 0)
    x = np.where(seen, today - mean, 0.0)
    deviation = np.where(known & seen[:, None, :], then - mean[:, None, :], 0.0)
    covariance = np.matmul((deviation * prior[:, :, None]).transpose(0, 2, 1), deviation)
    variance = np.einsum("nhh->n", covariance) / np.maximum(seen.sum(1), 1)
    ridge = penalty * variance + 1e-9 * np.maximum((mean**2 * seen).sum(1), 1e-12)
    covariance += ridge[:, None, None] * np.eye(today.shape[1])
    pull = np.linalg.solve(covariance, x[:, :, None])[:, :, 0]
    extra = prior * np.einsum("nkh,nh->nk", deviation, pull)
    weights = prior * (1.0 - extra.sum(1))[:, None] + extra
    return np.where((prior.sum(1) > 0)[:, None], weights, np.nan)


def weighted(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean over days, (n, n_days, …) and (n, n_days) -> (n, …); an unknown value counts as the mean of the known.

    NaN where no weighted value is known, or the weights are NaN.
    """
    return weighted_each(values, {"": weights})[""]


def weighted_each(values: np.ndarray, schemes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """As :func:`weighted` by each of several weights; the values are looked at once."""
    flat = values.reshape(*values.shape[:2], -1)
    known = np.isfinite(flat)
    signed = np.stack(list(schemes.values()), axis=1)
    both = np.concatenate([np.abs(signed), signed], axis=1)  # (n, 2 n_schemes, n_days)
    size, plain = np.split(np.matmul(both, known.astype(np.float64)), 2, axis=1)
    total, turned = np.split(np.matmul(both, np.where(known, flat, 0.0)), 2, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / size
        found = np.where(size > 0, mean + (turned - plain * mean), np.nan)
    shape = (len(values), *values.shape[2:])
    return {name: found[:, place].reshape(shape) for place, name in enumerate(schemes)}


def summing_to_one(weights: np.ndarray) -> np.ndarray:
    """Weights divided by their row's sum; NaN rows where that is zero."""
    total = weights.sum(1, keepdims=True)
    return np.where(total > 0, weights / np.where(total > 0, total, 1.0), np.nan)
