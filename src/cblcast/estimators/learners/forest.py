"""Random forest and extra trees: grown by scikit-learn, kept and evaluated as plain arrays."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Jobs, Names, Rows, Seed, ShareAboveZero, Trees
from cblcast.estimators.design import column_names, columns_of, finite_target, row_weights, some_columns_of
from cblcast.estimators.ranges import FloatRange, IntRange, SearchRange
from cblcast.frames.schema import DataError

logger = logging.getLogger(__name__)

_ROWS_AT_ONCE = 20_000


def flatten_trees(trees: Sequence[Any]) -> dict[str, np.ndarray]:
    """The nodes of all trees in one set of arrays; children are counted from the start of the whole.

    Returns
    -------
    dict
        ``root`` (n_trees,), ``left``, ``right``, ``feature`` (int32; -1 in a leaf), ``threshold``, ``value`` (float64),
        ``missing_left`` (bool): where a missing value goes.
    """
    root = np.cumsum([0, *(tree.node_count for tree in trees[:-1])]).astype(np.int32)

    def joined(name: str, shift: bool = False) -> np.ndarray:
        parts = [np.asarray(getattr(tree, name)) for tree in trees]
        if shift:
            parts = [np.where(part < 0, 0, part + start) for part, start in zip(parts, root, strict=True)]
        return np.concatenate(parts)

    leaf = joined("children_left") < 0
    return {
        "root": root,
        "left": joined("children_left", shift=True).astype(np.int32),
        "right": joined("children_right", shift=True).astype(np.int32),
        "feature": np.where(leaf, -1, joined("feature")).astype(np.int32),
        "threshold": joined("threshold").astype(np.float64),
        "value": joined("value").reshape(len(leaf)).astype(np.float64),
        "missing_left": joined("missing_go_to_left").astype(bool),
    }


def predict_trees(nodes: dict[str, np.ndarray], values: np.ndarray) -> np.ndarray:
    """Mean over the trees, float64, shape (n_rows,); all trees are walked down together, one level a step."""
    values = np.asarray(values, dtype=np.float32)  # scikit-learn compares in float32
    total = np.zeros(len(values))
    rows = np.arange(len(values))
    for root in nodes["root"]:
        node = np.full(len(values), root, dtype=np.int32)
        active = rows
        while len(active):
            here = node[active]
            feature = nodes["feature"][here]
            inner = feature >= 0
            active, here, feature = active[inner], here[inner], feature[inner]
            found = values[active, feature]
            left = np.where(np.isnan(found), nodes["missing_left"][here], found <= nodes["threshold"][here])
            node[active] = np.where(left, nodes["left"][here], nodes["right"][here])
        total += nodes["value"][node]
    return total / len(nodes["root"])


class RandomForest(RegressorMixin, BaseEstimator):
    """Random forest. Missing values need no filling.

    Parameters
    ----------
    n_estimators : int
    min_samples_leaf : int
    max_features : float
        Share of the columns tried at each split.
    max_samples : float or None
        Share of the rows that each tree is grown on.
    columns : sequence of str, optional
        Columns to use; all unless given.
    random_state, n_jobs : int

    Attributes
    ----------
    nodes_ : dict of str -> ndarray
        See :func:`flatten_trees`.

    References
    ----------
    Breiman (2001), Random forests.
    """

    _grower = "RandomForestRegressor"

    def __init__(
        self,
        n_estimators: Trees = 100,
        min_samples_leaf: Rows = 5,
        max_features: ShareAboveZero = 0.4,
        max_samples: ShareAboveZero | None = None,
        columns: Names | None = None,
        random_state: Seed = 0,
        n_jobs: Jobs = 1,
    ) -> None:
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.max_samples = max_samples
        self.columns = columns
        self.random_state = random_state
        self.n_jobs = n_jobs

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {
            "min_samples_leaf": IntRange(1, 30, log=True),
            "max_features": FloatRange(0.1, 1.0),
        }

    def fit(self, X: Any, y: Any, sample_weight: np.ndarray | None = None) -> Self:
        """Grow the trees."""
        check_parameters(self)
        import sklearn.ensemble

        target = finite_target(y, self)
        # None and ones are not the same to scikit-learn: with weights it draws the rows of a tree by them.
        weight = None if sample_weight is None else row_weights(sample_weight, len(target), self)
        wanted = column_names(X) if self.columns is None else list(self.columns)
        values = some_columns_of(X, wanted, self)
        self.n_features_in_ = len(column_names(X))
        if len(values) == 0:
            raise DataError(f"{type(self).__name__} has no training rows: check the events and their metered hours")
        there = np.isfinite(values).any(0)  # a column that is never there teaches nothing
        if not there.all():
            logger.info("%s: %d features are all missing in training", type(self).__name__, int((~there).sum()))
        self.feature_names_ = [name for name, keep in zip(wanted, there, strict=True) if keep]
        grown = getattr(sklearn.ensemble, self._grower)(
            n_estimators=self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            max_samples=self.max_samples if len(values) > 1 else None,
            bootstrap=self._grower == "RandomForestRegressor" or self.max_samples is not None,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        ).fit(values[:, there].astype(np.float32), target, weight)
        self.nodes_ = flatten_trees([tree.tree_ for tree in grown.estimators_])
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Estimate in the unit of y, float64, shape (n_rows,)."""
        check_is_fitted(self, "nodes_")
        values = columns_of(X, self.feature_names_, self)
        parts = [
            predict_trees(self.nodes_, values[k : k + _ROWS_AT_ONCE]) for k in range(0, len(values), _ROWS_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def __sklearn_tags__(self) -> Any:
        """Missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class ExtraTrees(RandomForest):
    """Extremely randomised trees: as :class:`RandomForest`, with random thresholds and all rows in every tree.

    Parameters
    ----------
    n_estimators, min_samples_leaf, max_features, max_samples, columns, random_state, n_jobs
        As :class:`RandomForest`; `max_samples` draws rows with replacement.

    References
    ----------
    Geurts, Ernst and Wehenkel (2006), Extremely randomized trees.
    """

    _grower = "ExtraTreesRegressor"
