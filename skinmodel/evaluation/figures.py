"""Every figure of a table of predictions, for many weightings of its images at once.

One image counting once each gives the figures themselves; the bootstrap counts images as often as
they were drawn. Both go through this one computation.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.evaluation.ranking import (
    build_ranking,
    compute_auc,
    compute_average_precision,
    count_flagged,
)
from skinmodel.evaluation.shares import Floats, divide, mean_of_defined

HEADLINES: Final = ("accuracy", "balanced_accuracy", "macro_auc")
"""What a run is known by: kept with its weights, and compared first."""

PRINTED: Final = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc")
"""What a table of one run or two begins with."""

OVERALL: Final = (
    "accuracy",
    "balanced_accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "weighted_precision",
    "weighted_recall",
    "weighted_f1",
    "macro_auc",
    "macro_average_precision",
)
BY_CLASS: Final = ("precision", "recall", "specificity", "f1", "auc", "average_precision")
NAMES: Final = OVERALL + tuple(f"{figure}.{code}" for figure in BY_CLASS for code in CODES)
"""Names of all figures, every one a share or an area in [0, 1] that is better when higher."""


class WeightedFigures:
    """The figures of one table of predictions under any weighting of its images."""

    def __init__(self, truth: NDArray[np.int64], probabilities: NDArray[np.floating]) -> None:
        """Sort the images by each class's probability, once for all weightings.

        Args:
            truth: int64, (N,), class indices in the order of ``CODES``.
            probabilities: float, (N, K), columns in that order; the first of equals leads.

        Raises:
            ConfigError: there is not one row an image and one column a class.
        """
        classes = len(CODES)
        if probabilities.shape != (len(truth), classes):
            raise ConfigError(
                f"Probabilities of shape {probabilities.shape} cannot be measured against the "
                f"truth of {len(truth)} images: expected ({len(truth)}, {classes}), one column for "
                f"each of {', '.join(CODES)}. Give the probabilities of these very images."
            )
        cells = truth * classes + probabilities.argmax(axis=1)
        self._by_cell = np.argsort(cells, kind="stable")
        self._cells, self._starts = np.unique(cells[self._by_cell], return_index=True)
        self._rankings = [build_ranking(truth == k, probabilities[:, k]) for k in range(classes)]

    def confusion(self, weights: Floats) -> Floats:
        """Return counts, (D, K, K): rows are the truth, columns the most probable class.

        Args:
            weights: float64, (D, N), how often each image counts in each of D weightings.
        """
        counts = np.zeros((len(weights), len(CODES) ** 2))
        # Not a matrix product: that would wait for every core, also for those at other work.
        counts[:, self._cells] = np.add.reduceat(weights[:, self._by_cell], self._starts, axis=1)
        return counts.reshape(len(weights), len(CODES), len(CODES))

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        """Return every figure of ``NAMES``, each float64, (D,), NaN where undefined.

        Args:
            weights: float64, (D, N), how often each image counts in each of D weightings.
        """
        flagged = [count_flagged(ranking, weights) for ranking in self._rankings]
        return compute_figures(
            self.confusion(weights),
            np.stack([compute_auc(counts) for counts in flagged], axis=1),
            np.stack([compute_average_precision(counts) for counts in flagged], axis=1),
        )


def compute_figures(confusion: Floats, auc: Floats, average_precision: Floats) -> dict[str, Floats]:
    """Return every figure of ``NAMES``, each float64, (D,).

    A mean runs over the classes for which its figure is defined, macro means all alike, weighted
    ones by the class's number of images (as scikit-learn does with ``zero_division=nan``).

    Args:
        confusion: float64, (D, K, K), rows are the truth.
        auc: float64, (D, K), one class against the rest.
        average_precision: float64, (D, K).
    """
    by_class = {
        **compute_class_shares(confusion),
        "auc": auc,
        "average_precision": average_precision,
    }
    support = confusion.sum(axis=2)
    hits = np.trace(confusion, axis1=1, axis2=2)
    macro = {name: mean_of_defined(values) for name, values in by_class.items()}
    figures = {
        "accuracy": divide(hits, support.sum(axis=1)),
        "balanced_accuracy": macro["recall"],
        **{f"macro_{name}": values for name, values in macro.items()},
        **{
            f"weighted_{name}": mean_of_defined(by_class[name], support)
            for name in ("precision", "recall", "f1")
        },
        **_name_by_class(by_class),
    }
    return {name: figures[name] for name in NAMES}


def compute_class_shares(confusion: Floats) -> dict[str, Floats]:
    """Return precision, recall, specificity and F1 of each class, each float64, (D, K).

    Undefined, hence NaN: precision of a class never predicted, recall of one that does not occur,
    specificity where nothing else occurs, F1 where a class neither occurs nor is predicted.
    """
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    support, predicted = confusion.sum(axis=2), confusion.sum(axis=1)
    others = support.sum(axis=1, keepdims=True) - support
    return {
        "precision": divide(hits, predicted),
        "recall": divide(hits, support),
        "specificity": divide(others - predicted + hits, others),
        "f1": divide(2 * hits, support + predicted),
    }


def _name_by_class(by_class: Mapping[str, Floats]) -> dict[str, Floats]:
    return {
        f"{name}.{code}": values[:, k]
        for name, values in by_class.items()
        for k, code in enumerate(CODES)
    }
