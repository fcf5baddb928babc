"""Is one forecast better than another, or is it luck: Diebold-Mariano and Giacomini-White. Losses in, statistic and p out.

A loss is anything of which less is better: a squared error, an absolute error, an income with its sign turned. Losses of
neighbouring times hang together, more so with the horizon: give a horizon, or sum losses over days first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Significance:
    """Outcome of a test of two forecasts.

    Attributes
    ----------
    difference : float
        Mean loss of the first minus that of the second; < 0: the first is better.
    statistic, p_value : float
        Two-sided; NaN where the losses do not differ at all.
    n : int
        Pairs of losses.
    """

    difference: float
    statistic: float
    p_value: float
    n: int


def diebold_mariano(
    loss_a: ArrayLike, loss_b: ArrayLike, *, horizon: int = 1, variance: str = "bartlett"
) -> Significance:
    """Equal accuracy, with the small-sample correction of Harvey, Leybourne and Newbold.

    Parameters
    ----------
    loss_a, loss_b : array_like, shape (n,)
        Losses of the two at the same times, in time.
    horizon : int
        Steps ahead: losses hang together over ``horizon − 1`` steps.
    variance : {"bartlett", "acf"}
        Weights of the autocovariances: falling (Newey and West), or one up to the horizon as in the original, which can turn
        negative and then gives NaN.

    Raises
    ------
    ValueError
        Losses of different length, NaN, fewer than the horizon.

    References
    ----------
    Diebold, Mariano (1995), Comparing predictive accuracy, equation 5 f.; Harvey, Leybourne, Newbold (1997), Testing the
    equality of prediction mean squared errors, equation 9.
    """
    from scipy.stats import t

    d = _differences(loss_a, loss_b, horizon)
    if variance not in ("bartlett", "acf"):
        raise ValueError(f"variance is 'bartlett' or 'acf', not {variance!r}")
    n, mean = len(d), float(d.mean())
    around = d - mean
    total = around @ around / n
    for lag in range(1, horizon):
        weight = 1 - lag / horizon if variance == "bartlett" else 1.0
        total += 2 * weight * (around[lag:] @ around[:-lag]) / n
    if not total > 0:
        return Significance(mean, float("nan"), float("nan"), n)
    correction = np.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    statistic = float(correction * mean / np.sqrt(total / n))
    return Significance(mean, statistic, float(2 * t.sf(abs(statistic), n - 1)), n)


def giacomini_white(loss_a: ArrayLike, loss_b: ArrayLike, *, horizon: int = 1) -> Significance:
    """Equal conditional predictive ability: can the last known difference of losses tell which one will be better?

    The instruments are a constant and the difference of losses `horizon` steps before. The sign of the statistic is that of
    the difference; its size is χ² with 2 degrees of freedom.

    References
    ----------
    Giacomini, White (2006), Tests of conditional predictive ability, Econometrica 74, theorem 1 and 3.
    """
    from scipy.stats import chi2

    d = _differences(loss_a, loss_b, horizon)
    later, earlier = d[horizon:], d[:-horizon]
    z = np.column_stack([later, later * earlier])
    n = len(z)
    mean = z.mean(axis=0)
    omega = z.T @ z / n
    for lag in range(1, horizon):
        gamma = z[lag:].T @ z[:-lag] / n
        omega += (1 - lag / horizon) * (gamma + gamma.T)
    if np.linalg.matrix_rank(omega) != 2:
        return Significance(float(d.mean()), float("nan"), float("nan"), n)
    size = float(n * mean @ np.linalg.solve(omega, mean))
    sign = -1.0 if d.mean() < 0 else 1.0
    return Significance(float(d.mean()), sign * size, float(chi2.sf(size, 2)), n)


def _differences(loss_a: ArrayLike, loss_b: ArrayLike, horizon: int) -> np.ndarray:
    a, b = np.asarray(loss_a, dtype=np.float64), np.asarray(loss_b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"losses have shapes {a.shape} and {b.shape}: give two series over the same times")
    if horizon < 1 or len(a) < horizon + 3:
        raise ValueError(f"{len(a)} losses are too few for a horizon of {horizon}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("losses hold NaN: leave those times out for both")
    return a - b
