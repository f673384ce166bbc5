"""Figures of measured runs as the Compare page prints them."""

import math
from typing import Final

from skinmodel.diagnoses import get_diagnosis
from skinmodel.evaluation.comparison import Comparison, McNemar
from skinmodel.evaluation.measures.bootstrap import Interval

UNDEFINED: Final = "not defined"
_KEEP: Final = "\u00a0"  # a space at which no line is broken

TITLES: Final = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_precision": "Macro precision",
    "macro_recall": "Macro recall",
    "macro_f1": "Macro F1",
    "macro_auc": "Macro AUC",
    "macro_average_precision": "Macro average precision",
    "weighted_precision": "Weighted precision",
    "weighted_recall": "Weighted recall",
    "weighted_f1": "Weighted F1",
    "precision": "Precision",
    "recall": "Recall",
    "specificity": "Specificity",
    "f1": "F1",
    "auc": "AUC",
    "average_precision": "Average precision",
    "malignant_auc": "AUC, any malignant or pre-malignant",
}


def name_figure(name: str) -> str:
    """Return a figure's name in words, such as ``Recall, melanoma`` for ``recall.mel``."""
    figure, _, code = name.partition(".")
    return f"{TITLES[figure]}, {get_diagnosis(code).name.lower()}" if code else TITLES[figure]


def figure(value: float, digits: int = 3) -> str:
    """Return a figure to three digits; NaN, and it alone, as not defined.

    >>> figure(0.71249), figure(float("nan"))
    ('0.712', 'not defined')
    """
    return UNDEFINED if math.isnan(value) else f"{value:.{digits}f}"


def interval(measured: Interval, digits: int = 3) -> str:
    r"""Return a figure with its interval; without one where no draw defined it.

    >>> interval(Interval(0.5, 0.4, 0.6), 2)
    '0.50 (0.40\xa0to\xa00.60)'
    """
    if math.isnan(measured.value) or math.isnan(measured.low):
        return figure(measured.value, digits)
    low, high = (f"{end:.{digits}f}" for end in (measured.low, measured.high))
    return f"{measured.value:.{digits}f} ({low}{_KEEP}to{_KEEP}{high})"


def points(difference: Interval) -> str:
    """Return a difference of shares in points, hundredths, with its sign.

    >>> points(Interval(0.0123, -0.004, 0.03))
    '+1.2 (−0.4 to +3.0)'
    """
    if math.isnan(difference.value) or math.isnan(difference.low):
        return UNDEFINED
    value, low, high = (
        f"{100 * share:+.1f}".replace("-", "−")
        for share in (difference.value, difference.low, difference.high)
    )
    return f"{value} ({low} to {high})"


def gap(difference: Interval) -> str:
    """Return a difference of shares in points, hundredths, with its sign but no interval.

    >>> gap(Interval(-0.0123, -0.02, 0.03))
    '−1.2'
    """
    if math.isnan(difference.value):
        return UNDEFINED
    return f"{100 * difference.value:+.1f}".replace("-", "−")


def describe_tests(difference: Comparison, first: str, second: str) -> str:
    """Return both of McNemar's tests in words.

    Args:
        difference: of the second network from the first.
        first: label of the first network.
        second: label of the second.
    """
    images, lesions = difference.images, difference.lesions
    return (
        f"Only {first} is right on {images.only_first:,} images, only {second} on "
        f"{images.only_second:,}: {_judge(images)}. Images of one lesion are not independent of "
        f"each other, so count lesions: {first} has more images right in {lesions.only_first:,} of "
        f"them, {second} in {lesions.only_second:,}: {_judge(lesions)}."
    )


def _judge(test: McNemar) -> str:
    chance = f"p{_KEEP}<{_KEEP}0.001" if test.p < 0.001 else f"p{_KEEP}={_KEEP}{test.p:.3f}"
    if test.p < 0.05:
        return f"so uneven a split would be rare if both were equally good ({chance})"
    return f"so even a split says nothing against both being equally good ({chance})"
