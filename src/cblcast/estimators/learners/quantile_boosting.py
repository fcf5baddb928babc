"""Quantiles by gradient boosting, one model a level, sorted so that they cannot cross."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.estimators.learners.boosting import Boosting
from cblcast.frames.schema import StudyError


class QuantileBoosting(RegressorMixin, BaseEstimator):
    """Several quantiles by LightGBM; the estimate is the level nearest to the median, the limits are the outermost.

    Parameters
    ----------
    levels : sequence of float
        Ascending, in (0, 1).
    columns, categorical, monotone, n_estimators, learning_rate, num_leaves, min_child_samples, random_state, n_jobs
        As :class:`~cblcast.estimators.learners.boosting.Boosting`.

    Attributes
    ----------
    models_ : list of Boosting
        One for each level.

    Notes
    -----
    The limits are as good as the model; wrap it in ``ConformalQuantile`` for a coverage that holds.
    """

    def __init__(
        self,
        levels: Sequence[float] = (0.05, 0.5, 0.95),
        columns: Sequence[str] | None = None,
        categorical: Sequence[str] = (),
        monotone: Mapping[str, int] | None = None,
        n_estimators: int = 200,
        learning_rate: float = 0.05,
        num_leaves: int = 15,
        min_child_samples: int = 40,
        random_state: int = 0,
        n_jobs: int = 1,
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

    @classmethod
    def search_space(cls) -> dict[str, tuple[object, ...]]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "n_estimators": ("int", 50, 600, True),
            "learning_rate": ("float", 0.01, 0.2, True),
            "num_leaves": ("int", 7, 63, True),
            "min_child_samples": ("int", 10, 200, True),
        }

    def fit(self, X: Any, y: Any) -> Self:
        """Grow one model for each level."""
        levels = self._levels()
        shared = {name: value for name, value in self.get_params(deep=False).items() if name != "levels"}
        self.models_ = [Boosting("quantile", float(level), **shared).fit(X, y) for level in levels]
        self.n_features_in_ = self.models_[0].n_features_in_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The level nearest to the median, float64, shape (n_rows,)."""
        return self.predict_quantiles(X)[:, int(np.abs(self._levels() - 0.5).argmin())]

    def predict_interval(self, X: Any) -> np.ndarray:
        """The lowest and the highest level, float64, shape (n_rows, 2)."""
        return self.predict_quantiles(X)[:, [0, -1]]

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """All levels, ascending in every row, float64, shape (n_rows, n_levels)."""
        check_is_fitted(self, "models_")
        return np.sort(np.stack([model.predict(X) for model in self.models_], axis=1), axis=1)

    def _levels(self) -> np.ndarray:
        levels = np.asarray(self.levels, dtype=np.float64)
        if (
            levels.ndim != 1
            or len(levels) == 0
            or not ((levels > 0) & (levels < 1)).all()
            or (np.diff(levels) <= 0).any()
        ):
            raise StudyError(f"levels ascend and lie between 0 and 1, not {self.levels!r}")
        return levels

    def __sklearn_tags__(self) -> Any:
        """Missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
