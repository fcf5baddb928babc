"""One model per site, and a pooled one for sites without enough history."""

from __future__ import annotations

import logging
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters, needed_features, needed_windows
from cblcast.checked.parameters import Inner, Rows
from cblcast.estimators.design import finite_target
from cblcast.estimators.groups import group_rows
from cblcast.estimators.wrappers.inner import (
    check_estimator,
    fit_weighted,
    gives_interval,
)
from cblcast.frames.events import Window
from cblcast.frames.schema import SITE, DataError

logger = logging.getLogger(__name__)


class PerSite(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """A clone of an estimator for every site that it is trained on.

    Parameters
    ----------
    estimator : estimator
    fallback : estimator, optional
        Is trained on all sites together and estimates sites with fewer than `fewest_rows` training rows, or none. Without
        one such a site is an error. What it is trained on should be shares of the load: put ``PerSite`` inside
        ``Normalised``.
    fewest_rows : int

    Attributes
    ----------
    sites_ : list of str
    models_ : list of estimators
    """

    pooled = False  # a model of its own for each site

    def __init__(self, estimator: Inner = None, fallback: Inner | None = None, fewest_rows: Rows = 60) -> None:
        self.estimator = estimator
        self.fallback = fallback
        self.fewest_rows = fewest_rows

    def windows(self) -> tuple[Window, ...]:
        """Windows of the inner estimators."""
        return needed_windows(self.estimator, self.fallback)

    def required_features(self) -> dict[str, dict[str, Any]]:
        """Builders of the inner estimators."""
        return needed_features(self.estimator, self.fallback)

    def fit(self, X: pd.DataFrame, y: Any, sample_weight: np.ndarray | None = None) -> Self:
        """Train one model for each site with enough rows, and the fallback on all rows."""
        check_parameters(self)
        check_estimator(self.estimator, self, "estimator")
        target = finite_target(y, self)
        self.n_features_in_ = X.shape[1]
        self.fallback_ = None if self.fallback is None else fit_weighted(clone(self.fallback), X, target, sample_weight)
        self.sites_, self.models_, short = self.models_of(X, target, sample_weight)
        self.check_short(short)
        return self

    def models_of(
        self, X: pd.DataFrame, y: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> tuple[list[str], list[Any], list[str]]:
        """Sites of some rows, a fitted model of each, and the sites that have too few rows for one."""
        groups = group_rows(X, (SITE,), self)
        sites, models, short = [], [], []
        for number, name in enumerate(groups.names[:, 0].tolist()):
            rows = groups.of_row == number
            if rows.sum() < self.fewest_rows:
                short.append(name)
                continue
            sites.append(name)
            weight = None if sample_weight is None else np.asarray(sample_weight)[rows]
            models.append(fit_weighted(clone(self.estimator), X[rows], y[rows], weight))
        return sites, models, short

    def check_short(self, short: list[str]) -> None:
        """Raise where sites have too few rows and there is no fallback."""
        if short and self.fallback is None:
            raise DataError(
                f"{len(short)} sites have fewer than {self.fewest_rows} training rows, e.g. {short[0]!r}: give a "
                "fallback (fallback: {estimator: …}), a smaller fewest_rows, or more training events"
            )
        if short:
            logger.info("%d sites have too few training rows; the pooled fallback estimates them", len(short))

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of each row by the model of its site, float64, shape (n_rows,)."""
        return self._by_site(X, "predict", ())

    @available_if(gives_interval)
    def predict_interval(self, X: pd.DataFrame) -> np.ndarray:
        """Limits by the model of each site, float64, shape (n_rows, 2)."""
        return self._by_site(X, "predict_interval", (2,))

    def _by_site(self, X: pd.DataFrame, method: str, shape: tuple[int, ...]) -> np.ndarray:
        check_is_fitted(self, "models_")
        groups = group_rows(X, (SITE,), self)
        model = dict(zip(self.sites_, self.models_, strict=True))
        out = np.full((len(X), *shape), np.nan)
        asked, site = groups.names[:, 0].tolist(), groups.of_row
        strange = [number for number, name in enumerate(asked) if name not in model]
        if strange and self.fallback_ is None:
            raise DataError(
                f"{type(self).__name__} was not trained on {len(strange)} of {len(asked)} sites, e.g. "
                f"{asked[strange[0]]!r}: train it with their history, or give a fallback (fallback: {{estimator: …}})"
            )
        for number, name in enumerate(asked):
            rows = site == number
            if name in model and rows.any():
                out[rows] = getattr(model[name], method)(X[rows])
        if strange:
            rows = np.isin(site, strange)
            logger.info(
                "%d rows of %d sites without a model are estimated by the fallback", int(rows.sum()), len(strange)
            )
            out[rows] = getattr(self.fallback_, method)(X[rows])
        return out
