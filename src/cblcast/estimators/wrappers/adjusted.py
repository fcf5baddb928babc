"""Same-day adjustment: a baseline meets the meter in a window beside the event (baseline paper, equations 2-3)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone

from cblcast.abilities import check_parameters, learns, needed_features, needed_windows
from cblcast.checked.parameters import Filled, Inner, Number
from cblcast.estimators.columns import event_codes, take
from cblcast.estimators.ranges import Choice, SearchRange
from cblcast.estimators.wrappers.adjustment import NEUTRAL, Met, Terms, intervals_of_windows, meet
from cblcast.estimators.wrappers.inner import ready
from cblcast.frames.events import Window, WindowSpec, windows_of
from cblcast.frames.schema import DataWarning, StudyError, nearest

OTHERWISE = ("unadjusted", "additive")


class Adjusted(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """A baseline scaled or shifted so that it meets the meter in a window beside the event.

    Parameters
    ----------
    estimator : estimator
        Any baseline; ``Adjusted(Adjusted(XofY(), "PBLM"), "BW")`` is the paper's double adjustment.
    window : Window, str, or a sequence of them
        ``"WS"``, ``"PBLM"``, ``"BW"`` (table 4) or own windows; several are met together (before AND after).
    mode : {"multiplicative", "additive"}
        Factor = sum of the meter / sum of the baseline (equation 2), or shift = their mean difference [kW].
    limits : (float, float), optional
        Cap of the factor, e.g. ``(0.8, 1.2)``; for a shift, cap as shares of the event's mean baseline, e.g. ``(-0.2, 0.2)``.
    floor : float, optional
        Least adjusted baseline [kW].
    upward_only : bool
        Never adjust downwards (factor >= 1, shift >= 0).
    least_seen : float
        Least share of the window's intervals in which meter and baseline must be known, 0-1; with less the event keeps
        its baseline.
    otherwise : {"unadjusted", "additive"}
        What is done where a ratio means nothing: keep the baseline, or shift it. ``"additive"`` is for net meters: the
        ratio then also asks that no interval of event and window is negative.

    Notes
    -----
    The factor is that of the baseline itself, hence of the days it selected, not of all days it could choose from.

    A ratio means nothing where the window's load or baseline is zero or negative, where the event's mean baseline is
    negative (a factor above 1 would enlarge an export), and, without `limits`, where the window's mean baseline is below
    5 % of the event's.

    An event whose window holds no usable load (nothing or too little seen; a ratio that means nothing) keeps its baseline:
    factor 1, shift 0, counted in a :class:`~cblcast.frames.schema.DataWarning`.
    """

    def __init__(
        self,
        estimator: Inner,
        window: WindowSpec | Annotated[Sequence[WindowSpec], Filled()] = "PBLM",
        mode: str = "multiplicative",
        limits: tuple[Number, Number] | None = None,
        floor: Number | None = None,
        upward_only: bool = False,
        least_seen: float = 0.0,
        otherwise: str = "unadjusted",
    ) -> None:
        self.estimator = estimator
        self.window = window
        self.mode = mode
        self.limits = limits
        self.floor = floor
        self.upward_only = upward_only
        self.least_seen = least_seen
        self.otherwise = otherwise

    def windows(self) -> tuple[Window, ...]:
        """Windows whose rows the cases must hold, those of the inner estimator included."""
        return (*needed_windows(self.estimator), *windows_of(self.window))

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "mode": Choice(("multiplicative", "additive")),
        }

    def required_features(self) -> dict[str, dict[str, object]]:
        """Builders and parameters, those of the inner estimator included."""
        inner = needed_features(self.estimator)
        return {**inner, "event_windows": inner.get("event_windows", {})}

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Adjusted:
        """Fit the inner estimator; the adjustment itself has nothing to learn."""
        check_parameters(self)
        self.estimator_ = clone(self.estimator).fit(X, y)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Adjusted baseline [kW], float64, shape (n_rows,)."""
        found = self._adjustment(X)
        lost = found.shape.known & ~found.usable
        if lost.any():
            warnings.warn(
                f"{int(lost.sum())} of {len(lost)} events are not adjusted: their window shows no load above zero, "
                "too little beside the event's, or none at all",
                DataWarning,
                stacklevel=2,
            )
        return found.adjusted_kw

    def explain(self, X: pd.DataFrame) -> pd.DataFrame:
        """Factor or shift of each row's event: ``raw`` before (NaN where not usable) and ``applied`` after the caps.

        Also ``usable``, ``shift`` (whether the value is a shift [kW], not a factor) and ``seen_share`` of the window.

        Beside them the baseline of each row before and after: ``unadjusted_kw``, ``adjusted_kw`` [kW].
        """
        found = self._adjustment(X)
        values = {
            "raw": np.where(found.usable, found.raw, np.nan),
            "applied": found.applied,
            "usable": found.usable,
            "shift": found.shift,
            "seen_share": found.shape.seen_share,
        }
        rows = {name: value[found.event] for name, value in values.items()}
        return pd.DataFrame({**rows, "unadjusted_kw": found.predicted, "adjusted_kw": found.adjusted_kw}, index=X.index)

    def _adjustment(self, X: pd.DataFrame) -> Met:
        self.check()
        predicted = np.asarray(ready(self).predict(X), dtype=np.float64)
        since_start, since_stop, metered = take(X, ["hours_since_start", "hours_since_stop", "metered_kw"], self).T
        windows = windows_of(self.window)
        inside = np.logical_or.reduce([window.contains(since_start, since_stop) for window in windows])
        event, n_events = event_codes(X, self)
        asked = (since_start >= 0) & (since_stop < 0)
        whole = intervals_of_windows(windows, since_start, event)
        terms = Terms(self.mode, self.limits, self.floor, self.upward_only, self.least_seen, self.otherwise)
        return meet(predicted, metered, inside, asked, event, n_events, whole, terms)

    def check(self) -> None:
        """Raise :class:`~cblcast.frames.schema.StudyError` for a mode, window or limits that make no adjustment."""
        windows_of(self.window)
        check_parameters(self.estimator)
        if self.mode not in NEUTRAL:
            raise StudyError(f"unknown adjustment mode {self.mode!r}: {nearest(self.mode, NEUTRAL)}")
        if self.limits is not None and not self.limits[0] <= NEUTRAL[self.mode] <= self.limits[1]:
            raise StudyError(
                f"limits {self.limits} must enclose {NEUTRAL[self.mode]:g}, the {self.mode} adjustment that changes "
                "nothing"
            )
        if not 0 <= self.least_seen <= 1:
            raise StudyError(f"least_seen is a share of the window, 0 to 1, not {self.least_seen}")
        if self.otherwise not in OTHERWISE:
            raise StudyError(f"unknown otherwise {self.otherwise!r}: {nearest(self.otherwise, OTHERWISE)}")

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]
        """As the inner estimator; rows of one event travel together."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        tags.requires_fit = learns(self.estimator)
        return tags
