"""Autoregression of the measured power, direct for the row's lead, its order chosen by BIC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Filled, Some, Text
from cblcast.estimators.columns import take
from cblcast.frames.schema import DataError


class Autoregression(RegressorMixin, BaseEstimator):
    """Least squares of the power on its last p values.

    Wrapped in :class:`cblcast.estimators.wrappers.by_lead.ByLead` it is the direct AR of each lead.

    Parameters
    ----------
    orders : tuple of int
        Candidates for p; the BIC (Schwarz 1978) chooses.
    column : str
        The lagged column.
    """

    def __init__(
        self, orders: Annotated[Sequence[Some], Filled()] = (1, 2, 3, 4, 6, 9, 12, 18), column: Text = "observed_kw"
    ) -> None:
        self.orders = orders
        self.column = column

    def required_features(self) -> dict[str, dict[str, object]]:
        """The last values, up to the highest order."""
        return {"lags": {"columns": (self.column,), "ago": tuple(range(1, max(self.orders) + 1))}}

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Fit every order on the same rows, keep the one with the lowest BIC."""
        check_parameters(self)
        y = np.asarray(y, dtype=np.float64)
        A = take(X, self._names(max(self.orders)), self)
        known = np.isfinite(A).all(1) & np.isfinite(y)
        if known.sum() <= max(self.orders) + 1:
            raise DataError(
                f"an autoregression of order {max(self.orders)} needs more complete rows than {int(known.sum())}: "
                "give more training data, or lower orders"
            )
        A, target, n = np.column_stack([np.ones(known.sum()), A[known]]), y[known], int(known.sum())
        best = np.inf
        for order in sorted(self.orders):
            part = A[:, : order + 1]
            coef = np.linalg.lstsq(part, target, rcond=None)[0]
            rss = float(((target - part @ coef) ** 2).sum())
            bic = n * np.log(max(rss, 1e-300) / n) + np.log(n) * (order + 1)
            if bic < best:
                best, self.order_, self.coef_ = bic, int(order), coef
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Power [kW], float64, shape (n_rows,); a missing lag is replaced by the last measured value."""
        check_is_fitted(self, "coef_")
        A = take(X, self._names(self.order_), self)
        return np.where(np.isfinite(A), A, A[:, :1]) @ self.coef_[1:] + self.coef_[0]

    def _names(self, order: int) -> list[str]:
        return [f"{self.column}_ago_{k}" for k in range(1, order + 1)]
