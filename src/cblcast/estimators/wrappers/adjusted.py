"""Same-day adjustment: a baseline meets the meter in a window beside the event (baseline paper, equations 2-3)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone

from cblcast.abilities import check_parameters, learns, needed_features, needed_windows
from cblcast.checked.parameters import Filled, Inner, Number
from cblcast.estimators.columns import event_codes, take
from cblcast.estimators.ranges import Choice, SearchRange
from cblcast.estimators.wrappers.inner import ready
from cblcast.frames.events import Window, WindowSpec, windows_of
from cblcast.frames.schema import DataWarning, StudyError, nearest

NEUTRAL = {"multiplicative": 1.0, "additive": 0.0}  # the adjustment that changes nothing, by mode


def adjustment(
    metered: np.ndarray, predicted: np.ndarray, inside: np.ndarray, event: np.ndarray, n_events: int, mode: str
) -> tuple[np.ndarray, np.ndarray]:
    """Adjustment of each event before any cap.

    Parameters
    ----------
    metered, predicted : ndarray, shape (n_rows,)
        Load seen and baseline [kW].
    inside : ndarray of bool, shape (n_rows,)
        Rows in the window.
    event : ndarray of int, shape (n_rows,)
    n_events : int
    mode : {"multiplicative", "additive"}

    Returns
    -------
    value : ndarray, shape (n_events,)
        Factor (equation 2: sum of metered over sum of predicted) or shift (mean of metered minus predicted) [kW].
    usable : ndarray of bool, shape (n_events,)
        False where nothing is seen, or where a ratio would meet a load or baseline that is zero or negative; `value`
        is then neutral.
    """
    use = inside & np.isfinite(metered) & np.isfinite(predicted)
    actual = np.bincount(event[use], weights=metered[use], minlength=n_events)
    expected = np.bincount(event[use], weights=predicted[use], minlength=n_events)
    count = np.bincount(event[use], minlength=n_events)
    if mode == "additive":
        usable = count > 0
        return np.where(usable, (actual - expected) / np.maximum(count, 1), 0.0), usable
    usable = (count > 0) & (actual > 0) & (expected > 0)
    return np.where(usable, actual / np.where(usable, expected, 1.0), 1.0), usable


class _Found(NamedTuple):
    """What was found for the rows and events of one X; `known` events have a baseline at all."""

    predicted: np.ndarray
    event: np.ndarray
    raw: np.ndarray
    applied: np.ndarray
    usable: np.ndarray
    known: np.ndarray


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

    Notes
    -----
    The factor is that of the baseline itself, hence of the days it selected, not of all days it could choose from.

    An event whose window holds no usable load (nothing seen; zero or negative in a ratio) keeps its baseline: factor 1,
    shift 0, counted in a :class:`~cblcast.frames.schema.DataWarning`.
    """

    def __init__(
        self,
        estimator: Inner,
        window: WindowSpec | Annotated[Sequence[WindowSpec], Filled()] = "PBLM",
        mode: str = "multiplicative",
        limits: tuple[Number, Number] | None = None,
        floor: Number | None = None,
        upward_only: bool = False,
    ) -> None:
        self.estimator = estimator
        self.window = window
        self.mode = mode
        self.limits = limits
        self.floor = floor
        self.upward_only = upward_only

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
        lost = found.known & ~found.usable
        if lost.any():
            warnings.warn(
                f"{int(lost.sum())} of {len(lost)} events are not adjusted: their window shows no load above zero, "
                "or none at all",
                DataWarning,
                stacklevel=2,
            )
        return self._met(found)

    def explain(self, X: pd.DataFrame) -> pd.DataFrame:
        """Factor or shift of each row's event: ``raw`` before and ``applied`` after the caps, and ``usable``.

        Beside them the baseline of each row before and after: ``unadjusted_kw``, ``adjusted_kw`` [kW].
        """
        found = self._adjustment(X)
        values = {"raw": found.raw, "applied": found.applied, "usable": found.usable}
        rows = {name: value[found.event] for name, value in values.items()}
        return pd.DataFrame({**rows, "unadjusted_kw": found.predicted, "adjusted_kw": self._met(found)}, index=X.index)

    def _met(self, found: _Found) -> np.ndarray:
        applied = found.applied[found.event]
        adjusted = found.predicted * applied if self.mode == "multiplicative" else found.predicted + applied
        return adjusted if self.floor is None else np.maximum(adjusted, self.floor)

    def _adjustment(self, X: pd.DataFrame) -> _Found:
        self.check()
        predicted = np.asarray(ready(self).predict(X), dtype=np.float64)
        since_start, since_stop, metered = take(X, ["hours_since_start", "hours_since_stop", "metered_kw"], self).T
        inside = np.logical_or.reduce([window.contains(since_start, since_stop) for window in windows_of(self.window)])
        event, n_events = event_codes(X, self)
        raw, usable = adjustment(metered, predicted, inside, event, n_events, self.mode)
        asked = (since_start >= 0) & (since_stop < 0) & np.isfinite(predicted)
        count = np.bincount(event[asked], minlength=n_events)
        mean = np.bincount(event[asked], weights=predicted[asked], minlength=n_events) / np.maximum(count, 1)
        return _Found(predicted, event, raw, self._capped(raw, mean), usable, count > 0)

    def _capped(self, value: np.ndarray, mean_kw: np.ndarray) -> np.ndarray:
        if self.upward_only:
            value = np.maximum(value, NEUTRAL[self.mode])
        if self.limits is None:
            return value
        unit = np.ones_like(value) if self.mode == "multiplicative" else np.abs(mean_kw)
        return np.clip(value, self.limits[0] * unit, self.limits[1] * unit)

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

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]
        """As the inner estimator; rows of one event travel together."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        tags.requires_fit = learns(self.estimator)
        return tags
