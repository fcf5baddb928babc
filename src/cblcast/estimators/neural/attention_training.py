"""Training of an attention net by torch: AdamW, one cycle, with weather and older days taken away now and then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from cblcast.errors import DataError, StudyError
from cblcast.estimators.neural.attention import AttentionNet, Operations
from cblcast.estimators.neural.day_inputs import DAYS_SHARE, KEYS_OF_WEATHER, WEATHER, DayInputs
from cblcast.estimators.neural.devices import pick_device
from cblcast.estimators.neural.threads import torch_threads

if TYPE_CHECKING:
    import torch
    from torch import Generator, Tensor

_FEWEST_DAYS = 3
_WARM_UP = 0.2  # of the steps
_LONGEST_GRADIENT = 1.0
_LARGEST_TARGET = 15.0  # spreads: a spike teaches that much and no more


@dataclass(frozen=True)
class AttentionTraining:
    """Settings of a training; see :class:`~cblcast.estimators.neural.day_attention.DayAttention`."""

    width: int
    day_width: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    dropout: float
    weather_lost: float
    days_lost: float
    threads: int
    device: str = "cpu"


@dataclass(frozen=True, eq=False)
class Batch:
    """Some rows as tensors: what the net reads, the target, held within bounds, and the weight of each row."""

    inputs: list[Tensor]
    goal: Tensor
    mass: Tensor

    def __len__(self) -> int:
        return len(self.goal)

    def to(self, device: torch.device) -> Batch:
        """The rows on a device."""
        return Batch([part.to(device) for part in self.inputs], self.goal.to(device), self.mass.to(device))

    def take(self, rows: Tensor) -> Batch:
        """Some of the rows."""
        return Batch([part[rows] for part in self.inputs], self.goal[rows], self.mass[rows])

    @classmethod
    def joined(cls, one: Batch, other: Batch) -> Batch:
        """The rows of two, one after the other."""
        import torch

        parts = [torch.cat(pair) for pair in zip(one.inputs, other.inputs, strict=True)]
        return cls(parts, torch.cat([one.goal, other.goal]), torch.cat([one.mass, other.mass]))


class Draws(Protocol):
    """Training rows, dealt out in batches."""

    def __len__(self) -> int:
        """Rows."""

    @property
    def like(self) -> DayInputs:
        """Some row, for the sizes of the net."""

    def epoch(self, size: int, generator: Generator) -> Iterator[Batch]:
        """All rows once in an order that is drawn by `generator`, in as many batches of `size` as they fill."""


def tensors_of(inputs: DayInputs, target: np.ndarray, weight: np.ndarray) -> Batch:
    """Rows as tensors; `weight` is of mean 1 over all rows of the training, float64, shape (n,)."""
    import torch

    goal = np.clip(target, -_LARGEST_TARGET, _LARGEST_TARGET).astype(np.float32)
    return Batch(
        [torch.from_numpy(part) for part in inputs.arrays()],
        torch.from_numpy(goal),
        torch.from_numpy(weight.astype(np.float32)),
    )


@dataclass(frozen=True, eq=False)
class DrawsInMemory:
    """Training rows in memory.

    Attributes
    ----------
    like : DayInputs
    target : ndarray, shape (n,)
        In spreads above the centre.
    weight : ndarray, shape (n,)
        Of each row's squared error.
    """

    like: DayInputs
    target: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def epoch(self, size: int, generator: Generator) -> Iterator[Batch]:
        """All rows once."""
        import torch

        rows = tensors_of(self.like, self.target, self.weight / self.weight.mean())
        order = torch.randperm(len(self), generator=generator)
        for drawn in order[: len(self) // size * size].reshape(-1, size):
            yield rows.take(drawn)


def train_attention(draws: Draws, settings: AttentionTraining, seed: int) -> dict[str, np.ndarray]:
    """Weights of one net, float32, by name.

    Whatever is drawn is drawn on the processor, so that a device sees the same batches, and drops the same, as a processor.

    Parameters
    ----------
    draws : Draws

    Raises
    ------
    StudyError
        torch is not installed; a device that is not there.
    """
    try:
        import torch
    except ImportError:
        raise StudyError("a net is trained by torch, which is not installed: pip install 'cblcast[neural]'") from None
    size = min(settings.batch_size, len(draws))
    if size == 0:
        raise DataError("a net has nothing to learn from: no training row")
    net = AttentionNet.of(draws.like, settings.width, settings.day_width)
    device = pick_device(settings.device)
    weights = {name: torch.tensor(value, device=device, requires_grad=True) for name, value in net.start(seed).items()}
    decayed = [value for name, value in weights.items() if name.endswith("_w")]
    biases = [value for name, value in weights.items() if name.endswith("_b")]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": biases, "weight_decay": 0.0}]
    steps = settings.epochs * (len(draws) // size)
    generator = torch.Generator().manual_seed(seed)

    def held_back(values: Tensor) -> Tensor:
        kept = torch.rand(values.shape, generator=generator) >= settings.dropout
        return values * kept.to(device) / (1 - settings.dropout)

    by_torch = Operations(torch.exp, torch.tanh, torch.cat, torch.nn.functional.silu)
    with torch_threads(settings.threads):
        adamw = torch.optim.AdamW(groups, lr=settings.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            adamw, settings.learning_rate, total_steps=steps, pct_start=_WARM_UP
        )
        for _ in range(settings.epochs):
            for rows in draws.epoch(size, generator):
                batch = Batch(_poorer(rows.inputs, settings, generator), rows.goal, rows.mass).to(device)
                error = net.estimate(weights, tuple(batch.inputs), by_torch, held_back) - batch.goal
                loss = (batch.mass * error**2).mean()
                adamw.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(decayed, _LONGEST_GRADIENT)
                adamw.step()
                cycle.step()
    return {name: value.detach().cpu().numpy() for name, value in weights.items()}


def _poorer(batch: list[Tensor], settings: AttentionTraining, generator: Generator) -> list[Tensor]:
    """The batch with the weather taken from some of its rows, and the older days from others."""
    import torch

    days, there, hours_then, hours_now, keys, candidates, context = batch
    n_rows, n_days = there.shape
    lost = torch.rand(n_rows, generator=generator) < settings.weather_lost
    keys, context = keys.clone(), context.clone()
    keys[lost, :, KEYS_OF_WEATHER] = 0
    context[lost, WEATHER] = 0
    few = torch.rand(n_rows, generator=generator) < settings.days_lost
    left = torch.randint(_FEWEST_DAYS, n_days + 1, (n_rows,), generator=generator)
    there = there * ~(few[:, None] & (torch.arange(n_days)[None, :] >= left[:, None]))
    context[:, DAYS_SHARE] = there.sum(1) / n_days
    return [days * there, there, hours_then, hours_now, keys, candidates, context]
