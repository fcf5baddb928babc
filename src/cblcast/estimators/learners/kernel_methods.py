"""Gaussian process and support vector regression: trained by scikit-learn, kept and evaluated as plain arrays."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Annotated, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Between, Names, NotNegative, Positive, Seed
from cblcast.estimators.design import column_names, finite_target, learn_design
from cblcast.estimators.ranges import FloatRange, SearchRange

logger = logging.getLogger(__name__)


def squared_distances(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances, shape (len(A), len(B))."""
    return np.maximum((A**2).sum(1)[:, None] + (B**2).sum(1) - 2 * A @ B.T, 0.0)


class GaussianProcess(RegressorMixin, BaseEstimator):
    """Gaussian process with a squared-exponential kernel and noise; hyperparameters by marginal likelihood.

    Parameters
    ----------
    columns : sequence of str, optional
        Columns to use; all unless given.
    one_hot : sequence of str
        Columns of categories.
    clip : float or None
        See :class:`~cblcast.estimators.design.Design`.
    max_rows : int
        Training costs the cube of the rows; more rows are thinned to this many at random, and their number is logged.
    tune_rows : int
        Rows on which the hyperparameters are found.
    random_state : int

    Attributes
    ----------
    rows_ : ndarray, shape (n, p)
        Standardised training rows.
    dual_coef_ : ndarray, shape (n,)
    length_scale_, signal_variance_, noise_variance_ : float
        Of the standardised columns and target.

    References
    ----------
    Rasmussen and Williams (2006), Gaussian processes for machine learning, algorithm 2.1.
    """

    def __init__(
        self,
        columns: Names | None = None,
        one_hot: Sequence[str] = ("day_of_week",),
        clip: Positive | None = 5.0,
        max_rows: Annotated[int, Between(2, 100_000)] = 2000,
        tune_rows: Annotated[int, Between(2, 10_000)] = 400,
        random_state: Seed = 0,
    ) -> None:
        self.columns = columns
        self.one_hot = one_hot
        self.clip = clip
        self.max_rows = max_rows
        self.tune_rows = tune_rows
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Find the hyperparameters and solve for the dual coefficients."""
        check_parameters(self)
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

        target = finite_target(y, self)
        self.n_features_in_ = len(column_names(X))
        self.design_ = learn_design(X, self, self.columns, self.one_hot, self.clip)
        matrix = self.design_.matrix(X, self)
        rng = np.random.default_rng(self.random_state)
        rows = _thin(len(target), self.max_rows, rng, self)
        matrix, target = matrix[rows], target[rows]
        self.offset_ = float(target.mean())
        self.spread_ = float(target.std()) or 1.0
        scaled = (target - self.offset_) / self.spread_
        few = _thin(len(scaled), self.tune_rows, rng, None)
        kernel = ConstantKernel(1.0, (1e-3, 1e3)) * RBF(np.sqrt(max(matrix.shape[1], 1)), (1e-1, 1e3)) + WhiteKernel(
            0.3, (1e-5, 1e1)
        )
        with warnings.catch_warnings():  # a hyperparameter on its bound is a finding, not a fault
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = GaussianProcessRegressor(kernel, random_state=self.random_state).fit(
                matrix[few] if matrix.shape[1] else np.zeros((len(few), 1)), scaled[few]
            )
        signal, noise = found.kernel_.k1, found.kernel_.k2
        self.signal_variance_ = float(signal.k1.constant_value)
        self.length_scale_ = float(signal.k2.length_scale)
        self.noise_variance_ = float(noise.noise_level)
        self.rows_ = matrix
        covariance = self._kernel(matrix) + (self.noise_variance_ + 1e-8) * np.eye(len(matrix))
        self.dual_coef_ = np.linalg.solve(covariance, scaled)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Posterior mean in the unit of y, float64, shape (n_rows,)."""
        check_is_fitted(self, "dual_coef_")
        matrix = self.design_.matrix(X, self)
        return self._kernel(matrix) @ self.dual_coef_ * self.spread_ + self.offset_

    def _kernel(self, matrix: np.ndarray) -> np.ndarray:
        return self.signal_variance_ * np.exp(-0.5 * squared_distances(matrix, self.rows_) / self.length_scale_**2)

    def __sklearn_tags__(self) -> Any:
        """Missing values are allowed: they take the training mean."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class SupportVector(RegressorMixin, BaseEstimator):
    """Support vector regression with a radial kernel, epsilon-insensitive loss.

    Parameters
    ----------
    c : float
        Penalty of errors, for a standardised target.
    epsilon : float
        Errors below it cost nothing, in standard deviations of the target.
    gamma : float, optional
        1 / (columns of the design matrix) unless given.
    columns, one_hot, clip, max_rows, random_state
        As :class:`GaussianProcess`.

    Attributes
    ----------
    support_, dual_coef_ : ndarray, shapes (n, p) and (n,)
    intercept_, gamma_ : float

    References
    ----------
    Smola and Schölkopf (2004), A tutorial on support vector regression.
    """

    def __init__(
        self,
        c: Positive = 1.0,
        epsilon: NotNegative = 0.1,
        gamma: Positive | None = None,
        columns: Names | None = None,
        one_hot: Sequence[str] = ("day_of_week",),
        clip: Positive | None = 5.0,
        max_rows: Annotated[int, Between(2, 100_000)] = 10_000,
        random_state: Seed = 0,
    ) -> None:
        self.c = c
        self.epsilon = epsilon
        self.gamma = gamma
        self.columns = columns
        self.one_hot = one_hot
        self.clip = clip
        self.max_rows = max_rows
        self.random_state = random_state

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "c": FloatRange(0.1, 100.0, log=True),
            "epsilon": FloatRange(0.01, 0.5, log=True),
            "gamma": FloatRange(0.001, 1.0, log=True),
        }

    def fit(self, X: Any, y: Any) -> Self:
        """Solve the dual problem."""
        check_parameters(self)
        from sklearn.svm import SVR

        target = finite_target(y, self)
        self.n_features_in_ = len(column_names(X))
        self.design_ = learn_design(X, self, self.columns, self.one_hot, self.clip)
        matrix = self.design_.matrix(X, self)
        rows = _thin(len(target), self.max_rows, np.random.default_rng(self.random_state), self)
        matrix, target = matrix[rows], target[rows]
        self.offset_ = float(target.mean())
        self.spread_ = float(target.std()) or 1.0
        self.gamma_ = 1.0 / max(matrix.shape[1], 1) if self.gamma is None else float(self.gamma)
        if matrix.shape[1] == 0:
            matrix = np.zeros((len(matrix), 1))  # no feature carries information: the machine learns a constant
        solved = SVR(C=self.c, epsilon=self.epsilon, gamma=self.gamma_).fit(
            matrix, (target - self.offset_) / self.spread_
        )
        self.support_ = solved.support_vectors_[:, : self.design_.width]
        self.dual_coef_ = solved.dual_coef_[0]
        self.intercept_ = float(solved.intercept_[0])
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Estimate in the unit of y, float64, shape (n_rows,)."""
        check_is_fitted(self, "dual_coef_")
        kernel = np.exp(-self.gamma_ * squared_distances(self.design_.matrix(X, self), self.support_))
        return (kernel @ self.dual_coef_ + self.intercept_) * self.spread_ + self.offset_

    def __sklearn_tags__(self) -> Any:
        """Missing values are allowed: they take the training mean."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _thin(count: int, most: int, rng: np.random.Generator, estimator: object | None) -> np.ndarray:
    """At most `most` of `count` rows, in order."""
    if count <= most:
        return np.arange(count)
    if estimator is not None:
        logger.info("%s: %d of %d rows are used for training", type(estimator).__name__, most, count)
    return np.sort(rng.choice(count, most, replace=False))
