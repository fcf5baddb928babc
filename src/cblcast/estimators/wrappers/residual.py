"""Learn only what a simple baseline gets wrong."""

from __future__ import annotations

import logging
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters, needed_features, needed_windows
from cblcast.checked.parameters import Inner
from cblcast.estimators.design import finite_target
from cblcast.estimators.named import with_column
from cblcast.estimators.wrappers.inner import (
    check_estimator,
    event_rows_of,
    fit_weighted,
    gives_interval,
)
from cblcast.frames.events import Window
from cblcast.frames.schema import DataError

logger = logging.getLogger(__name__)

BASELINE = "baseline_kw"


class Residual(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """A baseline plus what an estimator learns of its error.

    Parameters
    ----------
    estimator : estimator
        Is trained on y - baseline and sees the baseline as the column ``baseline_kw``.
    baseline : estimator
        Any rule, adjusted or not, or :class:`~cblcast.estimators.rules.column.Column`.

    Notes
    -----
    Rows without a baseline are left out of training and have no estimate (NaN), which the evaluation counts by name.
    Rows beside the event, which an adjusted baseline needs, teach nothing.
    """

    def __init__(self, estimator: Inner = None, baseline: Inner = None) -> None:
        self.estimator = estimator
        self.baseline = baseline

    def windows(self) -> tuple[Window, ...]:
        """Windows of both."""
        return needed_windows(self.baseline, self.estimator)

    def required_features(self) -> dict[str, dict[str, Any]]:
        """Builders of both."""
        return needed_features(self.baseline, self.estimator)

    def fit(self, X: pd.DataFrame, y: Any, sample_weight: np.ndarray | None = None) -> Self:
        """Fit the baseline, then the estimator on what it leaves."""
        check_parameters(self)
        check_estimator(self.estimator, self, "estimator")
        check_estimator(self.baseline, self, "baseline")
        target = finite_target(y, self)
        self.baseline_ = fit_weighted(clone(self.baseline), X, target, sample_weight)
        base = np.asarray(self.baseline_.predict(X), dtype=np.float64)
        inside = event_rows_of(X)
        usable = inside & np.isfinite(base)
        if not usable.any():
            raise DataError(
                f"{type(self).__name__} has nothing to learn: {type(self.baseline).__name__} gives no baseline for any "
                "training row; lengthen the look-back, or take events with days before them"
            )
        missing = int((inside & ~usable).sum())
        if missing:
            logger.info("%d of %d training rows have no baseline and are left out", missing, int(inside.sum()))
        self.n_features_in_ = X.shape[1]
        weight = None if sample_weight is None else np.asarray(sample_weight)[usable]
        rows = with_baseline(X[usable], base[usable])
        self.estimator_ = fit_weighted(clone(self.estimator), rows, target[usable] - base[usable], weight)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline plus learned correction [kW], float64, shape (n_rows,)."""
        base, usable = self._base(X)
        if usable.any():
            rows = X if usable.all() else X[usable]
            base[usable] += self.estimator_.predict(with_baseline(rows, base[usable]))
        return base

    @available_if(gives_interval)
    def predict_interval(self, X: pd.DataFrame) -> np.ndarray:
        """Limits of the correction added to the baseline [kW], float64, shape (n_rows, 2)."""
        base, usable = self._base(X)
        limits = np.full((len(X), 2), np.nan)
        if usable.any():
            limits[usable] = base[usable, None] + self.estimator_.predict_interval(
                with_baseline(X[usable], base[usable])
            )
        return limits

    def _base(self, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        check_is_fitted(self, "estimator_")
        base = np.array(self.baseline_.predict(X), dtype=np.float64)
        return base, np.isfinite(base)


def with_baseline(X: pd.DataFrame, base: np.ndarray) -> pd.DataFrame:
    """Rows with what the baseline says of them [kW]."""
    return with_column(X, BASELINE, base)
