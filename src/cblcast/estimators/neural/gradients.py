"""Errors, gradients and Gauss-Newton matrices of many nets at once, in torch, all derived by hand (no autograd).

Shapes: B nets, P parameters, F inputs, N samples. Samples are the LAST axis, so that every product is one batched
matrix product and every activation runs over contiguous memory. Missing samples (sites of different length share one
batch) carry the mask 0 and weigh nothing.

Source: backpropagation in matrix form; the Jacobian after Hagan & Menhaj 1994, IEEE Trans. Neural Networks 5(6), eq. 22-25.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cblcast.estimators.neural.network import Architecture

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Samples:
    """The rows of B nets that play one role (training, validation or test).

    Attributes
    ----------
    x : Tensor (B, F, N)
        Scaled inputs, 0 where there is no sample.
    y : Tensor (B, N)
        Scaled targets, 0 where there is no sample.
    mask : Tensor (B, N) or None
        1 for a sample and 0 for padding; None when every net has all N samples.
    count : Tensor (B,)
        Samples of each net, as a float.
    """

    x: Tensor
    y: Tensor
    mask: Tensor | None
    count: Tensor

    def take(self, keep: Tensor) -> Samples:
        """The same for the nets at the positions `keep`."""
        mask = None if self.mask is None else self.mask[keep]
        return Samples(self.x[keep], self.y[keep], mask, self.count[keep])


def _tanh(bias: Tensor, w: Tensor, values: Tensor) -> Tensor:
    import torch

    # torch's float64 tanh takes seven times as long as its sigmoid; tanh(z) = 2 sigmoid(2 z) - 1 to 1e-16.
    z = torch.baddbmm(bias, w, values, beta=2.0, alpha=2.0).sigmoid_()
    return torch.add(z.new_full((), -1.0), z, alpha=2.0, out=z)


def _sigmoid(bias: Tensor, w: Tensor, values: Tensor) -> Tensor:
    import torch

    return torch.baddbmm(bias, w, values).sigmoid_()


_ACTIVATE = {"tanh": _tanh, "sigmoid": _sigmoid}
_BACKWARD = {"tanh": "tanh_backward", "sigmoid": "sigmoid_backward"}


def _matrices(net: Architecture, weights: Tensor) -> list[tuple[Tensor, Tensor]]:
    return [(weights[:, m].reshape(-1, o, i), weights[:, b].unsqueeze(-1)) for m, b, o, i in net.layers()]


def _activations(net: Architecture, layers: list[tuple[Tensor, Tensor]], x: Tensor) -> list[Tensor]:
    """Inputs, every hidden layer's output, and the net's output (B, 1, N)."""
    import torch

    act = _ACTIVATE[net.activation]
    values = [x]
    for w, b in layers[:-1]:
        values.append(act(b, w, values[-1]))
    w, b = layers[-1]
    values.append(torch.baddbmm(b, w, values[-1]))
    return values


def _error(output: Tensor, data: Samples) -> Tensor:
    error = output[:, 0].sub_(data.y)
    return error if data.mask is None else error.mul_(data.mask)


def mean_squared_error(net: Architecture, weights: Tensor, data: Samples) -> Tensor:
    """Mean squared error of every net, in scaled units: (B,)."""
    error = _error(_activations(net, _matrices(net, weights), data.x)[-1], data)
    return error.square_().sum(-1) / data.count


class ErrorSurface:
    """The mean squared error at one point, and its gradient there if somebody asks.

    A trainer that rejects a step needs only the error, so the forward pass is kept for a gradient asked for later.
    """

    def __init__(self, net: Architecture, weights: Tensor, data: Samples) -> None:
        self._net, self._data = net, data
        self._layers = _matrices(net, weights)
        self._values = _activations(net, self._layers, data.x)
        self._error = _error(self._values.pop(), data)
        self.mse = self._error.square().sum(-1) / data.count

    def gradient(self) -> Tensor:
        """Gradient of the mean squared error by the weights: (B, P)."""
        import torch

        net, values = self._net, self._values
        backward = getattr(torch.ops.aten, _BACKWARD[net.activation])
        gradient = self._error.new_empty(len(self._error), net.n_parameters)
        delta = (self._error * (2.0 / self._data.count)[:, None]).unsqueeze(1)
        places = net.layers()
        for layer in range(len(places) - 1, -1, -1):
            matrix, biases, outputs, inputs = places[layer]
            gradient[:, matrix] = torch.bmm(delta, values[layer].transpose(1, 2)).reshape(-1, outputs * inputs)
            gradient[:, biases] = delta.sum(-1)
            if layer:
                delta = backward(torch.bmm(self._layers[layer][0].transpose(1, 2), delta), values[layer])
        return gradient

    def slope_along(self, direction: Tensor) -> Tensor:
        """Derivative of the mean squared error along `direction` (B, P), that is its product with the gradient: (B,).

        Carried forward through the layers, it needs none of the gradient's sums over samples.
        """
        import torch

        backward = getattr(torch.ops.aten, _BACKWARD[self._net.activation])
        (change, shift), *deeper = _matrices(self._net, direction)
        tangent = torch.baddbmm(shift, change, self._values[0])
        for (w, _), (change, shift), values in zip(self._layers[1:], deeper, self._values[1:], strict=True):
            tangent = torch.baddbmm(shift, change, values).baddbmm_(w, backward(tangent, values))
        return torch.bmm(tangent, self._error.unsqueeze(-1))[:, 0, 0] * (2.0 / self._data.count)


def jacobian(net: Architecture, weights: Tensor, data: Samples) -> tuple[Tensor, Tensor]:
    """Derivatives of every sample's error (output minus target) by every weight.

    Returns
    -------
    Tensor (B, P, N), Tensor (B, N)
        The Jacobian, transposed, and the errors; both 0 for padding.
    """
    import torch

    layers = _matrices(net, weights)
    values = _activations(net, layers, data.x)
    error = _error(values.pop(), data)
    backward = getattr(torch.ops.aten, _BACKWARD[net.activation])
    nets, samples = error.shape
    result = error.new_empty(nets, net.n_parameters, samples)
    delta = (torch.ones_like(error) if data.mask is None else data.mask).unsqueeze(1)
    places = net.layers()
    for layer in range(len(places) - 1, -1, -1):
        matrix, biases, outputs, inputs = places[layer]
        block = result[:, matrix].view(nets, outputs, inputs, samples)
        torch.mul(delta.unsqueeze(2), values[layer].unsqueeze(1), out=block)
        result[:, biases] = delta
        if layer:
            delta = backward(torch.bmm(layers[layer][0].transpose(1, 2), delta), values[layer])
    return result, error


def gauss_newton(net: Architecture, weights: Tensor, data: Samples) -> tuple[Tensor, Tensor, Tensor]:
    """The Gauss-Newton matrix, block by block of samples, so that the Jacobian never has to fit in memory.

    Returns
    -------
    Tensor (B, P, P), Tensor (B, P), Tensor (B,)
        J'J, J'e and e'e, where e = output - target; sums over samples, not means.
    """
    import torch

    nets, size = weights.shape
    total = data.y.shape[1]
    # A block stays in the processor's cache; a graphics card wants larger ones.
    cells = 2_000_000 if weights.device.type == "cpu" else 200_000_000
    step = max(64, min(total, cells // (nets * size)))
    # J'J is symmetric: of four strips of rows only the part up to the diagonal is computed, which saves 3/8 of the work.
    cuts = [size * part // 4 for part in range(5)]
    strips = [(slice(a, b), slice(0, b)) for a, b in itertools.pairwise(cuts) if b > a]
    square = weights.new_zeros(nets, size, size)
    right = weights.new_zeros(nets, size)
    sse = weights.new_zeros(nets)
    for at in range(0, total, step):
        part = slice(at, at + step)
        mask = None if data.mask is None else data.mask[:, part]
        block, error = jacobian(net, weights, Samples(data.x[:, :, part], data.y[:, part], mask, data.count))
        for row, below in strips:
            square[:, row, below] += torch.bmm(block[:, row], block[:, below].transpose(1, 2))
        right += torch.bmm(block, error.unsqueeze(-1)).squeeze(-1)
        sse += error.square().sum(-1)
    square = square.tril()
    return square + square.tril(-1).transpose(1, 2), right, sse
