"""All quantiles of a distribution by one net, which cannot cross; sites share it and keep factors of their own."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import (
    Dropout,
    Epochs,
    Hidden,
    Inside,
    LearningRate,
    Names,
    NotNegative,
    QuantileLevels,
    Rows,
    Seed,
    Some,
)
from cblcast.estimators.columns import take
from cblcast.estimators.neural.dropout_net import DropoutNet, Training, predict_mean, train_several
from cblcast.estimators.neural.preparation import clipped_inputs, usual_range
from cblcast.estimators.quantiles import PERCENTILES, Levels, QuantileLearner
from cblcast.frames.schema import SITE, DataError


class QuantileNet(QuantileLearner, RegressorMixin, BaseEstimator):
    """A mean of nets trained on the pinball loss of all levels at once.

    Parameters
    ----------
    levels : sequence of float
        Ascending, in (0, 1).
    hidden : tuple of int
    n_nets, epochs, batch_size, learning_rate, weight_decay, input_dropout, dropout, seed
        See :class:`cblcast.estimators.neural.dropout_net.Training`.
    device : str
        Of training: ``cpu``, ``cuda``, or ``auto``, a CUDA device where there is one.
    columns : sequence of str or None
        Inputs; all unless given. The site is an input besides.
    coverage : float or None
        Nominal coverage of the limits, which must be among the levels; None takes the levels nearest to 0.1 and 0.9.

    Attributes
    ----------
    sites_ : ndarray of str
    nets_ : list of dict of arrays
    """

    def __init__(
        self,
        levels: QuantileLevels = PERCENTILES,
        hidden: Hidden = (160, 160),
        n_nets: Some = 2,
        epochs: Epochs = 14,
        batch_size: Rows = 1024,
        learning_rate: LearningRate = 4e-3,
        weight_decay: NotNegative = 0.03,
        input_dropout: Dropout = 0.0,
        dropout: Dropout = 0.3,
        columns: Names | None = None,
        seed: Seed = 0,
        coverage: Inside | None = None,
        device: str = "cpu",
    ) -> None:
        self.levels = levels
        self.hidden = hidden
        self.n_nets = n_nets
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.input_dropout = input_dropout
        self.dropout = dropout
        self.columns = columns
        self.seed = seed
        self.coverage = coverage
        self.device = device

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Train the nets.

        Raises
        ------
        DataError
            No row with a known target, or rows without an index (site_id, origin, time).
        StudyError
            Levels that do not ascend between 0 and 1.
        """
        check_parameters(self)
        y = np.asarray(y, dtype=np.float64)
        known = np.isfinite(y)
        if not known.any():
            raise DataError("QuantileNet has no training row with a metered target")
        self.columns_ = [str(c) for c in (X.columns if self.columns is None else self.columns)]
        raw = take(X, self.columns_, self)[known]
        self.sites_ = np.asarray(
            pd.unique(self._site_of(X)[known]), dtype=np.str_
        )  # as they come, whatever their names
        self.centre_, self.spread_ = usual_range(raw)
        self.unit_ = float(np.abs(y[known]).max()) or 1.0
        inputs, groups = self._inputs(X[known])
        training = Training(
            self.epochs,
            self.batch_size,
            self.learning_rate,
            self.weight_decay,
            self.input_dropout,
            self.dropout,
            self.seed,
            self.device,
        )
        levels = np.array(Levels.of(self.levels).values)
        self.nets_ = train_several(
            self._net(), training, self.n_nets, inputs, y[known, None] / self.unit_, levels, groups
        )
        self.n_features_in_ = X.shape[1]
        return self

    def predict_quantiles(self, X: pd.DataFrame) -> np.ndarray:
        """All levels, ascending in every row, float64, shape (n_rows, n_levels)."""
        check_is_fitted(self, "nets_")
        inputs, groups = self._inputs(X)
        return predict_mean(self._net(), self.nets_, inputs, groups) * self.unit_

    def _site_of(self, X: pd.DataFrame) -> np.ndarray:
        if not isinstance(X.index, pd.MultiIndex) or SITE not in X.index.names:
            raise DataError("QuantileNet tells sites apart: rows must be indexed (site_id, origin, time)")
        return X.index.get_level_values(SITE).to_numpy(dtype=np.str_)

    def _inputs(self, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        code = pd.Index(self.sites_).get_indexer(pd.Index(self._site_of(X)))
        which = (code[:, None] == np.arange(len(self.sites_))).astype(np.float32)
        scaled = clipped_inputs(take(X, self.columns_, self), self.centre_, self.spread_, 6.0)
        return np.concatenate([scaled, which], axis=1), code

    def _net(self) -> DropoutNet:
        return DropoutNet(
            len(self.columns_) + len(self.sites_),
            tuple(self.hidden),
            n_outputs=len(self.levels),
            rising=True,
            n_groups=len(self.sites_),
        )
