"""Ordinary least squares and ridge regression in closed form, one model or one per group (site, hour) in one batch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Filled, Names, NotNegative, OneOf, Positive, Rows
from cblcast.estimators.design import column_names, finite_target, learn_design, row_weights
from cblcast.estimators.groups import group_rows
from cblcast.estimators.learners.own_models import Predicts, justified_sites
from cblcast.frames.schema import SITE

logger = logging.getLogger(__name__)

GCV_PRICE = 1.4  # of a degree of freedom: plain GCV undersmooths now and then (Kim and Gu 2004, J. R. Stat. Soc. B 66)
OWN = ("always", "justified")
Moments = tuple[np.ndarray, ...]
_ROWS_AT_ONCE = 100_000  # bounds the memory
ALPHAS = tuple(float(alpha) for alpha in np.logspace(-1, 4, 16))


def ridge_paths(
    gram: np.ndarray, moment: np.ndarray, total: np.ndarray, count: np.ndarray, alphas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ridge coefficients of many small problems at once, each with the penalty that generalised cross-validation takes.

    Parameters
    ----------
    gram : ndarray, shape (g, p, p)
        XᵀX of centred columns.
    moment : ndarray, shape (g, p)
        Xᵀy of the centred target.
    total : ndarray, shape (g,)
        yᵀy of the centred target.
    count : ndarray, shape (g,)
        Rows.
    alphas : ndarray, shape (a,)
        Penalties tried; one of 0 is ordinary least squares by the pseudo-inverse.

    Returns
    -------
    coef : ndarray, shape (g, p)
    alpha : ndarray, shape (g,)

    References
    ----------
    Golub, Heath and Wahba (1979), Technometrics 21: GCV(α) = n RSS(α) / (n - γ tr H(α))², the mean counted as a
    parameter; γ = 1.4 after Kim and Gu (2004).
    """
    values, vectors = np.linalg.eigh(gram)
    values = np.maximum(values, 0.0)
    projected = np.einsum("gpk,gp->gk", vectors, moment)
    floor = values.max(axis=1, initial=0.0)[:, None] * 1e-10  # directions that the rows do not determine
    alive = values > floor
    best = np.full(len(gram), np.inf)
    chosen = np.zeros(len(gram))
    weights = np.zeros_like(projected)
    for alpha in alphas:
        damped = np.where(alive, values + alpha, 1.0)
        shrunk = np.where(alive, projected / damped, 0.0)
        residual = total - (shrunk * (2 * projected - values * shrunk)).sum(1)
        free = count - GCV_PRICE * (1.0 + np.where(alive, values / damped, 0.0).sum(1))
        with np.errstate(divide="ignore", invalid="ignore"):
            criterion = np.where(free > 0, count * np.maximum(residual, 0.0) / free**2, np.inf)
        better = (criterion < best) | ((alpha == alphas[-1]) & ~np.isfinite(best))
        best = np.where(better, criterion, best)
        chosen = np.where(better, alpha, chosen)
        weights = np.where(better[:, None], shrunk, weights)
    return np.einsum("gpk,gk->gp", vectors, weights), chosen


def grouped_moments(X: np.ndarray, y: np.ndarray, weight: np.ndarray, group: np.ndarray, n_groups: int) -> Moments:
    """Count, weighted mean of X and y, and centred XᵀWX, XᵀWy, yᵀWy of each group; rows may stand in any order."""
    count = np.bincount(group, minlength=n_groups)
    small = n_groups <= np.iinfo(np.int16).max  # sixteen bits are sorted by radix, in one pass
    order = np.argsort(group.astype(np.int16) if small else group, kind="stable")
    begin = np.cumsum(count) - count
    p = X.shape[1]
    mean, moments = np.zeros((n_groups, p + 1)), np.zeros((n_groups, p + 1, p + 1))
    for rows_each in np.unique(count[count > 0]).tolist():  # groups as long as each other are one stack of products
        alike = np.flatnonzero(count == rows_each)
        at_once = max(1, _ROWS_AT_ONCE // rows_each)
        for first in range(0, len(alike), at_once):
            some = alike[first : first + at_once]
            rows = order[begin[some][:, None] + np.arange(rows_each)]
            share = weight[rows]
            share = share / share.sum(1, keepdims=True)
            both = np.concatenate([X[rows], y[rows][:, :, None]], axis=2)
            mean[some] = np.matmul(share[:, None, :], both)[:, 0]
            both -= mean[some][:, None, :]
            both *= np.sqrt(share * rows_each)[
                :, :, None
            ]  # weights of mean 1: a penalty means the same with and without them
            moments[some] = np.matmul(both.transpose(0, 2, 1), both)
    return (
        count.astype(np.float64), mean[:, :p], mean[:, p],
        np.ascontiguousarray(moments[:, :p, :p]), moments[:, :p, p].copy(), moments[:, p, p].copy(),
    )  # fmt: skip


def joined_moments(parts: Moments, weight: np.ndarray) -> Moments:
    """The moments of all groups together, as one group, from those of :func:`grouped_moments`.

    Parameters
    ----------
    parts : tuple of ndarray
    weight : ndarray, shape (n_groups,)
        Sum of the weights of each group's rows.
    """
    count, mean_x, mean_y, gram, moment, total = parts
    many, share = count.sum(), weight / weight.sum()
    all_x, all_y = share @ mean_x, float(share @ mean_y)
    within = many * share / np.maximum(count, 1.0)  # a group's moments are those of weights of mean 1 in the group
    beside_x, beside_y, between = mean_x - all_x, mean_y - all_y, many * share
    return (
        np.array([many]), all_x[None], np.array([all_y]),
        (np.einsum("g,gpq->pq", within, gram) + (beside_x * between[:, None]).T @ beside_x)[None],
        (within @ moment + (beside_y * between) @ beside_x)[None],
        np.array([within @ total + between @ beside_y**2]),
    )  # fmt: skip


class Ridge(RegressorMixin, BaseEstimator):
    """Ridge regression; with `by` one model per group, all groups solved in one batch, and a pooled one behind them.

    Parameters
    ----------
    columns : sequence of str, optional
        Columns to use; all unless given.
    by : sequence of str
        What separates the groups: ``"site_id"`` and columns such as ``"hour"``. Empty: one model for all rows.
    alphas : sequence of float
        Penalties among which generalised cross-validation chooses, for standardised columns, for each group on its own.
    one_hot : sequence of str
        Columns of categories, one indicator per level; those that are not there are passed over.
    clip : float or None
        Hold standardised values within ± `clip`; see :class:`~cblcast.estimators.design.Design`.
    fewest_rows : int
        A group with fewer training rows, and one never trained, is estimated by the pooled model; their number is
        logged.
    own : {"always", "justified"}
        Whether every group is estimated by its own model, or, with sites among `by`, only those of sites that
        :func:`~cblcast.estimators.learners.own_models.justified_sites` finds: with a year of training days, or better than the
        pooled model on days left out. A site asked outside the season that it learned in may else be thrown anywhere.

    Attributes
    ----------
    coef_ : ndarray, shape (n_groups + 1, p)
        Coefficients of the standardised columns; the last row is the pooled model.
    intercept_ : ndarray, shape (n_groups + 1,)
    alpha_ : ndarray, shape (n_groups + 1,)

    Notes
    -----
    With fewer rows than columns, or columns that depend on each other, the penalty decides; nothing has to be inverted
    that cannot be.
    """

    def __init__(
        self,
        columns: Names | None = None,
        by: Sequence[str] = (),
        alphas: Annotated[Sequence[NotNegative], Filled()] = ALPHAS,
        one_hot: Sequence[str] = ("day_of_week",),
        clip: Positive | None = 5.0,
        fewest_rows: Rows = 60,
        own: Annotated[str, OneOf(OWN)] = "always",
    ) -> None:
        self.columns = columns
        self.by = by
        self.alphas = alphas
        self.one_hot = one_hot
        self.clip = clip
        self.fewest_rows = fewest_rows
        self.own = own

    def fit(self, X: pd.DataFrame, y: Any, sample_weight: np.ndarray | None = None) -> Self:
        """Solve all groups."""
        check_parameters(self)
        target = finite_target(y, self)
        weight = row_weights(sample_weight, len(target), self)
        self.n_features_in_ = len(column_names(X))
        self.design_ = learn_design(X, self, self.columns, self.one_hot, self.clip)
        matrix = self.design_.matrix(X, self)
        groups = group_rows(X, self.by, self)
        self.keys_ = groups.keys
        parts = grouped_moments(matrix, target, weight, groups.of_row, len(groups))
        if self.by:
            whole = joined_moments(parts, np.bincount(groups.of_row, weights=weight, minlength=len(groups)))
            parts = tuple(np.concatenate(pair) for pair in zip(parts, whole, strict=True))
        count, mean_x, mean_y, gram, moment, total = parts
        self.coef_, self.alpha_ = ridge_paths(gram, moment, total, count, np.asarray(self.alphas, dtype=np.float64))
        self.intercept_ = mean_y - (self.coef_ * mean_x).sum(1)
        self.rows_ = count
        if not self.by:
            self.keys_ = np.empty(0, dtype=np.str_)
        if self.own == "justified" and SITE in self.by:
            sites = justified_sites(X, target, weight, partial(self._learned_from, X, target, weight), self)
            kept = np.isin(groups.names[:, list(self.by).index(SITE)], sites)
            self.rows_[: len(kept)] *= kept
        return self

    def _learned_from(self, X: pd.DataFrame, y: np.ndarray, weight: np.ndarray, rows: np.ndarray) -> Predicts:
        """What models of some of the rows say: each group's own one, and the pooled one."""
        part = clone(self).set_params(own="always").fit(X[rows], y[rows], weight[rows])

        return lambda asked: (part.predict(X[asked]), part.predict_pooled(X[asked]))

    def predict_pooled(self, X: pd.DataFrame) -> np.ndarray:
        """What the pooled model alone says of all rows, float64, shape (n_rows,)."""
        check_is_fitted(self, "coef_")
        return (self.design_.matrix(X, self) * self.coef_[-1]).sum(1) + self.intercept_[-1]

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate in the unit of y, float64, shape (n_rows,)."""
        check_is_fitted(self, "coef_")
        matrix = self.design_.matrix(X, self)
        model = np.full(len(matrix), len(self.keys_))
        if len(self.keys_) and len(matrix):
            groups = group_rows(X, self.by, self)
            place = groups.among(self.keys_)
            own = (place >= 0) & (self.rows_[place] >= self.fewest_rows)
            if not own.all():
                logger.info(
                    "%s: %d of %d groups were not trained on enough rows; the pooled model estimates them",
                    type(self).__name__, int((~own).sum()), len(own),
                )  # fmt: skip
            model = np.where(own, place, len(self.keys_))[groups.of_row]
        return (matrix * self.coef_[model]).sum(1) + self.intercept_[model]

    def __sklearn_tags__(self) -> Any:
        """Missing values are allowed: they take the training mean."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class LeastSquares(Ridge):
    """Ordinary least squares: :class:`Ridge` without a penalty, by the pseudo-inverse where columns are dependent.

    Parameters
    ----------
    columns, by, one_hot, clip, fewest_rows
        As :class:`Ridge`.
    """

    def __init__(
        self,
        columns: Names | None = None,
        by: Sequence[str] = (),
        one_hot: Sequence[str] = ("day_of_week",),
        clip: Positive | None = None,
        fewest_rows: Rows = 60,
    ) -> None:
        self.columns = columns
        self.by = by
        self.one_hot = one_hot
        self.clip = clip
        self.fewest_rows = fewest_rows

    alphas = property(lambda self: (0.0,))
    own = "always"
