"""Bayesian regularisation: Levenberg-Marquardt on beta E_D + alpha E_W, with alpha and beta from the evidence.

Source: D. J. C. MacKay, "Bayesian interpolation", Neural Computation 4 (1992), pp. 415-447; F. D. Foresee and
M. T. Hagan, "Gauss-Newton approximation to Bayesian learning", Proc. ICNN 1997, pp. 1930-1935, steps 0-5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cblcast.estimators.neural.gradients import Samples, gauss_newton, mean_squared_error
from cblcast.estimators.neural.levenberg_marquardt import damped_step
from cblcast.estimators.neural.network import Architecture

if TYPE_CHECKING:
    from torch import Tensor


def effective_parameters(square: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """gamma = P - 2 alpha tr(H^-1) with H = 2 beta J'J + 2 alpha I (Foresee & Hagan, step 3): (B,), 0 to P.

    `square` is J'J (B, P, P).
    """
    import torch

    size = square.shape[1]
    hessian = square * (beta / alpha)[:, None, None]
    hessian.diagonal(dim1=1, dim2=2).add_(1.0)
    factor, info = torch.linalg.cholesky_ex(hessian)
    identity = torch.eye(size, dtype=square.dtype, device=square.device).expand_as(hessian)
    # tr(A^-1) is the squared Frobenius norm of the inverse Cholesky factor.
    trace = torch.linalg.solve_triangular(factor, identity, upper=False).square().sum((1, 2))
    gamma = size - trace
    broken = (info != 0).nonzero().squeeze(1)
    if len(broken):
        # Too ill-conditioned to factorise: the same sum over eigenvalues, whose rounding errors cannot turn it negative.
        values = torch.linalg.eigvalsh(square[broken]).clamp_min(0.0)
        gamma[broken] = (values / (values + (alpha / beta)[broken, None])).sum(1)
    return gamma.clamp(0.0, float(size))


@dataclass(frozen=True)
class BayesianRegularisation:
    """Penalises large weights as much as the data's own evidence asks for; no validation stop, as in MATLAB.

    Parameters
    ----------
    mu, mu_decrease, mu_increase, mu_max : float
        Damping of the Gauss-Newton steps, as in MATLAB's ``trainbr``.
    """

    mu: float = 5e-3
    mu_decrease: float = 0.1
    mu_increase: float = 10.0
    mu_max: float = 1e10

    uses_validation = False
    second_order = True
    reports = ("gamma", "alpha", "beta", "mu")

    def start(self, net: Architecture, data: Samples, weights: Tensor) -> dict[str, Tensor]:
        """Step 0: all parameters count as effective (or all samples, where there are fewer)."""
        import torch

        square, right, sse = gauss_newton(net, weights, data)
        # With fewer samples than parameters beta would start negative; half the samples is a safe first guess.
        gamma = torch.minimum(sse * 0 + net.n_parameters, data.count / 2)
        state = {
            "weights": weights,
            "sse": sse,
            "square": square,
            "right": right,
            "gamma": gamma,
            "mu": sse * 0 + self.mu,
            "moved": sse == sse,
            "damped_out": sse != sse,
        }
        return self._finish(data, state)

    @staticmethod
    def _finish(data: Samples, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Alpha and beta from gamma (step 3), and what the stop rule looks at."""
        gamma, sse = state["gamma"], state["sse"]
        state["alpha"] = gamma / (2.0 * state["weights"].square().sum(1)).clamp_min(1e-300)
        state["beta"] = (data.count - gamma).clamp_min(1e-12) / (2.0 * sse).clamp_min(1e-300)
        pull = state["right"] + (state["alpha"] / state["beta"])[:, None] * state["weights"]
        state["slope"] = pull.norm(dim=1) * 2.0 / data.count
        state["mse"] = sse / data.count
        return state

    def step(self, net: Architecture, data: Samples, state: dict[str, Tensor], active: Tensor) -> dict[str, Tensor]:
        """Steps 1 to 4: one damped step on the objective, then new alpha and beta."""
        weights, sse, mu = state["weights"].clone(), state["sse"].clone(), state["mu"].clone()
        alpha, beta = state["alpha"], state["beta"]
        objective = beta * sse + alpha * weights.square().sum(1)
        moved = active & ~active
        pending = (active & (mu <= self.mu_max)).nonzero().squeeze(1)
        while len(pending):
            whole = len(pending) == len(weights)
            part = data if whole else data.take(pending)
            a, b, here = alpha[pending], beta[pending], weights[pending]
            pull = b[:, None] * state["right"][pending] + a[:, None] * here
            change = damped_step(b[:, None, None] * state["square"][pending], pull, mu[pending] + a)
            trial = here + change
            trial_sse = mean_squared_error(net, trial, part) * part.count
            better = b * trial_sse + a * trial.square().sum(1) < objective[pending]
            won, lost = pending[better], pending[~better]
            weights[won], sse[won], moved[won] = trial[better], trial_sse[better], True
            mu[won] = (mu[won] * self.mu_decrease).clamp_min(1e-20)
            mu[lost] *= self.mu_increase
            pending = lost[mu[lost] <= self.mu_max]
        new = dict(state, weights=weights, sse=sse, mu=mu, moved=moved, damped_out=mu > self.mu_max)
        renewed = moved.nonzero().squeeze(1)
        if not len(renewed):
            return new
        part = data if len(renewed) == len(weights) else data.take(renewed)
        square, right, _ = gauss_newton(net, weights[renewed], part)
        gamma = effective_parameters(square, alpha[renewed], beta[renewed])
        changed = self._finish(part, {"weights": weights[renewed], "sse": sse[renewed], "right": right, "gamma": gamma})
        if len(renewed) == len(weights):
            return new | changed | {"square": square}
        for key, value in (changed | {"square": square}).items():
            new[key] = new[key].clone()
            new[key][renewed] = value
        return new
