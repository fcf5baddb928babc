"""Gradient boosting with LightGBM: a point estimate, or several quantiles of one distribution."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import (
    Between,
    Inside,
    Jobs,
    LearningRate,
    Leaves,
    Names,
    NotNegative,
    Rows,
    Seed,
    ShareAboveZero,
    Some,
    Trees,
)
from cblcast.estimators.design import column_names, columns_of, finite_target, row_weights, some_columns_of
from cblcast.estimators.ranges import FloatRange, IntRange, SearchRange
from cblcast.frames.schema import DataError, StudyError, nearest

logger = logging.getLogger(__name__)

WIDE = 128  # columns
OBJECTIVES = ("l2", "l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie")


def _constant_leaves(boosting: Boosting) -> bool:
    """LightGBM's exact SHAP values are those of constant leaves; permutation explains the others."""
    return not boosting.linear


class Boosting(RegressorMixin, BaseEstimator):
    """Gradient-boosted trees (LightGBM). Missing values need no filling.

    Parameters
    ----------
    objective : str
        ``l2``, ``huber`` (its threshold is `alpha`, in the unit of y), ``l1``, ``fair``, ``poisson``, ``gamma``,
        ``tweedie``, ``mape``, or ``quantile`` (of level `alpha`).
    alpha : float
    columns : sequence of str, optional
        Columns to use; all unless given.
    categorical : sequence of str
        Columns of categories (whole numbers >= 0). A category never seen in training goes the way of the rest, as
        LightGBM documents.
    monotone : mapping column -> 1 or -1
        The estimate may only rise (1) or fall (-1) with the column.
    n_estimators, learning_rate, num_leaves, min_child_samples, subsample, colsample_bytree, reg_lambda, extra_trees, max_bin
        As in LightGBM.
    linear : bool
        Leaves hold linear functions of the columns that lead to them, not constants (Shi et al. 2019): fewer and smaller
        trees where the target follows its columns smoothly. Columns are held within the range they had in training, since
        a line goes on without end; where a column of a leaf is missing, its constant is taken. Of ``l2`` only.
    linear_lambda : float
        Ridge of the leaves' coefficients, as in LightGBM.
    seeds : int
        Models with different seeds that are averaged.
    random_state : int
    n_jobs : int
        Threads.

    Attributes
    ----------
    model_text_ : list of str
        LightGBM's own text, one for each seed; the boosters are rebuilt from it when first needed.

    References
    ----------
    Ke et al. (2017), LightGBM: a highly efficient gradient boosting decision tree; Shi et al. (2019), Gradient boosting with
    piece-wise linear regression trees, IJCAI.
    """

    def __init__(
        self,
        objective: str = "l2",
        alpha: Inside = 0.9,
        columns: Names | None = None,
        categorical: Sequence[str] = (),
        monotone: Mapping[str, int] | None = None,
        n_estimators: Trees = 200,
        learning_rate: LearningRate = 0.05,
        num_leaves: Leaves = 31,
        min_child_samples: Rows = 40,
        subsample: ShareAboveZero = 0.7,
        colsample_bytree: ShareAboveZero = 0.5,
        reg_lambda: NotNegative = 5.0,
        extra_trees: bool = False,
        max_bin: Annotated[int, Between(2, 65_535)] = 127,
        linear: bool = False,
        linear_lambda: NotNegative = 10.0,
        seeds: Some = 1,
        random_state: Seed = 0,
        n_jobs: Jobs = 1,
    ) -> None:
        self.objective = objective
        self.alpha = alpha
        self.columns = columns
        self.categorical = categorical
        self.monotone = monotone
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_child_samples = min_child_samples
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.reg_lambda = reg_lambda
        self.extra_trees = extra_trees
        self.max_bin = max_bin
        self.linear = linear
        self.linear_lambda = linear_lambda
        self.seeds = seeds
        self.random_state = random_state
        self.n_jobs = n_jobs

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "n_estimators": IntRange(50, 1000, log=True),
            "learning_rate": FloatRange(0.01, 0.2, log=True),
            "num_leaves": IntRange(7, 63, log=True),
            "min_child_samples": IntRange(10, 200, log=True),
            "subsample": FloatRange(0.5, 1.0),
            "colsample_bytree": FloatRange(0.2, 1.0),
            "reg_lambda": FloatRange(0.1, 50.0, log=True),
        }

    def fit(self, X: Any, y: Any, sample_weight: np.ndarray | None = None) -> Self:
        """Grow the trees; fewer rows than two leaves need leave the mean."""
        check_parameters(self)
        target = finite_target(y, self)
        self.feature_names_ = column_names(X) if self.columns is None else list(self.columns)
        values = some_columns_of(X, self.feature_names_, self)
        if len(values) == 0:
            raise DataError(f"{type(self).__name__} has no training rows: check the events and their metered hours")
        self.n_features_in_ = len(column_names(X))
        empty = [name for name, there in zip(self.feature_names_, np.isfinite(values).any(0), strict=True) if not there]
        if empty:
            logger.info("%s: %d features are all missing in training: %s", type(self).__name__, len(empty), empty[:10])
        if self.linear:
            self.low_, self.high_ = np.fmin.reduce(values), np.fmax.reduce(values)
        return self.grow(values, target, row_weights(sample_weight, len(target), self))

    def grow(self, values: Any, target: np.ndarray, weight: np.ndarray) -> Self:
        """Grow the trees once the names of the features are known.

        Parameters
        ----------
        values : ndarray, shape (n_rows, n_columns), or lightgbm.Sequence of as many rows
            The columns, in their order.
        target, weight : ndarray, shape (n_rows,)
        """
        import lightgbm

        if self.subsample * len(target) < 1:
            raise StudyError(
                f"{type(self).__name__}: subsample={self.subsample:g} leaves none of {len(target)} rows for a tree: raise it"
            )
        params = self._parameters()
        categorical = [self._place(name, "categorical") for name in self.categorical]
        data = lightgbm.Dataset(
            values,
            target,
            weight=weight / weight.mean(),
            categorical_feature=categorical,
            params=params,
            free_raw_data=False,
        )
        self.model_text_ = [
            lightgbm.train({**params, "seed": self.random_state + seed}, data, self.n_estimators).model_to_string()
            for seed in range(max(1, self.seeds))
        ]
        self.__dict__.pop("_boosters", None)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Estimate in the unit of y, float64, shape (n_rows,)."""
        values = self._values(X)
        if len(values) == 0:
            return np.zeros(0)
        return np.mean([booster.predict(values, num_threads=self.n_jobs) for booster in self.boosters()], axis=0)

    @available_if(_constant_leaves)
    def contributions(self, X: Any) -> pd.DataFrame:
        """SHAP values by LightGBM's own exact algorithm, in the unit of y; the last column is the mean ``expected``."""
        values = self._values(X)
        shares = [booster.predict(values, pred_contrib=True, num_threads=self.n_jobs) for booster in self.boosters()]
        index = X.index if isinstance(X, pd.DataFrame) else None
        return pd.DataFrame(np.mean(shares, axis=0), index=index, columns=[*self.feature_names_, "expected"])

    def importance(self) -> pd.Series:
        """Total gain of each feature, as a share of all, largest first."""
        gain = np.sum([booster.feature_importance("gain") for booster in self.boosters()], axis=0)
        return pd.Series(gain / max(gain.sum(), 1e-300), index=self.feature_names_).sort_values(ascending=False)

    def boosters(self) -> list[Any]:
        """The LightGBM boosters, rebuilt from their text once."""
        import lightgbm

        check_is_fitted(self, "model_text_")
        if "_boosters" not in self.__dict__:
            self._boosters = [lightgbm.Booster(model_str=text) for text in self.model_text_]
        return self._boosters

    def __getstate__(self) -> dict[str, Any]:
        """Without the boosters, which are rebuilt."""
        return {key: value for key, value in super().__getstate__().items() if key != "_boosters"}

    def _values(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_text_")
        values = columns_of(X, self.feature_names_, self)
        return np.clip(values, self.low_, self.high_) if self.linear else values

    def _parameters(self) -> dict[str, Any]:
        if self.objective not in OBJECTIVES:
            raise StudyError(f"unknown objective {self.objective!r}: {nearest(self.objective, OBJECTIVES)}")
        if self.linear and (self.objective != "l2" or self.monotone):
            raise StudyError(
                f"linear leaves are fitted for the objective l2 without monotone columns, not {self.objective!r}: set linear: false"
            )
        params = {
            "objective": self.objective,
            "alpha": self.alpha,
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_child_samples,
            "bagging_fraction": self.subsample,
            "bagging_freq": int(self.subsample < 1),
            "feature_fraction": self.colsample_bytree,
            "lambda_l2": self.reg_lambda,
            "extra_trees": self.extra_trees,
            "max_bin": self.max_bin,
            "linear_tree": self.linear,
            "linear_lambda": self.linear_lambda,
            "num_threads": self.n_jobs,
            "deterministic": True,
            # The same trees either way; of many columns a histogram a column is the quicker.
            "force_col_wise" if len(self.feature_names_) >= WIDE else "force_row_wise": True,
            "verbosity": -1,
        }
        if self.monotone:
            direction = dict.fromkeys(self.feature_names_, 0)
            for name, sign in self.monotone.items():
                if sign not in (-1, 0, 1):
                    raise StudyError(f"monotone[{name!r}] is 1 (rising) or -1 (falling), not {sign!r}")
                self._place(name, "monotone")
                direction[name] = sign
            params["monotone_constraints"] = list(direction.values())
        return params

    def _place(self, name: str, option: str) -> int:
        if name not in self.feature_names_:
            raise StudyError(f"{option} names the column {name!r}: {nearest(name, self.feature_names_)}")
        return self.feature_names_.index(name)

    def __sklearn_tags__(self) -> Any:
        """Missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
