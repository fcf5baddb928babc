"""From a feature frame to a finite, standardised design matrix: what every linear and kernel method starts from."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cblcast.estimators.named import placed_names, values_of
from cblcast.frames.known import known_moments
from cblcast.frames.schema import DataError, DataWarning, StudyError, nearest

logger = logging.getLogger(__name__)


def column_names(X: Any) -> list[str]:
    """Names of the columns of a frame; ``x0``, ``x1`` … of an array."""
    if isinstance(X, pd.DataFrame):
        return list(placed_names(X.columns)[0])
    return [f"x{number}" for number in range(np.asarray(X).shape[1])]


def some_columns_of(X: Any, names: Sequence[str], estimator: object) -> np.ndarray:
    """As :func:`columns_of`, for a learner that cannot do without any.

    Raises
    ------
    StudyError
        No column at all.
    """
    if not len(names):
        raise StudyError(
            f"{type(estimator).__name__} has no feature to learn from: give its method features, e.g. calendar"
        )
    return columns_of(X, names, estimator)


def columns_of(X: Any, names: Sequence[str], estimator: object, rows: np.ndarray | None = None) -> np.ndarray:
    """The columns `names` of a frame (or of an array, whose columns are ``x0``, ``x1`` …), float64; of a frame also of some `rows`.

    Raises
    ------
    DataError
        A column that is not there, with the nearest that is.
    """
    if isinstance(X, pd.DataFrame):
        there, place = placed_names(X.columns)
    else:
        there = column_names(X)
        place = {name: number for number, name in enumerate(there)}
    missing = [name for name in names if name not in place]
    if missing:
        raise DataError(
            f"{type(estimator).__name__} was made for the column {missing[0]!r}, which the features lack "
            f"({len(missing)} missing): {nearest(missing[0], there)}"
        )
    if isinstance(X, pd.DataFrame):
        return values_of(X, names, rows)
    values = np.asarray(X, dtype=np.float64)
    return values if list(names) == there else values[:, [place[name] for name in names]]


@dataclass(frozen=True, eq=False)
class Design:
    """How columns become a design matrix; learned on the training rows, the same ever after.

    Attributes
    ----------
    names : list of str
        Numeric columns that carry information: not all NaN and not constant in training.
    mean, spread : ndarray, shape (len(names),)
        Of the known training values.
    levels : dict of str -> ndarray
        Columns that are turned into one indicator per level.
    clip : float or None
        Standardised values are held within ± this many standard deviations, so that a gap, a spike or a level shift at
        scoring cannot throw a linear model further than training ever went.
    """

    names: list[str]
    mean: np.ndarray
    spread: np.ndarray
    levels: dict[str, np.ndarray]
    clip: float | None

    @property
    def width(self) -> int:
        """Columns of the design matrix."""
        return len(self.names) + sum(len(values) for values in self.levels.values())

    def matrix(self, X: Any, estimator: object, told: bool = True) -> np.ndarray:
        """Design matrix, float64, shape (n_rows, width); a NaN takes the training mean.

        A column that is NaN in every row of `X` though it was known in training, and a level never seen in training
        (all its indicators are 0), are counted in one :class:`~cblcast.frames.schema.DataWarning` each, unless `told` is False: of a
        block of the training rows themselves neither says anything.
        """
        values = columns_of(X, self.names, estimator)
        known = np.isfinite(values)
        if len(values) and told:
            lost = [name for name, there in zip(self.names, known.any(0), strict=True) if not there]
            if lost:
                _warn(
                    f"{type(estimator).__name__}: {len(lost)} features are missing in all {len(values)} rows though "
                    f"they were there in training, e.g. {lost[0]!r}; their training means are used"
                )
        out = np.empty((len(values), self.width))
        standard = np.subtract(values, self.mean, out=out[:, : len(self.names)])
        standard /= self.spread
        if not known.all():
            standard[~known] = 0.0
        if self.clip is not None:
            np.clip(standard, -self.clip, self.clip, out=standard)
        begin = len(self.names)
        for name, levels in self.levels.items():
            found = columns_of(X, [name], estimator)
            hit = found == levels
            unseen = int((~hit.any(1)).sum())
            if unseen and told:
                odd = found[~hit.any(1)][0, 0]
                _warn(
                    f"{type(estimator).__name__}: {unseen} of {len(found)} rows have a {name!r} never seen in "
                    f"training, e.g. {odd:g}; no effect of that column is added to them"
                )
            out[:, begin : begin + len(levels)] = hit
            begin += len(levels)
        return out


def learn_design(
    X: Any, estimator: object, columns: Sequence[str] | None, one_hot: Sequence[str], clip: float | None
) -> Design:
    """Learn a :class:`Design` from training rows.

    Parameters
    ----------
    X : DataFrame or ndarray, shape (n_rows, n_columns)
    estimator : object
        For the errors only.
    columns : sequence of str, optional
        Columns to use; all but `one_hot` unless given.
    one_hot : sequence of str
        Columns of categories (numbers); those that are not in `X` are passed over.
    clip : float or None
        See :class:`Design`.

    Raises
    ------
    DataError
        No rows, or a named column that is not there.
    """
    there = column_names(X)
    coded = [name for name in one_hot if name in there]
    wanted = [name for name in there if name not in coded] if columns is None else list(columns)
    values = columns_of(X, wanted, estimator)
    if len(values) == 0:
        raise DataError(f"{type(estimator).__name__} has no training rows: check the events and their metered hours")
    levels = {}
    for name in coded:
        found = columns_of(X, [name], estimator)[:, 0]
        levels[name] = np.unique(found[np.isfinite(found)])
    mean, spread = known_moments(values)
    return design_of_moments(wanted, mean, spread, np.isinf(values).any(0), levels, clip, estimator)


def design_of_moments(
    wanted: list[str],
    mean: np.ndarray,
    spread: np.ndarray,
    infinite: np.ndarray,
    levels: dict[str, np.ndarray],
    clip: float | None,
    estimator: object,
) -> Design:
    """As :func:`learn_design`, of what is known of the columns `wanted`: each of shape (len(wanted),).

    Raises
    ------
    DataError
        A column that is `infinite` somewhere.
    """
    if infinite.any():
        raise DataError(
            f"{type(estimator).__name__}: feature {wanted[int(infinite.argmax())]!r} is infinite in training: "
            "mend the feature, or leave it out"
        )
    useful = (spread > 1e-9 * np.maximum(np.abs(mean), 1e-300)) & (spread > 1e-150)
    if not useful.all():
        dropped = [name for name, keep in zip(wanted, useful, strict=True) if not keep]
        logger.info(
            "%s: %d features are constant or all missing in training and not used: %s",
            type(estimator).__name__, len(dropped), ", ".join(dropped[:10]),
        )  # fmt: skip
    names = [name for name, keep in zip(wanted, useful, strict=True) if keep]
    return Design(names, mean[useful], spread[useful], levels, clip)


def finite_target(y: Any, estimator: object) -> np.ndarray:
    """`y` as float64; a NaN or infinite target is an error that says how many."""
    target = np.asarray(y, dtype=np.float64)
    bad = int((~np.isfinite(target)).sum())
    if bad:
        raise DataError(
            f"{type(estimator).__name__}: {bad} of {len(target)} training targets are NaN or infinite: "
            "leave out intervals that were not metered, as Forecaster does"
        )
    return target


def row_weights(sample_weight: Any, n_rows: int, estimator: object) -> np.ndarray:
    """Weights of the training rows, float64, shape (n_rows,); ones unless given."""
    if sample_weight is None:
        return np.ones(n_rows)
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n_rows,) or not np.isfinite(weight).all() or (weight <= 0).any():
        raise DataError(f"{type(estimator).__name__}: sample_weight must hold {n_rows} finite numbers above zero")
    return weight


def _warn(sentence: str) -> None:
    logger.warning(sentence)
    warnings.warn(sentence, DataWarning, stacklevel=4)
