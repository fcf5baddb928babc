"""A blend of nowcasts whose weights are learned by lead and site, from forecasts of days that its members had not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters, needed_features, needed_windows
from cblcast.checked.parameters import Filled, Folds, Hours, Inner, NotNegative, Positive
from cblcast.estimators.design import finite_target
from cblcast.estimators.groups import group_rows
from cblcast.estimators.leads import minutes_ahead
from cblcast.estimators.wrappers.ensemble import day_folds
from cblcast.estimators.wrappers.inner import check_estimator
from cblcast.frames.events import Window
from cblcast.frames.instants import HOUR_US, MINUTE_US, microseconds
from cblcast.frames.known import known_mean
from cblcast.frames.schema import ORIGIN, SITE, DataError


class LeadEnsemble(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """A weighted mean of nowcasts, each weight learned by lead and, where a site has the rows for it, by site.

    Persistence is best in the next minutes, the weather forecast a day ahead; a net may be worth much at a farm with years of
    records and ruin one with a few weeks. So each block of consecutive days is estimated by members trained on the others, and
    the convex weights with the least squared error there are taken: a member that fails gets none. Neighbouring leads share
    what they learned, and sites lean on all sites together until they have rows of their own.

    Parameters
    ----------
    members : sequence of estimators
        Pooled or per site, of one lead or of all: what fits and predicts rows.
    folds : int
        Blocks of consecutive days, all sites together.
    gap_h : float
        Rows that meet a block that is left out, or come so close to it, are not trained on for it [h].
    width : float
        Leads share errors by a bell of this width in the logarithm of the lead: 0.3 joins 60 min with about 45 to 80 min.
    lean : float
        So many rows of all sites together stand beside each site's own at a lead.
    simple : float
        A member takes part where it lowers the error: weights below this are set to none and the others refitted.

    Attributes
    ----------
    members_ : list of estimators
        Trained on all rows.
    leads_ : list of int
        Minutes from the origin to the interval's start.
    sites_ : ndarray of str, shape (n_sites,)
    weights_ : ndarray, shape (n_sites + 1, n_leads, n_members)
        The last row is that of sites that were not trained on.
    out_of_fold_rmse_ : ndarray, shape (n_leads, n_members)
        Of all sites, as a share of each site's highest power in training.

    References
    ----------
    Breiman (1996), Stacked regressions.

    Notes
    -----
    Where a member has no estimate (NaN), the others take over its weight.
    """

    def __init__(
        self,
        members: Annotated[Sequence[Inner], Filled()] = (),
        folds: Folds = 5,
        gap_h: Hours = 24.0,
        width: Positive = 0.3,
        lean: NotNegative = 300.0,
        simple: NotNegative = 0.05,
    ) -> None:
        self.members = members
        self.folds = folds
        self.gap_h = gap_h
        self.width = width
        self.lean = lean
        self.simple = simple

    def windows(self) -> tuple[Window, ...]:
        """Windows of all members."""
        return needed_windows(*self.members)

    def required_features(self) -> dict[str, dict[str, Any]]:
        """Builders of all members, merged."""
        return needed_features(*self.members)

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn the weights from days left out, then train every member on all rows.

        Raises
        ------
        DataError
            Rows not indexed (site_id, origin, time), fewer days than folds, or no row that all members estimate.
        """
        check_parameters(self)
        for number, member in enumerate(self.members):
            check_estimator(member, self, f"member {number + 1}")
        target, ahead = finite_target(y, self), minutes_ahead(X)
        predicted = self.out_of_fold(X, target)
        known = np.isfinite(predicted).all(1)
        if not known.any():
            raise DataError("no training row is estimated by all members, so that weights cannot be learned")
        groups = group_rows(X, (SITE,), self)
        self.sites_ = groups.keys
        highest = np.zeros(len(groups))
        np.maximum.at(highest, groups.of_row, np.abs(target))
        unit = np.where(highest > 0, highest, 1.0)[groups.of_row]
        self.leads_ = [int(lead) for lead in np.unique(ahead)]
        lead = np.searchsorted(self.leads_, ahead)
        error = ((predicted - target[:, None]) / unit[:, None])[known]
        self._learn(error, groups.of_row[known], lead[known])
        self.members_ = [clone(member).fit(X, target) for member in self.members]
        self.n_features_in_ = X.shape[1]
        return self

    def out_of_fold(self, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
        """Estimates of each row by members that have not seen its block of days, shape (n_rows, n_members)."""
        fold = day_folds(X, self.folds)
        origin = microseconds(X.index.get_level_values(ORIGIN))
        stop = origin + minutes_ahead(X) * MINUTE_US
        gap = round(self.gap_h * HOUR_US)
        predicted = np.full((len(X), len(self.members)), np.nan)
        for number in range(self.folds):
            held = fold == number
            begin, end = origin[held].min() - gap, stop[held].max() + gap
            learned = ~held & ((stop < begin) | (origin > end))
            if not learned.any():
                raise DataError(
                    f"a gap of {self.gap_h:g} h leaves nothing to learn from beside one of {self.folds} blocks of days: give "
                    "a smaller gap_h or a longer training span"
                )
            for column, member in enumerate(self.members):
                predicted[held, column] = clone(member).fit(X[learned], y[learned]).predict(X[held])
        return predicted

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Weighted mean of the members, float64, shape (n_rows,); a lead that was not trained takes the nearest one's weights."""
        check_is_fitted(self, "members_")
        predicted = np.stack([np.asarray(member.predict(X), dtype=np.float64) for member in self.members_], axis=1)
        groups = group_rows(X, (SITE,), self)
        place = groups.among(self.sites_)
        site = np.where(place >= 0, place, len(self.sites_))[groups.of_row]
        distance = np.abs(minutes_ahead(X)[:, None] - np.array(self.leads_)[None, :])
        weight = self.weights_[site, distance.argmin(1)]
        there = np.isfinite(predicted)
        share = np.where(there, weight, 0.0)
        share = np.where((share.sum(1) == 0)[:, None], there.astype(np.float64), share)
        return known_mean(predicted, weight=share)

    def _learn(self, error: np.ndarray, site: np.ndarray, lead: np.ndarray) -> None:
        """Weights of each site and lead from the products of the members' errors."""
        n_sites, n_leads, n_members = len(self.sites_), len(self.leads_), error.shape[1]
        cell = site * n_leads + lead
        count = np.bincount(cell, minlength=n_sites * n_leads).astype(np.float64).reshape(n_sites, n_leads)
        products = np.zeros((n_sites, n_leads, n_members, n_members))
        for i in range(n_members):
            for j in range(i + 1):
                summed = np.bincount(cell, error[:, i] * error[:, j], minlength=n_sites * n_leads)
                products[..., i, j] = products[..., j, i] = summed.reshape(n_sites, n_leads)
        pooled, rows = products.sum(0), count.sum(0)
        mean_square = np.diagonal(pooled, axis1=-2, axis2=-1) / np.maximum(rows, 1.0)[:, None]
        self.out_of_fold_rmse_ = np.sqrt(np.where(rows[:, None] > 0, mean_square, np.nan))
        log_lead = np.log(np.array(self.leads_, dtype=np.float64) + max(self.leads_[0], 1))
        near = np.exp(-0.5 * ((log_lead[:, None] - log_lead[None, :]) / self.width) ** 2)
        of_all = np.einsum("ab,bij->aij", near, pooled) / (near @ rows)[:, None, None]
        self.weights_ = np.empty((n_sites + 1, n_leads, n_members))
        for number in range(n_leads):
            self.weights_[-1, number] = self._convex(of_all[number])
            own, much = np.einsum("b,sbij->sij", near[number], products), near[number] @ count.T
            for place in range(n_sites):
                mixed = (own[place] + self.lean * of_all[number]) / max(much[place] + self.lean, 1e-12)
                self.weights_[place, number] = self._convex(mixed)

    def _convex(self, product: np.ndarray) -> np.ndarray:
        weights = convex_weights(product)
        kept = np.flatnonzero(weights >= min(self.simple, weights.max()))
        found = np.zeros(len(weights))
        found[kept] = convex_weights(product[np.ix_(kept, kept)])
        return found


def convex_weights(product: np.ndarray) -> np.ndarray:
    """Weights >= 0 that sum to 1 with the least w' P w, P the mean products of the members' errors; shape (n_members,)."""
    size = float(np.trace(product)) or 1.0
    values, vectors = np.linalg.eigh(product / size)
    root = np.sqrt(np.maximum(values, 1e-12))[:, None] * vectors.T
    rows = np.vstack([root, np.full((1, len(product)), 1e3)])
    weights, _ = nnls(rows, np.r_[np.zeros(len(product)), 1e3])
    return np.asarray(weights / weights.sum())
