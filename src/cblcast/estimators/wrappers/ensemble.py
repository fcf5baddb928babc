"""Ensembles: simple and inverse-error averages, and stacking that learns from out-of-fold predictions only."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters, innermost, needed_features, needed_windows
from cblcast.checked.parameters import Filled, Folds, Inner, NotNegative, Text
from cblcast.estimators.design import finite_target, row_weights
from cblcast.estimators.groups import group_rows
from cblcast.estimators.ranges import Choice, FloatRange, SearchRange
from cblcast.estimators.wrappers.inner import (
    check_estimator,
    event_rows_of,
    fit_weighted,
)
from cblcast.frames.events import Window
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.known import known_mean
from cblcast.frames.schema import ORIGIN, DataError, StudyError, nearest

logger = logging.getLogger(__name__)

WEIGHTINGS = ("equal", "inverse_error", "stacked")
_FEWEST_ROWS = 100  # a segment with fewer out-of-fold rows takes the weights of all


def day_folds(X: pd.DataFrame, folds: int) -> np.ndarray:
    """Fold of each row: blocks of consecutive days, all sites of a day in one fold, shape (n_rows,).

    Days next to each other and sites on one day share weather and holidays, so random rows would leak.
    """
    if not isinstance(X.index, pd.MultiIndex) or ORIGIN not in X.index.names:
        raise DataError("folds are made of days: rows must be indexed (site_id, origin, time)")
    day = microseconds(X.index.get_level_values(ORIGIN)) // DAY_US
    days, number = np.unique(day, return_inverse=True)
    if folds < 2 or len(days) < folds:
        raise DataError(f"{folds} folds need at least as many event days (and 2), there are {len(days)}")
    return number * folds // len(days)


def stacking_weights(predicted: np.ndarray, y: np.ndarray, pull: float = 0.1) -> np.ndarray:
    """Weights >= 0 that sum to 1 and make the weighted prediction nearest to y in least squares, shape (n_members,).

    Parameters
    ----------
    predicted : ndarray, shape (n_rows, n_members)
    y : ndarray, shape (n_rows,)
    pull : float
        Ridge towards equal weights, as a share of the members' own squared error: members much alike share.

    References
    ----------
    Breiman (1996), Stacked regressions.
    """
    members = predicted.shape[1]
    error = predicted - y[:, None]
    size = np.sqrt((error**2).mean(0).mean() * len(y)) or 1.0
    equal = np.full(members, 1.0 / members)
    # min |E w|² + pull |w - 1/m|² with sum(w) = 1 (as one heavy row); E holds the members' errors, since E w = P w - y.
    rows = np.vstack([error / size, np.sqrt(pull) * np.eye(members), np.full((1, members), 1e3)])
    weights, _ = nnls(rows, np.concatenate([np.zeros(len(y)), np.sqrt(pull) * equal, [1e3]]))
    return weights / weights.sum()


class Ensemble(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """A weighted mean of several estimators, rules and adjusted rules among them.

    Parameters
    ----------
    members : sequence of estimators
    weighting : {"equal", "inverse_error", "stacked"}
        Equal weights; weights proportional to 1 / mean squared error; or the convex weights of least squares. The last
        two are learned from out-of-fold predictions only.
    by : str, optional
        A column, or ``"site_id"``: weights of its own for each value with enough rows, those of all rows otherwise.
    folds : int
        Blocks of consecutive days.
    pull : float
        Ridge of the stacked weights towards equal ones; see :func:`stacking_weights`.

    Attributes
    ----------
    members_ : list of estimators
        Trained on all rows.
    weights_ : ndarray, shape (n_segments + 1, n_members)
        The last row is that of all rows.
    out_of_fold_rmse_ : ndarray, shape (n_members,)
        In the unit of y; NaN with equal weights.

    Notes
    -----
    Where a member has no estimate (NaN), the others take over its weight; where none has one, the ensemble has none.
    Put the ensemble inside ``Normalised``, so that a large site does not decide the weights of all.
    """

    def __init__(
        self,
        members: Annotated[Sequence[Inner], Filled()] = (),
        weighting: str = "equal",
        by: Text | None = None,
        folds: Folds = 5,
        pull: NotNegative = 0.1,
    ) -> None:
        self.members = members
        self.weighting = weighting
        self.by = by
        self.folds = folds
        self.pull = pull

    def windows(self) -> tuple[Window, ...]:
        """Windows of all members."""
        return needed_windows(*self.members)

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "weighting": Choice(WEIGHTINGS),
            "pull": FloatRange(0.001, 1.0, log=True),
        }

    def required_features(self) -> dict[str, dict[str, Any]]:
        """Builders of all members, merged."""
        return needed_features(*self.members)

    def fit(self, X: pd.DataFrame, y: Any, sample_weight: np.ndarray | None = None) -> Self:
        """Learn the weights from out-of-fold predictions, then train every member on all rows."""
        check_parameters(self)
        target = finite_target(y, self)
        n_members = len(self.members)
        self.segments_ = np.empty(0, dtype=np.str_)
        self.weights_ = np.full((1, n_members), 1.0 / n_members)
        self.out_of_fold_rmse_ = np.full(n_members, np.nan)
        if self.weighting != "equal":
            inside = event_rows_of(X)
            weight = row_weights(sample_weight, len(target), self)
            predicted = self.out_of_fold(X, target, sample_weight)[inside]
            known = np.isfinite(predicted).all(1)
            if not known.any():
                raise DataError("no training row is estimated by all members, so that weights cannot be learned")
            self._learn(X[inside][known], predicted[known], target[inside][known], weight[inside][known])
        self.members_ = [fit_weighted(clone(member), X, target, sample_weight) for member in self.members]
        self.n_features_in_ = X.shape[1]
        return self

    def out_of_fold(self, X: pd.DataFrame, y: np.ndarray, sample_weight: np.ndarray | None = None) -> np.ndarray:
        """Prediction of each row by members trained without its block of days, shape (n_rows, n_members)."""
        fold = day_folds(X, self.folds)
        predicted = np.full((len(X), len(self.members)), np.nan)
        for number in range(self.folds):
            held = fold == number
            for column, member in enumerate(self.members):
                weight = None if sample_weight is None else np.asarray(sample_weight)[~held]
                trained = fit_weighted(clone(member), X[~held], y[~held], weight)
                predicted[held, column] = trained.predict(X[held])
        return predicted

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Weighted mean of the members, float64, shape (n_rows,)."""
        predicted = self.predict_members(X)
        weights = self.weights_[self._segment(X)]
        there = np.isfinite(predicted)
        # A member without an estimate gives its weight to the others; all weight may lie on the one that is missing.
        share = np.where(there, weights, 0.0)
        share = np.where((share.sum(1) == 0)[:, None], there.astype(np.float64), share)
        return known_mean(predicted, weight=share)

    def predict_members(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of each member, in the unit of y, float64, shape (n_rows, n_members)."""
        check_is_fitted(self, "members_")
        return np.stack([np.asarray(member.predict(X), dtype=np.float64) for member in self.members_], axis=1)

    @property
    def member_names(self) -> tuple[str, ...]:
        """Class of each member, and its place among the members."""
        return tuple(f"{type(innermost(member)).__name__}_{place + 1}" for place, member in enumerate(self.members))

    def _learn(self, X: pd.DataFrame, predicted: np.ndarray, y: np.ndarray, weight: np.ndarray) -> None:
        self.out_of_fold_rmse_ = np.sqrt(np.average((predicted - y[:, None]) ** 2, axis=0, weights=weight))
        root = np.sqrt(weight)  # a weighted row is the same as a row scaled by the root of its weight
        predicted, y = predicted * root[:, None], y * root
        overall = self._weights_of(predicted, y)
        rows = []
        if self.by is not None:
            groups = group_rows(X, (self.by,), self)
            segment = groups.of_row
            many = np.bincount(segment, minlength=len(groups)) >= _FEWEST_ROWS
            self.segments_ = groups.keys[many]
            rows = [self._weights_of(predicted[segment == s], y[segment == s]) for s in np.flatnonzero(many)]
        self.weights_ = np.stack([*rows, overall])

    def _weights_of(self, predicted: np.ndarray, y: np.ndarray) -> np.ndarray:
        if self.weighting == "stacked":
            return stacking_weights(predicted, y, self.pull)
        inverse = 1.0 / np.maximum(((predicted - y[:, None]) ** 2).mean(0), 1e-300)
        return inverse / inverse.sum()

    def _segment(self, X: pd.DataFrame) -> np.ndarray:
        whole = len(self.segments_)
        if self.by is None or whole == 0 or len(X) == 0:
            return np.full(len(X), whole)
        groups = group_rows(X, (self.by,), self)
        place = groups.among(self.segments_)
        known = place >= 0
        if not known.all():
            logger.info("%d of %d segments have no weights of their own", int((~known).sum()), len(known))
        return np.where(known, place, whole)[groups.of_row]

    def check(self) -> None:
        """Raise for members that are no regressors, and for an unknown weighting."""
        for number, member in enumerate(self.members):
            check_estimator(member, self, f"member {number + 1}")
        if self.weighting not in WEIGHTINGS:
            raise StudyError(f"unknown weighting {self.weighting!r}: {nearest(self.weighting, WEIGHTINGS)}")
