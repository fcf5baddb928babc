"""One model per lead: the direct way of forecasting several steps ahead."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import able, check_parameters, needed_features
from cblcast.checked.parameters import Inner, Threads
from cblcast.estimators.leads import minutes_ahead, refuse_untrained
from cblcast.estimators.named import AnswersSomeRows
from cblcast.estimators.wrappers.inner import gives_interval, gives_quantiles
from cblcast.frames.schema import StudyError


class ByLead(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """A clone of an estimator for every lead that it is trained on.

    Parameters
    ----------
    estimator : estimator
    n_jobs : int
        Leads that are trained side by side, in threads; the models are the same for any number. It pays for estimators
        that compute outside Python, such as LightGBM, and asks for as many cores.

    Attributes
    ----------
    leads_ : list of int
        Minutes from the origin to the interval's start, one model each.
    """

    def __init__(self, estimator: Inner = None, n_jobs: Threads = 1) -> None:
        self.estimator = estimator
        self.n_jobs = n_jobs

    def required_features(self) -> dict[str, dict[str, object]]:
        """What the inner estimator needs."""
        return needed_features(self.estimator)

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Train one model for each lead in `X`."""
        check_parameters(self)
        if self.estimator is None:
            raise StudyError("ByLead wraps an estimator: write {estimator: ByLead, of: {estimator: …}}")
        ahead, y = minutes_ahead(X), np.asarray(y, dtype=np.float64)
        self.leads_ = [int(lead) for lead in np.unique(ahead)]

        def train(lead: int) -> Any:
            return clone(self.estimator).fit(X[ahead == lead], y[ahead == lead])

        with ThreadPoolExecutor(max_workers=self.n_jobs) as pool:
            self.models_ = list(pool.map(train, self.leads_))
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of each row by the model of its lead [kW], float64, shape (n_rows,).

        Raises
        ------
        StudyError
            A lead that was not trained; the trained ones are named.
        """
        return self._ask(X, "predict", ())

    @available_if(gives_interval)
    def predict_interval(self, X: pd.DataFrame) -> np.ndarray:
        """Limits of each row by the model of its lead [kW], float64, shape (n_rows, 2)."""
        return self._ask(X, "predict_interval", (2,))

    @available_if(gives_quantiles)
    def predict_distribution(self, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Estimate and all levels of each row by the model of its lead [kW], shapes (n_rows,) and (n_rows, n_levels)."""
        quantiles = self._ask(X, "predict_quantiles", (len(self.levels),))
        return self.predict(X), quantiles

    @available_if(gives_quantiles)
    def tails(self) -> tuple[int, int]:
        """Positions of the two levels that are the limits."""
        return tuple(self.estimator.tails())

    @property
    def levels(self) -> Any:
        """Levels of a quantile learner; an estimator without has none."""
        return self.estimator.levels

    def _ask(self, X: pd.DataFrame, method: str, shape: tuple[int, ...]) -> np.ndarray:
        check_is_fitted(self, "models_")
        ahead = minutes_ahead(X)
        refuse_untrained(ahead, self.leads_)
        order = np.argsort(ahead, kind="stable")
        in_order = bool((np.diff(order) == 1).all())  # as of one origin: each lead's rows are a slice, not a copy
        whole = pd.DataFrame(
            X.to_numpy(), index=X.index, columns=X.columns, copy=False
        )  # one block, which is looked into
        begin, end = (np.searchsorted(ahead[order], self.leads_, side=side) for side in ("left", "right"))
        found = np.full((len(X), *shape), np.nan)
        for model, first, stop in zip(self.models_, begin, end, strict=True):
            if stop > first:
                rows = order[first:stop]
                if method == "predict" and able(model, AnswersSomeRows):
                    found[rows] = model.predict_rows(whole, rows)
                else:
                    found[rows] = getattr(model, method)(X.iloc[first:stop] if in_order else X.iloc[rows])
        return found
