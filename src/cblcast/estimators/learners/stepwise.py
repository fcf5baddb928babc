"""Linear regression with forward selection of columns by the Bayesian information criterion."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Names, Some
from cblcast.estimators.design import column_names, columns_of
from cblcast.frames.known import known_mean
from cblcast.frames.schema import DataError


def forward_bic(gram: np.ndarray, moment: np.ndarray, total: float, n: int, max_columns: int) -> list[int]:
    """Columns in the order in which they lower the BIC most, until none does.

    BIC = n ln(RSS/n) + (k + 1) ln n, Schwarz 1978, as in Dupré et al. 2020, section 2.2. The residual sums come from one
    Cholesky-like sweep: each chosen column is projected out of all others, so a step costs one pass over the columns.

    Parameters
    ----------
    gram : ndarray (p, p)
        Xᵀ X of centred, unit-variance columns, times 1.
    moment : ndarray (p,)
        Xᵀ y with y centred.
    total : float
        yᵀ y.
    n : int
        Rows.
    max_columns : int

    Returns
    -------
    list of int
    """
    g, m, rss = gram.astype(np.float64).copy(), moment.astype(np.float64).copy(), float(total)
    floor = 1e-9 * n  # what is left of a column that the chosen ones explain
    chosen: list[int] = []
    best = n * np.log(max(rss, 1e-300) / n) + np.log(n)
    while len(chosen) < min(max_columns, len(m)):
        left = np.diag(g)
        gain = np.where(left > floor, m**2 / np.maximum(left, floor), 0.0)
        gain[chosen] = 0.0
        k = int(gain.argmax())
        bic = n * np.log(max(rss - gain[k], 1e-300) / n) + np.log(n) * (len(chosen) + 2)
        if gain[k] <= 0 or bic >= best - 1e-9:
            break
        best, rss = bic, rss - gain[k]
        chosen.append(k)
        row = g[k] / g[k, k]
        m = m - m[k] * row
        g = g - np.outer(row, g[k])
    return chosen


class StepwiseRegression(RegressorMixin, BaseEstimator):
    """Least squares on the columns that forward selection by BIC chooses.

    The form of the nowcast paper's LR_SW: at each step the column that lowers the BIC most is added, as long as one does.

    Parameters
    ----------
    columns : tuple of str or None
        Candidates; every column unless given.
    max_columns : int
        Stop there.
    drop_missing : bool
        Rows with a NaN among the candidates are left out of the fit; predictions there use the column's mean.

    Attributes
    ----------
    selected_ : list of str
        Columns in the order of their choice.
    coef_, intercept_
        Of the selected ones.
    """

    def __init__(self, columns: Names | None = None, max_columns: Some = 20, drop_missing: bool = True) -> None:
        self.columns = columns
        self.max_columns = max_columns
        self.drop_missing = drop_missing

    def fit(self, X: Any, y: Any) -> Self:
        """Choose columns and fit them.

        Raises
        ------
        DataError
            No complete row is left.
        """
        check_parameters(self)
        names = column_names(X) if self.columns is None else list(self.columns)
        A, y = columns_of(X, names, self), np.asarray(y, dtype=np.float64)
        self.n_features_in_ = len(column_names(X))
        known = np.isfinite(y) & (np.isfinite(A).all(1) if self.drop_missing else True)
        self.means_ = known_mean(A, 0, otherwise=0.0)
        if not known.any():
            empty = [name for name, there in zip(names, np.isfinite(A).any(0), strict=True) if not there]
            raise DataError(
                "no row has all candidate columns, so that nothing can be regressed: "
                + (f"drop {empty[0]!r}, which is never there" if empty else "drop the sparse columns")
            )
        A, target = np.where(np.isfinite(A[known]), A[known], self.means_), y[known]
        n, centre = len(target), A.mean(0)
        spread = A.std(0)
        usable = spread > 1e-12 * np.maximum(np.abs(centre), 1.0)
        Z = (A - centre) / np.where(usable, spread, 1.0)
        Z[:, ~usable] = 0.0
        deviation = target - target.mean()
        chosen = forward_bic(Z.T @ Z, Z.T @ deviation, float(deviation @ deviation), n, self.max_columns)
        coef = np.linalg.lstsq(Z[:, chosen], deviation, rcond=None)[0] if chosen else np.zeros(0)
        self.selected_ = [names[k] for k in chosen]
        self.selected_means_ = self.means_[chosen]
        self.coef_ = coef / spread[chosen]
        self.intercept_ = float(target.mean() - self.coef_ @ centre[chosen])
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Estimate in the unit of y, float64, shape (n_rows,)."""
        return self.predict_rows(X)

    def predict_rows(self, X: Any, rows: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`predict`, of the rows at some positions of a frame."""
        check_is_fitted(self, "coef_")
        A = columns_of(X, self.selected_, self, rows)
        return np.where(np.isfinite(A), A, self.selected_means_) @ self.coef_ + self.intercept_

    def __sklearn_tags__(self) -> Any:
        """Missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
