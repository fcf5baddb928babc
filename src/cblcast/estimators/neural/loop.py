"""The epochs of one batch of nets: stop each net by its own rule, drop the finished ones, keep the best weights."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cblcast.estimators.neural.gradients import Samples, mean_squared_error
from cblcast.estimators.neural.network import Architecture
from cblcast.estimators.neural.stopping import StopRule
from cblcast.estimators.neural.trainers import Trainer

if TYPE_CHECKING:
    from torch import Tensor

# Copying the data of the nets that go on costs a fraction of an epoch, so it pays once this share has finished.
COMPACT_SHARE = 0.1


@dataclass
class Outcome:
    """What training made of B nets.

    Attributes
    ----------
    weights : Tensor (B, P)
        The weights with the least validation error; the last ones where nothing validates.
    code : Tensor (B,) of int
        Position in :data:`~cblcast.estimators.neural.stopping.REASONS`.
    epochs, best_epoch : Tensor (B,) of int
        Epochs done, and the one the weights are from.
    seconds : Tensor (B,)
        From the start of the batch to the net's end.
    reports : dict of str to Tensor (B,)
        The slope at the end and what the trainer has to say (gamma, mu, ...).
    curves : list of (Tensor, Tensor, Tensor)
        For each epoch the net numbers, training and validation mean squared errors; empty unless asked for.
    """

    weights: Tensor
    code: Tensor
    epochs: Tensor
    best_epoch: Tensor
    seconds: Tensor
    reports: dict[str, Tensor]
    curves: list[tuple[Tensor, Tensor | None, Tensor | None]]


def run_epochs(
    trainer: Trainer,
    net: Architecture,
    train: Samples,
    validation: Samples | None,
    weights: Tensor,
    rule: StopRule,
    keep_curves: bool = False,
) -> Outcome:
    """Train a batch until its last net has a reason to stop.

    Parameters
    ----------
    trainer : Trainer
    net : Architecture
    train, validation : Samples
        Of B nets; ``validation=None``, or a trainer that does not use it, switches early stopping off.
    weights : Tensor (B, P)
        Starting points.
    rule : StopRule
    keep_curves : bool
        Also keep both errors of every epoch.

    Returns
    -------
    Outcome
    """
    import torch

    started = time.perf_counter()
    stops_early = validation is not None and trainer.uses_validation
    state = trainer.start(net, train, weights.clone())
    names = ("slope", *trainer.reports)
    n = len(weights)
    whole = torch.zeros(n, dtype=torch.long, device=weights.device)
    outcome = Outcome(
        weights.clone(),
        whole.clone(),
        whole.clone(),
        whole.clone(),
        weights.new_zeros(n),
        {name: weights.new_full((n,), float("nan")) for name in names},
        [],
    )
    index = torch.arange(n, device=weights.device)
    active = torch.ones(n, dtype=torch.bool, device=weights.device)
    best = _Best(state["weights"], whole.clone(), whole.clone(), weights.new_full((n,), float("inf")))
    epoch = 0
    while True:
        judged = None
        if validation is not None and (stops_early or keep_curves):
            judged = mean_squared_error(net, state["weights"], validation)
        best.update(epoch, state, judged if stops_early else None)
        if keep_curves:
            outcome.curves.append((index[active], state["mse"][active], None if judged is None else judged[active]))
        seconds = time.perf_counter() - started
        code = rule.verdicts(
            epoch=epoch,
            seconds=seconds,
            mse=state["mse"],
            slope=state["slope"],
            failures=best.failures,
            damped_out=state.get("damped_out"),
        )
        done = (code > 0) & active
        if bool(done.any()):
            to = index[done]
            outcome.weights[to], outcome.code[to], outcome.seconds[to] = best.weights[done], code[done], seconds
            outcome.epochs[to], outcome.best_epoch[to] = epoch, best.epoch[done]
            for name in names:
                outcome.reports[name][to] = state[name][done]
            active = active & ~done
            left = int(active.sum())
            if left == 0:
                return outcome
            if len(active) - left >= COMPACT_SHARE * len(active):
                keep = active.nonzero().squeeze(1)
                state = {name: value[keep] for name, value in state.items()}
                train = train.take(keep)
                validation = None if validation is None else validation.take(keep)
                best, index, active = best.take(keep), index[keep], active[keep]
        state = trainer.step(net, train, state, active)
        epoch += 1


@dataclass
class _Best:
    """The best weights so far, and how long ago they were found."""

    weights: Tensor
    epoch: Tensor
    failures: Tensor
    mse: Tensor

    def update(self, epoch: int, state: dict[str, Tensor], judged: Tensor | None) -> None:
        """Without a validation error the newest finite weights are the best; a point not moved from is no failure."""
        import torch

        if judged is None:
            better = state["moved"] & state["mse"].isfinite()
        else:
            better = judged < self.mse
            worse = (judged > self.mse) & state["moved"]
            self.failures = torch.where(better, torch.zeros_like(self.failures), self.failures + worse)
            self.mse = torch.where(better, judged, self.mse)
        self.weights = torch.where(better[:, None], state["weights"], self.weights)
        self.epoch = self.epoch.masked_fill(better, epoch)

    def take(self, keep: Tensor) -> _Best:
        """The same for the nets at the positions `keep`."""
        return _Best(self.weights[keep], self.epoch[keep], self.failures[keep], self.mse[keep])
