"""Scaled conjugate gradient training of many nets at once.

Source: M. F. Moller, "A scaled conjugate gradient algorithm for fast supervised learning", Neural Networks 6 (1993),
pp. 525-533, the algorithm on p. 530; sigma and the first lambda as in MATLAB's ``trainscg``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cblcast.estimators.neural.gradients import ErrorSurface, Samples
from cblcast.estimators.neural.network import Architecture

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ScaledConjugateGradient:
    """Moller's algorithm; every net of the batch walks its own path.

    Parameters
    ----------
    sigma : float
        Length of the finite-difference step for second-order information (Moller: at most 1e-4).
    first_lambda : float
        First scale of the trust region (Moller: at most 1e-6).
    """

    sigma: float = 5e-5
    first_lambda: float = 5e-7

    uses_validation = True
    second_order = False
    reports = ("lambda",)

    def start(self, net: Architecture, data: Samples, weights: Tensor) -> dict[str, Tensor]:
        """Step 1: the first direction is steepest descent."""
        surface = ErrorSurface(net, weights, data)
        gradient = surface.gradient()
        zero = surface.mse.new_zeros(len(weights))
        return {
            "weights": weights,
            "mse": surface.mse,
            "slope": gradient.norm(dim=1),
            "gradient": gradient,
            "direction": -gradient,
            "lambda": zero + self.first_lambda,
            "lambda_bar": zero,
            "delta": zero,
            "success": zero == 0,
            "moved": zero == 0,
            "k": zero + 1,
        }

    def step(self, net: Architecture, data: Samples, state: dict[str, Tensor], active: Tensor) -> dict[str, Tensor]:
        """Steps 2 to 9: one epoch, whether the step is taken or not."""
        import torch

        w, p, r = state["weights"], state["direction"], -state["gradient"]
        lam, lam_bar, delta, success = state["lambda"], state["lambda_bar"], state["delta"], state["success"]
        pp = p.square().sum(1)
        # 2. second-order information along p, only where the last step was taken
        if bool((success & active).any()):
            sigma = self.sigma / pp.sqrt()
            ahead = ErrorSurface(net, torch.addcmul(w, sigma[:, None], p), data).slope_along(p)
            # p's with Moller's s = (E'(w + sigma p) - E'(w)) / sigma, of which nothing but this product is needed
            curvature = (ahead - (p * state["gradient"]).sum(1)) / sigma
            delta = torch.where(success, curvature, delta)
        # 3. scale
        delta = delta + (lam - lam_bar) * pp
        # 4. make the Hessian positive definite
        indefinite = delta <= 0
        lam_bar = torch.where(indefinite, 2.0 * (lam - delta / pp), lam_bar)
        delta = torch.where(indefinite, lam * pp - delta, delta)
        lam = torch.where(indefinite, lam_bar, lam)
        # 5. step size
        mu = (p * r).sum(1)
        alpha = mu / delta
        # 6. comparison parameter
        trial = torch.addcmul(w, alpha[:, None], p)
        surface = ErrorSurface(net, trial, data)
        comparison = 2.0 * delta * (state["mse"] - surface.mse) / mu.square()
        # 7. take the step or keep the point
        taken = comparison >= 0
        took = taken[:, None]
        gradient = state["gradient"]
        if bool((taken & active).any()):
            gradient = torch.where(took, surface.gradient(), gradient)
            r_new = -gradient
            restart = torch.remainder(state["k"], net.n_parameters) == 0
            beta = torch.where(restart, torch.zeros_like(mu), (r_new.square().sum(1) - (r_new * r).sum(1)) / mu)
            direction = torch.where(took, torch.addcmul(r_new, beta[:, None], p), p)
        else:
            direction = p
        lam_bar = torch.where(taken, torch.zeros_like(lam), lam)
        lam = torch.where(comparison >= 0.75, lam / 4.0, lam)
        # 8. little agreement with the quadratic model: raise the scale
        lam = torch.where(comparison < 0.25, lam + delta * (1.0 - comparison) / pp, lam)
        return {
            "weights": torch.where(took, trial, w),
            "mse": torch.where(taken, surface.mse, state["mse"]),
            # A path that ran into NaN is caught by the stop rule through its slope.
            "slope": torch.where(comparison.isfinite(), gradient.norm(dim=1), comparison),
            "gradient": gradient,
            "direction": direction,
            "lambda": lam,
            "lambda_bar": lam_bar,
            "delta": delta,
            "success": taken,
            "moved": taken,
            "k": state["k"] + 1,
        }
