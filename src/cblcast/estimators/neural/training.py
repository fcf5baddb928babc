"""Train many nets, each on its own rows, in batches that fit in memory.

A net's result does not depend on its company: starting weights, split and shuffling hang on its own seed and rows only,
every product is taken net by net, and each net stops by its own rule.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cblcast.estimators.neural.batches import (
    batches,
    cell_budget,
    keep_freed_memory,
    pack,
)
from cblcast.estimators.neural.devices import pick_device
from cblcast.estimators.neural.network import Architecture, Array, initial_weights
from cblcast.estimators.neural.preparation import (
    FEWEST_ROWS,
    Rows,
    Scales,
    check_scaling,
    check_split,
    learn_scales,
    scaled_inputs,
    split_rows,
)
from cblcast.estimators.neural.stopping import REASONS, StopRule
from cblcast.estimators.neural.threads import run_side_by_side
from cblcast.estimators.neural.trainers import Trainer, make_trainer
from cblcast.frames.schema import StudyError, nearest

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

NOT_TRAINED = "not trained"
DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how nets are trained, apart from their rows.

    Parameters
    ----------
    hidden, activation, initialisation
        See :class:`~cblcast.estimators.neural.network.Architecture` and
        :func:`~cblcast.estimators.neural.network.initial_weights`.
    trainer : str
        A name from :data:`~cblcast.estimators.neural.trainers.TRAINERS`.
    trainer_options : dict or None
        Parameters of that trainer.
    rule : StopRule
    scaling : {"minmax", "standard"}
    split : (float, float, float)
        Shares of the rows for training, validation (early stopping) and test.
    device : str
        ``cpu``, ``cuda`` (``cuda:1`` ...), or ``auto``: a CUDA device where there is one.
    dtype : {"float64", "float32"}
        Precision of training; float32 halves the time and is too coarse for ``lm`` and ``br`` near the optimum.
    keep_curves : bool
        Keep the errors of every epoch.
    threads : int
        Processor threads: batches run side by side, a single batch spreads its sums.
    """

    hidden: tuple[int, ...] = (10, 10)
    activation: str = "tanh"
    initialisation: str = "nguyen_widrow"
    trainer: str = "scg"
    trainer_options: dict[str, Any] | None = None
    rule: StopRule = field(default_factory=StopRule)
    scaling: str = "minmax"
    split: tuple[float, float, float] = (0.6, 0.2, 0.2)
    device: str = "cpu"
    dtype: str = "float64"
    keep_curves: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        check_scaling(self.scaling)
        check_split(self.split)
        if self.dtype not in DTYPES:
            raise StudyError(f"dtype={self.dtype!r} is not known: {nearest(self.dtype, DTYPES)}")
        if int(self.threads) < 1:
            raise StudyError(f"threads={self.threads!r}: training needs one thread or more")


@dataclass
class TrainedNets:
    """S trained nets and how they came about.

    Attributes
    ----------
    weights : ndarray (S, n_parameters)
    x_fill, x_offset, x_gain : ndarray (S, features)
    y_offset, y_gain : ndarray (S,)
        See :class:`~cblcast.estimators.neural.preparation.Scales`.
    history : dict of str to ndarray (S,)
        ``stop_reason, epochs, best_epoch, seconds, train_rmse, validation_rmse, test_rmse`` (in the target's unit),
        ``rows_train`` and what the trainer reports (``gamma`` for ``br``).
    curves : list of ndarray (epochs + 1, 2)
        Training and validation RMSE of every epoch, if asked for.
    fallbacks : dict of str to int
        How often something was made good; also logged.
    """

    weights: Array
    x_fill: Array
    x_offset: Array
    x_gain: Array
    y_offset: Array
    y_gain: Array
    history: dict[str, NDArray[Any]]
    curves: list[Array]
    fallbacks: dict[str, int]


def train_nets(sites: Sequence[Rows], n_inputs: int, recipe: Recipe) -> TrainedNets:
    """Train one net for each element of `sites`.

    Parameters
    ----------
    sites : sequence of Rows
        Read batch by batch; elements may share their arrays.
    n_inputs : int
        Features of every element.
    recipe : Recipe

    Returns
    -------
    TrainedNets

    Raises
    ------
    DataError
        For rows that are not finite (missing inputs are filled).
    StudyError
        For an unknown trainer, option, scaling, activation or device.
    """
    net = Architecture(n_inputs, tuple(recipe.hidden), recipe.activation)
    trainer = make_trainer(recipe.trainer, recipe.trainer_options)
    device = pick_device(recipe.device)
    result = _empty(net, len(sites), trainer)
    lengths = np.array([len(site.y) for site in sites], dtype=np.int64)
    keep_freed_memory()
    budget = cell_budget(device, second_order=trainer.second_order)
    work = list(batches(lengths, net, second_order=trainer.second_order, budget=budget))
    jobs = [partial(_train_batch, batch, sites, net, trainer, recipe, device, result) for batch in work]
    fallbacks: Counter[str] = Counter()
    # Each batch is as large as a device of its own holds: there they follow each other.
    for counts in run_side_by_side(jobs, recipe.threads if device.type == "cpu" else 1):
        fallbacks.update(counts)
    result.fallbacks = {name: int(count) for name, count in sorted(fallbacks.items()) if count}
    if result.fallbacks:
        logger.warning("training %d neural nets took fallbacks: %s", len(sites), result.fallbacks)
    return result


def _empty(net: Architecture, total: int, trainer: Trainer) -> TrainedNets:
    history: dict[str, NDArray[Any]] = {"stop_reason": np.full(total, NOT_TRAINED, dtype=f"<U{max(map(len, REASONS))}")}
    for name in ("epochs", "best_epoch", "rows_train"):
        history[name] = np.zeros(total, dtype=np.int64)
    for name in ("seconds", "train_rmse", "validation_rmse", "test_rmse", "slope", *trainer.reports):
        history[name] = np.full(total, np.nan)
    shape = (total, net.n_inputs)
    return TrainedNets(
        np.zeros((total, net.n_parameters)),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(total),
        np.zeros(total),
        history,
        [np.empty((0, 2)) for _ in range(total)],
        {},
    )


def _store_scales(result: TrainedNets, s: int, scales: Scales) -> None:
    result.x_fill[s], result.x_offset[s], result.x_gain[s] = scales.x_fill, scales.x_offset, scales.x_gain
    result.y_offset[s], result.y_gain[s] = scales.y_offset, scales.y_gain


def _train_batch(
    batch: list[int],
    sites: Sequence[Rows],
    net: Architecture,
    trainer: Trainer,
    recipe: Recipe,
    device: torch.device,
    result: TrainedNets,
) -> Counter[str]:
    """Train the nets of one batch, write their rows of `result`, and count the fallbacks."""
    import torch

    from cblcast.estimators.neural.gradients import mean_squared_error
    from cblcast.estimators.neural.loop import run_epochs

    fallbacks: Counter[str] = Counter()
    parts: list[list[tuple[Array, Array]]] = [[], [], []]
    trained = []
    for s in batch:
        rows = sites[s]
        scales, counts = learn_scales(rows, recipe.scaling)
        fallbacks.update(counts)
        _store_scales(result, s, scales)
        if len(rows.y) < FEWEST_ROWS:
            fallbacks["too_few_rows"] += 1
            result.y_offset[s], result.y_gain[s] = np.median(rows.y), 0.0
        if result.y_gain[s] == 0:
            continue
        trained.append(s)
        split, ungrouped = split_rows(len(rows.y), rows.groups, recipe.split, rows.seed)
        fallbacks["groups_split_up"] += ungrouped
        fallbacks["fewer_rows_than_parameters"] += len(split[0]) < net.n_parameters
        x = scaled_inputs(rows.x, scales.x_fill, scales.x_offset, scales.x_gain)
        y = (rows.y - scales.y_offset) * scales.y_gain
        for part, take in zip(parts, split, strict=True):
            part.append((x[take], y[take]))
    if not trained:
        return fallbacks
    dtype = getattr(torch, recipe.dtype)
    train, validation, test = (pack(part, device, dtype) for part in parts)
    start = torch.from_numpy(initial_weights(net, recipe.initialisation, [sites[s].seed for s in trained]))
    with torch.no_grad():
        outcome = run_epochs(
            trainer,
            net,
            train,
            validation if recipe.split[1] > 0 else None,
            start.to(device, dtype),
            recipe.rule,
            recipe.keep_curves,
        )
        errors = [mean_squared_error(net, outcome.weights, part).cpu().numpy() for part in (train, validation, test)]
    ids = np.array(trained)
    unit = 1.0 / result.y_gain[ids]
    history = result.history
    result.weights[ids] = outcome.weights.cpu().numpy()
    history["stop_reason"][ids] = np.array(REASONS)[outcome.code.cpu().numpy()]
    history["epochs"][ids] = outcome.epochs.cpu().numpy()
    history["best_epoch"][ids] = outcome.best_epoch.cpu().numpy()
    history["seconds"][ids] = outcome.seconds.cpu().numpy()
    history["rows_train"][ids] = [len(y) for _, y in parts[0]]
    for name, values in outcome.reports.items():
        history[name][ids] = values.cpu().numpy()
    for name, part, mse in zip(("train_rmse", "validation_rmse", "test_rmse"), parts, errors, strict=True):
        empty = np.array([len(y) == 0 for _, y in part])
        history[name][ids] = np.where(empty, np.nan, np.sqrt(mse) * unit)
    fallbacks["never_improved"] += int((history["best_epoch"][ids] == 0).sum())
    fallbacks["unstable"] += int((history["stop_reason"][ids] == "unstable").sum())
    if recipe.keep_curves:
        _store_curves(result, ids, unit, outcome.curves)
    return fallbacks


def _store_curves(result: TrainedNets, ids: NDArray[np.int64], unit: Array, curves: list[tuple[Any, Any, Any]]) -> None:
    points: list[list[tuple[float, float]]] = [[] for _ in ids]
    for index, train, judged in curves:
        pairs = np.column_stack([train.cpu(), train.cpu() * np.nan if judged is None else judged.cpu()])
        for b, pair in zip(index.tolist(), pairs, strict=True):
            points[b].append(tuple(np.sqrt(pair) * unit[b]))
    for b, s in enumerate(ids):
        result.curves[s] = np.array(points[b])
