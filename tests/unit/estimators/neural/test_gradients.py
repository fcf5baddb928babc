"""The hand-made derivatives against autograd and finite differences."""

import numpy as np
import pytest
import torch

from cblcast.estimators.neural.gradients import ErrorSurface, Samples, gauss_newton, jacobian, mean_squared_error
from cblcast.estimators.neural.network import Architecture, forward, initial_weights

SHAPES = [((), "tanh"), ((3,), "tanh"), ((4, 3), "sigmoid"), ((5, 4, 3), "tanh")]


def _problem(net, lengths=(17, 11, 17), seed=3):
    rng = np.random.default_rng(seed)
    nets, longest = len(lengths), max(lengths)
    mask = (np.arange(longest) < np.array(lengths)[:, None]).astype(float)
    x = rng.uniform(-1, 1, (nets, net.n_inputs, longest)) * mask[:, None]
    y = rng.uniform(-1, 1, (nets, longest)) * mask
    weights = initial_weights(net, "nguyen_widrow", range(nets)) + 0.1 * rng.normal(size=(nets, net.n_parameters))
    to = torch.from_numpy
    return to(weights), Samples(to(x), to(y), to(mask), to(np.array(lengths, dtype=float)))


def _autograd_outputs(net, weights, x):
    act = getattr(torch, net.activation)
    a = x
    for layer, (matrix, biases, outputs, inputs) in enumerate(net.layers()):
        a = weights[matrix].reshape(outputs, inputs) @ a + weights[biases, None]
        a = act(a) if layer < len(net.hidden) else a
    return a[0]


@pytest.mark.parametrize(("hidden", "activation"), SHAPES)
def test_jacobian_is_that_of_autograd(hidden, activation):
    net = Architecture(2, hidden, activation)
    weights, data = _problem(net)
    ours, error = jacobian(net, weights, data)
    for b in range(3):
        theirs = torch.autograd.functional.jacobian(lambda w, b=b: _autograd_outputs(net, w, data.x[b]), weights[b])
        torch.testing.assert_close(ours[b], theirs.T * data.mask[b], rtol=1e-10, atol=1e-12)
        expected = (_autograd_outputs(net, weights[b], data.x[b]) - data.y[b]) * data.mask[b]
        torch.testing.assert_close(error[b], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("hidden", "activation"), SHAPES)
def test_gradient_is_the_finite_difference_of_the_error(hidden, activation):
    net = Architecture(2, hidden, activation)
    weights, data = _problem(net)
    gradient = ErrorSurface(net, weights, data).gradient()
    for p in range(net.n_parameters):
        step = torch.zeros_like(weights)
        step[:, p] = 1e-6
        slope = (mean_squared_error(net, weights + step, data) - mean_squared_error(net, weights - step, data)) / 2e-6
        torch.testing.assert_close(gradient[:, p], slope, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(("hidden", "activation"), SHAPES)
def test_slope_along_a_direction_is_its_product_with_the_gradient(hidden, activation):
    net = Architecture(2, hidden, activation)
    weights, data = _problem(net)
    surface = ErrorSurface(net, weights, data)
    direction = torch.from_numpy(np.random.default_rng(5).normal(size=weights.shape))
    expected = (surface.gradient() * direction).sum(1)
    torch.testing.assert_close(surface.slope_along(direction), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("hidden", "activation"), SHAPES)
def test_gauss_newton_sums_the_jacobian_over_blocks(hidden, activation):
    net = Architecture(2, hidden, activation)
    weights, data = _problem(net, lengths=(200, 131, 64))
    whole, error = jacobian(net, weights, data)
    square, right, sse = gauss_newton(net, weights, data)
    torch.testing.assert_close(square, whole @ whole.transpose(1, 2), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(right, (whole @ error[..., None])[..., 0], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(sse, error.square().sum(1), rtol=1e-12, atol=0)
    gradient = ErrorSurface(net, weights, data).gradient()
    torch.testing.assert_close(gradient, 2 * right / data.count[:, None], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("hidden", "activation"), SHAPES)
def test_numpy_predicts_what_torch_trained(hidden, activation):
    net = Architecture(2, hidden, activation)
    weights, data = _problem(net)
    outputs = forward(net, weights.numpy(), data.x.numpy())
    for b in range(3):
        np.testing.assert_allclose(outputs[b], _autograd_outputs(net, weights[b], data.x[b]), rtol=1e-12, atol=1e-14)


def test_parameters_of_the_papers_net():
    # Four inputs, two layers of ten: 4*10+10 + 10*10+10 + 10+1.
    assert Architecture(4, (10, 10)).n_parameters == 171


def test_nguyen_widrow_spreads_the_neurons_evenly():
    net = Architecture(3, (8,))
    flat = initial_weights(net, "nguyen_widrow", [5])[0]
    matrix, biases, outputs, inputs = net.layers()[0]
    w = flat[matrix].reshape(outputs, inputs)
    # Nguyen & Widrow 1990: |w| = 0.7 H^(1/N), here times 2 for tanh, whose active region is [-2, 2].
    np.testing.assert_allclose(np.linalg.norm(w, axis=1), 2 * 0.7 * 8 ** (1 / 3))
    np.testing.assert_allclose(np.sort(np.abs(flat[biases])), np.sort(np.abs(np.linspace(-1, 1, 8))) * 2 * 0.7 * 2.0)
