"""A rule: an estimator that reads its answer off the features and has nothing to learn."""

from __future__ import annotations

from typing import Any, Self

import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin

from cblcast.abilities import check_parameters


class Rule(RegressorMixin, BaseEstimator):
    """Base of the historical baselines: `fit` checks the parameters, `predict` is a function of the features alone."""

    def check(self) -> None:
        """Raise :class:`~cblcast.frames.schema.StudyError` for parameters that make no rule."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Check the rule; there is nothing to learn."""
        check_parameters(self)
        return self

    def __sklearn_tags__(self) -> Any:
        """A rule ignores y, so scikit-learn must not expect a good score of it, nor a fit before its prediction."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        tags.requires_fit = False
        return tags
