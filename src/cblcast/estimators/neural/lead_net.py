"""One net for all leads of an origin: what is known at the origin in, the whole path ahead out."""

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
    LearningRate,
    Names,
    NotNegative,
    Rows,
    Seed,
    Some,
    Steps,
    Text,
)
from cblcast.estimators.columns import event_codes, take
from cblcast.estimators.leads import minutes_ahead, refuse_untrained
from cblcast.estimators.neural.dropout_net import DropoutNet, Training, predict_mean, train_several
from cblcast.estimators.neural.preparation import clipped_inputs, usual_range
from cblcast.frames.known import known_mean
from cblcast.frames.schema import DataError


class LeadNet(RegressorMixin, BaseEstimator):
    """A mean of nets, each of which maps what is known at the origin to the power at every lead.

    The inputs are the columns that are the same in all rows of an origin (lags, errors, weather at hours about the
    origin); the outputs are the power at each trained lead minus the anchor, each scaled to its own size.

    Parameters
    ----------
    hidden : tuple of int
    n_nets : int
        Nets from different seeds whose mean is the estimate.
    epochs, batch_size, learning_rate, weight_decay, input_dropout, dropout
        See :class:`cblcast.estimators.neural.dropout_net.Training`.
    skip : bool
        Add a linear path from inputs to outputs.
    anchor : str
        Column that the outputs are relative to: the last measured power.
    columns : tuple of str or None
        Inputs; every column that is constant within an origin unless given.
    every : int
        Train on every n-th origin only: neighbours of 10 min tell nearly the same.
    seed : int
    device : str
        Of training: ``cpu``, ``cuda``, or ``auto``, a CUDA device where there is one.

    Attributes
    ----------
    leads_ : list of int
        Minutes from the origin to the interval's start.
    columns_ : list of str
    nets_ : list of dict of arrays
    """

    def __init__(
        self,
        hidden: Hidden = (128, 64),
        n_nets: Some = 4,
        epochs: Epochs = 6,
        batch_size: Rows = 512,
        learning_rate: LearningRate = 2e-3,
        weight_decay: NotNegative = 0.05,
        input_dropout: Dropout = 0.1,
        dropout: Dropout = 0.4,
        skip: bool = True,
        anchor: Text = "observed_kw_ago_1",
        columns: Names | None = None,
        every: Steps = 1,
        seed: Seed = 0,
        device: str = "cpu",
    ) -> None:
        self.hidden = hidden
        self.n_nets = n_nets
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.input_dropout = input_dropout
        self.dropout = dropout
        self.skip = skip
        self.anchor = anchor
        self.columns = columns
        self.every = every
        self.seed = seed
        self.device = device

    def required_features(self) -> dict[str, dict[str, object]]:
        """The anchor, when it is the last measured power."""
        return {"lags": {"columns": ("observed_kw",), "ago": (1,)}} if self.anchor == "observed_kw_ago_1" else {}

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Train the nets.

        Raises
        ------
        DataError
            Rows not indexed (site_id, origin, time), no input column, no row with an anchor.
        StudyError
            Settings that make no net.
        """
        check_parameters(self)
        ahead, y = minutes_ahead(X), np.asarray(y, dtype=np.float64)
        code, n_origins = event_codes(X, self)
        anchor = take(X, [self.anchor], self)[:, 0]
        first = np.full(n_origins, -1)
        first[code[::-1]] = np.arange(len(code))[::-1]
        self.leads_ = [int(lead) for lead in np.unique(ahead)]
        self.columns_ = self._inputs(X, code, first)
        path = np.full((n_origins, len(self.leads_)), np.nan)
        path[code, np.searchsorted(self.leads_, ahead)] = y - anchor
        keep = np.isfinite(path).any(1) & (np.arange(n_origins) % self.every == 0)
        if not keep.any():
            raise DataError(
                f"no origin has both its anchor {self.anchor!r} and a metered interval: nothing to train on"
            )
        path, raw = path[keep], take(X.iloc[first[keep]], self.columns_, self)
        self.scale_ = np.sqrt(known_mean(path**2, 0))
        self.centre_, self.spread_ = usual_range(raw)
        inputs, targets = self._scaled(raw), path / np.where(self.scale_ > 0, self.scale_, 1.0)
        self.nets_ = train_several(self._net(), self._training(), self.n_nets, inputs, targets)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Power [kW], float64, shape (n_rows,); NaN where the anchor is missing.

        Raises
        ------
        StudyError
            A lead that was not trained.
        """
        check_is_fitted(self, "nets_")
        anchor = take(X, [self.anchor], self)[:, 0]
        ahead = minutes_ahead(X)
        refuse_untrained(ahead, self.leads_)
        code, n_origins = event_codes(X, self)
        first = np.full(n_origins, -1)
        first[code[::-1]] = np.arange(len(code))[::-1]
        inputs = self._scaled(take(X, self.columns_, self, first))
        path = predict_mean(self._net(), self.nets_, inputs) * self.scale_
        return path[code, np.searchsorted(self.leads_, ahead)] + anchor

    def _inputs(self, X: pd.DataFrame, code: np.ndarray, first: np.ndarray) -> list[str]:
        if self.columns is not None:
            take(X, list(self.columns), self)
            return list(self.columns)

        def constant(name: str) -> bool:
            values = X[name].to_numpy(np.float64)
            there = values[first][code]
            return bool(((values == there) | (np.isnan(values) & np.isnan(there))).all())

        return [str(name) for name in X.columns if constant(str(name))]

    def _scaled(self, raw: np.ndarray) -> np.ndarray:
        return clipped_inputs(raw, self.centre_, self.spread_, 5.0)

    def _net(self) -> DropoutNet:
        return DropoutNet(len(self.columns_), tuple(self.hidden), n_outputs=len(self.leads_), skip=self.skip)

    def _training(self) -> Training:
        return Training(
            self.epochs,
            self.batch_size,
            self.learning_rate,
            self.weight_decay,
            self.input_dropout,
            self.dropout,
            self.seed,
            self.device,
        )
