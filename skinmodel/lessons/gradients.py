"""Back-propagation by hand: one weight on two paths, and what pooling hands back.

The two paths are those of Köfler 2023, section 3.5 (Figures 8 and 9, after Raschka 2021); the
report leaves activation and loss open, here they are named.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Activation:
    """A function of one number and its derivative.

    Attributes:
        apply: the function.
        slope: its derivative; of ReLU at 0 it is 0, as TensorFlow has it.
    """

    apply: Callable[[float], float]
    slope: Callable[[float], float]


def _sigmoid(z: float) -> float:
    # Written so that neither branch overflows.
    return float(1 / (1 + np.exp(-z)) if z >= 0 else np.exp(z) / (1 + np.exp(z)))


ACTIVATIONS: Final[Mapping[str, Activation]] = MappingProxyType(
    {
        "sigmoid": Activation(_sigmoid, lambda z: _sigmoid(z) * (1 - _sigmoid(z))),
        "ReLU": Activation(lambda z: max(z, 0.0), lambda z: float(z > 0)),
        "none": Activation(lambda z: z, lambda _: 1.0),
    }
)


@dataclass(frozen=True)
class TwoPaths:
    """Two inputs that meet the same weight: z_k = w x_k, a_k = f(z_k), o = v_1 a_1 + v_2 a_2.

    The loss is (o - y)**2 / 2.

    Attributes:
        x: the two inputs.
        w: the shared weight, as every position of a convolution shares its kernel.
        v: the weights that lead to the output.
        y: the truth.
        activation: a name of ``ACTIVATIONS``.
    """

    x: tuple[float, float]
    w: float
    v: tuple[float, float]
    y: float
    activation: str = "sigmoid"


@dataclass(frozen=True)
class Forward:
    """What the forward pass computes.

    Attributes:
        z: the products of weight and input.
        a: their activations.
        o: the output.
        loss: half the squared distance to the truth.
    """

    z: tuple[float, float]
    a: tuple[float, float]
    o: float
    loss: float


@dataclass(frozen=True)
class Backward:
    """The partial derivatives that the backward pass multiplies.

    Attributes:
        loss_by_o: of the loss by the output.
        o_by_a: of the output by each activation.
        a_by_w: of each activation by the shared weight.
        by_path: their product along each path.
        loss_by_w: the sum over both paths, equation 7 of the report.
    """

    loss_by_o: float
    o_by_a: tuple[float, float]
    a_by_w: tuple[float, float]
    by_path: tuple[float, float]
    loss_by_w: float


def run_forward(paths: TwoPaths) -> Forward:
    """Return every value from the inputs to the loss."""
    function = ACTIVATIONS[paths.activation].apply
    z = (paths.w * paths.x[0], paths.w * paths.x[1])
    a = (function(z[0]), function(z[1]))
    o = paths.v[0] * a[0] + paths.v[1] * a[1]
    return Forward(z, a, o, 0.5 * (o - paths.y) ** 2)


def run_backward(paths: TwoPaths) -> Backward:
    """Return every derivative from the loss back to the weight, by the chain rule."""
    forward = run_forward(paths)
    slope = ACTIVATIONS[paths.activation].slope
    loss_by_o = forward.o - paths.y
    a_by_w = (slope(forward.z[0]) * paths.x[0], slope(forward.z[1]) * paths.x[1])
    by_path = (loss_by_o * paths.v[0] * a_by_w[0], loss_by_o * paths.v[1] * a_by_w[1])
    return Backward(loss_by_o, paths.v, a_by_w, by_path, sum(by_path))


def measure_slope(paths: TwoPaths, step: float = 1e-5) -> float:
    """Return the loss's slope by the weight, measured: a little right less a little left."""
    right, left = (run_forward(replace(paths, w=paths.w + d)).loss for d in (step, -step))
    return (right - left) / (2 * step)


def update(paths: TwoPaths, rate: float) -> TwoPaths:
    """Return the paths after one step of gradient descent; both paths keep sharing the weight."""
    return replace(paths, w=paths.w - rate * run_backward(paths).loss_by_w)


def pass_through_max(values: NDArray[Any], upstream: NDArray[Any], window: int) -> Array:
    """Return the gradient that max pooling without overlap hands back.

    Args:
        values: what was pooled, (h, w), both multiples of ``window``.
        upstream: gradient of each pooled cell, (h / window, w / window).
        window: rows and columns of a window, and the stride.

    Returns:
        float64, (h, w): each window's gradient at its largest cell, at the first of several equal
        ones as in TensorFlow on a CPU, and 0 elsewhere.

    Raises:
        ValueError: the shapes do not fit.
    """
    tiles = _tile(values, upstream, window)
    back = np.zeros_like(tiles)
    winners = tiles.argmax(axis=2)
    np.put_along_axis(back, winners[:, :, None], np.asarray(upstream, float)[:, :, None], axis=2)
    return _untile(back, window)


def pass_through_average(values: NDArray[Any], upstream: NDArray[Any], window: int) -> Array:
    """Return the gradient that average pooling hands back: each window's, shared out evenly.

    Arguments, result and errors are those of ``pass_through_max``.
    """
    tiles = _tile(values, upstream, window)
    shares = np.asarray(upstream, dtype=np.float64)[:, :, None] / window**2
    return _untile(np.broadcast_to(shares, tiles.shape), window)


def _tile(values: NDArray[Any], upstream: NDArray[Any], window: int) -> Array:
    """Return the windows, (h / window, w / window, window**2), each read row by row."""
    height, width = values.shape
    expected = (height // window, width // window)
    if height % window or width % window or upstream.shape != expected:
        raise ValueError(
            f"Values of shape {values.shape} have no whole windows of {window} x {window} with a "
            f"gradient each: the gradient's shape is {upstream.shape}."
        )
    tiles = np.asarray(values, dtype=np.float64).reshape(expected[0], window, expected[1], window)
    return tiles.transpose(0, 2, 1, 3).reshape(*expected, window**2)


def _untile(tiles: Array, window: int) -> Array:
    rows, columns, _ = tiles.shape
    cells = tiles.reshape(rows, columns, window, window).transpose(0, 2, 1, 3)
    return cells.reshape(rows * window, columns * window)
