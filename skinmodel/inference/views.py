"""Test-time views: the eight flips and quarter turns of an input."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ConfigError

VIEWS: Final = (1, 8)


def make_views(inputs: NDArray[np.float32], views: int) -> NDArray[np.float32]:
    """Return every view of every input, those of one image next to each other.

    Args:
        inputs: float32, (N, s, s, 3); square, as quarter turns need it.
        views: 1 (the input itself) or 8.

    Returns:
        float32, (N * views, s, s, 3).

    Raises:
        ConfigError: another number of views, or inputs that are not square.
    """
    if views not in VIEWS:
        raise ConfigError(f"There are 1 or 8 views, not {views}.")
    if views == 1:
        return inputs
    if inputs.shape[1] != inputs.shape[2]:
        raise ConfigError(f"Eight views need square inputs, received {inputs.shape[1:3]}.")
    turns = [np.rot90(inputs, k, axes=(1, 2)) for k in range(4)]
    stacked = np.stack([*turns, *(t[:, :, ::-1] for t in turns)], axis=1)
    return stacked.reshape(-1, *inputs.shape[1:])


def average_views(probabilities: NDArray[np.float32], views: int) -> NDArray[np.float32]:
    """Return the mean over the views of each image: (N * views, K) to (N, K), float32."""
    if views == 1:
        return probabilities
    mean = probabilities.reshape(-1, views, probabilities.shape[1]).mean(axis=1)
    return (mean / mean.sum(axis=1, keepdims=True)).astype(np.float32)
