"""What stands between convolutions: ReLU, pooling and batch normalisation, without a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from skinmodel.errors import UsageError
from skinmodel.lessons.convolution import Array
from skinmodel.weights.record import WeightsRecord
from skinmodel.weights.store import load_weights

EPSILON: Final = 1e-3
"""Added to the variance; the value of Keras, which the networks keep."""


@dataclass(frozen=True, eq=False)
class Normalisation:
    """One batch normalisation, (C,) each, or numbers where there is one channel.

    Attributes:
        mean: subtracted from the channel.
        variance: its root, with ``EPSILON`` below it, divides the channel; at least 0.
        gamma: learned factor.
        beta: learned offset.
    """

    mean: Array | float
    variance: Array | float
    gamma: Array | float = 1.0
    beta: Array | float = 0.0


def apply_relu(values: NDArray[Any]) -> Array:
    """Return ``max(x, 0)`` of each number; any shape."""
    return np.maximum(np.asarray(values, np.float64), 0.0)


def pool_max(values: NDArray[Any], window: int, stride: int) -> Array:
    """Return the largest value of each window, without padding.

    Args:
        values: numbers, (H, W) or (H, W, C); channels are pooled one by one.
        window: side of the square window, in cells.
        stride: cells from one window to the next.

    Returns:
        float64, (h, w) or (h, w, C) with h = floor((H - window) / stride + 1), w likewise.

    Raises:
        UsageError: the window does not fit, or a number is below 1.
    """
    return np.asarray(_cut_windows(values, window, stride).max(axis=(-2, -1)))


def pool_average(values: NDArray[Any], window: int, stride: int) -> Array:
    """Return the mean of each window; arguments, result and errors are those of ``pool_max``."""
    return np.asarray(_cut_windows(values, window, stride).mean(axis=(-2, -1)))


def measure_batch(values: NDArray[Any]) -> tuple[Array, Array]:
    """Return mean and variance of each channel over a batch, as training computes them.

    Args:
        values: numbers, (..., C); every axis but the last is averaged over: images, rows, columns.

    Returns:
        float64, (C,) each. The variance divides by the count, not by the count less one.
    """
    flat = np.asarray(values, np.float64).reshape(-1, np.shape(values)[-1])
    return flat.mean(axis=0), flat.var(axis=0)


def normalise(values: NDArray[Any], by: Normalisation) -> Array:
    """Return ``gamma (x - mean) / sqrt(variance + epsilon) + beta`` (Ioffe and Szegedy 2015).

    In training, mean and variance are those of the batch (``measure_batch``); afterwards they are
    the stored ones, so that an image's answer does not depend on its neighbours.

    Args:
        values: numbers, (..., C).
        by: what with.
    """
    centred = np.asarray(values, np.float64) - by.mean
    return np.asarray(by.gamma * centred / np.sqrt(by.variance + EPSILON) + by.beta)


def update_stored(
    stored: Array | float, batch: Array | float, momentum: float
) -> NDArray[np.float64]:
    """Return a stored mean or variance after one training step.

    Args:
        stored: before the step.
        batch: the same of the step's batch.
        momentum: share of the old value that is kept, from 0 to 1.
    """
    return np.asarray(momentum * np.asarray(stored) + (1 - momentum) * np.asarray(batch))


def find_silent(maps: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which channels are 0 everywhere, (C,), of feature maps after ReLU, (h, w, C)."""
    return np.asarray(np.all(maps == 0, axis=(0, 1)))


def rank_channels(maps: NDArray[Any]) -> NDArray[np.intp]:
    """Return the channels of feature maps, (h, w, C), from the largest mean size to the smallest.

    Channels of the same strength keep their order, so that silent ones come last by number.
    """
    strength = np.abs(np.asarray(maps, np.float64)).mean(axis=(0, 1))
    return np.argsort(-strength, kind="stable")


def read_normalisation(record: WeightsRecord, folder: Path, layer: str) -> Normalisation:
    """Return a trained network's stored batch normalisation, without the network.

    Args:
        record: of its weights.
        folder: where their file is.
        layer: name of the layer, such as ``bn1``.

    Raises:
        WeightsError: the file is missing, not the recorded one or damaged.
    """
    fields = {"mean": "moving_mean", "variance": "moving_variance", "gamma": "gamma"}
    names = {field: f"{layer}/{name}" for field, name in {**fields, "beta": "beta"}.items()}
    weights = load_weights(record, folder, tuple(names.values()))
    return Normalisation(**{f: weights[name].astype(np.float64) for f, name in names.items()})


def _cut_windows(values: NDArray[Any], window: int, stride: int) -> Array:
    """Return the windows, (h, w[, C], window, window)."""
    sides: Sequence[int] = np.shape(values)[:2]
    if min(window, stride) < 1 or window > min(sides):
        raise UsageError(
            f"A window of {window} x {window} with stride {stride} was given for an input of "
            f"{sides[0]} x {sides[1]}; the window must fit in, and both be at least 1."
        )
    cut = sliding_window_view(np.asarray(values, np.float64), (window, window), axis=(0, 1))
    return np.asarray(cut[::stride, ::stride])
