"""Quantiles for any nowcast: how far it was off, by lead and by the power it promised."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters, needed_features
from cblcast.checked.parameters import Folds, Inner, Inside, Number, QuantileLevels, Some
from cblcast.estimators.leads import minutes_ahead, refuse_untrained
from cblcast.estimators.quantiles import Levels, QuantileLearner
from cblcast.estimators.wrappers.inner import check_estimator
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.schema import ORIGIN, DataError

_WEEK_US = 7 * DAY_US
_FEWEST = 100  # errors a lead needs, so that a tenth of them says something of its tails


class LeadIntervals(QuantileLearner, MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """An estimator with quantiles of its out-of-sample errors, by lead and estimated power.

    The error of a nowcast is small and one-sided near no wind and near rated power, large in between, and grows with the
    lead. `fit` leaves out every `folds`-th week in turn, trains a clone on the rest, and keeps the quantiles of the errors
    in bins of estimated power, straight lines between the bins' centres; then it trains on all.

    Parameters
    ----------
    estimator : estimator
    levels : sequence of float
        Quantiles that are kept, ascending, in (0, 1).
    folds : int
        Weeks number 0, `folds`, 2 `folds` … are left out together, and so on.
    bins : int
        Bins of estimated power with equally many errors.
    floor, ceiling : float or None
        Bounds of every quantile [kW], e.g. the rated power.
    coverage : float or None
        Nominal coverage of the limits, which must be among the levels; None takes the levels nearest to 0.1 and 0.9.

    Attributes
    ----------
    leads_ : list of int
    centres_ : ndarray (n_leads, bins)
        Mean estimated power of each bin [kW].
    errors_ : ndarray (n_leads, bins, n_levels)
        Quantiles of observed minus estimated power [kW].
    """

    def __init__(
        self,
        estimator: Inner = None,
        levels: QuantileLevels = (0.1, 0.5, 0.9),
        folds: Folds = 3,
        bins: Some = 12,
        floor: Number | None = None,
        ceiling: Number | None = None,
        coverage: Inside | None = None,
    ) -> None:
        self.estimator = estimator
        self.levels = levels
        self.folds = folds
        self.bins = bins
        self.floor = floor
        self.ceiling = ceiling
        self.coverage = coverage

    def required_features(self) -> dict[str, dict[str, object]]:
        """What the inner estimator needs."""
        return needed_features(self.estimator)

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn the errors out of sample, then train on all.

        Raises
        ------
        DataError
            Fewer weeks than folds, or too few errors at a lead.
        StudyError
            Levels that do not ascend between 0 and 1.
        """
        check_parameters(self)
        levels = np.array(Levels.of(self.levels).values)
        check_estimator(self.estimator, self, "estimator")
        y = np.asarray(y, dtype=np.float64)
        ahead = minutes_ahead(X)
        fold = microseconds(X.index.get_level_values(ORIGIN)) // _WEEK_US % self.folds
        if self.folds < 2 or len(np.unique(fold)) < self.folds:
            raise DataError(f"LeadIntervals needs folds >= 2 and as many weeks of training, got folds={self.folds}")
        predicted = np.full(len(y), np.nan)
        for number in range(self.folds):
            held = fold == number
            predicted[held] = clone(self.estimator).fit(X[~held], y[~held]).predict(X[held])
        self.leads_ = [int(lead) for lead in np.unique(ahead)]
        found = [
            self._errors(y[rows], predicted[rows], levels, lead) for lead in self.leads_ for rows in [ahead == lead]
        ]
        self.centres_, self.errors_ = np.stack([f[0] for f in found]), np.stack([f[1] for f in found])
        self.estimator_ = clone(self.estimator).fit(X, y)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of the inner estimator [kW], float64, shape (n_rows,)."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.predict(X), dtype=np.float64)

    def predict_quantiles(self, X: pd.DataFrame) -> np.ndarray:
        """All levels, ascending in every row [kW], float64, shape (n_rows, n_levels)."""
        predicted, ahead = self.predict(X), minutes_ahead(X)
        refuse_untrained(ahead, self.leads_)
        found = np.full((len(X), self.errors_.shape[2]), np.nan)
        for number, lead in enumerate(self.leads_):
            rows = np.flatnonzero(ahead == lead)
            for level in range(found.shape[1]):
                error = np.interp(predicted[rows], self.centres_[number], self.errors_[number, :, level])
                found[rows, level] = np.where(np.isfinite(predicted[rows]), predicted[rows] + error, np.nan)
        low, high = -np.inf if self.floor is None else self.floor, np.inf if self.ceiling is None else self.ceiling
        return np.sort(np.clip(found, low, high), axis=1)

    def _errors(
        self, y: np.ndarray, predicted: np.ndarray, levels: np.ndarray, lead: int
    ) -> tuple[np.ndarray, np.ndarray]:
        known = np.isfinite(y) & np.isfinite(predicted)
        if known.sum() < max(_FEWEST, 10 * self.bins):
            raise DataError(
                f"the lead that starts {lead} min after the origin has {int(known.sum())} errors, fewer than "
                f"{max(_FEWEST, 10 * self.bins)}: give a longer training span or fewer bins"
            )
        order = np.argsort(predicted[known], kind="stable")
        parts = np.array_split(order, self.bins)
        error, level = (y - predicted)[known], predicted[known]
        return (
            np.array([level[part].mean() for part in parts]),
            np.array([np.quantile(error[part], levels) for part in parts]),
        )
