"""AdamW: mini-batch gradient steps with decoupled weight decay, for many nets at once.

Source: I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cblcast.estimators.neural.gradients import ErrorSurface, Samples
from cblcast.estimators.neural.network import Architecture

if TYPE_CHECKING:
    from torch import Tensor


def shuffled(counts: np.ndarray, batch_size: int, seed: tuple[int, ...]) -> np.ndarray:
    """Row numbers of one epoch for each net, shuffled, filled up with -1 to whole mini-batches of the longest net.

    Nets with equally many rows get the same order, and a net gets the same order in any company.
    """
    width = -(-int(counts.max()) // batch_size) * batch_size
    order = np.full((len(counts), width), -1)
    for n in np.unique(counts):
        order[counts == n, :n] = np.random.default_rng([*seed, int(n)]).permutation(int(n))
    return order


@dataclass(frozen=True)
class AdamW:
    """Mini-batch training; one epoch visits every training row once.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, weight_decay : float
        As in the source.
    batch_size : int
        Rows of a mini-batch.
    shuffle_seed : int
        Seed of the order of rows.
    """

    learning_rate: float = 5e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 1e-4
    batch_size: int = 256
    shuffle_seed: int = 0

    uses_validation = True
    second_order = False
    reports = ()

    def start(self, net: Architecture, data: Samples, weights: Tensor) -> dict[str, Tensor]:
        """Moments of zero."""
        surface = ErrorSurface(net, weights, data)
        zero = surface.mse * 0
        return {
            "weights": weights,
            "mse": surface.mse,
            "slope": surface.gradient().norm(dim=1),
            "moved": zero == 0,
            "first": weights * 0,
            "second": weights * 0,
            "steps": zero,
            "epoch": zero,
        }

    def step(self, net: Architecture, data: Samples, state: dict[str, Tensor], active: Tensor) -> dict[str, Tensor]:
        """One epoch; error and slope are those of ALL training rows after it."""
        import torch

        weights, first, second, steps = (state[key] for key in ("weights", "first", "second", "steps"))
        epoch = state["epoch"] + 1
        counts = data.count.cpu().numpy().astype(int)
        order = torch.from_numpy(shuffled(counts, self.batch_size, (self.shuffle_seed, int(epoch[0])))).to(
            weights.device
        )
        for at in range(0, order.shape[1], self.batch_size):
            rows = order[:, at : at + self.batch_size]
            present = (rows >= 0).to(weights.dtype)
            rows = rows.clamp_min(0)
            count = present.sum(1)
            x = data.x.gather(2, rows.unsqueeze(1).expand(-1, data.x.shape[1], -1))
            part = Samples(x, data.y.gather(1, rows) * present, present, count.clamp_min(1.0))
            gradient = ErrorSurface(net, weights, part).gradient()
            goes = (count > 0)[:, None]
            steps = steps + (count > 0)
            first = torch.where(goes, first.lerp(gradient, 1.0 - self.beta1), first)
            second = torch.where(goes, second.lerp(gradient.square(), 1.0 - self.beta2), second)
            t = steps[:, None].clamp_min(1.0)
            scaled = (first / (1.0 - self.beta1**t)) / ((second / (1.0 - self.beta2**t)).sqrt() + self.epsilon)
            moved = weights * (1.0 - self.learning_rate * self.weight_decay) - self.learning_rate * scaled
            weights = torch.where(goes, moved, weights)
        surface = ErrorSurface(net, weights, data)
        return {
            "weights": weights,
            "mse": surface.mse,
            "slope": surface.gradient().norm(dim=1),
            "moved": state["moved"],
            "first": first,
            "second": second,
            "steps": steps,
            "epoch": epoch,
        }
