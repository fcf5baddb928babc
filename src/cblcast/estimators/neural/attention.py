"""A small attention net over recent days: one pass of it, the same code for training by torch and for prediction by numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cblcast.estimators.neural.day_inputs import DayInputs

_BOUND = 8.0  # of a day's score


def _silu(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return values / (1 + np.exp(-values))


@dataclass(frozen=True)
class Operations:
    """What a pass needs beside arithmetic and matrix products: numpy's, or torch's in training."""

    exp: Callable[[Any], Any] = np.exp
    tanh: Callable[[Any], Any] = np.tanh
    joined: Callable[[list[Any], int], Any] = np.concatenate
    silu: Callable[[Any], Any] = _silu


NUMPY = Operations()


@dataclass(frozen=True)
class AttentionNet:
    """Sizes of a net; its weights are arrays by name.

    The estimate, in spreads above the mean of the newest days, is

    ``sum_k w_k · day_k + sum_h g_h · (now_h - sum_k w_k · then_kh) + sum_c a_c · candidate_c + d``:

    days weighted by how they stand to the event day, met in the hours that are seen as far as ``g`` says, and a share of
    the means of days that rules use. ``w`` comes from a softmax over the days, ``g``, ``a`` and ``d`` from the context.

    Attributes
    ----------
    n_keys, n_hours, n_candidates, n_context : int
        Widths of the inputs, see :class:`~cblcast.estimators.neural.day_inputs.DayInputs`.
    width, day_width : int
        Neurons for the context and for each day.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need; Elfwing et al. (2018), the activation SiLU.
    """

    n_keys: int
    n_hours: int
    n_candidates: int
    n_context: int
    width: int = 64
    day_width: int = 32

    @classmethod
    def of(cls, inputs: DayInputs, width: int, day_width: int) -> AttentionNet:
        """The net that fits `inputs`."""
        sizes = (inputs.keys.shape[2], inputs.hours_now.shape[1], inputs.candidates.shape[1], inputs.context.shape[1])
        return cls(*sizes, width, day_width)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every weight array."""
        w, d = self.width, self.day_width
        summary = w + d + self.n_hours + 1
        n_out = self.n_hours + self.n_candidates + 1
        layers = {
            "context": (self.n_context, w), "context_2": (w, w), "key": (self.n_keys, d), "gap": (self.n_hours, d), "query": (w, d),
            "day": (d, d), "score": (d, 1), "summary": (summary, w), "out": (w, n_out),
        }  # fmt: skip
        found: dict[str, tuple[int, ...]] = {}
        for name, shape in layers.items():
            found[f"{name}_w"] = shape
            if name not in ("gap", "query", "score"):
                found[f"{name}_b"] = (shape[1],)
        return found

    def start(self, seed: int) -> dict[str, np.ndarray]:
        """Weights to begin with: He's normal, the last layer small so that the net begins as a mean of days."""
        rng = np.random.default_rng(seed)
        found = {}
        for name, shape in self.shapes().items():
            if name.endswith("_b"):
                found[name] = np.zeros(shape, dtype=np.float32)
                continue
            gain = {"out_w": 0.1, "score_w": 0.3}.get(name, 1.0)
            found[name] = (gain * rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)
        return found

    def estimate(
        self, weight: Mapping[str, Any], inputs: tuple[Any, ...], by: Operations = NUMPY, drop: Any = None
    ) -> Any:
        """Estimate of each row in spreads above the centre, shape (n,).

        Parameters
        ----------
        weight : mapping name -> array
        inputs : tuple of array
            As :meth:`~cblcast.estimators.neural.day_inputs.DayInputs.arrays` gives them.
        by : Operations
            Of torch, where the weights are its tensors.
        drop : callable, optional
            Applied to hidden layers in training.
        """
        days, there, hours_then, hours_now, keys, candidates, context = inputs
        hold = drop or (lambda values: values)
        seen = context[:, self._seen]
        about = hold(by.silu(_layer(weight, "context", context)))
        about = hold(by.silu(_layer(weight, "context_2", about)))
        gap = (hours_now[:, None, :] - hours_then) * seen[:, None, :]
        each = _layer(weight, "key", keys) + gap @ weight["gap_w"] + (about @ weight["query_w"])[:, None, :]
        each = by.silu(_layer(weight, "day", by.silu(each)))
        score = (each @ weight["score_w"])[:, :, 0]
        share = by.exp(_BOUND * by.tanh(score / _BOUND)) * there  # bounded, so that no exponential overflows
        share = share / (share.sum(1)[:, None] + 1e-9)
        base = (share * days).sum(1)
        left = (hours_now - (share[:, :, None] * hours_then).sum(1)) * seen
        summary = by.joined([about, (share[:, :, None] * each).sum(1), left, base[:, None]], 1)
        out = _layer(weight, "out", hold(by.silu(_layer(weight, "summary", summary))))
        h, c = self.n_hours, self.n_candidates
        return (
            base + (out[:, :h] * left).sum(1) + (out[:, h : h + c] * (candidates - base[:, None])).sum(1) + out[:, -1]
        )

    @property
    def _seen(self) -> slice:
        first = self.n_context - 5 - self.n_candidates - 3 * self.n_hours
        return slice(first, first + self.n_hours)


def _layer(weight: Mapping[str, Any], name: str, values: Any) -> Any:
    return values @ weight[f"{name}_w"] + weight[f"{name}_b"]
