"""Soft attention in steps, as NumPy: what chapter 4 shows is what the Keras layer computes.

Köfler 2023, section 3.3; Datta et al. 2021.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import WeightsError
from skinmodel.weights import store
from skinmodel.weights.record import WeightsRecord

Array = NDArray[np.float64]


@dataclass(frozen=True)
class AttentionWeights:
    """What a soft-attention layer has learned.

    Attributes:
        kernel: float64, (3, 3, C, M), one kernel a head.
        bias: float64, (M,).
        gamma: the learned factor of what comes out.
    """

    kernel: Array
    bias: Array
    gamma: float


@dataclass(frozen=True)
class Steps:
    """The layer on one picture, step by step.

    Attributes:
        features: float64, (h, w, C), what enters.
        scores: float64, (h, w, M), each head's convolution.
        rectified: float64, (h, w, M), the scores after ReLU.
        maps: float64, (h, w, M), their softmax over all positions; each sums to 1.
        total: float64, (h, w), the heads' sum; sums to M.
        weighted: float64, (h, w, C), gamma * features * total: what is joined to the features.
    """

    features: Array
    scores: Array
    rectified: Array
    maps: Array
    total: Array
    weighted: Array


def attend(features: NDArray[np.floating], weights: AttentionWeights) -> Steps:
    """Return every step of the layer.

    Args:
        features: (h, w, C), of the layer before.
        weights: with kernels for C channels.
    """
    values = np.asarray(features, np.float64)
    height, width, _ = values.shape
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)))
    scores = np.zeros((height, width, len(weights.bias))) + weights.bias
    for row in range(3):
        for column in range(3):
            part = padded[row : row + height, column : column + width]
            scores += part @ weights.kernel[row, column]
    rectified = np.maximum(scores, 0.0)
    maps = softmax_over_positions(rectified)
    total = maps.sum(axis=-1)
    return Steps(values, scores, rectified, maps, total, weights.gamma * values * total[..., None])


def read_fewer(weights: AttentionWeights, channels: int) -> AttentionWeights:
    """Return the same heads blind to all but the first ``channels`` features.

    The published layer's stride over the channels is C, so that it reads the first three only.
    """
    kernel = weights.kernel.copy()
    kernel[:, :, channels:] = 0.0
    return replace(weights, kernel=kernel)


def softmax_over_positions(scores: NDArray[np.floating]) -> Array:
    """Return each head's (h, w, M) scores as shares of 1 over its h * w positions."""
    shifted = np.exp(np.asarray(scores, np.float64) - np.max(scores, axis=(0, 1)))
    return np.asarray(shifted / shifted.sum(axis=(0, 1)))


def read_attention(record: WeightsRecord, folder: Path, layer: str) -> AttentionWeights:
    """Return a stored network's soft attention, without TensorFlow.

    Args:
        record: of the network's weights.
        folder: of its file.
        layer: name of the layer.

    Raises:
        WeightsError: the file is missing, damaged, or has no such layer.
    """
    names = {part: f"{layer}/{part}" for part in ("kernel", "bias", "gamma")}
    found = store.load_weights(record, folder, list(names.values()))
    if found[names["kernel"]].ndim != 4:
        raise WeightsError(f"'{layer}' of {record.run_id} is no soft attention of four axes.")
    return AttentionWeights(
        np.asarray(found[names["kernel"]], np.float64),
        np.asarray(found[names["bias"]], np.float64),
        float(found[names["gamma"]]),
    )
