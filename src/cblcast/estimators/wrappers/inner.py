"""What wrappers do with the estimators they hold: check, fit, ask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_regressor
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from cblcast.abilities import AnswersAtOnce, CombinesMembers, GivesIntervals, GivesMembers, GivesQuantiles, able, learns
from cblcast.errors import StudyError


def ready(owner: Any) -> Any:
    """What a wrapper asks: its fitted inner estimator, or one that has nothing to learn as it stands."""
    if not hasattr(owner, "estimator_") and learns(owner.estimator):
        check_is_fitted(owner, "estimator_")
    return getattr(owner, "estimator_", owner.estimator)


def check_estimator(estimator: Any, owner: object, what: str) -> None:
    """Raise for something that is not an estimator, with how a study writes it."""
    if not (hasattr(estimator, "fit") and hasattr(estimator, "predict") and is_regressor(estimator)):
        raise StudyError(
            f"{type(owner).__name__} wraps an estimator, {what} is {estimator!r}: "
            f"write {{estimator: {type(owner).__name__}, of: {{estimator: …}}}}"
        )


def fit_weighted(estimator: Any, X: Any, y: np.ndarray, sample_weight: np.ndarray | None) -> Any:
    """Fit, with weights where there are any and the estimator takes them; one that does not learns unweighted."""
    if sample_weight is None or not has_fit_parameter(estimator, "sample_weight"):
        return estimator.fit(X, y)
    return estimator.fit(X, y, sample_weight=sample_weight)


def event_rows_of(X: pd.DataFrame) -> np.ndarray:
    """Rows inside their event, bool; every row where the position is unknown.

    Cases made for an adjustment also hold the hours beside the event: they are metered, and nothing to learn from.
    """
    if not isinstance(X, pd.DataFrame) or not {"hours_since_start", "hours_since_stop"} <= set(X.columns):
        return np.ones(len(X), dtype=bool)
    return (X["hours_since_start"].to_numpy() > -1e-9) & (X["hours_since_stop"].to_numpy() < -1e-9)


def gives_interval(owner: Any) -> bool:
    """Whether what a wrapper holds has intervals of its own, for ``available_if``."""
    return able(owner.estimator, GivesIntervals)


def gives_members(owner: Any) -> bool:
    """Whether what a wrapper holds is a mean of several, for ``available_if``."""
    return able(getattr(owner, "estimator_", owner.estimator), GivesMembers)


def combines_members(owner: Any) -> bool:
    """Whether what a wrapper holds makes its estimate of its members alone, for ``available_if``."""
    return able(getattr(owner, "estimator_", owner.estimator), CombinesMembers)


def answers_at_once(owner: Any) -> bool:
    """Whether what a wrapper holds finds estimate and limits in one go, for ``available_if``."""
    return able(getattr(owner, "estimator_", owner.estimator), AnswersAtOnce)


def gives_quantiles(owner: Any) -> bool:
    """Whether what a wrapper holds gives whole distributions, for ``available_if``."""
    return able(owner.estimator, GivesQuantiles)
