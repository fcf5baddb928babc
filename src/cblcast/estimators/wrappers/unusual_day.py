"""Days unlike their calendar: closed though it is a working day, after a fall of the level, above all days of late."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.metaestimators import available_if

from cblcast.abilities import (
    AnswersAtOnce,
    able,
    check_parameters,
    learns,
    needed_features,
    needed_windows,
)
from cblcast.checked.parameters import Inner, Share
from cblcast.estimators.columns import take
from cblcast.estimators.wrappers.inner import check_estimator, gives_interval, ready
from cblcast.frames.events import Window
from cblcast.wishes import merge_wishes

# Chosen on 41 buildings in 2018 and 70 homes in 2013; experiments/pretrained_baseline/unusual_days.md has the figures.
CLOSED_MOST = 0.6  # of the usual load: days of other types and the day itself must be under it for a day to be closed
CLOSED_NEAR = 1.25  # the day may stand so much above the days of other types
EXCURSION_LEAST = 0.8  # of the seen hours must be above every reference day …
EXCURSION_HOURS = 4.0  # … of at least so many hours …
EXCURSION_SHARE = 1.15  # … and the load so far above the usual
LEVEL_FALLEN = 0.75  # the newest days stand below so much of the least of the ten before them

CLOSED = "treated as a closed day"
EXCURSION = "treated as a day above all recent ones"
LEVEL = "treated as after a fall of the level"


class _Case(NamedTuple):
    """One kind of unusual day: where it holds, what it is estimated by [kW], and what is said of a row with its share."""

    holds: np.ndarray
    estimate: np.ndarray
    said: str
    share: np.ndarray


class UnusualDay(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """An estimator that meets days unlike their calendar half way, and says so.

    A **closed** day: the seen hours before the event are under 60 % of the usual, and so are days of the other types
    (weekends, holidays), and the day stands at most 25 % above those: it is estimated half as such a day. A **fall of the
    level**, as of a seasonal load that stops, where nothing of the day itself is seen: the newest two days stand below 75 %
    of the least of the ten before them: half those two days. An **excursion**, if asked for: at least 80 % of the seen hours
    (four or more) stand above every one of the twenty newest days, and their load 15 % above the usual: half of it is carried
    on. All other events are left as they are, to the last digit.

    Parameters
    ----------
    estimator : estimator
        Rule or learned. One that reads the same hours itself is only met half way, since it has taken part of it in.
    weight : float
        Of what the day is treated as, 0 to 1.
    closed, level, excursions : bool
        Which kinds are looked for. Excursions serve rules that do not look at the day; those that do, and learned baselines,
        they helped in one year (2018) and hurt in the next.

    Notes
    -----
    Nothing is learned beside the inner estimator, so it wraps whatever serves a site never seen. The limits of a treated
    event hold both what they were and where the estimate has moved.
    """

    def __init__(
        self,
        estimator: Inner = None,
        weight: Share = 0.5,
        closed: bool = True,
        level: bool = True,
        excursions: bool = False,
    ) -> None:
        self.estimator = estimator
        self.weight = weight
        self.closed = closed
        self.level = level
        self.excursions = excursions

    def windows(self) -> tuple[Window, ...]:
        """Windows of the inner estimator."""
        return needed_windows(self.estimator)

    def required_features(self) -> dict[str, dict[str, Any]]:
        """Builders of the inner estimator, and the one that sees how unusual a day is."""
        return merge_wishes(needed_features(self.estimator), {"unusual_days": {}})

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Fit the inner estimator."""
        check_parameters(self)
        check_estimator(self.estimator, self, "estimator")
        self.estimator_ = clone(self.estimator).fit(X, y)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate [kW], float64, shape (n_rows,)."""
        return self._moved(X, np.asarray(ready(self).predict(X), dtype=np.float64))

    @available_if(gives_interval)
    def predict_interval(self, X: pd.DataFrame) -> np.ndarray:
        """Limits [kW], float64, shape (n_rows, 2): of a treated event those of the inner estimator, and the same moved."""
        return self.predict_with_limits(X)[:, 1:]

    @available_if(gives_interval)
    def predict_with_limits(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate, lower and upper limit [kW], float64, shape (n_rows, 3)."""
        inner = ready(self)
        if able(inner, AnswersAtOnce):
            base, low, high = np.asarray(inner.predict_with_limits(X), dtype=np.float64).T
        else:
            base = np.asarray(inner.predict(X), dtype=np.float64)
            low, high = np.asarray(inner.predict_interval(X), dtype=np.float64).T
        moved = self._moved(X, base)
        move = np.where(np.isfinite(base), moved - base, 0.0)
        return np.stack([moved, low + np.minimum(move, 0.0), high + np.maximum(move, 0.0)], axis=1)

    def treatment(self, X: pd.DataFrame) -> np.ndarray:
        """What the event of each row was treated as, with the figures that say so; empty for all others."""
        said = np.full(len(X), "", dtype=object)
        for case in reversed(self._cases(X)):
            said[case.holds] = [case.said.format(_pct(each)) for each in case.share[case.holds]]
        return said

    def _moved(self, X: pd.DataFrame, base: np.ndarray) -> np.ndarray:
        out = base.copy()
        for case in reversed(self._cases(X)):  # a closed day is that before it is anything else
            use = case.holds & np.isfinite(base)
            out[use] = base[use] + self.weight * (case.estimate[use] - base[use])
        return out

    def _cases(self, X: pd.DataFrame) -> list[_Case]:
        shares = ("seen_share", "closed_share", "above_share", "above_hours", "newest_share")
        seen, closed, above, hours, newest = take(X, [f"unusual_{name}" for name in shares], self).T
        as_closed, carried, level = take(X, [f"unusual_{name}_kw" for name in ("closed", "carried", "newest")], self).T
        with np.errstate(invalid="ignore"):
            shut = (seen < CLOSED_MOST) & (closed < CLOSED_MOST) & (seen <= CLOSED_NEAR * closed)
            far = (above >= EXCURSION_LEAST) & (hours >= EXCURSION_HOURS) & (seen >= EXCURSION_SHARE)
            fallen = (newest < LEVEL_FALLEN) & np.isnan(seen)
        return [
            _Case(
                shut & np.isfinite(as_closed) & self.closed,
                as_closed,
                CLOSED + ": the load before the event is {} of the usual",
                seen,
            ),
            _Case(
                far & np.isfinite(carried) & self.excursions,
                carried,
                EXCURSION + ": the load before the event is {} of the usual",
                seen,
            ),
            _Case(
                fallen & np.isfinite(level) & self.level,
                level,
                LEVEL + ": the newest two days reach {} of the least of the ten before",
                newest,
            ),
        ]

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]
        """As the inner estimator."""
        tags = super().__sklearn_tags__()
        tags.requires_fit = learns(self.estimator)
        return tags


def _pct(share: float) -> str:
    return "?" if not np.isfinite(share) else f"{100 * share:.0f} %"
