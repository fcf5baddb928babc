"""ARMA(p, q) of the measured power by Hannan and Rissanen's regressions, iterated to the row's lead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Filled, Order, Some, StepMin, Text
from cblcast.estimators.columns import take
from cblcast.estimators.leads import minutes_ahead
from cblcast.frames.schema import DataError, StudyError


class ARMA(RegressorMixin, BaseEstimator):
    """One ARMA model for all leads: z[t] = Σ φ_i z[t−i] + e[t] + Σ θ_j e[t−j], z the power minus its mean.

    Fitted by least squares in two steps. A long autoregression gives estimates of the innovations e; then z is regressed
    on its last p values and the last q innovations. Both the training targets and the innovations come from the lag
    columns, so a row needs no history but its own, and `fit` does not read `y`. The forecast of a lead iterates the
    recursion with future innovations at zero; it is linear in the lags, so every lead has one vector of weights.

    Parameters
    ----------
    orders : sequence of (int, int)
        Candidates (p, q); the BIC (Schwarz 1978) of the second regression chooses. Candidates whose autoregressive part
        would explode are passed over.
    long : int
        Order of the autoregression that gives the innovations, at least p + q.
    column : str
        The lagged column.
    step_min : int
        Step of the panel [min].

    Attributes
    ----------
    order_ : list of int
        Chosen [p, q].
    mean_ : float
        Mean that is taken off [kW].
    ar_ : ndarray, shape (p,)
        φ.
    ma_ : ndarray, shape (q,)
        θ.
    long_ : ndarray, shape (long,)
        Coefficients of the long autoregression.
    innovation_sd_ : float
        Standard deviation of the error one step ahead [kW].

    Notes
    -----
    Hannan and Rissanen, "Recursive estimation of mixed autoregressive-moving average order", Biometrika 69 (1982), 81-94,
    first two steps (their third, which removes a bias of small samples, is left out); the iterated forecast is that of
    Box and Jenkins, *Time Series Analysis*, chapter 5. Sites share the coefficients and the mean: wrap in ``PerSite``
    for one model a site. Training origins belong at all times of day: those of one hour alone teach its daily rise or fall.
    """

    def __init__(
        self,
        orders: Annotated[Sequence[tuple[Order, Order]], Filled()] = ((3, 2),),
        long: Some = 20,
        column: Text = "observed_kw",
        step_min: StepMin = 10,
    ) -> None:
        self.orders = orders
        self.long = long
        self.column = column
        self.step_min = step_min

    def required_features(self) -> dict[str, dict[str, object]]:
        """The last values: one to be explained, and as many as the oldest innovation needs."""
        return {"lags": {"columns": (self.column,), "ago": tuple(range(1, self._depth() + 1))}}

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Estimate the long autoregression, then each candidate, on the complete rows; an origin counts once.

        Raises
        ------
        StudyError
            Orders that are no pairs of counts, or a long autoregression shorter than p + q.
        DataError
            Lag columns missing, too few complete rows, or no candidate that is stationary.
        """
        check_parameters(self)
        orders = self._orders()
        A = take(X, self._names(self._depth()), self)[_first_of_origins(X)]
        A = A[np.isfinite(A).all(1)]
        if len(A) < 10 * self._depth():
            raise DataError(
                f"ARMA with a long autoregression of {self.long} needs {10 * self._depth()} origins with all lags, "
                f"got {len(A)}: give more training data, or a smaller long"
            )
        self.mean_ = float(A[:, 0].mean())
        Z = A - self.mean_
        self.long_ = np.linalg.lstsq(Z[:, 1 : self.long + 1], Z[:, 0], rcond=None)[0]
        e = innovations(Z, self.long_)
        best = np.inf
        for p, q in orders:
            part = np.hstack([Z[:, 1 : p + 1], e[:, 1 : q + 1]])
            coef = np.linalg.lstsq(part, Z[:, 0], rcond=None)[0]
            rss = float(((Z[:, 0] - part @ coef) ** 2).sum())
            bic = len(Z) * np.log(max(rss, 1e-300) / len(Z)) + np.log(len(Z)) * (p + q + 1)
            if bic < best and _stationary(coef[:p]):
                best, self.order_, self.ar_, self.ma_ = bic, [p, q], coef[:p], coef[p:]
                self.innovation_sd_ = float(np.sqrt(rss / len(Z)))
        if not np.isfinite(best):
            raise DataError(
                f"no ARMA of the orders {orders} is stationary on these {len(A)} origins: train on origins at all "
                "times of day, or add a lower order"
            )
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Power [kW], float64, shape (n_rows,); a missing lag takes the next newer value, without the newest it is NaN.

        Raises
        ------
        DataError
            A row whose interval is no whole number of steps after its origin.
        """
        check_is_fitted(self, "ar_")
        Z = take(X, self._names(len(self.ma_) + self.long), self) - self.mean_
        for k in range(1, Z.shape[1]):
            Z[:, k] = np.where(np.isfinite(Z[:, k]), Z[:, k], Z[:, k - 1])
        ahead = minutes_ahead(X)
        if ((ahead < 0) | (ahead % self.step_min != 0)).any():
            wrong = ahead[(ahead < 0) | (ahead % self.step_min != 0)][0]
            raise DataError(
                f"the interval that starts {wrong} min after the origin is no whole number of {self.step_min} min steps "
                "ahead: set ARMA's step_min to the step of the panel"
            )
        leads, which = np.unique(ahead // self.step_min + 1, return_inverse=True)
        weights = lag_weights(self.ar_, self.ma_, self.long_, int(leads.max(initial=1)))
        found = np.full(len(Z), np.nan)
        for number, lead in enumerate(leads):
            rows = which == number
            # A sum along the row, not a matrix product: the answer must not depend on which rows are asked together.
            found[rows] = (Z[rows] * weights[lead - 1]).sum(1) + self.mean_
        return found

    def _orders(self) -> list[tuple[int, int]]:
        try:
            orders = [(int(p), int(q)) for p, q in self.orders]
        except (TypeError, ValueError):
            orders = []
        if not orders or any(p < 0 or q < 0 or p + q == 0 for p, q in orders):
            raise StudyError(
                f"ARMA needs orders as pairs (p, q) of counts with p + q >= 1, such as ((3, 2),), not {self.orders!r}"
            )
        if self.long < max(p + q for p, q in orders):
            raise StudyError(
                f"ARMA's long autoregression of {self.long} is shorter than p + q of the orders {orders}: raise long"
            )
        return orders

    def _depth(self) -> int:
        return int(self.long) + max(q for _, q in self._orders()) + 1

    def _names(self, count: int) -> list[str]:
        return [f"{self.column}_ago_{k}" for k in range(1, count + 1)]


def innovations(Z: np.ndarray, long: np.ndarray) -> np.ndarray:
    """What a long autoregression did not foresee of the newest values.

    Parameters
    ----------
    Z : ndarray, shape (n, n_lags)
        Newest first, mean taken off.
    long : ndarray, shape (m,)

    Returns
    -------
    ndarray, shape (n, n_lags − m)
        Column k is e of the value in column k of `Z`.
    """
    m = len(long)
    return np.stack([Z[:, k] - Z[:, k + 1 : k + 1 + m] @ long for k in range(Z.shape[1] - m)], axis=1)


def lag_weights(ar: np.ndarray, ma: np.ndarray, long: np.ndarray, n_leads: int) -> np.ndarray:
    """Weights of the lags in the iterated forecast of each lead.

    Parameters
    ----------
    ar, ma, long : ndarray, shapes (p,), (q,), (m,)
    n_leads : int

    Returns
    -------
    ndarray, shape (n_leads, q + m)
        Row h−1 times the lags (newest first, mean taken off) is the forecast h steps ahead.
    """
    p, q, m = len(ar), len(ma), len(long)
    lags = np.eye(q + m)
    # Row k of `seen` writes e of the k-th lag in terms of the lags.
    seen = np.zeros((q, q + m))
    for k in range(q):
        seen[k, k], seen[k, k + 1 : k + 1 + m] = 1.0, -long
    known = list(lags[:p])  # newest first, forecasts are put in front
    out = np.empty((n_leads, q + m))
    for h in range(1, n_leads + 1):
        row = sum((ar[i] * known[i] for i in range(p)), np.zeros(q + m))
        # j steps before the target: an innovation still to come counts as zero
        out[h - 1] = row + sum((ma[j] * seen[j - h + 1] for j in range(h - 1, q)), np.zeros(q + m))
        known.insert(0, out[h - 1])
    return out


def _first_of_origins(X: pd.DataFrame) -> np.ndarray:
    """Rows that are the first of their (site_id, origin): all leads of an origin carry the same lags."""
    if isinstance(X, pd.DataFrame) and isinstance(X.index, pd.MultiIndex) and "time" in X.index.names:
        return ~X.index.droplevel("time").duplicated()
    return np.ones(len(X), dtype=bool)


def _stationary(ar: np.ndarray) -> bool:
    """Whether all roots of z^p − φ_1 z^(p−1) − … lie within the unit circle."""
    return len(ar) == 0 or bool(np.abs(np.roots(np.r_[1.0, -ar])).max() < 1.0)
