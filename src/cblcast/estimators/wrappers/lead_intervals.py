"""Quantiles for any nowcast: how far it was off, by lead and by the power it promised."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import GivesQuantiles, able, check_parameters, needed_features, needed_windows
from cblcast.checked.parameters import Folds, Hours, Inner, Inside, Number, QuantileLevels, Some
from cblcast.estimators.leads import minutes_ahead, refuse_untrained
from cblcast.estimators.named import values_of, without
from cblcast.estimators.quantiles import Levels, QuantileLearner
from cblcast.estimators.wrappers.error_tables import FEWEST, UnrestScale, error_table, looked_up, weeks_apart
from cblcast.estimators.wrappers.inner import check_estimator
from cblcast.frames.coded import codes_and_level
from cblcast.frames.events import Window
from cblcast.frames.instants import microseconds
from cblcast.frames.schema import ORIGIN, SITE, DataError, StudyError
from cblcast.wishes import merge_wishes

UNREST = ("unrest_sd_kw", "unrest_change_kw")  # columns of the feature builder `unrest`


class LeadIntervals(QuantileLearner, MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """An estimator with quantiles of its out-of-sample errors, by lead and estimated power.

    The error of a nowcast is small and one-sided near no wind and near rated power, large in between, and grows with the
    lead. `fit` leaves out every `folds`-th week in turn, trains a clone on what lies further than `gap_h` from it, and keeps the
    quantiles of the errors in bins of estimated power, straight lines between the bins' centres; then it trains on all. Around
    a quantile learner it is the errors of each of its levels that are kept, so that its limits keep their form and get the
    coverage that they claim. Errors are divided by what is to be expected after hours as restless as the last ones
    (the builder ``unrest``), so that a season that is quieter or wilder than the training gets other limits.

    Parameters
    ----------
    estimator : estimator
    levels : sequence of float
        Quantiles that are kept, ascending, in (0, 1).
    folds : int
        Weeks number 0, `folds`, 2 `folds` … are left out together, and so on.
    bins : int
        At most so many bins of estimated power, with equally many errors, and with 40 or more.
    floor, ceiling : float or None
        Bounds of every quantile [kW], e.g. the rated power. A study keeps its nowcasts within standby and rated power itself.
    coverage : float or None
        Nominal coverage of the limits, which must be among the levels; None takes the levels nearest to 0.1 and 0.9.
    gap_h : float
        Origins so close to a week that is left out are not trained on either, since the wind of an hour ago is half of what is
        asked for [h].

    Attributes
    ----------
    leads_ : list of int
        Minutes from the origin to the interval's start.
    sites_ : ndarray of str, shape (n_sites,)
    unit_ : ndarray, shape (n_sites,)
        Highest power of each site in training [kW], by which its errors are divided.
    table_ : ndarray of int, shape (n_sites,)
        Which table each site reads; 0 is that of all sites.
    centres_ : ndarray, shape (n_tables, n_leads, bins)
        Mean estimated power of each bin, as a share of the unit.
    errors_ : ndarray, shape (n_tables, n_leads, bins, n_levels)
        Quantiles of observed minus estimated power, as a share of the unit and of the scale.
    scale_ : UnrestScale
        How large the errors are to be expected.

    Notes
    -----
    Sites are brought to one size by the highest power that each was trained on. A site with enough errors of its own has
    quantiles of its own, the others those of all.

    References
    ----------
    Romano, Patterson, Candès (2019), Conformalized quantile regression: each level is corrected by the quantile of its own
    out-of-sample errors.
    """

    def __init__(
        self,
        estimator: Inner = None,
        levels: QuantileLevels = (0.1, 0.5, 0.9),
        folds: Folds = 3,
        bins: Some = 8,
        floor: Number | None = None,
        ceiling: Number | None = None,
        coverage: Inside | None = None,
        gap_h: Hours = 24.0,
    ) -> None:
        self.estimator = estimator
        self.levels = levels
        self.folds = folds
        self.bins = bins
        self.floor = floor
        self.ceiling = ceiling
        self.coverage = coverage
        self.gap_h = gap_h

    def windows(self) -> tuple[Window, ...]:
        """Windows of the inner estimator."""
        return needed_windows(self.estimator)

    def required_features(self) -> dict[str, dict[str, object]]:
        """What the inner estimator needs, and how restless the power has been, which only the limits see."""
        return merge_wishes(needed_features(self.estimator), {"unrest": {}})

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn the errors out of sample, then train on all.

        Raises
        ------
        DataError
            Fewer weeks than folds, nothing left to train on beside the gaps, or too few errors at a lead.
        StudyError
            Levels that do not ascend between 0 and 1.
        """
        check_parameters(self)
        check_estimator(self.estimator, self, "estimator")
        y, ahead = np.asarray(y, dtype=np.float64), minutes_ahead(X)
        levels = Levels.of(self.levels).values
        origin = microseconds(X.index.get_level_values(ORIGIN))
        found = np.full((len(y), 1 + len(levels)), np.nan)
        plain = _without_unrest(X)
        for held, learned in weeks_apart(origin, self.folds, self.gap_h):
            fitted = clone(self.estimator).fit(plain[learned], y[learned])
            found[held] = self._of_inner(fitted, plain[held])
        self.leads_ = [int(lead) for lead in np.unique(ahead)]
        self._learn_errors(X, y, found, np.searchsorted(self.leads_, ahead))
        self.estimator_ = clone(self.estimator).fit(plain, y)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of the inner estimator [kW], float64, shape (n_rows,)."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.predict(_without_unrest(X)), dtype=np.float64)

    def predict_quantiles(self, X: pd.DataFrame) -> np.ndarray:
        """All levels, ascending in every row [kW], float64, shape (n_rows, n_levels)."""
        return self.predict_distribution(X)[1]

    def predict_distribution(self, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Estimate and all levels, with one question to the inner estimator [kW]; shapes (n_rows,) and (n_rows, n_levels)."""
        check_is_fitted(self, "estimator_")
        if not hasattr(self, "scale_"):
            raise StudyError(
                "the limits by lead were learned by an earlier version of cblcast: train and register the model again"
            )
        refuse_untrained(minutes_ahead(X), self.leads_)
        found = self._of_inner(self.estimator_, _without_unrest(X))
        return found[:, 0], quantiles_around(self, X, found)

    def _learn_errors(self, X: pd.DataFrame, y: np.ndarray, found: np.ndarray, lead: np.ndarray) -> None:
        """The tables of all sites together, and of each site that has errors enough."""
        self.sites_ = np.unique(np.asarray(X.index.get_level_values(SITE), dtype=np.str_))
        site = self._site_of(X)
        highest = np.array([np.nanmax(np.abs(y[site == number])) for number in range(len(self.sites_))])
        self.unit_ = np.where(highest > 0, highest, 1.0)
        known = np.isfinite(y) & np.isfinite(found).all(1)
        count = np.array(
            [np.bincount(lead[known & (site == k)], minlength=len(self.leads_)) for k in range(len(highest))]
        )
        few = int(count.sum(0).argmin())
        if count.sum(0)[few] < FEWEST:
            raise DataError(
                f"the lead that starts {self.leads_[few]} min after the origin has {count.sum(0)[few]} errors, fewer than "
                f"{FEWEST}: give a longer training span, or issue more often"
            )
        enough = count.min(1) >= FEWEST * 3
        own = [k for k in range(len(highest)) if enough[k] and len(highest) > 1]
        self.table_ = np.zeros(len(highest), dtype=np.int64)
        self.table_[own] = 1 + np.arange(len(own))
        unit, levels = self.unit_[site], Levels.of(self.levels).values
        y, found, unrest = y / unit, found / unit[:, None], _unrest_of(X) / unit[:, None]
        self.scale_ = UnrestScale.fit(unrest, y - found[:, 0], found[:, 0], lead, len(self.leads_))
        scale = self.scale_(unrest, lead)[:, None]
        # y − base over the scale, as if the base were 0: the bins stay those of promised power.
        error = (y[:, None] - found[:, 1:]) / scale
        tables = [
            [
                error_table(error[rows], found[rows, 0], levels, self.bins)
                for number in range(len(self.leads_))
                for rows in [known & (lead == number) & ((site == k) if k >= 0 else True)]
            ]
            for k in (-1, *own)
        ]
        self.centres_ = np.array([[table[0] for table in row] for row in tables])
        self.errors_ = np.array([[table[1] for table in row] for row in tables])

    def _site_of(self, X: pd.DataFrame) -> np.ndarray:
        """Position of each row's site; one that was not trained is refused, since the size of its errors is not known."""
        row, names = codes_and_level(X.index, SITE)
        place = {str(site): number for number, site in enumerate(self.sites_)}
        code = np.array([place.get(str(name), -1) for name in names.tolist()], dtype=np.int64)[row]
        if (code < 0).any():
            unknown = names[row[int((code < 0).argmax())]]
            raise DataError(
                f"the limits of site {unknown!r} are not known: trained are {', '.join(self.sites_[:5])}; train with it, or name "
                "its rows by the site that they belong to"
            )
        return code

    def _of_inner(self, fitted: Any, X: pd.DataFrame) -> np.ndarray:
        """Estimate, and the level that each of ours corrects: the estimate itself where the inner one has no levels."""
        levels = Levels.of(self.levels).values
        if not able(fitted, GivesQuantiles):
            predicted = np.asarray(fitted.predict(X), dtype=np.float64)
            return np.repeat(predicted[:, None], 1 + len(levels), axis=1)
        predicted, quantiles = fitted.predict_distribution(X)
        own = Levels.of(fitted.levels)
        return np.column_stack([predicted, quantiles[:, [own.nearest(level) for level in levels]]])


def quantiles_around(limits: LeadIntervals, X: pd.DataFrame, found: np.ndarray) -> np.ndarray:
    """All levels, ascending in every row, around what the inner estimator says [kW], shape (n_rows, n_levels).

    Parameters
    ----------
    limits : LeadIntervals
        With its errors learned.
    X : DataFrame
    found : ndarray, shape (n_rows, 1 + n_levels)
        Estimate of the inner estimator, and the level that each of ours corrects [kW].
    """
    site, lead = limits._site_of(X), np.searchsorted(limits.leads_, minutes_ahead(X))
    unit = limits.unit_[site]
    error = looked_up(limits.centres_, limits.errors_, limits.table_[site], lead, found[:, 0] / unit)
    scale = limits.scale_(_unrest_of(X, limits.scale_.typical) / unit[:, None], lead)
    low, high = (
        -np.inf if limits.floor is None else limits.floor,
        np.inf if limits.ceiling is None else limits.ceiling,
    )
    levels = np.clip(found[:, 1:] + error * (unit * scale)[:, None], low, high)
    return levels if (levels[:, 1:] >= levels[:, :-1]).all() else np.sort(levels, axis=1)


def _without_unrest(X: pd.DataFrame) -> pd.DataFrame:
    """What the inner estimator sees: its inputs are not to change because limits are put around it."""
    return without(X, UNREST)


def _unrest_of(X: pd.DataFrame, as_trained: np.ndarray | None = None) -> np.ndarray:
    """Spread and change of the power before each origin [kW], shape (n_rows, 2); no columns where they were not looked up."""
    there = {*UNREST} <= set(X.columns) if as_trained is None else len(as_trained) > 0
    return values_of(X, UNREST) if there else np.empty((len(X), 0))
