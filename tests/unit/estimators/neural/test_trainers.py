"""Each trainer against problems whose answer is known in closed form."""

import numpy as np
import pytest
import torch

from cblcast.estimators.neural.adamw import shuffled
from cblcast.estimators.neural.bayesian_regularisation import effective_parameters
from cblcast.estimators.neural.gradients import Samples
from cblcast.estimators.neural.loop import run_epochs
from cblcast.estimators.neural.network import Architecture, initial_weights
from cblcast.estimators.neural.preparation import Rows
from cblcast.estimators.neural.stopping import REASONS, StopRule
from cblcast.estimators.neural.trainers import TRAINERS, make_trainer
from cblcast.estimators.neural.training import Recipe, train_nets
from cblcast.frames.schema import StudyError


def _linear(n=60, nets=2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (nets, 3, n))
    y = np.einsum("bfn,bf->bn", x, rng.normal(size=(nets, 3))) + 0.5 + 0.1 * rng.normal(size=(nets, n))
    to = torch.from_numpy
    samples = Samples(to(x), to(y), None, torch.full((nets,), float(n), dtype=torch.float64))
    design = np.concatenate([x, np.ones((nets, 1, n))], axis=1)
    best = np.stack([np.linalg.lstsq(d.T, t, rcond=None)[0] for d, t in zip(design, y, strict=True)])
    return samples, best


@pytest.mark.parametrize("name", ["scg", "lm"])
def test_linear_problem_is_solved_to_least_squares(name):
    net = Architecture(3, ())
    samples, best = _linear()
    start = torch.from_numpy(initial_weights(net, "xavier", [0, 1]))
    outcome = run_epochs(make_trainer(name), net, samples, None, start, StopRule(min_gradient=1e-9))
    np.testing.assert_allclose(outcome.weights, best, atol=1e-7)
    assert {REASONS[code] for code in outcome.code.tolist()} == {"gradient below minimum"}


def test_conjugate_gradients_solve_a_quadratic_in_as_many_epochs_as_it_has_parameters():
    # Moller 1993, section 4: on a quadratic function with exact curvature the directions are conjugate.
    net = Architecture(3, ())
    samples, best = _linear()
    start = torch.from_numpy(initial_weights(net, "xavier", [0, 1]))
    outcome = run_epochs(make_trainer("scg"), net, samples, None, start, StopRule(max_epochs=4))
    np.testing.assert_allclose(outcome.weights, best, atol=1e-4)


def _moller(surface, w, epochs, sigma=5e-5, lam=5e-7):
    """The algorithm of Moller 1993, p. 530, line by line for one net: the slow oracle."""
    lam_bar, (error, gradient) = 0.0, surface(w)
    r = -gradient
    p, success, delta = r.copy(), True, 0.0
    for k in range(1, epochs + 1):
        if success:
            step = sigma / np.linalg.norm(p)
            delta = p @ (surface(w + step * p)[1] - surface(w)[1]) / step
        pp = p @ p
        delta += (lam - lam_bar) * pp
        if delta <= 0:
            lam_bar = 2 * (lam - delta / pp)
            delta = -delta + lam * pp
            lam = lam_bar
        mu = p @ r
        alpha = mu / delta
        new_error, new_gradient = surface(w + alpha * p)
        comparison = 2 * delta * (error - new_error) / mu**2
        success = comparison >= 0
        if success:
            w, error = w + alpha * p, new_error
            r_new = -new_gradient
            lam_bar = 0.0
            p = r_new if k % len(w) == 0 else r_new + (r_new @ r_new - r_new @ r) / mu * p
            r = r_new
            if comparison >= 0.75:
                lam /= 4
        else:
            lam_bar = lam
        if comparison < 0.25:
            lam += delta * (1 - comparison) / pp
    return w, error


def test_batched_conjugate_gradients_follow_mollers_text_line_by_line():
    net = Architecture(2, (4,))
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (3, 2, 40))
    y = np.sin(3 * x[:, 0]) * x[:, 1]
    start = initial_weights(net, "nguyen_widrow", [0, 1, 2])
    to = torch.from_numpy
    samples = Samples(to(x), to(y), None, torch.full((3,), 40.0, dtype=torch.float64))
    epochs = 30  # beyond the restart after 17 parameters
    sigma = 1e-3  # with the default 5e-5 the rounding of the difference quotient would grow to the tolerance below
    trainer = make_trainer("scg", {"sigma": sigma})
    outcome = run_epochs(trainer, net, samples, None, to(start), StopRule(max_epochs=epochs))
    for b in range(3):

        def surface(w, b=b):
            h = np.tanh(w[:8].reshape(4, 2) @ x[b] + w[8:12, None])
            e = w[12:16] @ h + w[16] - y[b]
            d = w[12:16, None] * (1 - h**2) * e
            return e @ e / 40, np.concatenate([(d @ x[b].T).ravel(), d.sum(1), h @ e, [e.sum()]]) * 2 / 40

        weights, error = _moller(surface, start[b], epochs, sigma)
        np.testing.assert_allclose(outcome.weights[b], weights, rtol=1e-5, atol=1e-6)
        assert error < surface(start[b])[0]


@pytest.mark.parametrize("name", sorted(TRAINERS))
def test_every_trainer_learns_a_daily_profile(name):
    hour = np.arange(24 * 25) % 24
    load = 30 + 12 * np.sin(hour * np.pi / 12) + 4 * (hour > 16)
    recipe = Recipe(hidden=(8,), trainer=name, rule=StopRule(max_epochs=150))
    history = train_nets([Rows(hour[:, None].astype(float), load)], 1, recipe).history
    assert history["test_rmse"][0] < 0.25 * load.std()
    assert history["stop_reason"][0] in REASONS[1:]


def test_gamma_counts_the_parameters_that_the_data_determine():
    # MacKay 1992, eq. 4.9: each eigenvalue v counts v / (v + alpha / beta).
    rng = np.random.default_rng(0)
    root = rng.normal(size=(2, 5, 30))
    square = torch.from_numpy(root @ root.transpose(0, 2, 1))
    alpha, beta = torch.tensor([0.5, 40.0], dtype=torch.float64), torch.tensor([2.0, 1.0], dtype=torch.float64)
    values = np.linalg.eigvalsh(square)
    expected = (values / (values + (alpha / beta).numpy()[:, None])).sum(1)
    np.testing.assert_allclose(effective_parameters(square, alpha, beta), expected, rtol=1e-10)
    singular = torch.ones(1, 5, 5, dtype=torch.float64)
    one = effective_parameters(
        singular, torch.tensor([1e-30], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64)
    )
    np.testing.assert_allclose(one, [1.0], atol=1e-8)


def test_gamma_lies_between_nothing_and_all_and_shrinks_when_inputs_are_irrelevant():
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, (300, 3))
    noise = 0.05 * rng.normal(size=300)
    rich = np.sin(3 * x[:, 0]) + np.cos(4 * x[:, 1]) * x[:, 2] + noise
    poor = 0.8 * x[:, 0] + noise
    recipe = Recipe(hidden=(8,), trainer="br", rule=StopRule(max_epochs=120))
    result = train_nets([Rows(x, rich), Rows(x, poor)], 3, recipe)
    parameters = result.weights.shape[1]
    rich_gamma, poor_gamma = result.history["gamma"]
    assert 0 < poor_gamma < 0.5 * rich_gamma
    assert rich_gamma < parameters


def test_shuffling_visits_every_row_once_and_ignores_the_company():
    order = shuffled(np.array([10, 7, 10]), 4, (0, 3))
    assert order.shape == (3, 12)
    assert sorted(order[1]) == [-1] * 5 + list(range(7))
    np.testing.assert_array_equal(order[0], order[2])
    np.testing.assert_array_equal(order[1, :7], shuffled(np.array([7]), 4, (0, 3))[0, :7])


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(StudyError, match=r"did you mean 'levenberg_marquardt'\?"):
        make_trainer("levenberg_marquard")
    with pytest.raises(StudyError, match=r"no option 'learning_rat': did you mean 'learning_rate'\?"):
        make_trainer("adamw", {"learning_rat": 1.0})
