"""What an estimator says of rows as columns: estimate, limits, quantiles; and where the power of a site must lie."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from cblcast.abilities import AnswersAtOnce, GivesIntervals, GivesQuantiles, able
from cblcast.frames.schema import LOWER, PREDICTED, SITE, UPPER, DataWarning, quantile_column

STANDBY, RATED = "standby_kw", "rated_kw"
_NOTHING = 1e-6  # share of the span from standby to rated that counts as rounding


def distribution(estimator: Any, X: pd.DataFrame) -> dict[str, np.ndarray]:
    """``predicted_kw``, ``lower_kw``, ``upper_kw`` and, of what gives quantiles, ``q05_kw`` … [kW], each of shape (n_rows,)."""
    if able(estimator, GivesQuantiles):
        predicted, quantiles = estimator.predict_distribution(X)
        low, high = estimator.tails()
        told = {PREDICTED: predicted, LOWER: quantiles[:, low], UPPER: quantiles[:, high]}
        return told | {quantile_column(level): quantiles[:, k] for k, level in enumerate(estimator.levels)}
    if able(estimator, AnswersAtOnce):
        return dict(zip((PREDICTED, LOWER, UPPER), estimator.predict_with_limits(X).T, strict=True))
    predicted = np.asarray(estimator.predict(X), dtype=np.float64)
    limits = np.full((len(X), 2), np.nan)
    if able(estimator, GivesIntervals):
        limits = np.asarray(estimator.predict_interval(X), dtype=np.float64)
    return {PREDICTED: predicted, LOWER: limits[:, 0], UPPER: limits[:, 1]}


def with_standby(sites: pd.DataFrame, index: pd.MultiIndex, y: np.ndarray) -> pd.DataFrame:
    """The site table with ``standby_kw``, the lowest power that each site was metered at in training [kW].

    Parameters
    ----------
    sites : DataFrame, index site_id
    index : MultiIndex with a level site_id, shape (n_rows,)
    y : ndarray, shape (n_rows,)
        Metered power of its rows [kW].
    """
    lowest = pd.Series(y).groupby(index.get_level_values(SITE).to_numpy()).min()
    return sites.assign(**{STANDBY: lowest.reindex(sites.index).astype(np.float64)})


def within_rated(
    told: dict[str, np.ndarray], index: pd.MultiIndex, sites: pd.DataFrame, name: str
) -> dict[str, np.ndarray]:
    """Estimates, limits and quantiles set to standby or rated power where they lie beyond; how many estimates did is told.

    Parameters
    ----------
    told : dict
        As :func:`distribution` makes it.
    index : MultiIndex with a level site_id
    sites : DataFrame, index site_id
        ``standby_kw``, ``rated_kw`` [kW]; a site without has no such bound.
    name : str
        The method's.
    """
    code = sites.index.get_indexer(index.get_level_values(SITE))
    bounds = []
    for column, none in ((STANDBY, -np.inf), (RATED, np.inf)):
        own = sites[column].to_numpy(dtype=np.float64) if column in sites else np.full(len(sites), np.nan)
        bounds.append(np.where(code >= 0, np.where(np.isfinite(own), own, none)[code], none))
    low, high = bounds
    predicted = told[PREDICTED]
    slack = _NOTHING * np.where(np.isfinite(high - low), high - low, 1.0)
    beyond = (predicted < low - slack) | (predicted > high + slack)
    if beyond.any():
        below, above = int((predicted < low - slack).sum()), int((predicted > high + slack).sum())
        warnings.warn(
            f"{name}: {below} estimates lay below standby and {above} above rated power, of {len(predicted)} "
            f"({100 * beyond.mean():.1f} %); they are set to these",
            DataWarning,
            stacklevel=3,
        )
    return {column: np.clip(values, low, high) for column, values in told.items()}
