"""One model for large and small sites: every column in kilowatts is divided by the site's own recent load."""

from __future__ import annotations

import logging
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters, needed_features, needed_windows
from cblcast.checked.parameters import Inner, Text
from cblcast.estimators.columns import take
from cblcast.estimators.design import finite_target
from cblcast.estimators.wrappers.inner import check_estimator, fit_weighted, gives_interval, gives_members, ready
from cblcast.frames.events import Window
from cblcast.frames.schema import DataError
from cblcast.frames.units import unit_of_column

logger = logging.getLogger(__name__)


class Normalised(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """An estimator that sees load as a share of the site's mean load on its reference days.

    What is learned on some sites then serves all others, those without any history of training included.

    Parameters
    ----------
    estimator : estimator
        Rows stay rows: it may be a :class:`~cblcast.estimators.wrappers.residual.Residual`, an ensemble, a model per site.
    scale : str
        Column to divide by [kW].
    log_scale : bool
        Tell the inner estimator the size of the site, as the column ``log_scale`` (natural logarithm of kW).

    Notes
    -----
    A row without a scale (no reference day) has no estimate: NaN, which the evaluation counts by name. A scale of zero
    or less, a site that used nothing on all of its reference days, leaves such rows out of training; their estimate is
    the scale itself. Both are counted in the log.
    """

    def __init__(self, estimator: Inner = None, scale: Text = "history_scale_kw", log_scale: bool = True) -> None:
        self.estimator = estimator
        self.scale = scale
        self.log_scale = log_scale

    def windows(self) -> tuple[Window, ...]:
        """Windows of the inner estimator."""
        return needed_windows(self.estimator)

    def required_features(self) -> dict[str, dict[str, object]]:
        """Builders of the inner estimator."""
        return needed_features(self.estimator)

    def fit(self, X: pd.DataFrame, y: Any, sample_weight: np.ndarray | None = None) -> Self:
        """Fit the inner estimator on shares.

        Raises
        ------
        DataError
            No row has a load to divide by.
        """
        check_parameters(self)
        check_estimator(self.estimator, self, "estimator")
        target = finite_target(y, self)
        scale = take(X, [self.scale], self)[:, 0]
        usable = scale > 0
        if not usable.any():
            raise DataError(
                f"{type(self).__name__} has no training row with {self.scale!r} above zero: every site is all zero, or "
                "has no reference days"
            )
        if not usable.all():
            logger.info(
                "%d of %d training rows have no load to divide by and are left out", int((~usable).sum()), len(X)
            )
        rows = X[usable]
        self.n_features_in_ = X.shape[1]
        weight = None if sample_weight is None else np.asarray(sample_weight)[usable]
        shares = self.shares(rows, scale[usable])
        self.estimator_ = fit_weighted(clone(self.estimator), shares, target[usable] / scale[usable], weight)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,)."""
        return self._scaled(X, "predict", ())

    @available_if(gives_interval)
    def predict_interval(self, X: pd.DataFrame) -> np.ndarray:
        """Limits of the inner estimator [kW], float64, shape (n_rows, 2)."""
        return self._scaled(X, "predict_interval", (2,))

    @available_if(gives_members)
    def predict_members(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of each member of the inner estimator [kW], float64, shape (n_rows, n_members)."""
        return self._scaled(X, "predict_members", (len(self.member_names),))

    @property
    def member_names(self) -> tuple[str, ...]:
        """Members of the inner estimator."""
        return tuple(ready(self).member_names)

    def _scaled(self, X: pd.DataFrame, method: str, shape: tuple[int, ...]) -> np.ndarray:
        check_is_fitted(self, "estimator_")
        scale = take(X, [self.scale], self)[:, 0]
        usable = scale > 0
        out = np.full((len(X), *shape), np.nan)
        out[scale <= 0] = scale[scale <= 0].reshape(-1, *(1 for _ in shape))
        if not usable.all():
            logger.info(
                "%d of %d rows belong to sites without load on their reference days (estimated as that load), "
                "%d have no reference days (no estimate)",
                int((scale <= 0).sum()), len(X), int(np.isnan(scale).sum()),
            )  # fmt: skip
        if usable.any():
            shares = np.asarray(getattr(self.estimator_, method)(self.shares(X[usable], scale[usable])))
            out[usable] = shares * scale[usable].reshape(-1, *(1 for _ in shape))
        return out

    def shares(self, X: pd.DataFrame, scale: np.ndarray) -> pd.DataFrame:
        """What the inner estimator sees of rows with a `scale` above zero [kW], shape (n_rows,)."""
        values = X.to_numpy(dtype=np.float64, copy=True)
        power = np.array([unit_of_column(str(name)) == "kw" and name != self.scale for name in X.columns], dtype=bool)
        values[:, power] /= scale[:, None]
        shares = pd.DataFrame(values, index=X.index, columns=X.columns)
        shares[self.scale] = 1.0
        if self.log_scale:
            shares["log_scale"] = np.log(scale)
        return shares
