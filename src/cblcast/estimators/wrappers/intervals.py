"""Prediction intervals for every estimator, rules included: conformal over event days."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.metaestimators import available_if

from cblcast.abilities import AdaptsToSite, GivesIntervals, able, check_parameters, needed_features, needed_windows
from cblcast.checked.parameters import Days, Folds, Inner, Inside, Positive
from cblcast.days.limits import days_needed, each_tail, tail_bound
from cblcast.estimators.wrappers.conformal_scores import (
    ErrorScale,
    day_and_site,
    day_blocks,
    last_days,
)
from cblcast.estimators.wrappers.inner import event_rows_of, gives_members
from cblcast.frames.events import Window
from cblcast.frames.schema import DataError, DataWarning, StudyError
from cblcast.hush import no_data_warnings


def with_intervals(estimator: Any, coverage: float = 0.9, **options: Any) -> Any:
    """`estimator` with intervals of nominal `coverage`: what has limits of its own keeps their form, corrected.

    Parameters
    ----------
    estimator : estimator
        Rule, adjusted rule or learned.
    coverage : float
        0.9 means that nine of ten event intervals lie within.
    **options
        Further parameters of :class:`Conformal`.

    Returns
    -------
    Conformal or ConformalQuantile
        A conformal estimator itself is returned as it is; one that adapts to its site has limits of its own, which get this coverage.
    """
    if isinstance(estimator, Conformal):
        return estimator
    if able(estimator, AdaptsToSite) and able(estimator, GivesIntervals):
        return clone(estimator).set_params(coverage=coverage)
    chosen = ConformalQuantile if able(estimator, GivesIntervals) else Conformal
    return chosen(estimator, coverage, **options)


class Conformal(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """An estimator with conformal intervals, calibrated over event days on which it was not trained.

    `fit` leaves out one block of days after the other, trains a clone on the rest, takes the signed errors of the block
    over :class:`~cblcast.estimators.wrappers.conformal_scores.ErrorScale`, and then trains the estimator on all days. The limits
    are the estimate plus the scale times the two tails of those scores, per site where it has enough days, else over
    all sites. They are asymmetric, since many rules are biased, and always enclose the estimate.

    Parameters
    ----------
    estimator : estimator
        Its windows and features are handed on.
    coverage : float
        Nominal share of event intervals within the limits, in (0, 1).
    folds : int
        Blocks of consecutive days for the out-of-sample errors.
    held_out_share : float, optional
        Instead of folds, one time-ordered split: only the last share of the days is calibrated on.
    min_site_days : int
        Days with errors that a site needs for tails of its own.
    half_life_days : float, optional
        Errors lose half their weight in this many days. Follows drift, widens the intervals; none unless given.

    Notes
    -----
    Finite sample: each tail is the ceil((n + 1)(1 - (1 - coverage) / 2))-th smallest of n days' scores (see
    :func:`~cblcast.days.limits.tail_bound`), so 90 % needs 19 days and 95 % needs 39; with fewer
    `fit` raises, for the honest interval would be infinite. Coverage is marginal over days alike to those calibrated
    on; a customer who changes needs :meth:`recalibrate`.

    References
    ----------
    Lei et al. (2018), Distribution-free predictive inference for regression; Barber et al. (2021), Predictive inference
    with the jackknife+ (out-of-fold errors); Papadopoulos et al. (2011), Regression conformal prediction with nearest
    neighbours (normalised scores).
    """

    def __init__(
        self,
        estimator: Inner,
        coverage: Inside = 0.9,
        folds: Folds = 5,
        held_out_share: Inside | None = None,
        min_site_days: Days = 60,
        half_life_days: Positive | None = None,
    ) -> None:
        self.estimator = estimator
        self.coverage = coverage
        self.folds = folds
        self.held_out_share = held_out_share
        self.min_site_days = min_site_days
        self.half_life_days = half_life_days

    def windows(self) -> tuple[Window, ...]:
        """Windows of the inner estimator."""
        return needed_windows(self.estimator)

    def required_features(self) -> dict[str, dict[str, object]]:
        """What the inner estimator needs, and reference days, which tell how large an error is to be expected."""
        inner = needed_features(self.estimator)
        return {**inner, "reference_days": inner.get("reference_days", {})}

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Conformal:
        """Calibrate on days left out of training, then train on all.

        Raises
        ------
        DataError
            Too few days for the coverage; the sentence says how many there must be.
        """
        check_parameters(self)
        y = np.asarray(y, dtype=np.float64)
        day, _ = day_and_site(X)
        self._require_days(len(np.unique(day[event_rows_of(X)])))
        lower, predicted, upper = (np.full(len(y), np.nan) for _ in range(3))
        for block in self._blocks(day):
            fitted = clone(self.estimator).fit(X[~block], y[~block])
            lower[block], predicted[block], upper[block] = self._limits_of(fitted, X[block])
        self.estimator_ = clone(self.estimator).fit(X, y)
        self._calibrate(X, y, lower, predicted, upper)
        return self

    def recalibrate(self, X: pd.DataFrame, y: np.ndarray) -> Conformal:
        """Calibrate anew on events since the training, whose load is known by now; the estimator stays as it is."""
        self._calibrate(X, np.asarray(y, dtype=np.float64), *self._limits_of(self.estimator_, X))
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of the inner estimator [kW], float64, shape (n_rows,)."""
        return np.asarray(self.estimator_.predict(X), dtype=np.float64)

    def predict_interval(self, X: pd.DataFrame) -> np.ndarray:
        """Lower and upper limit [kW], float64, shape (n_rows, 2); NaN where nothing was estimated."""
        lower, predicted, upper = self._limits_of(self.estimator_, X)
        scale = self.scale_(X, predicted)
        _, site = day_and_site(X)
        self._warn_of_strangers(np.unique(site))
        place = np.minimum(np.searchsorted(self.sites_, site), max(len(self.sites_) - 1, 0))
        known = self.sites_[place] == site if len(self.sites_) else np.zeros(len(site), dtype=bool)
        below, above = (
            np.where(known, self.site_tails_[place, side] if len(self.sites_) else 0.0, self.tails_[side])
            for side in (0, 1)
        )
        low = np.maximum(lower - below * scale, self.floor_)
        return np.stack([np.minimum(low, predicted), np.maximum(upper + above * scale, predicted)], axis=1)

    @available_if(gives_members)
    def predict_members(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of each member of the inner estimator [kW], float64, shape (n_rows, n_members)."""
        return np.asarray(self.estimator_.predict_members(X), dtype=np.float64)

    @property
    def member_names(self) -> tuple[str, ...]:
        """Members of the inner estimator."""
        return tuple(self.estimator_.member_names)

    def _warn_of_strangers(self, sites: np.ndarray) -> None:
        strange = sites[~np.isin(sites, self.scale_.sites)]
        if len(strange):
            warnings.warn(
                f"the limits were calibrated on {len(self.scale_.sites)} sites, and {len(strange)} of the {len(sites)} asked are "
                f"none of them, e.g. {str(strange[0])!r}: {100 * self.coverage:g} % may hold there far less often; write "
                "{estimator: Adapted, of: …} around the method, whose limits follow each site's own earlier days",
                DataWarning,
                stacklevel=3,
            )

    def _calibrate(
        self, X: pd.DataFrame, y: np.ndarray, lower: np.ndarray, predicted: np.ndarray, upper: np.ndarray
    ) -> None:
        """Tails of the scores of the event rows whose estimate is out of sample."""
        use = event_rows_of(X) & np.isfinite(predicted) & np.isfinite(y)
        day, site = (values[use] for values in day_and_site(X))
        self._require_days(len(np.unique(day)))
        X, y, lower, predicted, upper = X[use], y[use], lower[use], predicted[use], upper[use]
        self.scale_ = ErrorScale.fit(X, y, predicted)
        scale = self.scale_(X, predicted)
        scores = np.stack([(lower - y) / scale, (y - upper) / scale])
        weight = None if self.half_life_days is None else 0.5 ** ((day.max() - day) / self.half_life_days)

        def tails(rows: np.ndarray) -> list[float]:
            parts = None if weight is None else weight[rows]
            return [tail_bound(side[rows], day[rows], each_tail(self.coverage), parts) for side in scores]

        self.tails_ = np.array(tails(np.arange(len(y))))
        if not np.isfinite(self.tails_).all():
            raise DataError(
                f"half_life_days={self.half_life_days} leaves too little weight for {100 * self.coverage:g} % "
                "intervals: choose a longer half-life"
            )
        by_site = pd.Series(site).groupby(site).indices.items()
        own = {name: tails(rows) for name, rows in by_site if self._has_own(day[rows])}
        own = {name: own[name] for name in sorted(own) if np.isfinite(own[name]).all()}
        self.sites_ = np.array(list(own), dtype=np.str_)
        self.site_tails_ = np.array(list(own.values()), dtype=np.float64).reshape(len(own), 2)
        # A load that never was negative gets no negative limit; net load of a prosumer does.
        self.floor_ = 0.0 if y.min() >= 0 else -np.inf
        self.n_days_ = len(np.unique(day))

    def _has_own(self, day: np.ndarray) -> bool:
        return len(np.unique(day)) >= max(self.min_site_days, days_needed(each_tail(self.coverage)))

    def _blocks(self, day: np.ndarray) -> list[np.ndarray]:
        return day_blocks(day, self.folds) if self.held_out_share is None else [last_days(day, self.held_out_share)]

    def _require_days(self, n_days: int) -> None:
        needed = days_needed(each_tail(self.coverage))
        if n_days < needed:
            raise DataError(
                f"{100 * self.coverage:g} % intervals need at least {needed} event days with metered load and an "
                f"estimate to calibrate on, and there are {n_days}: give a longer training span (train: in the study) "
                "or a lower coverage"
            )

    def _limits_of(self, fitted: Any, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower limit, estimate and upper limit before calibration; here all three are the estimate."""
        with no_data_warnings():  # `predict` meets the same rows, and says it once
            predicted = np.asarray(fitted.predict(X), dtype=np.float64)
        return predicted, predicted, predicted


class ConformalQuantile(Conformal):
    """Conformalised quantile regression: the estimator's own limits, corrected over event days.

    As :class:`Conformal`, but the scores are how far the load lies outside the limits of the estimator itself, so that
    limits which already know when the load is uncertain keep their form and get the coverage they claim.

    Parameters
    ----------
    estimator : estimator
        With `predict_interval`, e.g. ``QuantileBoosting``; its levels need not match the coverage, but should be near.
    coverage, folds, held_out_share, min_site_days, half_life_days
        As :class:`Conformal`.

    References
    ----------
    Romano, Patterson, Candès (2019), Conformalized quantile regression.
    """

    def check(self) -> None:
        """Raise for an estimator without limits."""
        if not able(self.estimator, GivesIntervals):
            raise StudyError(
                f"{type(self.estimator).__name__} has no limits of its own to correct: use Conformal, or an estimator "
                "with predict_interval such as QuantileBoosting"
            )

    def _limits_of(self, fitted: Any, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        _, predicted, _ = super()._limits_of(fitted, X)
        limits = np.sort(np.asarray(fitted.predict_interval(X), dtype=np.float64), axis=1)
        return limits[:, 0], predicted, limits[:, 1]
