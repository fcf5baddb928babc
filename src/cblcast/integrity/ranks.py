"""How rare scores are among those of ordinary days, for one detector, for all of them together, and over many events.

All rest on one idea: where nothing is wrong, an event day is as likely to hold any rank among itself and the ordinary
days as every other. Whatever is computed from the pool in the same way for each of its days keeps that, so no
distribution is assumed, and detectors may depend on each other as they like.
"""

from __future__ import annotations

import numpy as np

RIDGE = 1e-3  # of a condition's variance: only against conditions that repeat each other


def explained_away(score: np.ndarray, given: np.ndarray) -> np.ndarray:
    """What of a score its conditions do not explain, by least squares over the pool; NaN of NaN.

    Parameters
    ----------
    score : ndarray, shape (n,)
    given : ndarray, shape (n, k)
        A condition that is not known counts as its mean; one that never differs explains nothing.
    """
    known = np.isfinite(score)
    if known.sum() < given.shape[1] + 3:
        return score - (score[known].mean() if known.any() else 0.0)
    kept = np.where(np.isfinite(given), given, np.nan)[known]
    middle = np.array([column[np.isfinite(column)].mean() if np.isfinite(column).any() else 0.0 for column in kept.T])
    design = np.nan_to_num(kept - middle)
    spread = design.std(0)
    design = design[:, spread > 1e-12] / spread[spread > 1e-12]
    target = score[known] - score[known].mean()
    design = design - design.mean(0)
    ridge = RIDGE * len(target) * np.eye(design.shape[1])
    slope = np.linalg.solve(design.T @ design + ridge, design.T @ target)
    left = np.full(len(score), np.nan)
    left[known] = target - design @ slope
    return left


def upper_p(scores: np.ndarray) -> np.ndarray:
    """Share of the pool that is at least as extreme, of each of its days; NaN of NaN; shape (n, n_detectors)."""
    p = np.full(scores.shape, np.nan)
    for column in range(scores.shape[1]):
        known = np.flatnonzero(np.isfinite(scores[:, column]))
        ranked = np.sort(scores[known, column])
        above = len(known) - np.searchsorted(ranked, scores[known, column], side="left")
        p[known, column] = above / max(len(known), 1)
    return p


def family_p(p: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Share of the pool whose smallest p of all detectors is as small as each p of `of`; shape of `of`.

    Flagging a day where any of these is at most 5 % flags at most 5 % of honest days, whatever the number of detectors
    and however they depend on each other.

    Parameters
    ----------
    p : ndarray, shape (n, n_detectors)
        Of every day of the pool.
    of : ndarray
        Of one of its days.

    References
    ----------
    Westfall, Young (1993), Resampling-based multiple testing: single-step minP.
    """
    least = np.sort(np.fmin.reduce(p, axis=1))
    least = least[np.isfinite(least)]
    share = np.searchsorted(least, of, side="right") / max(len(least), 1)
    return np.where(np.isfinite(of), share, np.nan)


def normal_scores(p: np.ndarray) -> np.ndarray:
    """Normal quantile of 1 − p, as if half of one's own rank were above; 0 of NaN, which says nothing either way."""
    from scipy.special import ndtri

    n = np.maximum(np.isfinite(p).sum(0), 1)
    middle = np.clip(p - 0.5 / n, 1e-9, 1 - 1e-9)
    return np.where(np.isfinite(p), -ndtri(middle), 0.0)


def cusum(scores: np.ndarray, allowance: float) -> np.ndarray:
    """Page's one-sided cumulative sum after each event, max(0, S + score − allowance); along the last axis.

    References
    ----------
    Page (1954), Continuous inspection schemes.
    """
    path = np.empty(scores.shape)
    total = np.zeros(scores.shape[:-1])
    for event in range(scores.shape[-1]):
        total = np.maximum(0.0, total + scores[..., event] - allowance)
        path[..., event] = total
    return path
