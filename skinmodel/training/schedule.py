"""Learning rate by step, and class weights; plain arithmetic."""

import math

import numpy as np
from numpy.typing import NDArray

from skinmodel.training.recipes import TrainConfig


def learning_rate(config: TrainConfig, step: int, steps: int) -> float:
    """Return the rate of one step.

    Args:
        config: peak, schedule and warm-up.
        step: 0 to ``steps - 1`` over the whole run.
        steps: of the whole run.
    """
    if config.schedule == "constant":
        return config.learning_rate
    warm = config.warmup * steps
    if step < warm:
        start = config.warmup_start
        return config.learning_rate * (start + (1 - start) * step / warm)
    along = (step - warm) / max(steps - warm, 1)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * along))


def guidance_weight(config: TrainConfig, step: int, steps: int) -> float:
    """Return the weight of the guidance by masks at one step: the recipe's, falling to 0.

    Args:
        config: see ``TrainConfig.guidance``.
        step: 0 to ``steps - 1`` over the whole run.
        steps: of the whole run.
    """
    return config.guidance * (1 - step / steps)


def class_weights(truth: NDArray[np.int64], classes: int, power: float) -> NDArray[np.float32]:
    """Return the loss weight of each class, with mean 1 over the images.

    Args:
        truth: int64, (N,), class indices of the training images.
        classes: number of classes K.
        power: 0 gives 1 for all, 1 gives N / (K * count), what scikit-learn calls balanced.

    Returns:
        float32, (K,); 0 for a class that does not occur.
    """
    counts = np.bincount(truth, minlength=classes).astype(np.float64)
    weights = np.zeros(classes)
    present = counts > 0
    weights[present] = counts[present] ** -power
    mean = (weights * counts).sum() / counts.sum()
    return (weights / mean).astype(np.float32)
