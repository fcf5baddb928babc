"""When training stops, and why: the criteria of the baseline paper (section 4.2) with MATLAB's early stopping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cblcast.frames.schema import StudyError

if TYPE_CHECKING:
    from torch import Tensor

# The position is the code used while training; 0 means that training goes on.
REASONS = (
    "still training",
    "maximum epochs",
    "time limit",
    "validation failures",
    "gradient below minimum",
    "damping above maximum",
    "error is zero",
    "unstable",
)
_CODE = {reason: code for code, reason in enumerate(REASONS)}


@dataclass(frozen=True)
class StopRule:
    """Stop criteria of a training run; errors and gradients are those of the SCALED target.

    Parameters
    ----------
    max_epochs : int
        The paper trains 1,000 epochs at most.
    min_gradient : float
        Norm of the gradient of the mean squared error below which training has converged.
    max_gradient, max_mse : float
        Above these a run is called unstable. The paper gives 1.47e4 and 5.57e3 without a unit; they are applied to the
        scaled target here, so that they mean the same for a kiosk and a hospital.
    patience : int
        Epochs in a row whose validation error is above the best one, before training stops (MATLAB: 6).
    time_limit_s : float
        Wall-clock seconds (the paper allows 20 minutes); of a batch, not of each net in it.

    Raises
    ------
    StudyError
        For a limit that would never let training start.
    """

    max_epochs: int = 1000
    min_gradient: float = 1e-7
    max_gradient: float = 1.47e4
    max_mse: float = 5.57e3
    patience: int = 6
    time_limit_s: float = 1200.0

    def __post_init__(self) -> None:
        if self.max_epochs < 1:
            raise StudyError(f"max_epochs={self.max_epochs}: training needs one epoch or more")
        if self.time_limit_s <= 0:
            raise StudyError(f"time_limit_s={self.time_limit_s}: training needs more than 0 seconds")
        if self.patience < 1:
            raise StudyError(f"patience={self.patience}: give one epoch or more (6 is usual)")

    def verdicts(
        self, *, epoch: int, seconds: float, mse: Tensor, slope: Tensor, failures: Tensor, damped_out: Tensor | None
    ) -> Tensor:
        """The reason code of every net, 0 for those that go on; the gravest reason wins.

        Parameters
        ----------
        epoch : int
            Epochs done.
        seconds : float
            Since the start of the batch.
        mse, slope : Tensor (B,)
            Mean squared error and norm of its gradient.
        failures : Tensor (B,)
            Validation failures in a row.
        damped_out : Tensor (B,) of bool or None
            Nets that found no better point at the largest damping.
        """
        import torch

        code = torch.zeros_like(failures)
        if epoch >= self.max_epochs:
            code += _CODE["maximum epochs"]
        elif seconds >= self.time_limit_s:
            code += _CODE["time limit"]
        code[failures >= self.patience] = _CODE["validation failures"]
        if damped_out is not None:
            code[damped_out] = _CODE["damping above maximum"]
        code[slope < self.min_gradient] = _CODE["gradient below minimum"]
        code[mse == 0] = _CODE["error is zero"]
        # Written so that NaN counts as unstable too.
        code[~((mse <= self.max_mse) & (slope <= self.max_gradient))] = _CODE["unstable"]
        return code
