"""The error of a method on days it was not trained on, fold after fold of the training events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from cblcast import registry
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.frames.cases import View
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import ORIGIN, PREDICTED, SITE, DataError, StudyError, nearest

MINIMISED = ("nrmse", "rmse", "mape", "wape", "mae", "rrmse", "mape_textbook")
_MOST_LACKING = 0.25  # share of the events


@dataclass(eq=False)
class EventFolds:
    """Blocks of consecutive days of the training events: trained on the others, a method is judged on one.

    Parameters
    ----------
    panel : Panel
    events : DataFrame
        Training events only; what a tuning must not see is not given to it.
    view : View
    features : dict
        Builders beyond those that the estimators require.
    folds : int
    metric : str
        One of :data:`MINIMISED`; the mean over sites.
    """

    panel: Panel
    events: pd.DataFrame
    view: View
    features: dict[str, dict[str, Any]]
    folds: int = 4
    metric: str = "nrmse"
    _prepared: dict[Any, tuple[pd.DataFrame, np.ndarray, dict[Any, pd.DataFrame]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.metric not in MINIMISED:
            raise StudyError(f"{self.metric!r} is not an error to be made small: {nearest(self.metric, MINIMISED)}")
        self._function = registry.METRICS.resolve(self.metric)
        days = np.unique(self._day(pd.DatetimeIndex(self.events["start"])))
        if self.folds < 2 or len(days) < 2 * self.folds:
            raise DataError(
                f"{self.folds} folds need at least {max(2 * self.folds, 4)} days with training events, and there are "
                f"{len(days)}: give a longer training span or fewer folds (2 at least)"
            )
        self._first_day_of_fold = days[np.arange(self.folds) * len(days) // self.folds]

    def with_history(self, given: Any, demanding: Any) -> tuple[EventFolds, int]:
        """The folds without the events that `given` estimates and `demanding` cannot, for want of history; and how many.

        A trial is not to fail, nor to look better, by the events that it has no history for. Where more than a quarter of the
        events would go, the ranges ask for too much: all are kept, and trials that ask for it fail and say why.
        """
        known = [self._estimated(estimator) for estimator in (given, demanding)]
        lacking = known[0].index[known[0] & ~known[1].reindex(known[0].index, fill_value=False)]
        if lacking.empty or len(lacking) > _MOST_LACKING * len(known[0]):
            return self, 0
        at = pd.MultiIndex.from_arrays([self.events[SITE].astype(str), pd.DatetimeIndex(self.events["start"])])
        kept = self.events[~at.isin(lacking)].reset_index(drop=True)
        try:
            return replace(self, events=kept, _prepared={}), len(self.events) - len(kept)
        except DataError:  # too few days would be left
            return self, 0

    def _estimated(self, estimator: Any) -> pd.Series:
        """Whether a rule estimates the whole of each event; index (site_id, origin)."""
        forecaster = self.forecaster(estimator)
        cases, y, cache = self._cases(forecaster)
        X, scored = forecaster.matrix(self.panel, cases, cache), cases["scored"].to_numpy(dtype=bool)
        forecaster.fit_matrix(X, y, self.panel.sites)
        predicted = forecaster.predict_matrix(X, scored)[PREDICTED].to_numpy()
        index = cases.index[scored].droplevel("time")
        return pd.Series(np.isfinite(predicted), index=index).groupby(level=[0, 1]).all()

    def forecaster(self, estimator: Any) -> Forecaster:
        """An untrained forecaster as the folds judge it."""
        return Forecaster(estimator, self.features, self.view)

    def errors(self, estimator: Any) -> Iterator[tuple[float, float]]:
        """Error of each fold in turn, and the share of its metered event intervals that got an estimate."""
        forecaster = self.forecaster(estimator)
        cases, y, cache = self._cases(forecaster)
        X = forecaster.matrix(self.panel, cases, cache)
        scored = cases["scored"].to_numpy(dtype=bool)
        origin = pd.DatetimeIndex(cases.index.get_level_values(ORIGIN))
        fold = np.searchsorted(self._first_day_of_fold, self._day(origin), side="right") - 1
        site = np.asarray(cases.index.get_level_values(SITE))
        for number in range(self.folds):
            judged = fold == number
            forecaster.fit_matrix(X[~judged], y[~judged], self.panel.sites)
            rows = judged & scored
            predicted = forecaster.predict_matrix(X[judged], scored[judged])[PREDICTED].to_numpy()
            yield self._mean_over_sites(y[rows], predicted, site[rows])

    def _mean_over_sites(self, y: np.ndarray, predicted: np.ndarray, site: np.ndarray) -> tuple[float, float]:
        metered = np.isfinite(y)
        known = metered & np.isfinite(predicted)
        if not known.any():
            return float("nan"), 0.0
        errors = [
            self._function(y[rows], predicted[rows]) for s in np.unique(site) if (rows := known & (site == s)).any()
        ]
        return float(np.nanmean(errors)) if np.isfinite(errors).any() else float("nan"), known.sum() / metered.sum()

    def _cases(self, forecaster: Forecaster) -> tuple[pd.DataFrame, np.ndarray, dict[Any, pd.DataFrame]]:
        """Cases, load and feature blocks, shared by all trials that ask for the same windows."""
        windows = forecaster.windows()
        if windows not in self._prepared:
            cases = forecaster.cases(self.panel, self.events)
            self._prepared[windows] = (cases, truth(self.panel, cases), {})
        return self._prepared[windows]

    @staticmethod
    def _day(origin: pd.DatetimeIndex) -> np.ndarray:
        return microseconds(origin) // DAY_US
