"""How a network decides: from logits to probabilities, a loss, its gradient, and one answer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def softmax(logits: NDArray[Any]) -> Array:
    """Return probabilities that compete: (K,) logits, float64 (K,), in (0, 1), summing to 1."""
    shifted = np.exp(np.asarray(logits, np.float64) - np.max(logits))
    return np.asarray(shifted / shifted.sum())


def sigmoid(logits: NDArray[Any]) -> Array:
    """Return probabilities that do not compete: each of its own logit, in (0, 1), of any sum."""
    # exp of a large negative number only; the other form overflows.
    values = np.asarray(logits, np.float64)
    small = np.exp(-np.abs(values))
    return np.asarray(np.where(values >= 0, 1 / (1 + small), small / (1 + small)))


def cross_entropy(probabilities: NDArray[Any], truth: int, weight: float = 1.0) -> float:
    """Return the weighted loss of one picture, -weight * ln p of the truth, in nats."""
    return float(-weight * np.log(np.asarray(probabilities, np.float64)[truth]))


def loss_gradient(probabilities: NDArray[Any], truth: int, weight: float = 1.0) -> Array:
    """Return the loss's slope by each logit: weight * (p - 1 at the truth), float64 (K,)."""
    gradient = np.array(probabilities, np.float64)
    gradient[truth] -= 1.0
    return weight * gradient


def drop(values: NDArray[Any], rate: float, seed: int) -> Array:
    """Return inverted dropout of some activations: each is 0 with ``rate``, or value / (1 - rate).

    The mean over many draws is the value itself, so that nothing has to be scaled in use.

    Args:
        values: any shape.
        rate: share to drop, in [0, 1).
        seed: of the draw.

    Raises:
        ValueError: the rate is not in [0, 1).
    """
    if not 0 <= rate < 1:
        raise ValueError(f"The dropout rate is {rate}; it must be at least 0 and below 1.")
    kept = np.random.default_rng(seed).random(np.shape(values)) >= rate
    return np.where(kept, np.asarray(values, np.float64) / (1 - rate), 0.0)


@dataclass(frozen=True)
class Answer:
    """What the largest probability says, and what it keeps to itself.

    Attributes:
        first: index of the largest probability.
        second: index of the next.
        margin: first minus second probability, in [0, 1].
        entropy: of all K, in bits: 0 where one has all, log2 K where all are equal.
    """

    first: int
    second: int
    margin: float
    entropy: float


def decide(probabilities: NDArray[Any]) -> Answer:
    """Return the answer of K >= 2 probabilities; of equal ones, the first in class order leads."""
    values = np.asarray(probabilities, np.float64)
    first, second = np.argsort(-values, kind="stable")[:2]
    positive = values[values > 0]
    entropy = float(-(positive * np.log2(positive)).sum())
    return Answer(int(first), int(second), float(values[first] - values[second]), abs(entropy))
