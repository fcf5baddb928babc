"""Dropout nets: many outputs, a linear path beside the layers, factors of its own for each site; trained by torch.

For nowcasts the nets must be held back, not sharpened: a year of wind is a few hundred independent weather situations,
however many rows it has. Dropout on inputs and neurons, weight decay and few epochs do that (AdamW and the one-cycle
schedule: Loshchilov & Hutter 2019; Smith & Topin 2018; activation SiLU: Elfwing et al. 2018).

Layers, activations, the pass of a prediction, the scaling of inputs and the hold on threads are those of all nets here. Three
parts are of this kind alone. The pass of the training goes row by row and by autograd, since dropout draws a number for every
row and neuron and the hand-derived gradients know one squared error of one output, not pinball losses, gates or a linear path.
The starting weights and the order of rows come from the one torch generator that also draws the dropout: drawn elsewhere, every
net trained so far would become another. And one net at a time is trained, so that torch's own AdamW and its one-cycle schedule
serve, where :mod:`cblcast.estimators.neural.adamw` steps through thousands of nets at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cblcast.estimators.neural.devices import pick_device
from cblcast.estimators.neural.network import Array, Layers, hidden_output, row_blocks
from cblcast.estimators.neural.threads import torch_threads

if TYPE_CHECKING:
    from torch import Tensor

_FLOOR = 3.0  # shifts the softplus so that untrained quantiles start close together


@dataclass(frozen=True)
class DropoutNet(Layers):
    """The layers of one net; its weights are arrays by name, ``w0`` (inputs, outputs), ``b0`` (outputs,), ``w1`` …

    Attributes
    ----------
    n_inputs, hidden, n_outputs
        As :class:`~cblcast.estimators.neural.network.Layers`.
    skip : bool
        Add a linear path from the inputs to the outputs.
    rising : bool
        Outputs never fall from one to the next: the first is free, each further one adds a softplus (quantiles).
    n_groups : int
        Sites that share the net; each scales the last hidden layer by its own factors. 0 for none.
    """

    skip: bool = False
    rising: bool = False
    n_groups: int = 0
    activation: ClassVar[str] = "silu"

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every weight array, in order."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer, (inputs, outputs) in enumerate(pairwise(self.sizes)):
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
    device : str
        ``cpu``, ``cuda``, or ``auto``; what is drawn is drawn on the processor, so that nets differ by rounding alone.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    input_dropout: float
    dropout: float
    seed: int
    device: str = "cpu"


def predict_net(
    net: DropoutNet, weights: dict[str, np.ndarray], inputs: np.ndarray, groups: np.ndarray | None = None
) -> Array:
    """Outputs of a trained net, float64, shape (n_rows, n_outputs).

    Parameters
    ----------
    inputs : ndarray (n_rows, n_inputs)
        Scaled.
    groups : ndarray of int (n_rows,)
        Which of ``n_groups``; unknown sites are −1 and keep the shared layer.
    """
    out = np.empty((len(inputs), net.n_outputs))
    last = len(net.hidden)
    layers = [(weights[f"w{layer}"].T[None], weights[f"b{layer}"][None, :, None]) for layer in range(last)]
    for part in row_blocks(len(inputs)):
        x = np.asarray(inputs[part], dtype=np.float64)  # in float32 a row's answer would depend on its company
        a = hidden_output(net.activation, layers, x.T[None])[0].T
        if net.n_groups and groups is not None:
            code = groups[part]
            gate = weights["gate"].astype(np.float64)[np.maximum(code, 0)]
            a = a * (1 + np.where((code >= 0)[:, None], gate, 0.0))
        y = a @ weights[f"w{last}"] + weights[f"b{last}"]
        y = y + x @ weights["skip"] if net.skip else y
        out[part] = _rise(y) if net.rising else y
    return out


def predict_mean(
    net: DropoutNet, trained: Sequence[dict[str, np.ndarray]], inputs: np.ndarray, groups: np.ndarray | None = None
) -> Array:
    """Mean output of several trained nets of one shape; see :func:`predict_net`."""
    total = sum(predict_net(net, weights, inputs, groups) for weights in trained)
    return np.asarray(total) / len(trained)


def _rise(y: np.ndarray) -> np.ndarray:
    steps = np.logaddexp(0.0, y[:, 1:] - _FLOOR)
    return np.concatenate([y[:, :1], y[:, :1] + np.cumsum(steps, axis=1)], axis=1)


def train_net(
    net: DropoutNet,
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
    # At these sizes threads cost more than they give, and results stay the same everywhere.
    with torch_threads(1):
        return _train(net, training, inputs, targets, levels, groups)


def train_several(
    net: DropoutNet,
    training: Training,
    count: int,
    inputs: np.ndarray,
    targets: np.ndarray,
    levels: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> list[dict[str, np.ndarray]]:
    """`count` nets of one shape, net number i from the seed ``training.seed + i``; see :func:`train_net`."""
    return [
        train_net(net, replace(training, seed=training.seed + number), inputs, targets, levels, groups)
        for number in range(count)
    ]


def _train(
    net: DropoutNet,
    training: Training,
    inputs: np.ndarray,
    targets: np.ndarray,
    levels: np.ndarray | None,
    groups: np.ndarray | None,
) -> dict[str, np.ndarray]:
    import torch

    random, device = torch.Generator().manual_seed(training.seed), pick_device(training.device)
    weights = {name: value.to(device).requires_grad_() for name, value in _initial(net, random).items()}
    x = torch.from_numpy(np.ascontiguousarray(inputs, dtype=np.float32)).to(device)
    known = np.isfinite(targets)
    t = torch.from_numpy(np.where(known, targets, 0.0).astype(np.float32)).to(device)
    w = torch.from_numpy(known.astype(np.float32)).to(device)
    code = None if groups is None else torch.from_numpy(np.asarray(groups, dtype=np.int64)).to(device)
    q = None if levels is None else torch.from_numpy(np.asarray(levels, dtype=np.float32)).to(device)
    size = min(training.batch_size, len(x))
    batches = max(len(x) // size, 1)
    steps = training.epochs * batches
    optimiser = torch.optim.AdamW(list(weights.values()), lr=training.learning_rate, weight_decay=training.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, training.learning_rate, total_steps=steps + 1)
    for _ in range(training.epochs):
        order = torch.randperm(len(x), generator=random).to(device)
        for k in range(batches):
            rows = order[k * size : (k + 1) * size]
            out = _forward(net, training, weights, x[rows], None if code is None else code[rows], random)
            error = t[rows] - out
            loss = error**2 if q is None else torch.maximum(q * error, (q - 1) * error)
            optimiser.zero_grad()
            (loss * w[rows]).mean().backward()
            optimiser.step()
            schedule.step()
    return {name: value.detach().cpu().numpy().copy() for name, value in weights.items()}


def _initial(net: DropoutNet, random: Any) -> dict[str, Tensor]:
    import torch

    weights = {}
    for name, size in net.parameters().items():
        if name in ("skip", "gate"):
            value = torch.zeros(size)
        else:
            layer = int(name[1:])
            inputs = (net.n_inputs, *net.hidden)[layer]
            value = (2 * torch.rand(size, generator=random) - 1) / inputs**0.5
        weights[name] = value
    return weights


def _forward(
    net: DropoutNet, training: Training, weights: dict[str, Tensor], x: Tensor, code: Tensor | None, random: Any
) -> Tensor:
    import torch

    def drop(a: Tensor, share: float) -> Tensor:
        return a if share == 0 else a * (torch.rand(a.shape, generator=random) >= share).to(a.device) / (1 - share)

    a = drop(x, training.input_dropout)
    for layer in range(len(net.hidden)):
        a = torch.nn.functional.silu(a @ weights[f"w{layer}"] + weights[f"b{layer}"])
        a = drop(a, training.dropout if layer == 0 else training.dropout / 2)
    if code is not None and net.n_groups:
        a = a * (1 + weights["gate"][code])
    last = len(net.hidden)
    y = a @ weights[f"w{last}"] + weights[f"b{last}"]
    y = y + x @ weights["skip"] if net.skip else y
    if not net.rising:
        return y
    steps = torch.nn.functional.softplus(y[:, 1:] - _FLOOR)
    return torch.cat([y[:, :1], y[:, :1] + torch.cumsum(steps, 1)], 1)
