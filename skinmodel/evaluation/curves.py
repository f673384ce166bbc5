"""ROC and precision-recall curves of one group of diagnoses against the rest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skinmodel.evaluation.ranking import build_ranking, count_flagged
from skinmodel.evaluation.shares import Floats, divide

Bools = NDArray[np.bool_]
Scores = NDArray[np.floating]


@dataclass(frozen=True)
class RocCurve:
    """Sensitivity and specificity at every threshold that changes them.

    Attributes:
        thresholds: float64, (G,), falling, from infinity, where nothing is flagged.
        sensitivity: float64, (G,), rising from 0 to 1; NaN without positive images.
        specificity: float64, (G,), falling from 1 to 0; NaN without negative images.
    """

    thresholds: Floats
    sensitivity: Floats
    specificity: Floats


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Precision and recall at every threshold that occurs as a score.

    Attributes:
        thresholds: float64, (G,), falling; it starts at the highest score, for precision is not
            defined where nothing is flagged.
        precision: float64, (G,).
        recall: float64, (G,), rising to 1; NaN without positive images.
    """

    thresholds: Floats
    precision: Floats
    recall: Floats


def compute_roc(positive: Bools, score: Scores) -> RocCurve:
    """Return the ROC curve, without the points in the midst of a straight run of equal steps.

    Args:
        positive: bool, (N,).
        score: float, (N,), finite; higher speaks for positive.
    """
    thresholds, tp, fp = count_by_score(positive, score)
    bend = (np.diff(tp, 2) != 0) | (np.diff(fp, 2) != 0)
    kept = np.concatenate([[True], bend, [True]])[: len(tp)]
    found, flagged_in_vain = (np.concatenate([[0.0], counts[kept]]) for counts in (tp, fp))
    return RocCurve(
        np.concatenate([[np.inf], thresholds[kept]]),
        divide(found, tp[-1:]),
        divide(fp[-1:] - flagged_in_vain, fp[-1:]),
    )


def compute_precision_recall(positive: Bools, score: Scores) -> PrecisionRecallCurve:
    """Return the precision-recall curve, one point for every score that occurs.

    Args:
        positive: bool, (N,).
        score: float, (N,), finite; higher speaks for positive.
    """
    thresholds, tp, fp = count_by_score(positive, score)
    return PrecisionRecallCurve(thresholds, divide(tp, tp + fp), divide(tp, tp[-1:]))


def count_by_score(positive: Bools, score: Scores) -> tuple[Floats, Floats, Floats]:
    """Return each score that occurs, falling, with the true and false positives from it on."""
    ranking = build_ranking(positive, score)
    flagged = count_flagged(ranking, np.ones((1, len(score))))
    return ranking.thresholds, flagged.tp[0], flagged.fp[0]
