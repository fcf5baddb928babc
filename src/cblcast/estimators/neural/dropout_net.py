"""A feed-forward net with dropout and many outputs: trained by torch, predicted by numpy.

For nowcasts the nets must be held back, not sharpened: a year of wind is a few hundred independent weather situations,
however many rows it has. Dropout on inputs and neurons, weight decay and few epochs do that (AdamW and the one-cycle
schedule: Loshchilov & Hutter 2019; Smith & Topin 2018; activation SiLU: Elfwing et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = 65_536  # rows predicted at a time
_FLOOR = 3.0  # shifts the softplus so that untrained quantiles start close together


@dataclass(frozen=True)
class NetShape:
    """The layers of one net.

    Attributes
    ----------
    n_inputs, n_outputs : int
    hidden : tuple of int
    skip : bool
        Add a linear path from the inputs to the outputs.
    rising : bool
        Outputs never fall from one to the next: the first is free, each further one adds a softplus (quantiles).
    n_groups : int
        Sites that share the net; each scales the last hidden layer by its own factors. 0 for none.
    """

    n_inputs: int
    n_outputs: int
    hidden: tuple[int, ...]
    skip: bool = False
    rising: bool = False
    n_groups: int = 0

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every weight array, in order."""
        sizes = (self.n_inputs, *self.hidden, self.n_outputs)
        shapes: dict[str, tuple[int, ...]] = {}
        for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
            shapes[f"w{layer}"], shapes[f"b{layer}"] = (inputs, outputs), (outputs,)
        if self.skip:
            shapes["skip"] = (self.n_inputs, self.n_outputs)
        if self.n_groups:
            shapes["gate"] = (self.n_groups, self.hidden[-1])
        return shapes


@dataclass(frozen=True)
class Training:
    """How a net is trained.

    Attributes
    ----------
    epochs, batch_size, learning_rate, weight_decay
        Of AdamW with a one-cycle schedule.
    input_dropout, dropout : float
        Of the inputs and of the first hidden layer; half of it in the later layers.
    seed : int
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    input_dropout: float
    dropout: float
    seed: int


def predict_net(
    shape: NetShape, weights: dict[str, np.ndarray], inputs: np.ndarray, groups: np.ndarray | None = None
) -> np.ndarray:
    """Outputs of a trained net, float64, shape (n_rows, n_outputs).

    Parameters
    ----------
    inputs : ndarray (n_rows, n_inputs)
        Scaled.
    groups : ndarray of int (n_rows,)
        Which of ``n_groups``; unknown sites are −1 and keep the shared layer.
    """
    out = np.empty((len(inputs), shape.n_outputs))
    for begin in range(0, len(inputs), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        x = np.asarray(inputs[part], dtype=np.float64)  # in float32 a row's answer would depend on its company
        a = x
        for layer in range(len(shape.hidden)):
            z = a @ weights[f"w{layer}"] + weights[f"b{layer}"]
            a = z * (0.5 + 0.5 * np.tanh(0.5 * z))
        if shape.n_groups and groups is not None:
            code = groups[part]
            gate = weights["gate"].astype(np.float64)[np.maximum(code, 0)]
            a = a * (1 + np.where((code >= 0)[:, None], gate, 0.0))
        last = len(shape.hidden)
        y = a @ weights[f"w{last}"] + weights[f"b{last}"]
        y = y + x @ weights["skip"] if shape.skip else y
        out[part] = _rise(y) if shape.rising else y
    return out


def _rise(y: np.ndarray) -> np.ndarray:
    steps = np.logaddexp(0.0, y[:, 1:] - _FLOOR)
    return np.concatenate([y[:, :1], y[:, :1] + np.cumsum(steps, axis=1)], axis=1)


def train_net(
    shape: NetShape,
    training: Training,
    inputs: np.ndarray,
    targets: np.ndarray,
    levels: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Train one net; the same seed and data give the same net.

    Parameters
    ----------
    inputs : ndarray (n, n_inputs)
        Scaled, no NaN.
    targets : ndarray (n, n_outputs), or (n, 1) with `levels`
        Scaled; NaN weigh nothing.
    levels : ndarray (n_outputs,), optional
        Quantile levels: the loss is the pinball loss, else the squared error.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # at these sizes threads cost more than they give, and results stay the same everywhere
    try:
        return _train(shape, training, inputs, targets, levels, groups)
    finally:
        torch.set_num_threads(before)


def _train(
    shape: NetShape,
    training: Training,
    inputs: np.ndarray,
    targets: np.ndarray,
    levels: np.ndarray | None,
    groups: np.ndarray | None,
) -> dict[str, np.ndarray]:
    import torch

    random = torch.Generator().manual_seed(training.seed)
    weights = _initial(shape, random)
    x = torch.from_numpy(np.ascontiguousarray(inputs, dtype=np.float32))
    known = np.isfinite(targets)
    t = torch.from_numpy(np.where(known, targets, 0.0).astype(np.float32))
    w = torch.from_numpy(known.astype(np.float32))
    code = None if groups is None else torch.from_numpy(np.asarray(groups, dtype=np.int64))
    q = None if levels is None else torch.from_numpy(np.asarray(levels, dtype=np.float32))
    size = min(training.batch_size, len(x))
    batches = max(len(x) // size, 1)
    steps = training.epochs * batches
    optimiser = torch.optim.AdamW(list(weights.values()), lr=training.learning_rate, weight_decay=training.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, training.learning_rate, total_steps=steps + 1)
    for _ in range(training.epochs):
        order = torch.randperm(len(x), generator=random)
        for k in range(batches):
            rows = order[k * size : (k + 1) * size]
            out = _forward(shape, training, weights, x[rows], None if code is None else code[rows], random)
            error = t[rows] - out
            loss = error**2 if q is None else torch.maximum(q * error, (q - 1) * error)
            optimiser.zero_grad()
            (loss * w[rows]).mean().backward()
            optimiser.step()
            schedule.step()
    return {name: value.detach().numpy().copy() for name, value in weights.items()}


def _initial(shape: NetShape, random: Any) -> dict[str, Tensor]:
    import torch

    weights = {}
    for name, size in shape.parameters().items():
        if name in ("skip", "gate"):
            value = torch.zeros(size)
        else:
            layer = int(name[1:])
            inputs = (shape.n_inputs, *shape.hidden)[layer]
            value = (2 * torch.rand(size, generator=random) - 1) / inputs**0.5
        weights[name] = value.requires_grad_()
    return weights


def _forward(
    shape: NetShape, training: Training, weights: dict[str, Tensor], x: Tensor, code: Tensor | None, random: Any
) -> Tensor:
    import torch

    def drop(a: Tensor, share: float) -> Tensor:
        return a if share == 0 else a * (torch.rand(a.shape, generator=random) >= share) / (1 - share)

    a = drop(x, training.input_dropout)
    for layer in range(len(shape.hidden)):
        a = torch.nn.functional.silu(a @ weights[f"w{layer}"] + weights[f"b{layer}"])
        a = drop(a, training.dropout if layer == 0 else training.dropout / 2)
    if code is not None and shape.n_groups:
        a = a * (1 + weights["gate"][code])
    last = len(shape.hidden)
    y = a @ weights[f"w{last}"] + weights[f"b{last}"]
    y = y + x @ weights["skip"] if shape.skip else y
    if not shape.rising:
        return y
    steps = torch.nn.functional.softplus(y[:, 1:] - _FLOOR)
    return torch.cat([y[:, :1], y[:, :1] + torch.cumsum(steps, 1)], 1)
