"""Convolution as the networks compute it: a window, its products with a kernel, and their sum."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from skinmodel.errors import UsageError

Array = NDArray[np.float64]
Zeros = int | tuple[int, int]
"""Zeros on each side of both axes, or before and after them."""

_GREY_WEIGHTS: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601: how bright each colour looks


def _kernel(*rows: tuple[float, ...], over: float = 1.0) -> Array:
    values = np.array(rows, dtype=np.float64) / over
    values.flags.writeable = False
    return values


KERNELS: Final[Mapping[str, Array]] = MappingProxyType(
    {
        "Identity": _kernel((0, 0, 0), (0, 1, 0), (0, 0, 0)),
        "Vertical edges (Sobel x)": _kernel((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
        "Horizontal edges (Sobel y)": _kernel((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
        "All edges (Laplacian)": _kernel((0, 1, 0), (1, -4, 1), (0, 1, 0)),
        "Blur (binomial)": _kernel((1, 2, 1), (2, 4, 2), (1, 2, 1), over=16),
        "Sharpen": _kernel((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    }
)
"""Kernels chosen by hand, float64, (3, 3), in the orientation that ``correlate`` slides."""


@dataclass(frozen=True, eq=False)
class Step:
    """What one position of the kernel computes.

    Attributes:
        window: the part of the input under the kernel, float64, (k, l) or (k, l, C).
        products: window times kernel, cell by cell, the same shape.
        total: the sum of the products, which is the value of the feature map.
    """

    window: Array
    products: Array
    total: float


def to_grey(pixels: NDArray[np.uint8]) -> Array:
    """Return the brightness of each pixel.

    Args:
        pixels: uint8, (H, W, 3), RGB, 0-255.

    Returns:
        float64, (H, W), 0-255, rounded to whole numbers so that they can be worked with by hand.
    """
    return np.rint(pixels.astype(np.float64) @ np.array(_GREY_WEIGHTS))


def flip(kernel: Array) -> Array:
    """Return a kernel turned by 180 degrees, (k, l) or (k, l, C); channels stay in place."""
    return kernel[::-1, ::-1]


def pad(image: Array, padding: Zeros) -> Array:
    """Return ``image``, (H, W) or (H, W, C), with zeros above, below, left and right."""
    before, after = (padding, padding) if isinstance(padding, int) else padding
    return np.pad(image, [(before, after)] * 2 + [(0, 0)] * (image.ndim - 2))


def correlate(image: Array, kernel: Array, stride: int = 1, padding: Zeros = 0) -> Array:
    """Return the cross-correlation, which is what deep-learning libraries call convolution.

    ``y[i, j] = sum over a, b, c of x[i s + a - p, j s + b - p, c] k[a, b, c]`` with zeros outside
    the image.

    Args:
        image: x, float64, (H, W) or (H, W, C).
        kernel: k, float64, (k, l) or (k, l, C).
        stride: s, cells from one position to the next, at least 1.
        padding: p, zeros added on each side, or before and after, at least 0.

    Returns:
        float64, (h, w).

    Raises:
        UsageError: the shapes do not go together, or the kernel does not fit the padded image.
    """
    padded = pad(image, padding)
    _check(padded, kernel, stride)
    windows = sliding_window_view(padded, kernel.shape[:2], axis=(0, 1))[::stride, ::stride]
    # sliding_window_view puts the window's axes last: (h, w[, C], k, l).
    last_first = np.moveaxis(kernel, 2, 0) if kernel.ndim == 3 else kernel
    return np.tensordot(windows, last_first, axes=last_first.ndim)


def convolve(image: Array, kernel: Array, stride: int = 1, padding: Zeros = 0) -> Array:
    """Return the convolution of mathematics: ``correlate`` with the kernel flipped.

    Arguments, result and errors are those of ``correlate``.
    """
    return correlate(image, flip(kernel), stride, padding)


def take_step(
    image: Array, kernel: Array, row: int, column: int, stride: int = 1, padding: Zeros = 0
) -> Step:
    """Return what the kernel computes for one cell of the feature map.

    Args:
        image: as in ``correlate``.
        kernel: as in ``correlate``.
        row: of the feature map, counted from 0.
        column: of the feature map, counted from 0.
        stride: as in ``correlate``.
        padding: as in ``correlate``.

    Raises:
        UsageError: as in ``correlate``, or the feature map has no such cell.
    """
    padded = pad(image, padding)
    _check(padded, kernel, stride)
    height, width = kernel.shape[:2]
    top, left = row * stride, column * stride
    window = padded[top : top + height, left : left + width]
    if min(row, column) < 0 or window.shape[:2] != (height, width):
        raise UsageError(
            f"The feature map has no cell in row {row}, column {column}: the window would leave "
            f"the input of {padded.shape[0]} x {padded.shape[1]}. Choose a smaller row or column."
        )
    products = window * kernel
    return Step(window, products, float(products.sum()))


def _check(padded: Array, kernel: Array, stride: int) -> None:
    if padded.ndim != kernel.ndim or padded.shape[2:] != kernel.shape[2:]:
        raise UsageError(
            f"A kernel of shape {kernel.shape} was given for an input of shape {padded.shape}; "
            "both need the same channels."
        )
    if stride < 1 or kernel.shape[0] > padded.shape[0] or kernel.shape[1] > padded.shape[1]:
        raise UsageError(
            f"A kernel of {kernel.shape[0]} x {kernel.shape[1]} with stride {stride} was given for "
            f"a padded input of {padded.shape[0]} x {padded.shape[1]}; the kernel must fit in, and "
            "the stride be at least 1."
        )
