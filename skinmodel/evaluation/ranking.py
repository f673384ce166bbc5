"""Images ordered by one score: what ROC, precision-recall, AUC and average precision come from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skinmodel.evaluation.shares import divide


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
