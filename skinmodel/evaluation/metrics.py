"""Figures computed from probabilities and true classes; NumPy only. Undefined is NaN."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skinmodel.diagnoses import CODES
from skinmodel.evaluation.figures import BY_CLASS, NAMES, OVERALL, WeightedFigures


@dataclass(frozen=True)
class ClassMetrics:
    """Figures of one class against the rest, in [0, 1]; NaN where undefined.

    Attributes:
        support: number of images of the class.
        precision: share of the images called this class that are of it (= PPV).
        recall: share of its images that are called it (= sensitivity).
        specificity: share of the other images that are not called it.
        f1: harmonic mean of precision and recall, as 2 tp / (2 tp + fp + fn).
        auc: area under the ROC curve of its probability.
        average_precision: step sum under its precision-recall curve.
    """

    support: int
    precision: float
    recall: float
    specificity: float
    f1: float
    auc: float
    average_precision: float


@dataclass(frozen=True)
class Metrics:
    """Figures of one table of predictions, in [0, 1]; NaN where undefined.

    A macro figure is the mean over the classes for which it is defined, a weighted one that mean
    weighted by support.

    Attributes:
        images: number of images N.
        confusion: K rows of K counts: rows are the truth, columns the most probable class.
        classes: of each class, in the order of ``CODES``.
        accuracy: share of images whose most probable class is the true one.
        balanced_accuracy: mean recall over the classes that occur (= ``macro_recall``).
        macro_precision: see above.
        macro_recall: see above.
        macro_f1: see above.
        weighted_precision: see above.
        weighted_recall: equals ``accuracy``.
        weighted_f1: see above.
        macro_auc: see above.
        macro_average_precision: see above.
    """

    images: int
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[ClassMetrics, ...]
    accuracy: float
    balanced_accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    weighted_precision: float
    weighted_recall: float
    weighted_f1: float
    macro_auc: float
    macro_average_precision: float

    def flat(self) -> dict[str, float]:
        """Return every figure by name: overall ones as they are, class ones as ``recall.mel``."""
        figures = {name: getattr(self, name) for name in OVERALL}
        for code, of_class in zip(CODES, self.classes, strict=True):
            figures |= {f"{name}.{code}": getattr(of_class, name) for name in BY_CLASS}
        return {name: figures[name] for name in NAMES}


def compute_metrics(truth: NDArray[np.int64], probabilities: NDArray[np.floating]) -> Metrics:
    """Return every figure of a table of predictions.

    Args:
        truth: int64, (N,), class indices.
        probabilities: float, (N, K), columns in class order.

    Raises:
        ConfigError: there is not one row an image and one column a class.
    """
    figures_of = WeightedFigures(truth, probabilities)
    once = np.ones((1, len(truth)))
    confusion = figures_of.confusion(once)[0].astype(np.int64)
    figures = {name: float(values[0]) for name, values in figures_of(once).items()}
    classes = tuple(
        ClassMetrics(int(support), **{name: figures[f"{name}.{code}"] for name in BY_CLASS})
        for code, support in zip(CODES, confusion.sum(axis=1), strict=True)
    )
    return Metrics(
        images=len(truth),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        classes=classes,
        **{name: figures[name] for name in OVERALL},
    )
