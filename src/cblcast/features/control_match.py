"""How a treated site is matched to customers who are not dispatched: load shapes, clusters and synthetic weights."""

from __future__ import annotations

import numpy as np

from cblcast.frames.known import known_mean


def load_shape(history_kw: np.ndarray, min_metered_share: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Mean day of each site per unit of its mean load, and that mean.

    Parameters
    ----------
    history_kw : ndarray, shape (n_sites, n_days, n_slots)
        NaN where not metered.
    min_metered_share : float
        Sites with less of their history metered have no shape.

    Returns
    -------
    shape : ndarray, shape (n_sites, n_slots)
        Mean 1; NaN where a site has no shape.
    level_kw : ndarray, shape (n_sites,)
        Mean load [kW]; NaN where it is not above zero, for nothing can be put per unit of it.
    """
    seen = np.isfinite(history_kw)
    profile = known_mean(np.swapaxes(history_kw, 1, 2))
    level = profile.mean(1)
    metered = seen.sum((1, 2)) >= min_metered_share * max(1, seen[:1].size)
    level = np.where((level > 0) & metered, level, np.nan)
    return profile / level[:, None], level


def shape_gap(shape: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Root mean square difference of per-unit shapes, (n, n_slots) and (m, n_slots) -> (n, m)."""
    square = (shape**2).mean(1)[:, None] + (others**2).mean(1)[None, :] - 2 * shape @ others.T / shape.shape[1]
    return np.sqrt(np.maximum(square, 0.0))


def cluster_shapes(shape: np.ndarray, clusters: int, iterations: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """k-means of load shapes, without chance: the first centres are the shape nearest the mean, then the farthest.

    Parameters
    ----------
    shape : ndarray, shape (n, n_slots)
        Finite.
    clusters : int
        At most n are made.

    Returns
    -------
    label : ndarray of int, shape (n,)
    centre : ndarray, shape (k, n_slots)
    """
    chosen = [int(shape_gap(shape, shape.mean(0, keepdims=True))[:, 0].argmin())]
    while len(chosen) < min(clusters, len(shape)):
        chosen.append(int(shape_gap(shape, shape[chosen]).min(1).argmax()))
    centre = shape[chosen].copy()
    label = np.full(len(shape), -1)
    for _ in range(iterations):
        nearest = shape_gap(shape, centre).argmin(1)
        if (nearest == label).all():
            break
        label = nearest
        for k in np.unique(label):  # a centre that lost all its members stays where it is
            centre[k] = shape[label == k].mean(0)
    return label, centre


def synthetic_weights(target: np.ndarray, donors: np.ndarray, shrink: float) -> np.ndarray:
    """Weights >= 0 with sum 1 whose combination of donors is nearest the target (synthetic control).

    Minimises ``mean((target - donors @ w)²) + shrink · v · |w - 1/k|²`` with v the mean square of the donors; the
    penalty draws the weights of noisy donors to their plain mean.

    Parameters
    ----------
    target : ndarray, shape (n,)
    donors : ndarray, shape (n, k)
        Both before the event; rows with a NaN are left out.
    shrink : float
        > 0.

    Returns
    -------
    ndarray, shape (k,)

    References
    ----------
    Abadie, Diamond, Hainmueller (2010), Synthetic control methods for comparative case studies, section 2.3;
    Abadie, L'Hour (2021), A penalized synthetic control estimator.
    """
    from scipy.optimize import nnls

    k = donors.shape[1]
    use = np.isfinite(target) & np.isfinite(donors).all(1)
    if use.sum() < 2:
        return np.full(k, 1.0 / k)
    A, b = donors[use], target[use]
    gram, right = A.T @ A / len(b), A.T @ b / len(b)
    size = max(float(np.trace(gram)) / k, 1e-12)
    gram, right = gram / size + shrink * np.eye(k), right / size + shrink / k
    # One heavy row makes the sum 1 up to 1e-6; what is left is normalised away.
    root = np.linalg.cholesky(gram).T
    heavy = 1e3
    weights, _ = nnls(np.vstack([root, np.full(k, heavy)]), np.r_[np.linalg.solve(root.T, right), heavy])
    return weights / weights.sum()
