"""Figures computed from probabilities and true classes; NumPy only. Undefined is NaN."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


@dataclass(frozen=True)
class Summary:
    """Headline figures of one table of predictions.

    Attributes:
        images: number of images N.
        accuracy: share of images whose most probable class is the true one.
        balanced_accuracy: mean recall over the classes that occur.
        macro_auc: mean one-against-the-rest area under the ROC curve over the classes for which
            it is defined.
        recalls: recall of each class, NaN where it does not occur.
    """

    images: int
    accuracy: float
    balanced_accuracy: float
    macro_auc: float
    recalls: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def compute_summary(truth: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Summary:
    """Return the headline figures.

    Args:
        truth: int64, (N,), class indices.
        probabilities: float, (N, K), columns in class order.
    """
    matrix = compute_confusion_matrix(truth, probabilities)
    recalls = compute_recalls(matrix)
    total = int(matrix.sum())
    return Summary(
        images=total,
        accuracy=float(np.trace(matrix) / total) if total else float("nan"),
        balanced_accuracy=_mean_of_defined(recalls),
        macro_auc=_mean_of_defined(compute_aucs(truth, probabilities)),
        recalls=tuple(float(r) for r in recalls),
    )


def compute_confusion_matrix(
    truth: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Return counts, int64, (K, K): rows are the truth, columns the most probable class."""
    classes = probabilities.shape[1]
    cells = truth * classes + probabilities.argmax(axis=1)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def compute_recalls(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share found of each class, float64, (K,); NaN where a class does not occur."""
    support = matrix.sum(axis=1)
    return np.where(support > 0, np.diag(matrix) / np.maximum(support, 1), np.nan)


def compute_aucs(
    truth: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the area under each one-against-the-rest ROC curve, float64, (K,).

    It is the Mann-Whitney statistic over mid-ranks, so that ties count one half; NaN where a
    class does not occur or nothing else does.
    """
    ranks = rankdata(probabilities, axis=0)
    hit = truth[:, None] == np.arange(probabilities.shape[1])
    positives = hit.sum(axis=0)
    negatives = len(truth) - positives
    u = (ranks * hit).sum(axis=0) - positives * (positives + 1) / 2
    pairs = positives * negatives
    return np.where(pairs > 0, u / np.maximum(pairs, 1), np.nan)


def _mean_of_defined(values: NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")
