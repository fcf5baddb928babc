"""Limits by lead that follow how they held on the last issues, so that a season unlike the training gets its own."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from cblcast.checked.parameters import Days, Folds, Hours, Inner, Inside, Number, QuantileLevels, Some
from cblcast.estimators.leads import minutes_ahead
from cblcast.estimators.named import without
from cblcast.estimators.quantiles import Levels
from cblcast.estimators.wrappers.lead_intervals import LeadIntervals, quantiles_around
from cblcast.estimators.wrappers.recent_errors import IssueScores, factors, interval_scores, one_each
from cblcast.frames.coded import instants_of_rows
from cblcast.frames.instants import DAY_US, HOUR_US, microseconds
from cblcast.frames.recent_issues import EVERY_H, ISSUE_COLUMNS, ISSUE_ENDS, ISSUE_KNOWS, ISSUE_POWER
from cblcast.frames.schema import ORIGIN, TIME

SCORES = ("group", "issued_us", "ended_us", "score")
EVENLY = tuple(round(0.05 * k, 2) for k in range(1, 20))


def with_lead_intervals(estimator: Any, coverage: float) -> Any:
    """`estimator` with limits by lead of nominal `coverage`, and with the quantiles 0.05, 0.10 … 0.95 besides.

    What has limits by lead already is returned as it is; a quantile learner keeps the form of its own, corrected.
    """
    if isinstance(estimator, LeadIntervals):
        return estimator
    tails = (round((1 - coverage) / 2, 9), round((1 + coverage) / 2, 9))
    return RecentIntervals(estimator, levels=tuple(sorted({*EVENLY, *tails})), coverage=coverage)


class RecentIntervals(LeadIntervals):
    """:class:`LeadIntervals`, widened or narrowed by how far off the nowcasts of the last `days` were.

    Limits that were learned in one season do not hold in another: a farm's summer teaches little of its winter. Each time it is
    asked, it looks at nowcasts as they would have been issued every three hours of the last `days`, whose power is known by
    the midnight (UTC) before; the share of the room within the limits that they needed is the factor of all quantiles around
    their middle, by site and lead. :class:`~cblcast.forecast.forecaster.Forecaster` puts these issues beside those that are
    asked; nothing is remembered but the errors out of sample of the last `days` of the training. Issues within the training are
    left out, since an estimator is better there than it will be. Without any the limits are those that were learned. They hold the
    estimate.

    Parameters
    ----------
    estimator, levels, folds, bins, floor, ceiling, coverage, gap_h
        As of :class:`LeadIntervals`.
    days : int

    Attributes
    ----------
    held_out_ : dict name -> ndarray
        ``group``, ``issued_us``, ``ended_us``, ``score`` of the last days of training.
    learned_us_ : ndarray of int64, shape (2,)
        First and last origin of the training.

    References
    ----------
    Vovk, Gammerman, Shafer (2005), Algorithmic learning in a random world; Gibbs, Candès (2021), Adaptive conformal inference
    under distribution shift.
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
        days: Days = 30,
    ) -> None:
        super().__init__(estimator, levels, folds, bins, floor, ceiling, coverage, gap_h)
        self.days = days

    def earlier_origins(self, knows_us: np.ndarray) -> np.ndarray:
        """Origins of the issues that are looked at, outside the training, whenever the panel begins [us], ascending."""
        asked = np.unique(knows_us // DAY_US)
        day = np.unique(asked[:, None] - np.arange(1, self.days + 1))
        origins = (day[:, None] * DAY_US + np.arange(0, DAY_US, EVERY_H * HOUR_US)).ravel()
        first, last = getattr(self, "learned_us_", (-np.inf, np.inf))  # untrained, it wants none
        return np.asarray(origins[(origins < first) | (origins > last)], dtype=np.int64)

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """As :class:`LeadIntervals`."""
        self.tails()
        origin = microseconds(X.index.get_level_values(ORIGIN))
        self.learned_us_ = np.array([origin.min(), origin.max()], dtype=np.int64)
        return super().fit(X, y)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of the inner estimator [kW], float64, shape (n_rows,)."""
        return super().predict(_without_marks(X))

    def predict_distribution(self, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Estimate and all levels [kW]; shapes (n_rows,) and (n_rows, n_levels). Rows of earlier issues keep the limits as learned."""
        own = _without_marks(X)
        predicted, quantiles = super().predict_distribution(own)
        knows = instants_of_rows(X.index, ORIGIN)
        known = IssueScores(*(self.held_out_[name] for name in SCORES))
        group, asked = _group_of(self, own), np.ones(len(X), dtype=bool)
        if {*ISSUE_COLUMNS} <= set(X.columns):
            power, ends = X[ISSUE_POWER].to_numpy(dtype=np.float64), X[ISSUE_ENDS].to_numpy(dtype=np.float64)
            asked = ~np.isfinite(power)
            earlier = np.flatnonzero(~asked)
            score = _scores(self, self._site_of(own)[earlier], power[earlier], quantiles[earlier])
            more = IssueScores(group[earlier], knows[earlier], ends[earlier].astype(np.int64), score)
            known, knows = known.with_more(more), X[ISSUE_KNOWS].to_numpy(dtype=np.float64).astype(np.int64)
        low, high = self.tails()
        levels = Levels.of(self.levels).values
        factor = factors(known, group[asked], knows[asked], self.days, levels[high] - levels[low])[:, None]
        own = quantiles[asked]
        middle = _middle(self, own)[:, None]
        bounds = -np.inf if self.floor is None else self.floor, np.inf if self.ceiling is None else self.ceiling
        quantiles[asked] = np.clip(middle + factor * (own - middle), *bounds)
        # Around the median a narrow interval may miss the estimate, which is a mean.
        quantiles[:, : low + 1] = np.fmin(quantiles[:, : low + 1], predicted[:, None])
        quantiles[:, high:] = np.fmax(quantiles[:, high:], predicted[:, None])
        return predicted, quantiles

    def _learn_errors(self, X: pd.DataFrame, y: np.ndarray, found: np.ndarray, lead: np.ndarray) -> None:
        super()._learn_errors(X, y, found, lead)
        origin, group = microseconds(X.index.get_level_values(ORIGIN)), _group_of(self, X)
        last = np.flatnonzero((origin > origin.max() - (self.days + 1) * DAY_US) & np.isfinite(y))
        last = last[one_each(group[last], origin[last], EVERY_H * HOUR_US)]
        own, ends = X.iloc[last], microseconds(X.index.get_level_values(TIME)[last]) + _step_us(X)
        score = _scores(self, self._site_of(own), y[last], quantiles_around(self, own, found[last]))
        none = np.zeros(0, dtype=np.int64)
        kept = IssueScores(none, none, none, np.zeros(0)).with_more(IssueScores(group[last], origin[last], ends, score))
        self.held_out_ = {name: getattr(kept, name) for name in SCORES}


def _without_marks(X: pd.DataFrame) -> pd.DataFrame:
    return without(X, ISSUE_COLUMNS)


def _group_of(limits: RecentIntervals, X: pd.DataFrame) -> np.ndarray:
    """Number of each row's site and lead together."""
    lead = np.searchsorted(limits.leads_, minutes_ahead(X))
    return np.asarray(limits._site_of(X) * len(limits.leads_) + lead, dtype=np.int64)


def _scores(limits: RecentIntervals, site: np.ndarray, y: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Score of each row's error; see :func:`~cblcast.estimators.wrappers.recent_errors.interval_scores`."""
    unit = limits.unit_[site]
    low, high = limits.tails()
    return interval_scores(
        y / unit, _middle(limits, quantiles) / unit, quantiles[:, low] / unit, quantiles[:, high] / unit
    )


def _middle(limits: RecentIntervals, quantiles: np.ndarray) -> np.ndarray:
    """The median, between the levels on both sides of it where it is none of them; shape (n_rows,)."""
    levels = np.array(Levels.of(limits.levels).values)
    right = int(np.clip(np.searchsorted(levels, 0.5), 1, len(levels) - 1))
    share = np.clip((0.5 - levels[right - 1]) / (levels[right] - levels[right - 1]), 0.0, 1.0)
    return np.asarray((1 - share) * quantiles[:, right - 1] + share * quantiles[:, right])


def _step_us(X: pd.DataFrame) -> int:
    """The shortest time between two rows' intervals [us]: an interval is not known to have ended before."""
    times = np.unique(microseconds(X.index.get_level_values(TIME)))
    return int(np.diff(times).min(initial=DAY_US))
