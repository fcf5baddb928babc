"""What a wrapper hands on from the estimators it holds: windows, required features, fitted or not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_regressor
from sklearn.utils.validation import has_fit_parameter

from cblcast.frames.events import Window
from cblcast.frames.schema import StudyError


def windows_of_members(members: Iterable[Any]) -> tuple[Window, ...]:
    """The windows of all members, each once."""
    return tuple(dict.fromkeys(w for member in members if hasattr(member, "windows") for w in member.windows()))


def features_of_members(members: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """One set of builders that serves all members: the larger number, the union of tuples.

    Raises
    ------
    StudyError
        Two members that want one builder in contradicting ways.
    """
    merged: dict[str, dict[str, Any]] = {}
    for member in members:
        required = member.required_features() if hasattr(member, "required_features") else {}
        for builder, params in required.items():
            into = merged.setdefault(builder, {})
            for key, value in params.items():
                into[key] = _join(into[key], value, builder, key) if key in into else value
    return merged


def _join(one: Any, other: Any, builder: str, key: str) -> Any:
    if one == other or other is None:
        return one
    if one is None:
        return other
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (one, other)):
        return max(one, other)
    if all(isinstance(value, (tuple, list)) for value in (one, other)):
        return tuple(dict.fromkeys((*one, *other)))
    raise StudyError(
        f"two members want {builder} with {key}={one!r} and {key}={other!r}: give one of them another prefix"
    )


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
    return hasattr(owner.estimator, "predict_interval")
