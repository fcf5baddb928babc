"""Quantiles from extremely randomised trees: every training target in a leaf is a draw from the distribution there."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Inside, Jobs, Names, QuantileLevels, Rows, Seed, ShareAboveZero, Trees
from cblcast.estimators.design import column_names, columns_of, finite_target
from cblcast.estimators.learners.forest import flatten_trees
from cblcast.estimators.quantiles import PERCENTILES, QuantileLearner

_ROWS_AT_ONCE = 2_000


def leaves_of(nodes: dict[str, np.ndarray], values: np.ndarray) -> np.ndarray:
    """Leaf that each row ends in, for each tree, int32, shape (n_rows, n_trees); nodes as in ``flatten_trees``."""
    values = np.asarray(values, dtype=np.float32)  # scikit-learn compares in float32
    found = np.empty((len(values), len(nodes["root"])), dtype=np.int32)
    for tree, root in enumerate(nodes["root"]):
        node = np.full(len(values), root, dtype=np.int32)
        active = np.arange(len(values))
        while len(active):
            here = node[active]
            feature = nodes["feature"][here]
            inner = feature >= 0
            active, here, feature = active[inner], here[inner], feature[inner]
            x = values[active, feature]
            left = np.where(np.isnan(x), nodes["missing_left"][here], x <= nodes["threshold"][here])
            node[active] = np.where(left, nodes["left"][here], nodes["right"][here])
        found[:, tree] = node
    return found


class QuantileForest(QuantileLearner, RegressorMixin, BaseEstimator):
    """Extremely randomised trees whose leaves keep their targets; quantiles are those of the weighted targets.

    Parameters
    ----------
    levels : sequence of float
        Ascending, in (0, 1).
    n_estimators, min_samples_leaf, max_features, columns, random_state, n_jobs
        As :class:`cblcast.estimators.learners.forest.ExtraTrees`.
    coverage : float or None
        Nominal coverage of the limits, which must be among the levels; None takes the levels nearest to 0.1 and 0.9.

    References
    ----------
    Meinshausen (2006), Quantile regression forests, JMLR 7; Geurts, Ernst and Wehenkel (2006).
    """

    def __init__(
        self,
        levels: QuantileLevels = PERCENTILES,
        n_estimators: Trees = 80,
        min_samples_leaf: Rows = 5,
        max_features: ShareAboveZero = 0.4,
        columns: Names | None = None,
        random_state: Seed = 0,
        n_jobs: Jobs = 1,
        coverage: Inside | None = None,
    ) -> None:
        self.levels = levels
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.columns = columns
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.coverage = coverage

    def fit(self, X: Any, y: Any) -> Self:
        """Grow the trees and remember who fell where."""
        check_parameters(self)
        import sklearn.ensemble

        self.check()
        target = finite_target(y, self)
        self.feature_names_ = column_names(X) if self.columns is None else list(self.columns)
        values = columns_of(X, self.feature_names_, self).astype(np.float32)
        order = np.argsort(target, kind="stable")
        values, self.targets_ = values[order], target[order]
        grown = sklearn.ensemble.ExtraTreesRegressor(
            n_estimators=self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        ).fit(values, self.targets_)
        self.nodes_ = flatten_trees([tree.tree_ for tree in grown.estimators_])
        self.leaves_ = leaves_of(self.nodes_, values)
        self.n_features_in_ = len(column_names(X))
        return self

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """All levels, ascending in every row, float64, shape (n_rows, n_levels)."""
        check_is_fitted(self, "nodes_")
        from scipy.sparse import csr_matrix

        n, trees = self.leaves_.shape
        n_nodes = len(self.nodes_["left"])
        size = np.bincount(self.leaves_.ravel(), minlength=n_nodes)
        members = csr_matrix(
            (np.ones(n * trees, np.float32), (self.leaves_.ravel(), np.repeat(np.arange(n), trees))), shape=(n_nodes, n)
        )
        share = 1.0 / (np.maximum(size, 1) * trees)
        values = columns_of(X, self.feature_names_, self)
        found = np.empty((len(values), len(self.levels)))
        for begin in range(0, len(values), _ROWS_AT_ONCE):
            leaf = leaves_of(self.nodes_, values[begin : begin + _ROWS_AT_ONCE])
            rows = np.repeat(np.arange(len(leaf)), trees)
            where = csr_matrix(
                (share[leaf.ravel()].astype(np.float32), (rows, leaf.ravel())), shape=(len(leaf), n_nodes)
            )
            cumulated = np.cumsum((where @ members).toarray(), axis=1)
            place = np.stack([(cumulated < level).sum(1) for level in self.levels], axis=1)
            found[begin : begin + len(leaf)] = self.targets_[np.minimum(place, n - 1)]
        return found
