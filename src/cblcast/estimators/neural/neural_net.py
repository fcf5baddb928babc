"""One feed-forward neural net for all rows, trained as in the baseline paper."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.estimators.neural.network import Array, forward, row_blocks
from cblcast.estimators.neural.preparation import FEWEST_ROWS, Rows, canonical, scaled_inputs
from cblcast.estimators.neural.settings import NetSettings, plain_history, row_groups
from cblcast.estimators.neural.training import train_nets
from cblcast.frames.schema import DataError


class NeuralNet(NetSettings):
    """A feed-forward net with a linear output, or the mean of several from different starting points.

    Parameters
    ----------
    hidden : tuple of int
        Neurons of each hidden layer. The paper tries 1, 2, 3 and 5 layers of 10 or 50 and chooses two of 10.
    activation : {"tanh", "sigmoid"}
        Of the hidden layers; the symmetric sigmoid of MATLAB is ``tanh``.
    trainer : {"lm", "br", "scg", "adamw"}
        Levenberg-Marquardt, Bayesian regularisation (no validation stop), scaled conjugate gradient, AdamW.
    max_epochs : int
        Passes over the training rows at most.
    seed : int
        Of starting weights and split; net number i uses ``seed + i``.
    time_limit_s : float
        Seconds of training at most (the paper: 20 minutes).
    device : str
        Of training: ``cpu``, ``cuda``, or ``auto``, a CUDA device where there is one; predictions are always made by numpy.
    split : (float, float, float)
        Shares for training, validation and test; whole (site_id, origin) groups where X has them. A validation share
        of 0 switches early stopping off.
    n_nets : int
        Nets whose mean is the prediction.
    columns : tuple of str or None
        The inputs; None takes all columns. The paper's are ``hour, day_of_month, month, day_type``.
    patience : int
        Epochs in a row without a better validation error before training stops (MATLAB: 6).
    scaling : {"minmax", "standard"}
        Of inputs and target: to [-1, 1], or to mean 0 and deviation 1.
    initialisation : {"nguyen_widrow", "xavier"}
        Of the weights.
    trainer_options : dict or None
        Parameters of the trainer, e.g. ``{"learning_rate": 1e-3}`` for ``adamw``.
    dtype : {"float64", "float32"}
        Precision of training; float32 is too coarse for ``lm`` and ``br``.
    threads : int
        Processor threads used in training.
    keep_curves : bool
        Keep the error of every epoch in ``curves_``.

    Attributes
    ----------
    weights_ : ndarray (n_nets, n_parameters)
        Flat weights, see :mod:`cblcast.estimators.neural.network`.
    x_fill_, x_offset_, x_gain_ : ndarray (n_features_in_,)
        Medians that fill missing inputs, and the input scales.
    y_offset_, y_gain_ : float
        The target's scale; gain 0 = the target was constant, which is then the prediction.
    history_ : dict of str to list
        One element a net: ``stop_reason, epochs, best_epoch, seconds, train_rmse, validation_rmse, test_rmse`` (unit of
        the target), ``slope, rows_train``, and e.g. ``gamma`` (effective parameters) of ``br``.
    curves_ : list of list
        For each net, [training RMSE, validation RMSE] of every epoch, if kept.
    fallbacks_ : dict of str to int
        What was made good, counted over the nets and logged: ``imputed_values, constant_feature, constant_target,
        groups_split_up, fewer_rows_than_parameters, never_improved, unstable``.

    Raises
    ------
    DataError
        For infinite values, NaN in the target, a feature without any value, fewer than 5 rows.
    StudyError
        For an unknown trainer, option, activation, scaling or device.

    Notes
    -----
    Source: the baseline paper, sections 3.3 and 4.2, tables 1 and 2. The fit does not depend on the order of the rows.

    Examples
    --------
    >>> import numpy as np
    >>> hour = np.arange(480.0) % 24
    >>> load_kw = 20 + 10 * np.sin(hour * np.pi / 12)
    >>> net = NeuralNet(hidden=(6,), trainer="lm", seed=1).fit(hour[:, None], load_kw)
    >>> bool(abs(net.predict([[6.0]])[0] - 30) < 0.5)
    True
    """

    def fit(self, X: pd.DataFrame | ArrayLike, y: ArrayLike) -> NeuralNet:
        """Train on the rows of X (n, features) and their targets y (n,)."""
        check_parameters(self)
        recipe = self._recipe()
        x = self._learn_inputs(X)
        target = self._target(y, len(x))
        if len(x) < FEWEST_ROWS:
            raise DataError(f"NeuralNet needs {FEWEST_ROWS} rows or more to split, got {len(x)}: give a longer history")
        empty = np.isnan(x).all(axis=0)
        if empty.any():
            column = int(np.argmax(empty))
            label = getattr(self, "feature_names_in_", range(x.shape[1]))[column]
            raise DataError(
                f"feature {str(label)!r} has no value at all, only NaN: leave it out with columns=(...) or "
                "mend its source"
            )
        rows = canonical(Rows(x, target, row_groups(X)))
        seeds = range(int(self.seed), int(self.seed) + int(self.n_nets))
        nets = train_nets([Rows(rows.x, rows.y, rows.groups, seed=seed) for seed in seeds], x.shape[1], recipe)
        self.weights_ = nets.weights
        self.x_fill_, self.x_offset_, self.x_gain_ = nets.x_fill[0], nets.x_offset[0], nets.x_gain[0]
        self.y_offset_, self.y_gain_ = float(nets.y_offset[0]), float(nets.y_gain[0])
        self.history_ = plain_history(nets.history)
        self.fallbacks_ = nets.fallbacks
        if self.keep_curves:
            self.curves_ = [
                [[None if v != v else v for v in point] for point in curve.tolist()] for curve in nets.curves
            ]
        return self

    def predict(self, X: pd.DataFrame | ArrayLike) -> Array:
        """Predictions (n,) in row order; missing inputs are filled with the medians of fit and logged."""
        check_is_fitted(self, "weights_")
        x = self._inputs(X)
        if x.shape[1] != self.n_features_in_:
            raise DataError(f"NeuralNet was fitted with {self.n_features_in_} features, but X has {x.shape[1]}")
        self._log_imputed(x)
        if self.y_gain_ == 0:
            return np.full(len(x), self.y_offset_)
        net, answer = self._net(), np.empty(len(x))
        for block in row_blocks(len(x)):
            scaled = scaled_inputs(x[block], self.x_fill_, self.x_offset_, self.x_gain_)
            answer[block] = forward(net, self.weights_, scaled.T[None]).mean(axis=0)
        return answer / self.y_gain_ + self.y_offset_
