"""An estimator that was trained elsewhere and stays as it is, wherever a study would train it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from cblcast.abilities import needed_features, needed_windows
from cblcast.checked.parameters import Inner
from cblcast.estimators.wrappers.inner import (
    answers_at_once,
    check_estimator,
    combines_members,
    gives_interval,
    gives_members,
)
from cblcast.frames.events import Window
from cblcast.wishes import merge_wishes


class AsTrained(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """A trained estimator as a method of a study, or inside another estimator: `fit` leaves it untouched.

    Parameters
    ----------
    estimator : estimator
        Trained. A copy by scikit-learn's ``clone`` holds what was learned too.
    features : mapping name -> params, optional
        Builders it was trained with beside those that it names itself.
    """

    def __init__(self, estimator: Inner = None, features: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.estimator = estimator
        self.features = features

    def __sklearn_clone__(self) -> AsTrained:
        """A clone is trained as well: cloning forgets what was learned everywhere else."""
        return AsTrained(copy.deepcopy(self.estimator), self.features)

    def windows(self) -> tuple[Window, ...]:
        """Windows of the trained estimator."""
        return needed_windows(self.estimator)

    def required_features(self) -> dict[str, dict[str, Any]]:
        """Builders of the trained estimator, as it was trained."""
        given = {name: dict(params) for name, params in (self.features or {}).items()}
        return merge_wishes(given, needed_features(self.estimator))

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn nothing."""
        check_estimator(self.estimator, self, "estimator")
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of the trained estimator [kW], float64, shape (n_rows,)."""
        return np.asarray(self.estimator.predict(X), dtype=np.float64)

    @available_if(gives_interval)
    def predict_interval(self, X: pd.DataFrame) -> np.ndarray:
        """Limits of the trained estimator [kW], float64, shape (n_rows, 2)."""
        return np.asarray(self.estimator.predict_interval(X), dtype=np.float64)

    @available_if(answers_at_once)
    def predict_with_limits(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate, lower and upper limit of the trained estimator [kW], float64, shape (n_rows, 3)."""
        return np.asarray(self.estimator.predict_with_limits(X), dtype=np.float64)

    @available_if(gives_members)
    def predict_members(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of each member of the trained estimator [kW], float64, shape (n_rows, n_members)."""
        return np.asarray(self.estimator.predict_members(X), dtype=np.float64)

    @available_if(combines_members)
    def combined(self, members: np.ndarray) -> np.ndarray:
        """One estimate of those of the members, as the trained estimator makes it [kW], float64, shape (n_rows,)."""
        return np.asarray(self.estimator.combined(members), dtype=np.float64)

    @property
    def member_names(self) -> tuple[str, ...]:
        """Members of the trained estimator, none where it is no mean of several."""
        return tuple(getattr(self.estimator, "member_names", ()))

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]
        """Nothing has to be fitted."""
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags
