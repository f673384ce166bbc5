"""ROC and precision-recall curves of one group of diagnoses against the rest."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.diagnoses import class_index
from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.evaluation.measures.bootstrap import DRAWS, SEED, Interval, resample, to_interval
from skinmodel.evaluation.measures.metrics import (
    Floats,
    build_ranking,
    compute_auc,
    count_flagged,
    divide,
)

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


TARGETS: Final = {"melanoma": ("mel",), "malignant": ("mel", "bcc", "akiec")}
"""Codes of the diagnoses that each target puts together."""
TITLES: Final = {"melanoma": "Melanoma", "malignant": "Any malignant or pre-malignant"}


@dataclass(frozen=True)
class OperatingPoint:
    """What one threshold gives: an image is flagged where its score is at least the threshold.

    Attributes:
        threshold: the score from which images are flagged.
        tp: flagged and positive.
        fp: flagged and negative.
        tn: not flagged and negative.
        fn: not flagged and positive.
        sensitivity: tp / (tp + fn); NaN without positive images.
        specificity: tn / (tn + fp); NaN without negative images.
        ppv: tp / (tp + fp), at the share of positives of this data set; NaN where none is flagged.
        npv: tn / (tn + fn), likewise; NaN where all are flagged.
    """

    threshold: float
    tp: int
    fp: int
    tn: int
    fn: int
    sensitivity: float
    specificity: float
    ppv: float
    npv: float


def target_of(
    name: str, truth: NDArray[np.int64], probabilities: NDArray[np.floating]
) -> tuple[Bools, Floats]:
    """Return which images are positive, bool (N,), and their scores, float64 (N,).

    The score of a target is the sum of the probabilities of its diagnoses.

    Args:
        name: ``melanoma`` or ``malignant``.
        truth: int64, (N,), class indices.
        probabilities: float, (N, K), columns in class order.

    Raises:
        UnknownNameError: there is no such target.
    """
    if name not in TARGETS:
        raise UnknownNameError("target", name, TARGETS)
    columns = [class_index(code) for code in TARGETS[name]]
    return np.isin(truth, columns), probabilities[:, columns].sum(axis=1, dtype=np.float64)


def at_threshold(positive: Bools, score: Scores, threshold: float) -> OperatingPoint:
    """Return what flagging the images with score >= threshold gives.

    Args:
        positive: bool, (N,).
        score: float, (N,).
        threshold: compared in double precision.
    """
    flagged = score.astype(np.float64) >= threshold
    tp, fp = int((flagged & positive).sum()), int((flagged & ~positive).sum())
    tn, fn = int((~flagged & ~positive).sum()), int((~flagged & positive).sum())
    shares = divide(
        np.array([tp, tn, tp, tn], np.float64),
        np.array([tp + fn, tn + fp, tp + fp, tn + fn], np.float64),
    )
    return OperatingPoint(float(threshold), tp, fp, tn, fn, *shares.tolist())


def threshold_for_sensitivity(positive: Bools, score: Scores, least: float) -> float:
    """Return the highest score, as threshold, whose sensitivity is at least ``least``.

    It is the one of the best specificity; NaN without positive images.

    Raises:
        ConfigError: ``least`` is no share.
    """
    _check_share("sensitivity", least)
    thresholds, tp, _ = count_by_score(positive, score)
    enough = divide(tp, tp[-1:]) >= least
    return float(thresholds[enough.argmax()]) if enough.any() else float("nan")


def threshold_for_specificity(positive: Bools, score: Scores, least: float) -> float:
    """Return the lowest score, as threshold, whose specificity is at least ``least``.

    It is the one of the best sensitivity. Where not even the highest score reaches it, a threshold
    just above that, which flags no image; NaN without negative images.

    Raises:
        ConfigError: ``least`` is no share.
    """
    _check_share("specificity", least)
    thresholds, _, fp = count_by_score(positive, score)
    enough = divide(fp[-1:] - fp, fp[-1:]) >= least
    if enough.any():
        return float(thresholds[enough][-1])
    none = not len(fp) or fp[-1] == 0
    return float("nan") if none else float(np.nextafter(thresholds[0], np.inf))


def ppv_at(sensitivity: float, specificity: float, prevalence: float) -> float:
    """Return the share of flagged patients who are positive, at a prevalence, by Bayes' theorem.

    NaN where nobody is flagged.

    Raises:
        ConfigError: the prevalence is no share.
    """
    _check_share("prevalence", prevalence)
    found = sensitivity * prevalence
    flagged = found + (1 - specificity) * (1 - prevalence)
    return found / flagged if flagged > 0 else float("nan")


def npv_at(sensitivity: float, specificity: float, prevalence: float) -> float:
    """Return the share of patients not flagged who are negative, at a prevalence.

    NaN where everybody is flagged.

    Raises:
        ConfigError: the prevalence is no share.
    """
    # The same with the two sides exchanged.
    return ppv_at(specificity, sensitivity, 1 - prevalence)


def compute_operating_intervals(
    positive: Bools,
    score: Scores,
    lesions: NDArray[np.str_],
    threshold: float,
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Interval]:
    """Return sensitivity and specificity at a fixed threshold with their 95 % intervals.

    The threshold is taken as given: where it was chosen on the same images, the intervals do not
    hold the uncertainty of that choice.

    Args:
        positive: bool, (N,).
        score: float, (N,).
        lesions: str, (N,), the lesion each image shows; whole lesions are drawn.
        threshold: images with a score of at least this are flagged.
        draws: number of resamples.
        seed: of the resampling.
    """
    point = at_threshold(positive, score, threshold)
    flagged = score.astype(np.float64) >= threshold

    def compute(weights: Floats) -> dict[str, Floats]:
        return {
            "sensitivity": _share_of(weights, flagged, positive),
            "specificity": _share_of(weights, ~flagged, ~positive),
        }

    drawn = resample(compute, lesions, draws, seed)
    return {name: to_interval(getattr(point, name), values) for name, values in drawn.items()}


def compute_target_interval(
    positive: Bools,
    score: Scores,
    lesions: NDArray[np.str_],
    draws: int = DRAWS,
    seed: int = SEED,
) -> Interval:
    """Return the area under the ROC curve with its 95 % interval; arguments as above."""
    ranking = build_ranking(positive, score)

    def compute(weights: Floats) -> dict[str, Floats]:
        return {"auc": compute_auc(count_flagged(ranking, weights))}

    value = float(compute(np.ones((1, len(score))))["auc"][0])
    return to_interval(value, resample(compute, lesions, draws, seed)["auc"])


def _share_of(weights: Floats, hit: Bools, of: Bools) -> Floats:
    return divide(weights[:, hit & of].sum(axis=1), weights[:, of].sum(axis=1))


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"The {name} {value} is no share: give a number from 0 to 1.")
