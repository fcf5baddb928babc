"""An estimator that adapts to a site by the site's own earlier days, found anew whenever it is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone

from cblcast.abilities import (
    CombinesMembers,
    GivesIntervals,
    GivesMembers,
    able,
    check_parameters,
    learns,
    needed_features,
    needed_windows,
)
from cblcast.checked.parameters import Days, Inner, Inside
from cblcast.days.earlier import EARLIER_COLUMNS
from cblcast.days.limits import each_tail
from cblcast.estimators.columns import event_codes, take
from cblcast.estimators.wrappers.inner import ready
from cblcast.estimators.wrappers.one_site import TAIL, SiteRows, adapt_to_site
from cblcast.frames.events import Window
from cblcast.frames.known import known_mean_by
from cblcast.frames.schema import SITE
from cblcast.hush import no_data_warnings
from cblcast.wishes import merge_wishes

# Evidence beside the estimate: what the ridge is shown is how far each lies from it.
EVIDENCE = tuple(
    f"history_{name}_kw"
    for name in (
        *("mean", "mean_5", "mean_20", "weekday", "alike", "nearest", "adjusted", "quick", "steady", "year_ago"),
        *("mean_ratio", "mean_shift", "nearest_ratio", "nearest_shift", "day_1", "day_2", "day_3"),
    )
)
# How the event's day and the last days run against the usual: shown as they are.
DEVIATIONS = tuple(
    f"history_{name}_kw" for name in ("before_1_above_mean", "early_above_mean", "newest_event_above_mean", "trend")
)
SPREAD, SCALE, COUNT, LEAST = "history_spread_kw", "history_scale_kw", "history_count_days", "history_least_kw"

# Shares of the load: least spread of the reference days, and the spread that stands for those that ten days lack.
LEAST_SPREAD, UNKNOWN_SPREAD = 0.02, 0.4


class Adapted(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Any estimator, corrected and bounded by how it did on the site's own earlier days; nothing of it is fitted.

    :class:`~cblcast.forecast.forecaster.Forecaster` puts rows of earlier ordinary days at the same hours beside those that are
    asked (days of real events and other kinds of day kept out), and the inner estimator answers them as it would have then. From
    them, each time it is asked and for each event from strictly earlier local days alone, it finds: ridges on what was left,
    with a long and a short memory, of how far the members of the inner estimator and the site's reference days lie from the
    estimate; exponential weights between the estimate as it is and as each ridge corrects it; and limits from the errors
    that remained.
    A site with few days gets the inner answer, and limits from the spread of its reference days and those of the
    inner estimator, where it has any. So a model of other sites serves a new one, and a rule learns the habits of its site.

    Parameters
    ----------
    estimator : estimator
        A rule, which needs no training at all, or anything that learns; what gives members has each of them weighed.
    coverage : float
        Nominal share of intervals within the limits.
    days : int
        Calendar days before an event that are looked at.

    Notes
    -----
    Without the columns of :mod:`cblcast.days.earlier` (a matrix made by hand, a tuning) it answers as the inner estimator does.

    References
    ----------
    Hoerl, Kennard (1970), Ridge regression; Cesa-Bianchi, Lugosi (2006), Prediction, Learning, and Games; Papadopoulos et al.
    (2011), Regression conformal prediction with nearest neighbours; Barber et al. (2023), Conformal prediction beyond
    exchangeability (recent days weigh more).
    """

    def __init__(self, estimator: Inner, coverage: Inside = 0.9, days: Days = 900) -> None:
        self.estimator = estimator
        self.coverage = coverage
        self.days = days

    def windows(self) -> tuple[Window, ...]:
        """Windows of the inner estimator."""
        return needed_windows(self.estimator)

    def required_features(self) -> dict[str, dict[str, Any]]:
        """What the inner estimator needs, and the site's reference days."""
        own: dict[str, dict[str, Any]] = {"day_history": {"weather": ()}, "event_windows": {}}
        return merge_wishes(needed_features(self.estimator), own)

    def days_looked_back(self) -> int:
        """Calendar days before an event in which earlier days are wanted."""
        return self.days

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Adapted:
        """Fit the inner estimator; the adaptation itself has nothing to learn."""
        check_parameters(self)
        self.estimator_ = clone(self.estimator).fit(X, y)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Adapted baseline [kW], float64, shape (n_rows,); NaN where the inner estimator has none."""
        return self.predict_with_limits(X)[:, 0]

    def predict_interval(self, X: pd.DataFrame) -> np.ndarray:
        """Lower and upper limit [kW], float64, shape (n_rows, 2)."""
        return self.predict_with_limits(X)[:, 1:]

    def predict_with_limits(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate, lower and upper limit [kW], float64, shape (n_rows, 3)."""
        inner, own = ready(self), X.drop(columns=list(EARLIER_COLUMNS), errors="ignore")
        members = np.asarray(inner.predict_members(own), dtype=np.float64) if able(inner, GivesMembers) else None
        combines = members is not None and able(inner, CombinesMembers)  # so that members are not asked twice
        plain = np.asarray(inner.combined(members) if combines else inner.predict(own), dtype=np.float64)
        event, n_events = event_codes(X, self)
        spread = self._spread(own, event, n_events, plain)
        room = self._room(inner, own, plain, spread)
        found = np.stack([plain, plain - room[:, 0], plain + room[:, 1]], axis=1)
        if set(EARLIER_COLUMNS) <= set(X.columns):
            # Limits calibrated elsewhere may say too little of a site not known yet: half the say is its reference days'.
            room = np.sqrt(room * TAIL * spread[:, None])
            design = self._design(own, plain, members)
            load, day, before, asked = X[list(EARLIER_COLUMNS)].to_numpy(dtype=np.float64).T
            lead = np.unique(take(X, ["hours_since_start"], self)[:, 0].round(6), return_inverse=True)[1]
            least = take(X, [LEAST], self)[:, 0]
            site = np.asarray(X.index.codes[X.index.names.index(SITE)])
            for rows in np.split(np.argsort(site, kind="stable"), np.flatnonzero(np.diff(np.sort(site))) + 1):
                first, own_event = np.unique(event[rows], return_index=True, return_inverse=True)[1:]
                days = day[rows][first], before[rows][first]
                wanted = asked[rows][first] > 0
                known = SiteRows(
                    own_event, *days, lead[rows], load[rows], plain[rows], spread[rows], wanted, least[rows]
                )
                found[rows] = adapt_to_site(known, design[rows], room[rows], each_tail(self.coverage), self.days)
        found[:, 1] = np.minimum(found[:, 1], found[:, 0])
        found[:, 2] = np.maximum(found[:, 2], found[:, 0])
        return found

    def _spread(self, X: pd.DataFrame, event: np.ndarray, n_events: int, plain: np.ndarray) -> np.ndarray:
        """How far the reference days lie apart at each row [kW], above zero: half of it that of the whole event."""
        spread, scale, days = take(X, [SPREAD, SCALE, COUNT], self).T
        whole = known_mean_by(spread**2, event, n_events)[event]
        size = np.where(np.isfinite(scale), np.abs(scale), np.abs(plain))
        size = np.where(np.isfinite(size), size, 0.0)
        found = (np.where(np.isfinite(spread), spread**2, whole) + whole) / 2
        lacking = np.where(np.isfinite(found), 1.0 - np.minimum(np.nan_to_num(days), 10.0) / 10.0, 1.0)
        found = np.sqrt((1 - lacking) * np.nan_to_num(found) + lacking * (UNKNOWN_SPREAD * size) ** 2)
        return np.maximum(found, np.maximum(LEAST_SPREAD * size, 1e-9))

    def _room(self, inner: Any, X: pd.DataFrame, plain: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """What the limits leave below and above the estimate before anything is known of the site [kW], shape (n_rows, 2)."""
        if not able(inner, GivesIntervals):
            return np.repeat(TAIL * spread[:, None], 2, axis=1)
        with no_data_warnings():  # its limits are only where these start from
            limits = np.asarray(inner.predict_interval(X), dtype=np.float64)
        room = np.stack([plain - limits[:, 0], limits[:, 1] - plain], axis=1)
        return np.maximum(np.where(np.isfinite(room), room, TAIL * spread[:, None]), spread[:, None] / 10)

    def _design(self, X: pd.DataFrame, plain: np.ndarray, members: np.ndarray | None) -> np.ndarray:
        """How far members and other evidence lie from the estimate, and what is unusual [kW]; finite, shape (n_rows, k)."""
        evidence = take(X, list(EVIDENCE), self)
        if members is not None:
            evidence = np.concatenate([members, evidence], axis=1)
        design = np.concatenate([evidence - plain[:, None], take(X, list(DEVIATIONS), self)], axis=1)
        return np.where(np.isfinite(design), design, 0.0)

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]
        """As the inner estimator."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        tags.requires_fit = learns(self.estimator)
        return tags
