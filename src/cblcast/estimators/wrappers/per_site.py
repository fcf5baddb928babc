"""One model per site, and a pooled one for sites without enough history."""

from __future__ import annotations

import logging
from collections.abc import Iterator
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
from cblcast.estimators.wrappers.site_models import SiteModels
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
    stacks_ : list of dict
        Models that are alike, as arrays: see :class:`~cblcast.estimators.wrappers.site_models.SiteModels`.
    own_ : dict of int to estimator
        The others, by the position of their site.
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
        models, short = self.models_of(X, target, sample_weight)
        self.take_models(models)
        self.check_short(short)
        return self

    def models_of(
        self, X: pd.DataFrame, y: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> tuple[SiteModels, list[str]]:
        """A fitted model of each site of some rows, and the sites that have too few rows for one."""
        groups = group_rows(X, (SITE,), self)
        names, count = groups.names[:, 0].tolist(), np.bincount(groups.of_row, minlength=len(groups))
        enough = np.flatnonzero(count >= self.fewest_rows).tolist()
        weight = None if sample_weight is None else np.asarray(sample_weight)

        def fitted() -> Iterator[Any]:
            order = np.split(np.argsort(groups.of_row, kind="stable"), np.cumsum(count)[:-1])
            for number in enough:
                rows = order[number]
                own = None if weight is None else weight[rows]
                yield fit_weighted(clone(self.estimator), X.iloc[rows], y[rows], own)

        short = [name for number, name in enumerate(names) if count[number] < self.fewest_rows]
        return SiteModels.of([names[number] for number in enough], fitted()), short

    def take_models(self, models: SiteModels) -> None:
        """Set what was learned."""
        self.sites_, self.stacks_, self.own_ = models.sites, models.stacks, models.own

    @property
    def models_(self) -> list[Any]:
        """The fitted model of each of ``sites_``, made anew of the arrays."""
        check_is_fitted(self, "sites_")
        return SiteModels(self.sites_, self.stacks_, self.own_).made()

    @models_.setter
    def models_(self, models: list[Any]) -> None:  # as a model that was saved by version 0.1 sets them, after its sites
        self.take_models(SiteModels.of(self.sites_, models))

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
        check_is_fitted(self, "sites_")
        groups, known = group_rows(X, (SITE,), self), SiteModels(self.sites_, self.stacks_, self.own_)
        place = {name: number for number, name in enumerate(self.sites_)}
        out = np.full((len(X), *shape), np.nan)
        asked, site = groups.names[:, 0].tolist(), groups.of_row
        strange = [number for number, name in enumerate(asked) if name not in place]
        if strange and self.fallback_ is None:
            raise DataError(
                f"{type(self).__name__} was not trained on {len(strange)} of {len(asked)} sites, e.g. "
                f"{asked[strange[0]]!r}: train it with their history, or give a fallback (fallback: {{estimator: …}})"
            )
        stack, row = known.where()
        order = np.split(np.argsort(site, kind="stable"), np.cumsum(np.bincount(site, minlength=len(asked)))[:-1])
        for name, rows in zip(asked, order, strict=True):
            if name in place and len(rows):
                number = place[name]
                model = known.model(number, int(stack[number]), int(row[number]))
                out[rows] = getattr(model, method)(X.iloc[rows])
        if strange:
            rows = np.flatnonzero(np.isin(site, strange))
            logger.info("%d rows of %d sites without a model are estimated by the fallback", len(rows), len(strange))
            out[rows] = getattr(self.fallback_, method)(X.iloc[rows])
        return out
