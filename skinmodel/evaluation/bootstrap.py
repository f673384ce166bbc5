"""95 % intervals by resampling lesions, not images: images of one lesion are not independent."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.evaluation.metrics import compute_summary

DRAWS: Final = 1000
SEED: Final = 20230630
LEVEL: Final = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure with its percentile interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Return plain values for JSON."""
        return asdict(self)


def compute_intervals(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    lesions: NDArray[np.str_],
    draws: int = DRAWS,
    seed: int = SEED,
) -> Mapping[str, Interval]:
    """Return accuracy, balanced accuracy and macro AUC with their 95 % intervals.

    A draw in which a class does not occur leaves that class out of its means.

    Args:
        truth: int64, (N,), class indices.
        probabilities: float32, (N, K).
        lesions: str, (N,), the lesion each image shows; whole lesions are drawn with replacement.
        draws: number of resamples.
        seed: of the resampling.
    """
    weights = draw_weights(lesions, draws, seed)
    summary = compute_summary(truth, probabilities)
    recalls = resample_recalls(truth, probabilities, weights)
    hits = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    drawn = {
        "accuracy": _divide(weights @ hits, weights.sum(axis=1)),
        "balanced_accuracy": _mean_of_defined(recalls),
        "macro_auc": _mean_of_defined(resample_aucs(truth, probabilities, weights)),
    }
    return {name: to_interval(getattr(summary, name), values) for name, values in drawn.items()}


def to_interval(value: float, drawn: NDArray[np.float64]) -> Interval:
    """Return ``value`` with the central 95 % of what the draws gave."""
    defined = drawn[~np.isnan(drawn)]
    if not len(defined):
        return Interval(value, float("nan"), float("nan"))
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return Interval(value, float(low), float(high))


def draw_weights(lesions: NDArray[np.str_], draws: int, seed: int) -> NDArray[np.float64]:
    """Return how often each image is drawn, float64, (draws, N): all images of a lesion alike."""
    if not len(lesions):
        return np.zeros((draws, 0))
    _, lesion_of = np.unique(lesions, return_inverse=True)
    count = int(lesion_of.max()) + 1
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    return drawn[:, lesion_of].astype(np.float64)


def resample_recalls(
    truth: NDArray[np.int64], probabilities: NDArray[np.float32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the recall of each class in each draw, float64, (draws, K)."""
    of_class = (truth[:, None] == np.arange(probabilities.shape[1])).astype(np.float64)
    hit = (probabilities.argmax(axis=1) == truth)[:, None]
    support = weights @ of_class
    found = weights @ (of_class * hit)
    return _divide(found, support)


def resample_aucs(
    truth: NDArray[np.int64], probabilities: NDArray[np.float32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the one-against-the-rest AUC of each class in each draw, float64, (draws, K)."""
    columns = [
        _weighted_auc(truth == k, probabilities[:, k], weights)
        for k in range(probabilities.shape[1])
    ]
    return np.stack(columns, axis=1)


def _weighted_auc(
    positive: NDArray[np.bool_], score: NDArray[np.float32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf))
    ordered = weights[:, order]
    positives = np.add.reduceat(ordered * positive[order], starts, axis=1)
    negatives = np.add.reduceat(ordered * ~positive[order], starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives
    wins = (positives * (below + negatives / 2)).sum(axis=1)
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    return _divide(wins, pairs)


def _mean_of_defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return _divide(np.nansum(values, axis=1), (~np.isnan(values)).sum(axis=1).astype(np.float64))


def _divide(share: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the quotient, NaN where there is nothing to divide by."""
    return np.divide(share, whole, out=np.full_like(share, np.nan), where=whole > 0)
