"""Quantiles by gradient boosting, one model a level, sorted so that they cannot cross."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Inside, Jobs, LearningRate, Leaves, Names, QuantileLevels, Rows, Seed, Trees
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.quantiles import Levels, QuantileLearner
from cblcast.estimators.ranges import FloatRange, IntRange, SearchRange


class QuantileBoosting(QuantileLearner, RegressorMixin, BaseEstimator):
    """Several quantiles by LightGBM, one of which is the estimate and two are the limits.

    Parameters
    ----------
    levels : sequence of float
        Ascending, in (0, 1).
    columns, categorical, monotone, n_estimators, learning_rate, num_leaves, min_child_samples, random_state, n_jobs
        As :class:`~cblcast.estimators.learners.boosting.Boosting`.
    coverage : float or None
        Nominal coverage of the limits, which must be among the levels; None takes the levels nearest to 0.05 and 0.95.

    Attributes
    ----------
    models_ : list of Boosting
        One for each level.

    Notes
    -----
    The limits are as good as the model; wrap it in ``ConformalQuantile`` for a coverage that holds.
    """

    usual_coverage = 0.9

    def __init__(
        self,
        levels: QuantileLevels = (0.05, 0.5, 0.95),
        columns: Names | None = None,
        categorical: Sequence[str] = (),
        monotone: Mapping[str, int] | None = None,
        n_estimators: Trees = 200,
        learning_rate: LearningRate = 0.05,
        num_leaves: Leaves = 15,
        min_child_samples: Rows = 40,
        random_state: Seed = 0,
        n_jobs: Jobs = 1,
        coverage: Inside | None = None,
    ) -> None:
        self.levels = levels
        self.columns = columns
        self.categorical = categorical
        self.monotone = monotone
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_child_samples = min_child_samples
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.coverage = coverage

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "n_estimators": IntRange(50, 600, log=True),
            "learning_rate": FloatRange(0.01, 0.2, log=True),
            "num_leaves": IntRange(7, 63, log=True),
            "min_child_samples": IntRange(10, 200, log=True),
        }

    def fit(self, X: Any, y: Any) -> Self:
        """Grow one model for each level."""
        check_parameters(self)
        own = ("levels", "coverage")
        shared = {name: value for name, value in self.get_params(deep=False).items() if name not in own}
        self.models_ = [Boosting("quantile", level, **shared).fit(X, y) for level in Levels.of(self.levels).values]
        self.n_features_in_ = self.models_[0].n_features_in_
        return self

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """All levels, ascending in every row, float64, shape (n_rows, n_levels)."""
        check_is_fitted(self, "models_")
        return np.sort(np.stack([model.predict(X) for model in self.models_], axis=1), axis=1)

    def __sklearn_tags__(self) -> Any:
        """Missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
