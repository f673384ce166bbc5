"""Figures of a table of predictions: counts, shares and ranks, of each class and over all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError

Floats = NDArray[np.float64]


def divide(share: Floats, whole: Floats) -> Floats:
    """Return the quotient, element by element; NaN where there is nothing to divide by."""
    out = np.full(np.broadcast_shapes(share.shape, whole.shape), np.nan)
    return np.divide(share, whole, out=out, where=whole > 0)


def mean_of_defined(values: Floats, weights: Floats | None = None) -> Floats:
    """Return the (weighted) mean along the last axis over what is not NaN; NaN where all is.

    Args:
        values: float64, (..., K).
        weights: float64, (..., K), >= 0; all alike when left out.
    """
    defined = ~np.isnan(values)
    weight = defined.astype(np.float64) if weights is None else np.where(defined, weights, 0.0)
    return divide((np.where(defined, values, 0.0) * weight).sum(axis=-1), weight.sum(axis=-1))


@dataclass(frozen=True)
class Ranking:
    """N images from the highest score to the lowest, in G groups of equal score.

    Attributes:
        order: int64, (N,), the image at each rank.
        positive: bool, (N,), whether the image at each rank is positive.
        last: int64, (G,), the last rank of each group: a threshold cannot part equal scores.
        thresholds: float64, (G,), the score of each group, falling.
    """

    order: NDArray[np.int64]
    positive: NDArray[np.bool_]
    last: NDArray[np.int64]
    thresholds: NDArray[np.float64]


@dataclass(frozen=True)
class Flagged:
    """What is flagged from each threshold of a ranking on (score >= threshold).

    Attributes:
        tp: float64, (D, G), true positives of each of D weightings; grows along G.
        fp: float64, (D, G), false positives.
    """

    tp: NDArray[np.float64]
    fp: NDArray[np.float64]


def build_ranking(positive: NDArray[np.bool_], score: NDArray[np.floating]) -> Ranking:
    """Return the ranking of N images.

    Args:
        positive: bool, (N,).
        score: float, (N,), finite; higher speaks for positive.
    """
    order = np.argsort(-score, kind="stable")
    ranked = score[order].astype(np.float64)
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)])
    return Ranking(order, positive[order], last, ranked[last])


def count_flagged(ranking: Ranking, weights: NDArray[np.float64]) -> Flagged:
    """Return the weighted counts at every threshold.

    Args:
        ranking: of N images.
        weights: float64, (D, N), how often each image counts in each of D weightings.
    """
    ranked = weights[:, ranking.order]
    flagged = np.cumsum(ranked, axis=1)[:, ranking.last]
    tp = np.cumsum(ranked * ranking.positive, axis=1)[:, ranking.last]
    return Flagged(tp, flagged - tp)


def compute_auc(flagged: Flagged) -> NDArray[np.float64]:
    """Return the area under each ROC curve, float64, (D,).

    The trapezoids over tied scores count a tie as one half, as the Mann-Whitney statistic does;
    NaN without a positive or without a negative image.
    """
    before = flagged.tp - _steps(flagged.tp) / 2
    wins = (_steps(flagged.fp) * before).sum(axis=1)
    return divide(wins, _last(flagged.tp) * _last(flagged.fp))


def compute_average_precision(flagged: Flagged) -> NDArray[np.float64]:
    """Return the mean precision weighted by the steps of recall, float64, (D,).

    Not interpolated, tied scores taken as one step (scikit-learn's ``average_precision_score``);
    NaN without a positive image.
    """
    flags = flagged.tp + flagged.fp
    precision = np.divide(flagged.tp, flags, out=np.zeros_like(flags), where=flags > 0)
    return divide((_steps(flagged.tp) * precision).sum(axis=1), _last(flagged.tp))


def _steps(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.diff(counts, axis=1, prepend=0.0)


def _last(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return counts[:, -1] if counts.shape[1] else np.zeros(len(counts))


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
