"""Error measures: arrays in, a float out. Power in kW; e = predicted − observed, so a positive bias OVERESTIMATES.

Every measure ignores nothing: NaN in is NaN out. Rows that could not be estimated are counted by the caller, not
dropped here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


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


def cvrmse(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Coefficient of variation of the RMSE, a share and no percentage: RMSE over the mean load, with n and not n − p.

    The name by which measurement and verification knows nRMSE (ASHRAE Guideline 14, section 4.2.11, divides by n − p for the
    parameters of a regression; rules have none).
    """
    return nrmse(observed, predicted) / 100


def nmbe(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Normalised mean bias error, a share and no percentage: the mean error over the mean load; > 0 overestimates.

    ASHRAE Guideline 14 prints observed − predicted; the sign here is that of every measure of this module.
    """
    return mpe(observed, predicted) / 100


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


def mean_pinball(observed: ArrayLike, quantiles: ArrayLike, levels: ArrayLike) -> float:
    """Mean pinball loss over a set of quantiles, in the unit of the observations; arguments as :func:`crps_from_quantiles`."""
    q = np.asarray(quantiles, dtype=np.float64)
    return float(np.mean([pinball(observed, q[:, k], level) for k, level in enumerate(np.asarray(levels))]))


def coverage(observed: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Share of observations between ``lower`` and ``upper``, both inclusive [%]."""
    y, low = _pair(observed, lower)
    _, high = _pair(observed, upper)
    return float(100 * ((y >= low) & (y <= high)).mean())


def interval_width(observed: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Mean width of the interval over the mean load [%]."""
    y, low = _pair(observed, lower)
    return 100 * _per((np.asarray(upper, dtype=np.float64) - low).mean(), abs(y.mean()))


def crps_from_quantiles(observed: ArrayLike, quantiles: ArrayLike, levels: ArrayLike) -> float:
    """Continuous ranked probability score from a set of quantiles, in the unit of the observations.

    Twice the mean pinball loss over the levels, each weighted by the share of (0, 1) that is nearest to it among them (Gneiting
    and Ranjan 2011, Journal of Business & Economic Statistics 29, equation 12); evenly spaced levels weigh alike. What lies
    beyond the outermost levels is left out.

    Parameters
    ----------
    observed : array_like, shape (n,)
    quantiles : array_like, shape (n, k)
    levels : array_like, shape (k,)
        Ascending in (0, 1).
    """
    q, at = np.asarray(quantiles, dtype=np.float64), np.asarray(levels, dtype=np.float64)
    loss = [pinball(observed, q[:, k], level) for k, level in enumerate(at)]
    gap = np.diff(at) if len(at) > 1 else np.ones(1)
    weight = (np.r_[gap[0], gap] + np.r_[gap, gap[-1]]) / 2 if len(at) > 1 else gap
    return float(2 * np.average(loss, weights=weight))


# What a measure is told in; cvrmse and nmbe are plain ratios.
UNITS = {
    **dict.fromkeys(("bias", "mae", "rmse", "crps", "pinball"), "kw"),
    **dict.fromkeys(
        ("mpe", "mape", "wape", "mape_textbook", "nrmse", "rrmse", "skill", "coverage", "interval_width"),
        "pct",
    ),
}

SIGNED = frozenset(("bias", "mpe", "nmbe"))  # best at zero
LARGEST = frozenset(("skill",))  # best at their largest


def from_best(measure: str, values: ArrayLike, nominal_pct: ArrayLike = 90.0) -> np.ndarray:
    """How far values of a measure are from where it is best, shape of `values`; what ranks methods.

    Parameters
    ----------
    measure : str
        An error is best at its smallest, `bias`, `mpe` and `nmbe` at zero, `skill` at its largest, `coverage` at what was
        asked for; a measure of one's own is taken for an error.
    values : array_like
    nominal_pct : array_like
        The coverage that was asked for [%].

    Examples
    --------
    >>> from_best("mpe", [-3.0, 1.0]).tolist(), from_best("coverage", [80.0, 92.0]).tolist()
    ([3.0, 1.0], [10.0, 2.0])
    """
    found = np.asarray(values, dtype=np.float64)
    if measure == "coverage":
        return np.abs(found - np.asarray(nominal_pct, dtype=np.float64))
    if measure in SIGNED:
        return np.abs(found)
    return -found if measure in LARGEST else found


def best_in_words(measure: str, words: str) -> str:
    """What the best method has: ``smallest nRMSE``, ``MPE nearest zero``; `words` is how the measure is called."""
    if measure == "coverage":
        return f"{words} nearest what was asked for"
    return (
        f"{words} nearest zero" if measure in SIGNED else f"{'largest' if measure in LARGEST else 'smallest'} {words}"
    )
