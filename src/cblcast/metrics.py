"""Error measures: arrays in, a float out. Power in kW; e = predicted − observed, so a positive bias OVERESTIMATES.

Every measure ignores nothing: NaN in is NaN out. Rows that could not be estimated are counted by the caller, not
dropped here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

# Unit of each measure, as a suffix of a name; of one that is not here (a plug-in's) nobody knows it.
UNITS = {
    "bias": "kw",
    "mpe": "pct",
    "mape": "pct",
    "wape": "pct",
    "mape_textbook": "pct",
    "mae": "kw",
    "rmse": "kw",
    "nrmse": "pct",
    "rrmse": "pct",
    "skill": "pct",
    "coverage": "pct",
    "interval_width": "pct",
}


def _pair(observed: ArrayLike, predicted: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    y, p = np.asarray(observed, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if y.shape != p.shape:
        raise ValueError(f"observed has shape {y.shape} and predicted {p.shape}: they must be alike")
    if y.size == 0:
        raise ValueError("no values to judge: observed and predicted are empty")
    return y, p


def _per(value: float, scale: float) -> float:
    return float(value / scale) if scale != 0 else float("nan")


def bias(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Mean error [kW]; > 0 overestimates."""
    y, p = _pair(observed, predicted)
    return float((p - y).mean())


def mpe(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Mean percent error [%]: 100 · mean(ŷ − y) / |ȳ|; **> 0 means the baseline overestimates**.

    Equation 4 of the baseline paper prints y − ŷ, but its prose and table 3 (High3of5 +8.79 is the largest, Low3of5
    +0.61 the smallest) are only possible with ŷ − y.
    """
    y, p = _pair(observed, predicted)
    return 100 * _per((p - y).mean(), abs(y.mean()))


def mape(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error over mean load [%]: 100 · mean|ŷ − y| / |ȳ| (baseline paper, equation 5).

    The paper calls it MAPE; elsewhere it is the WAPE (:data:`wape` is the same function). The textbook measure, which
    divides by each observation, is :func:`mape_textbook`.
    """
    y, p = _pair(observed, predicted)
    return 100 * _per(np.abs(p - y).mean(), abs(y.mean()))


wape = mape


def mape_textbook(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute percentage error [%]: 100 · mean(|ŷ − y| / |y|); infinite where a load is zero."""
    y, p = _pair(observed, predicted)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(100 * (np.abs(p - y) / np.abs(y)).mean())


def mae(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error [kW]."""
    y, p = _pair(observed, predicted)
    return float(np.abs(p - y).mean())


def rmse(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean squared error [kW]."""
    y, p = _pair(observed, predicted)
    return float(np.sqrt(((p - y) ** 2).mean()))


def nrmse(observed: ArrayLike, predicted: ArrayLike, scale: float | None = None) -> float:
    """Root mean squared error over `scale` [%].

    Parameters
    ----------
    scale : float, optional
        [kW]; the mean of the observed load unless given (baseline paper, equation 5). For a farm give its rated power
        (wind paper, equation 6).
    """
    y, p = _pair(observed, predicted)
    return 100 * _per(rmse(y, p), abs(y.mean()) if scale is None else scale)


def rrmse(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Relative RMSE [%], the certification measure of PJM, AEMO and KPX: RMSE over the mean load, always."""
    return nrmse(observed, predicted)


def skill(observed: ArrayLike, predicted: ArrayLike, reference: ArrayLike) -> float:
    """Skill against a reference [%]: 100 · (1 − RMSE / RMSE of the reference); > 0 is better than the reference."""
    return 100 * (1 - _per(rmse(observed, predicted), rmse(observed, reference)))


def rmae(observed: ArrayLike, predicted: ArrayLike, reference: ArrayLike) -> float:
    """Relative mean absolute error: MAE over the MAE of a reference forecast; < 1 is better than the reference.

    In price forecasting the reference is the naive forecast (Lago et al. 2021, Applied Energy 293, equation 8); in a nowcast it
    is persistence.
    """
    return _per(mae(observed, predicted), mae(observed, reference))


def pinball(observed: ArrayLike, predicted: ArrayLike, quantile: float) -> float:
    """Mean pinball loss of a quantile forecast, in the unit of the observations."""
    y, p = _pair(observed, predicted)
    e = y - p
    return float(np.maximum(quantile * e, (quantile - 1) * e).mean())


def coverage(observed: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Share of observations within [lower, upper] [%]."""
    y, low = _pair(observed, lower)
    _, high = _pair(observed, upper)
    return float(100 * ((y >= low) & (y <= high)).mean())


def interval_width(observed: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Mean width of the interval over the mean load [%]."""
    y, low = _pair(observed, lower)
    return 100 * _per((np.asarray(upper, dtype=np.float64) - low).mean(), abs(y.mean()))


def crps_from_quantiles(observed: ArrayLike, quantiles: ArrayLike, levels: ArrayLike) -> float:
    """Continuous ranked probability score from a set of quantiles: twice the mean pinball loss over the levels.

    Parameters
    ----------
    observed : array_like, shape (n,)
    quantiles : array_like, shape (n, k)
    levels : array_like, shape (k,)
        Evenly spaced in (0, 1).
    """
    q = np.asarray(quantiles, dtype=np.float64)
    return float(2 * np.mean([pinball(observed, q[:, k], level) for k, level in enumerate(np.asarray(levels))]))
