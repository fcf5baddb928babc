"""The cap of a baseline at a contracted figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone

from cblcast.abilities import check_parameters, learns, needed_features, needed_windows
from cblcast.checked.parameters import Inner, Text
from cblcast.estimators.columns import take
from cblcast.estimators.wrappers.inner import ready
from cblcast.frames.events import Window
from cblcast.wishes import merge_wishes


class CappedAt(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """A baseline that never exceeds a figure of the site, such as its contracted capacity (Taipower).

    Parameters
    ----------
    estimator : estimator
    column : str
        Column of the sites frame [kW]; a site without a figure is not capped.
    """

    def __init__(self, estimator: Inner, column: Text = "contract_kw") -> None:
        self.estimator = estimator
        self.column = column

    def windows(self) -> tuple[Window, ...]:
        """Windows of the inner estimator."""
        return needed_windows(self.estimator)

    def required_features(self) -> dict[str, dict[str, Any]]:
        """Builders and parameters, those of the inner estimator included."""
        return merge_wishes(needed_features(self.estimator), {"given": {"site_columns": (self.column,)}})

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> CappedAt:
        """Fit the inner estimator; the cap has nothing to learn."""
        check_parameters(self)
        self.estimator_ = clone(self.estimator).fit(X, y)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Capped baseline [kW], float64, shape (n_rows,); NaN stays NaN."""
        cap = take(X, [self.column], self)[:, 0]
        predicted = np.asarray(ready(self).predict(X), dtype=np.float64)
        return np.where(np.isfinite(cap), np.minimum(predicted, cap), predicted)

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]
        """As a rule: a capped baseline need not score well on arbitrary data."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        tags.requires_fit = learns(self.estimator)
        return tags
