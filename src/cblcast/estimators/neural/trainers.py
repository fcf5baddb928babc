"""The trainers by name, resolved late so that naming one imports nothing."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from cblcast.checked.annotations import check_values
from cblcast.frames.schema import StudyError, nearest

if TYPE_CHECKING:
    from torch import Tensor

    from cblcast.estimators.neural.gradients import Samples
    from cblcast.estimators.neural.network import Architecture

_HERE = "cblcast.estimators.neural"
TRAINERS = {
    "lm": f"{_HERE}.levenberg_marquardt:LevenbergMarquardt",
    "br": f"{_HERE}.bayesian_regularisation:BayesianRegularisation",
    "scg": f"{_HERE}.scaled_conjugate_gradient:ScaledConjugateGradient",
    "adamw": f"{_HERE}.adamw:AdamW",
}
_LONG_NAMES = {"levenberg_marquardt": "lm", "bayesian_regularisation": "br", "scaled_conjugate_gradient": "scg"}
KNOWN_TRAINERS = (*TRAINERS, *_LONG_NAMES)


class Trainer(Protocol):
    """One epoch at a time for a batch of nets.

    The state is a dict of tensors whose first axis is the nets. The training loop reads ``weights``, ``mse``, ``slope``
    (norm of the gradient of the mean squared error), ``moved`` (did the weights change) and, if there, ``damped_out``;
    the rest is the trainer's own.
    """

    uses_validation: ClassVar[bool]
    second_order: ClassVar[bool]
    reports: ClassVar[tuple[str, ...]]

    def start(self, net: Architecture, data: Samples, weights: Tensor) -> dict[str, Tensor]:
        """State at the starting weights."""

    def step(self, net: Architecture, data: Samples, state: dict[str, Tensor], active: Tensor) -> dict[str, Tensor]:
        """State after one epoch; nets that are not active may be left as they are."""


def make_trainer(name: str, options: dict[str, Any] | None = None) -> Trainer:
    """The trainer called `name`, with `options` for its parameters.

    Raises
    ------
    StudyError
        For an unknown trainer or option; the message names the nearest right one.
    """
    if name not in KNOWN_TRAINERS:
        raise StudyError(f"trainer {name!r} is not known: {nearest(name, KNOWN_TRAINERS)}")
    module, _, attribute = TRAINERS[_LONG_NAMES.get(name, name)].partition(":")
    trainer = getattr(import_module(module), attribute)
    fields = [field.name for field in dataclasses.fields(trainer)]
    for option in options or {}:
        if option not in fields:
            raise StudyError(f"trainer {name!r} has no option {option!r}: {nearest(option, fields)}")
    check_values(trainer, options or {}, f"trainer {name!r}")
    return trainer(**(options or {}))
