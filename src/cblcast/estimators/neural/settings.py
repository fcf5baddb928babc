"""What the two neural estimators share: their parameters, and how they read rows."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from cblcast.checked.parameters import Epochs, Hidden, Names, Positive, Seed, Share, Some, Threads
from cblcast.estimators.columns import event_codes, take
from cblcast.estimators.neural.network import DERIVED, INITIALISATIONS, Architecture, Array
from cblcast.estimators.neural.stopping import StopRule
from cblcast.estimators.neural.trainers import KNOWN_TRAINERS
from cblcast.estimators.neural.training import Recipe
from cblcast.frames.schema import DataError, StudyError, nearest

logger = logging.getLogger(__name__)


class NetSettings(RegressorMixin, BaseEstimator):
    """Parameters of a neural estimator; see :class:`~cblcast.estimators.neural.neural_net.NeuralNet`."""

    def __init__(
        self,
        hidden: Hidden = (10, 10),
        activation: str = "tanh",
        trainer: str = "scg",
        max_epochs: Epochs = 1000,
        seed: Seed = 0,
        time_limit_s: Positive = 1200.0,
        device: str = "cpu",
        split: tuple[Share, Share, Share] = (0.6, 0.2, 0.2),
        n_nets: Some = 1,
        columns: Names | None = None,
        patience: Epochs = 6,
        scaling: str = "minmax",
        initialisation: str = "nguyen_widrow",
        trainer_options: dict[str, Any] | None = None,
        dtype: str = "float64",
        threads: Threads = 1,
        keep_curves: bool = False,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.trainer = trainer
        self.max_epochs = max_epochs
        self.seed = seed
        self.time_limit_s = time_limit_s
        self.device = device
        self.split = split
        self.n_nets = n_nets
        self.columns = columns
        self.patience = patience
        self.scaling = scaling
        self.initialisation = initialisation
        self.trainer_options = trainer_options
        self.dtype = dtype
        self.threads = threads
        self.keep_curves = keep_curves

    def check(self) -> None:
        """Raise :class:`StudyError` for settings that make no training, before any is begun."""
        self._recipe()
        for what, value, known in (
            ("trainer", self.trainer, KNOWN_TRAINERS),
            ("activation", self.activation, DERIVED),
            ("initialisation", self.initialisation, INITIALISATIONS),
        ):
            if value not in known:
                raise StudyError(f"{what} {value!r} is not known: {nearest(value, known)}")

    def _recipe(self) -> Recipe:
        rule = StopRule(max_epochs=self.max_epochs, patience=self.patience, time_limit_s=self.time_limit_s)
        return Recipe(
            hidden=tuple(self.hidden),
            activation=self.activation,
            initialisation=self.initialisation,
            trainer=self.trainer,
            trainer_options=self.trainer_options,
            rule=rule,
            scaling=self.scaling,
            split=self.split,
            device=self.device,
            dtype=self.dtype,
            keep_curves=self.keep_curves,
            threads=self.threads,
        )

    def _net(self) -> Architecture:
        return Architecture(int(self.n_features_in_), tuple(self.hidden), self.activation)

    def _learn_inputs(self, X: pd.DataFrame | ArrayLike) -> Array:
        """Inputs of fit (n, features), and the names they will be asked for by."""
        names = [str(name) for name in X.columns] if isinstance(X, pd.DataFrame) else None
        if self.columns is not None:
            names = list(self.columns)
        if names is None:
            self.__dict__.pop("feature_names_in_", None)
        else:
            self.feature_names_in_ = np.array(names, dtype=str)
        x = self._inputs(X)
        self.n_features_in_ = int(x.shape[1])
        return x

    def _inputs(self, X: pd.DataFrame | ArrayLike) -> Array:
        """Inputs (n, features) in the order of fit; NaN where missing, never infinite."""
        who = type(self).__name__
        names = getattr(self, "feature_names_in_", None)
        if names is not None and (isinstance(X, pd.DataFrame) or self.columns is not None):
            x = take(X, [str(name) for name in names], self)
        else:
            x = np.asarray(X, dtype=np.float64)
        if x.ndim != 2:
            raise DataError(f"{who} needs a table of rows and features, got an array with {x.ndim} dimension(s)")
        expected = getattr(self, "n_features_in_", None)
        if names is not None and expected is None:
            expected = len(names)
        if np.isinf(x).any():
            column = int(np.argmax(np.isinf(x).any(axis=0)))
            label = column if names is None else str(names[column])
            raise DataError(f"{who}: feature {label!r} has infinite values: replace them by NaN or mend the feature")
        return x

    def _target(self, y: ArrayLike, n: int) -> Array:
        """Targets (n,), all finite."""
        who = type(self).__name__
        target = np.asarray(y, dtype=np.float64)
        if target.shape != (n,):
            raise DataError(f"{who}: y has shape {target.shape}, but X has {n} rows: give one target for each row")
        bad = int((~np.isfinite(target)).sum())
        if bad:
            raise DataError(f"{who}: the target has {bad} values that are NaN or infinite: drop those rows before fit")
        return target

    def _log_imputed(self, x: Array) -> None:
        missing = int(np.isnan(x).sum())
        if missing:
            logger.warning("%s filled %d missing inputs with the medians of fit", type(self).__name__, missing)


def row_groups(X: object) -> NDArray[np.int64] | None:
    """A number for each (site_id, origin), since the rows of one event are never split up; None without an origin."""
    if not isinstance(X, pd.DataFrame) or "origin" not in (X.index.names or []):
        return None
    if "site_id" in X.index.names:
        return event_codes(X, "a net")[0]
    return X.groupby(level="origin", sort=True).ngroup().to_numpy(dtype=np.int64)


def plain_history(history: dict[str, NDArray[Any]]) -> dict[str, list[Any]]:
    """The training record as lists of JSON values; None where there is no number."""
    return {name: [None if value != value else value for value in values.tolist()] for name, values in history.items()}
