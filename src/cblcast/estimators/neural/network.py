"""A feed-forward net in numpy: its layers, its activations, and prediction without torch.

What every kind of net has stands here once: the sizes of its layers and their checks, the activations, the pass through the
hidden layers, the blocks in which rows are predicted. The nets of :class:`Architecture` keep ONE flat vector each, for every
layer the matrix (outputs, inputs) row by row and then the biases; everything carries a leading axis of nets, so that thousands
of sites are predicted by a few matrix products. Dropout nets (:mod:`cblcast.estimators.neural.dropout_net`) are the other
kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cblcast.frames.schema import StudyError, nearest

Array = NDArray[np.float64]


def _sigmoid(x: Array) -> Array:
    # This form cannot overflow, unlike 1 / (1 + exp(-x)).
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _silu(x: Array) -> Array:
    return x * _sigmoid(x)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"tanh": np.tanh, "sigmoid": _sigmoid, "silu": _silu}
DERIVED = ("tanh", "sigmoid")  # those whose derivatives the trainers know
_ROWS_AT_ONCE = 65_536


def row_blocks(n: int) -> Iterator[slice]:
    """Rows predicted at a time, so that the activations of a long frame need not fit in memory at once."""
    for at in range(0, n, _ROWS_AT_ONCE):
        yield slice(at, min(at + _ROWS_AT_ONCE, n))


@dataclass(frozen=True)
class Layers:
    """The layers of a feed-forward net.

    Parameters
    ----------
    n_inputs : int
    hidden : tuple of int
        Neurons of each hidden layer; the empty tuple is a linear model.
    n_outputs : int
        Linear.

    Raises
    ------
    StudyError
        For a layer without neurons, or no input.
    """

    n_inputs: int
    hidden: tuple[int, ...]
    n_outputs: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        if self.n_inputs < 1:
            raise StudyError("a neural net needs at least one input column, got none")
        if any(int(n) != n or n < 1 for n in self.hidden):
            raise StudyError(
                f"hidden={self.hidden!r}: every hidden layer needs one neuron or more, e.g. hidden=(10, 10)"
            )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of every layer, the inputs first and the outputs last."""
        return (self.n_inputs, *(int(n) for n in self.hidden), self.n_outputs)


@dataclass(frozen=True)
class Architecture(Layers):
    """A net with one output whose gradients are derived by hand.

    Parameters
    ----------
    n_inputs, hidden
        As :class:`Layers`.
    activation : {"tanh", "sigmoid"}
        Of every hidden layer.

    Raises
    ------
    StudyError
        For a layer without neurons or an unknown activation.
    """

    activation: str = "tanh"

    def __post_init__(self) -> None:
        if self.activation not in DERIVED:
            raise StudyError(f"activation {self.activation!r} is not known: {nearest(self.activation, DERIVED)}")
        super().__post_init__()

    @property
    def n_parameters(self) -> int:
        """Length of the flat weight vector."""
        return sum((i + 1) * o for i, o in zip(self.sizes[:-1], self.sizes[1:], strict=True))

    def layers(self) -> list[tuple[slice, slice, int, int]]:
        """Where each layer's matrix and biases lie in the flat vector: (matrix, biases, outputs, inputs)."""
        places, at = [], 0
        for inputs, outputs in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            matrix = slice(at, at + inputs * outputs)
            at = matrix.stop + outputs
            places.append((matrix, slice(matrix.stop, at), outputs, inputs))
        return places


def hidden_output(activation: str, layers: Sequence[tuple[Array, Array]], x: Array) -> Array:
    """What the last hidden layer puts out, (nets, neurons, samples); the inputs where there is no hidden layer.

    Parameters
    ----------
    activation : str
        A name from :data:`ACTIVATIONS`.
    layers : sequence of (ndarray (nets, outputs, inputs), ndarray (nets, outputs, 1))
        Matrix and biases of each hidden layer.
    x : ndarray (nets, n_inputs, samples)
        Scaled inputs, features before samples. One net axis of length 1 broadcasts.
    """
    act, a = ACTIVATIONS[activation], x
    for matrix, biases in layers:
        a = act(np.matmul(matrix, a) + biases)
    return a


def forward(net: Architecture, weights: Array, x: Array) -> Array:
    """Outputs of many nets, each for its own inputs.

    Parameters
    ----------
    net : Architecture
    weights : ndarray (nets, n_parameters)
    x : ndarray (nets, n_inputs, samples)
        Scaled inputs, features before samples. One net axis of length 1 broadcasts.

    Returns
    -------
    ndarray (nets, samples)
        Scaled outputs.
    """
    *hidden, (last, biases) = [
        (weights[:, matrix].reshape(-1, outputs, inputs), weights[:, biases, None])
        for matrix, biases, outputs, inputs in net.layers()
    ]
    output: Array = np.matmul(last, hidden_output(net.activation, hidden, x)) + biases
    return output[:, 0, :]


def initial_weights(net: Architecture, method: str, seeds: Sequence[int]) -> Array:
    """Random starting weights, one row for each seed; the same seed gives the same row in any company.

    Parameters
    ----------
    net : Architecture
    method : {"nguyen_widrow", "xavier"}
        Nguyen & Widrow 1990 spreads the active regions of the hidden neurons evenly over inputs scaled to [-1, 1]
        (as MATLAB's ``initnw``); Glorot & Bengio 2010 (Xavier, uniform) keeps the variance from layer to layer.
    seeds : sequence of int

    Returns
    -------
    ndarray (len(seeds), n_parameters)
    """
    if method not in INITIALISATIONS:
        raise StudyError(f"initialisation {method!r} is not known: {nearest(method, INITIALISATIONS)}")
    drawn: dict[int, Array] = {}
    for seed in seeds:
        if seed not in drawn:
            drawn[seed] = INITIALISATIONS[method](net, np.random.default_rng(seed))
    return np.stack([drawn[seed] for seed in seeds])


def _nguyen_widrow(net: Architecture, rng: np.random.Generator) -> Array:
    # The part of the activation that is not saturated, and the range it hands to the next layer (MATLAB's tables).
    active = {"tanh": 2.0, "sigmoid": 4.0}[net.activation]
    low, high = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}[net.activation]
    flat = np.empty(net.n_parameters)
    for layer, (matrix, biases, outputs, inputs) in enumerate(net.layers()):
        w = rng.uniform(-1.0, 1.0, (outputs, inputs))
        b = rng.uniform(-1.0, 1.0, outputs)
        if layer < len(net.hidden):
            magnitude = 0.7 * outputs ** (1.0 / inputs)
            w *= magnitude / np.linalg.norm(w, axis=1, keepdims=True)
            spread = np.linspace(-1.0, 1.0, outputs) if outputs > 1 else np.zeros(1)
            b = magnitude * spread * np.sign(w[:, 0])
            w, b = w * active, b * active
            if layer > 0:
                # The rule is made for inputs in [-1, 1]; the layer before delivers [low, high].
                gain, shift = 2.0 / (high - low), -(high + low) / (high - low)
                w, b = w * gain, b + w.sum(axis=1) * shift
        flat[matrix], flat[biases] = w.ravel(), b
    return flat


def _xavier(net: Architecture, rng: np.random.Generator) -> Array:
    flat = np.zeros(net.n_parameters)
    for matrix, _, outputs, inputs in net.layers():
        limit = np.sqrt(6.0 / (inputs + outputs))
        flat[matrix] = rng.uniform(-limit, limit, outputs * inputs)
    return flat


INITIALISATIONS = {"nguyen_widrow": _nguyen_widrow, "xavier": _xavier}
