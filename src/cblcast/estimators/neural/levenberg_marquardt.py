"""Levenberg-Marquardt training of many nets at once.

Source: M. T. Hagan and M. B. Menhaj, "Training feedforward networks with the Marquardt algorithm", IEEE Trans. Neural
Networks 5 (1994), pp. 989-993, eq. 12-14 and the algorithm on p. 991; constants as in MATLAB's ``trainlm``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cblcast.estimators.neural.gradients import Samples, gauss_newton, mean_squared_error
from cblcast.estimators.neural.network import Architecture

if TYPE_CHECKING:
    from torch import Tensor


def damped_step(matrix: Tensor, right: Tensor, damping: Tensor) -> Tensor:
    """Solve (matrix + damping I) step = -right for every net by Cholesky; NaN where that is not positive definite."""
    import torch

    damped = matrix.clone()
    damped.diagonal(dim1=1, dim2=2).add_(damping[:, None])
    factor, info = torch.linalg.cholesky_ex(damped)
    step = -torch.cholesky_solve(right.unsqueeze(-1), factor).squeeze(-1)
    return torch.where((info == 0)[:, None], step, step.new_tensor(float("nan")))


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Gauss-Newton steps with a damping mu that falls after success and rises until a step helps.

    Parameters
    ----------
    mu, mu_decrease, mu_increase, mu_max : float
        First damping (of J'J, sums over samples), its factors, and where the search gives up.
    """

    mu: float = 1e-3
    mu_decrease: float = 0.1
    mu_increase: float = 10.0
    mu_max: float = 1e10

    uses_validation = True
    second_order = True
    reports = ("mu",)

    def start(self, net: Architecture, data: Samples, weights: Tensor) -> dict[str, Tensor]:
        """The Gauss-Newton system at the starting point."""
        square, right, sse = gauss_newton(net, weights, data)
        slope = right.norm(dim=1) * 2.0 / data.count
        return {
            "weights": weights,
            "mse": sse / data.count,
            "slope": slope,
            "square": square,
            "right": right,
            "mu": sse * 0 + self.mu,
            "moved": slope == slope,
            "damped_out": slope != slope,
        }

    def step(self, net: Architecture, data: Samples, state: dict[str, Tensor], active: Tensor) -> dict[str, Tensor]:
        """One epoch: raise mu, net by net, until the error falls; then lower it and renew the system."""
        weights, mse, mu = state["weights"].clone(), state["mse"].clone(), state["mu"].clone()
        moved = active & ~active
        pending = (active & (mu <= self.mu_max)).nonzero().squeeze(1)
        while len(pending):
            whole = len(pending) == len(weights)
            part = data if whole else data.take(pending)
            change = damped_step(state["square"][pending], state["right"][pending], mu[pending])
            trial = weights[pending] + change
            trial_mse = mean_squared_error(net, trial, part)
            better = trial_mse < mse[pending]
            won, lost = pending[better], pending[~better]
            weights[won], mse[won], moved[won] = trial[better], trial_mse[better], True
            mu[won] = (mu[won] * self.mu_decrease).clamp_min(1e-20)
            mu[lost] *= self.mu_increase
            pending = lost[mu[lost] <= self.mu_max]
        square, right, slope = state["square"], state["right"], state["slope"].clone()
        renewed = moved.nonzero().squeeze(1)
        if len(renewed) == len(weights):
            square, right, _ = gauss_newton(net, weights, data)
            slope = right.norm(dim=1) * 2.0 / data.count
        elif len(renewed):
            part = data.take(renewed)
            new_square, new_right, _ = gauss_newton(net, weights[renewed], part)
            square, right = square.clone(), right.clone()
            square[renewed], right[renewed] = new_square, new_right
            slope[renewed] = new_right.norm(dim=1) * 2.0 / part.count
        return {
            "weights": weights,
            "mse": mse,
            "slope": slope,
            "square": square,
            "right": right,
            "mu": mu,
            "moved": moved,
            "damped_out": mu > self.mu_max,
        }
