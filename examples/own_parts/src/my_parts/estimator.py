"""An estimator of one's own: plain scikit-learn, state in arrays and numbers, so that it is saved without pickle."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast import registry
from cblcast.estimators.columns import numbered, take


@registry.ESTIMATORS.register
class DampedMean(RegressorMixin, BaseEstimator):
    """The mean of the newest reference days, damped by what it got wrong in training.

    Parameters
    ----------
    days : int
        How many reference days.
    """

    def __init__(self, days: int = 5) -> None:
        self.days = days

    def required_features(self) -> dict[str, dict[str, object]]:
        """Reference days, by the name of their builder."""
        return {"reference_days": {"days": self.days}}

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Learn one factor; what is learned ends in an underscore."""
        mean = self._mean(X)
        known = np.isfinite(mean) & np.isfinite(y)
        self.factor_ = float((mean[known] * np.asarray(y)[known]).sum() / max((mean[known] ** 2).sum(), 1e-9))
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,); NaN without a reference day."""
        check_is_fitted(self, "factor_")
        return self.factor_ * self._mean(X)

    def _mean(self, X: pd.DataFrame) -> np.ndarray:
        load = take(X, numbered("ref", "kw", self.days), self)  # a column that is missing is named with its builder
        known = np.isfinite(load)
        count = known.sum(1)
        return np.where(count > 0, np.where(known, load, 0.0).sum(1) / np.maximum(count, 1), np.nan)
