"""The learned baseline: one fixed recipe for steady buildings and volatile homes, with or without history of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Jobs, LearningRate, Leaves, OneOf, Rows, Seed, ShareAboveZero, Some, Trees
from cblcast.days.day_types import DayTypes
from cblcast.estimators.columns import take
from cblcast.estimators.design import finite_target
from cblcast.estimators.groups import group_rows
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.ranges import FloatRange, IntRange, SearchRange
from cblcast.estimators.rules.column import Column
from cblcast.estimators.wrappers.ensemble import WEIGHTINGS, Ensemble
from cblcast.estimators.wrappers.normalised import Normalised
from cblcast.estimators.wrappers.residual import Residual
from cblcast.frames.known import known_mean_by
from cblcast.frames.schema import StudyError

LEAD = "hours_since_start"
_CALENDAR = ("hour", "day_of_week", "day_of_year", "year_sin", "year_cos")
_OF_WEATHER = ("_above_mean", "_day", "_day_above_mean", "_climb")  # endings without a unit; the load's end in _kw
_EVIDENCE = tuple(
    f"history_{name}_kw"
    for name in (
        *(f"day_{k}" for k in range(1, 11)),
        *(f"{days}_{mode}" for days in ("mean", "nearest", "alike") for mode in ("ratio", "shift")),
        *("mean", "mean_20", "adjusted", "steady", "quick", "year_ago"),
    )
)
_FOR_TREES_ONLY = ("hour", "day_of_year", LEAD)


class LearnedBaseline(RegressorMixin, BaseEstimator):
    """Boosting and ridge regressions on the site's recent days, as shares of its load, averaged.

    All members start from :class:`~cblcast.features.day_history.DayHistory` and learn what a simple mean of days leaves:
    trees over all sites together, a ridge per hour of the event over all sites, and a ridge per site and hour, which a
    site without training leaves to a pooled one, and so does one that has neither a year of training days nor did better on
    days left out. Trees and own ridge come twice, once from the unadjusted mean of days
    and once from the adjusted one: what little data cannot decide then lies between the two. The features hold adjusted and unadjusted
    means of days, how steady the site is and a prediction from the site's own covariance; the members learn from them
    how far a deviation in the hours before lasts. So one study serves large buildings, where it does, and homes, where
    it does not.

    Parameters
    ----------
    weather : sequence of str
        Columns of the panel that are compared with the reference days; empty for none. Those that the panel lacks are left out
        when a forecaster is trained, which is told.
    year_ago : bool
        Look at the same days a year earlier, where the panel has them.
    day_types : str or eight labels
        Only days of the event day's own type are reference days.
    extra : sequence of str
        Further columns of the features that the members see.
    weighting : {"equal", "inverse_error", "stacked"}
        See :class:`~cblcast.estimators.wrappers.ensemble.Ensemble`.
    seeds : int
        Boosted models that are averaged.
    n_estimators, learning_rate, num_leaves, min_child_samples, colsample_bytree
        As :class:`~cblcast.estimators.learners.boosting.Boosting`.
    random_state, n_jobs : int

    Attributes
    ----------
    estimator_ : Normalised
    """

    def __init__(
        self,
        weather: Sequence[str] = ("temp_air_c",),
        year_ago: bool = True,
        day_types: DayTypes = "working",
        extra: Sequence[str] = (),
        weighting: Annotated[str, OneOf(WEIGHTINGS)] = "equal",
        seeds: Some = 1,
        n_estimators: Trees = 400,
        learning_rate: LearningRate = 0.03,
        num_leaves: Leaves = 31,
        min_child_samples: Rows = 40,
        colsample_bytree: ShareAboveZero = 0.3,
        random_state: Seed = 0,
        n_jobs: Jobs = 1,
    ) -> None:
        self.weather = weather
        self.year_ago = year_ago
        self.day_types = day_types
        self.extra = extra
        self.weighting = weighting
        self.seeds = seeds
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_child_samples = min_child_samples
        self.colsample_bytree = colsample_bytree
        self.random_state = random_state
        self.n_jobs = n_jobs

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "n_estimators": IntRange(100, 800, log=True),
            "learning_rate": FloatRange(0.01, 0.1, log=True),
            "num_leaves": IntRange(7, 63, log=True),
            "min_child_samples": IntRange(10, 200, log=True),
            "colsample_bytree": FloatRange(0.15, 0.8),
        }

    def required_features(self) -> dict[str, dict[str, Any]]:
        """Builders and the parameters this method needs of them."""
        history = {"weather": tuple(self.weather), "year_ago": self.year_ago, "day_types": self.day_types}
        return {"day_history": history, "calendar": {}, "event_windows": {}}

    def drop_weather(self, there: Sequence[str]) -> tuple[str, ...]:
        """Read no weather beside the columns that are `there`; what would have been read beside them."""
        lacking = tuple(column for column in self.weather if column not in there)
        if lacking:
            self.weather = tuple(column for column in self.weather if column in there)
        return lacking

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Train the members on all sites of `X`."""
        check_parameters(self)
        columns = self.columns_of([str(name) for name in X.columns])
        take(X, columns, self)
        self.columns_ = columns
        self.n_features_in_ = X.shape[1]
        target = finite_target(y, self)
        weight = even_weights(X, target, self)
        self.estimator_ = Normalised(self.members(columns)).fit(X[columns], target, sample_weight=weight)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,); NaN for a site without reference days."""
        check_is_fitted(self, "estimator_")
        take(X, self.columns_, self)
        own = X[self.columns_]
        return within_evidence(own, self.estimator_.predict(own), self)

    def predict_members(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline of each member [kW], float64, shape (n_rows, n_members), each held within the evidence of the site."""
        check_is_fitted(self, "estimator_")
        take(X, self.columns_, self)
        own = X[self.columns_]
        return np.stack([within_evidence(own, each, self) for each in self.estimator_.predict_members(own).T], axis=1)

    @property
    def member_names(self) -> tuple[str, ...]:
        """Regression and baseline of each member."""
        check_is_fitted(self, "estimator_")
        return tuple(self.estimator_.member_names)

    def columns_of(self, names: Sequence[str]) -> list[str]:
        """Columns that the members learn from, of those that there are; one of the history at least, or it is told as lacking."""
        history = [name for name in names if name.startswith("history_") and not self._is_foreign(name)]
        return [*(history or ["history_scale_kw"]), *_CALENDAR, LEAD, *self.extra]

    def _is_foreign(self, name: str) -> bool:
        """Whether another part of a method asked for this column of the history: weather, or the year ago, not wanted here."""
        if name.startswith("history_year_ago_"):
            return not self.year_ago
        own = {f"history_{column}{ending}" for column in self.weather for ending in _OF_WEATHER}
        return name.endswith(_OF_WEATHER) and name not in own

    def members(self, columns: list[str]) -> Ensemble:
        """The members, untrained, on shares of the load."""
        if self.seeds < 1:
            raise StudyError(f"seeds must be at least 1, not {self.seeds}")
        linear = tuple(name for name in columns if name not in ("day_of_week", *_FOR_TREES_ONLY))
        trees = Boosting(
            columns=(*columns, "log_scale"),
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            num_leaves=self.num_leaves,
            min_child_samples=self.min_child_samples,
            colsample_bytree=self.colsample_bytree,
            seeds=self.seeds,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        robust = clone(trees).set_params(objective="huber", alpha=0.1)
        own, pooled = Ridge(linear, by=("site_id", LEAD), own="justified"), Ridge(linear, by=(LEAD,))
        unadjusted, adjusted = Column("history_mean_kw"), Column("history_adjusted_kw")
        return Ensemble(
            (
                Residual(trees, unadjusted),
                Residual(robust, adjusted),
                Residual(own, unadjusted),
                Residual(own, adjusted),
                Residual(pooled, Column("history_quick_kw")),
            ),
            weighting=self.weighting,
        )


def even_weights(X: pd.DataFrame, y: np.ndarray, estimator: object) -> np.ndarray:
    """Weight of each training row: the inverse of how badly the mean of days does at its site, as a share of the load.

    Least squares over sites whose errors differ by orders of magnitude is decided by the worst of them: a home that is
    empty for months, a meter that fails. Weighted, each site counts by what can be learned from it.

    Returns
    -------
    ndarray, shape (n_rows,)
        Above zero. A site much steadier than most counts as if its error were a tenth of the typical one.
    """
    scale, mean = take(X, ["history_scale_kw", "history_mean_kw"], estimator).T
    groups = group_rows(X, ("site_id",), estimator)
    with np.errstate(invalid="ignore", divide="ignore"):
        square = ((y - mean) / scale) ** 2
    error = known_mean_by(np.where(scale > 0, square, np.nan), groups.of_row, len(groups))
    known = np.isfinite(error)
    typical = float(np.median(error[known])) if known.any() else 1.0
    error = np.where(known, error, typical)
    return 1.0 / np.maximum(error, 1e-2 * max(typical, 1e-12))[groups.of_row]


def within_evidence(X: pd.DataFrame, predicted: np.ndarray, estimator: object) -> np.ndarray:
    """Hold each estimate within what the site's recent days and their adjusted means span.

    A linear model may be thrown anywhere by a site unlike those it was trained on; what was never seen at the site, and
    follows from none of its days even after an adjustment, is no baseline.
    """
    evidence = take(X, [name for name in _EVIDENCE if name in X.columns], estimator)
    known = np.isfinite(evidence)
    low = np.where(known, evidence, np.inf).min(1)
    high = np.where(known, evidence, -np.inf).max(1)
    return np.where(known.any(1), np.clip(predicted, np.minimum(low, high), np.maximum(low, high)), predicted)
