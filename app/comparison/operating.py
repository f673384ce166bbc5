"""What a threshold on melanoma, or on any malignancy, would find and miss."""

import math
from dataclasses import dataclass

from app.comparison.pair import Measured
from skinmodel.evaluation.bootstrap import Interval
from skinmodel.evaluation.thresholds import (
    OperatingPoint,
    at_threshold,
    npv_at,
    ppv_at,
    target_of,
    threshold_for_sensitivity,
    threshold_for_specificity,
)

THRESHOLD, SENSITIVITY, SPECIFICITY = "Threshold", "Sensitivity", "Specificity"


@dataclass(frozen=True)
class Outcome:
    """One network at one threshold.

    Attributes:
        point: counts and shares on the data set.
        sensitivity: with its interval.
        specificity: likewise.
        ppv: share of flagged patients with the disease, at the prevalence asked for.
        npv: share of the others without it, likewise.
    """

    point: OperatingPoint
    sensitivity: Interval
    specificity: Interval
    ppv: float
    npv: float

    def per_thousand(self, prevalence: float) -> tuple[float, float, float]:
        """Return found, missed and falsely flagged of 1,000 patients; NaN where undefined."""
        ill, well = 1000 * prevalence, 1000 * (1 - prevalence)
        sensitivity, specificity = self.sensitivity.value, self.specificity.value
        return ill * sensitivity, ill * (1 - sensitivity), well * (1 - specificity)


def choose_threshold(measured: Measured, target: str, by: str, level: float) -> float:
    """Return the threshold that a reader's choice means for one network.

    Args:
        measured: the network.
        target: ``melanoma`` or ``malignant``.
        by: ``THRESHOLD``, or what the threshold is to reach on this data set.
        level: the threshold itself, or the share to reach; in [0, 1].

    Returns:
        NaN where the data set has no image to reach it with.
    """
    truth, probabilities, _ = measured.arrays
    positive, score = target_of(target, truth, probabilities)
    if by == SENSITIVITY:
        return threshold_for_sensitivity(positive, score, level)
    if by == SPECIFICITY:
        return threshold_for_specificity(positive, score, level)
    return level


def find_point(measured: Measured, target: str, threshold: float) -> OperatingPoint:
    """Return the counts and shares of one network at a threshold."""
    truth, probabilities, _ = measured.arrays
    return at_threshold(*target_of(target, truth, probabilities), threshold)


def project(point: OperatingPoint, intervals: dict[str, Interval], prevalence: float) -> Outcome:
    """Return what a point would mean among patients of another prevalence."""
    shares = (point.sensitivity, point.specificity)
    known = not any(map(math.isnan, shares))
    return Outcome(
        point,
        intervals["sensitivity"],
        intervals["specificity"],
        ppv_at(*shares, prevalence) if known else math.nan,
        npv_at(*shares, prevalence) if known else math.nan,
    )
