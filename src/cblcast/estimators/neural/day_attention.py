"""An attention net over the recent days of a site, pooled over sites: trained by torch, asked with numpy alone."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import (
    Days,
    Dropout,
    Epochs,
    HourCount,
    LearningRate,
    NotNegative,
    Rows,
    Seed,
    Share,
    Some,
    Threads,
)
from cblcast.estimators.design import finite_target, row_weights
from cblcast.estimators.neural.attention import AttentionNet
from cblcast.estimators.neural.attention_training import AttentionTraining, Draws, DrawsInMemory, train_attention
from cblcast.estimators.neural.day_inputs import DayInputs

_ROWS_AT_ONCE = 256  # what a pass makes of them stays in the cache


class DayAttention(RegressorMixin, BaseEstimator):
    """Days weighted by how they stand to the event day, and met in the seen hours as far as the past supports it.

    Its rows are those that :class:`~cblcast.estimators.pooled_baseline.PooledBaseline` makes: differences in spreads.

    Parameters
    ----------
    days, hours : int
        Reference days, and hours beside the event on both sides together, of the builder ``day_sequence``.
    width, day_width : int
        Neurons of the net for the context and for each day.
    seeds : int
        Nets that are averaged.
    epochs, batch_size, learning_rate, weight_decay, dropout
        Training by AdamW under a one-cycle schedule.
    weather_lost, days_lost : float
        Share of the training rows whose weather, or whose older days, are taken away: the net must do without them.
    seed : int
    threads : int
        Processor threads of torch in training.
    device : str
        Of training: ``cpu``, ``cuda``, or ``auto``, a CUDA device where there is one.

    Attributes
    ----------
    nets_ : list of dict of arrays
        Weights of each net, float32.

    Notes
    -----
    Training needs torch (the extra ``neural``); prediction does not: the same pass runs on numpy arrays.

    References
    ----------
    Vaswani et al. (2017); Loshchilov and Hutter (2019), decoupled weight decay; Smith and Topin (2018), one cycle.
    """

    def __init__(
        self,
        days: Days = 24,
        hours: HourCount = 12,
        width: Some = 64,
        day_width: Some = 32,
        seeds: Some = 2,
        epochs: Epochs = 6,
        batch_size: Rows = 512,
        learning_rate: LearningRate = 3e-3,
        weight_decay: NotNegative = 1e-2,
        dropout: Dropout = 0.1,
        weather_lost: Share = 0.15,
        days_lost: Share = 0.1,
        seed: Seed = 0,
        threads: Threads = 1,
        device: str = "cpu",
    ) -> None:
        self.days = days
        self.hours = hours
        self.width = width
        self.day_width = day_width
        self.seeds = seeds
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.weather_lost = weather_lost
        self.days_lost = days_lost
        self.seed = seed
        self.threads = threads
        self.device = device

    def fit(self, X: Any, y: Any, sample_weight: np.ndarray | None = None) -> Self:
        """Train the nets on all sites together.

        Parameters
        ----------
        X : DataFrame or ndarray, shape (n, …)
            The columns :func:`~cblcast.estimators.neural.day_inputs.table_columns`, in their order.
        y : ndarray, shape (n,)
            Load less the mean of the newest days, in spreads.
        """
        check_parameters(self)
        target = finite_target(y, self)
        weight = row_weights(sample_weight, len(target), self)
        self.n_features_in_ = X.shape[1]
        return self.train(DrawsInMemory(self._inputs(X), target, weight))

    def train(self, draws: Draws) -> Self:
        """Train the nets on rows that are dealt out in batches."""
        settings = AttentionTraining(
            self.width, self.day_width, self.epochs, self.batch_size, self.learning_rate, self.weight_decay,
            self.dropout, self.weather_lost, self.days_lost, self.threads, self.device,
        )  # fmt: skip
        self.nets_ = [train_attention(draws, settings, self.seed + number) for number in range(self.seeds)]
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Mean of the nets, in spreads above the mean of the newest days, float64, shape (n_rows,)."""
        check_is_fitted(self, "nets_")
        inputs = self._inputs(X)
        net = AttentionNet.of(inputs, self.width, self.day_width)
        found = np.empty(len(inputs.centre))
        for first in range(0, len(found), _ROWS_AT_ONCE):
            part = slice(first, first + _ROWS_AT_ONCE)
            rows = tuple(values[part] for values in inputs.arrays())
            found[part] = np.mean([net.estimate(weights, rows) for weights in self.nets_], axis=0)
        return found

    def _inputs(self, X: Any) -> DayInputs:
        return DayInputs.of_table(np.asarray(X), self.days, self.hours)
