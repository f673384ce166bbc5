"""What an answer was worth before: of lesions that got the same one as surely, how many had it.

A table of predictions holds truth and probabilities of lesions no network was trained on. Of those
whose probability for a diagnosis lay in the same band, and for which it led or did not lead as
here, the share that had the diagnosis is counted. It holds for lesions of that kind and mix only:
where a diagnosis is rarer, the same answer is worth less.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

EDGES: Final = (0.0, 0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)
"""Of the bands of certainty; narrow where most answers lie. Fixed before any was counted."""

LEAST: Final = 10
"""Lesions below which nothing is said: the interval would hold almost every share."""


@dataclass(frozen=True)
class Worth:
    """How often an answer was right.

    Attributes:
        code_index: the diagnosis, as a class index.
        leading: whether it was the first choice.
        low: lower edge of the band of probabilities, in [0, 1].
        high: upper edge.
        lesions: that got this answer.
        right: of these, with this diagnosis; each lesion counts once.
        interval: 95 % interval of the share (Wilson 1927), in [0, 1].
    """

    code_index: int
    leading: bool
    low: float
    high: float
    lesions: int
    right: int
    interval: tuple[float, float]


def compute_worth(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    lesions: NDArray[np.str_],
    answer: tuple[float, ...],
) -> tuple[Worth | None, ...]:
    """Return what each figure of an answer was worth; None where too few lesions got it.

    Args:
        truth: int64, (N,), class indices.
        probabilities: float, (N, K), by the network that gave the answer, calibrated as it is.
        lesions: str, (N,), the lesion each image shows.
        answer: K probabilities in [0, 1].
    """
    leads = probabilities.argmax(axis=1)
    first = int(np.argmax(answer))
    return tuple(
        _count(
            index,
            index == first,
            share,
            truth == index,
            (leads == index) == (index == first),
            probabilities[:, index],
            lesions,
        )
        for index, share in enumerate(answer)
    )


def find_band(share: float) -> tuple[float, float]:
    """Return the edges of the band that holds a probability; the lower one belongs to it."""
    number = min(int(np.searchsorted(EDGES, share, side="right")), len(EDGES) - 1)
    return EDGES[number - 1], EDGES[number]


def _count(
    index: int,
    leading: bool,
    share: float,
    has_it: NDArray[np.bool_],
    led_alike: NDArray[np.bool_],
    shares: NDArray[np.floating],
    lesions: NDArray[np.str_],
) -> Worth | None:
    from scipy.stats import binomtest

    low, high = find_band(share)
    inside = led_alike & (shares >= low) & ((shares < high) | (high == EDGES[-1]))
    total = len(np.unique(lesions[inside]))
    if total < LEAST:
        return None
    right = len(np.unique(lesions[inside & has_it]))
    found = binomtest(right, total).proportion_ci(method="wilson")
    return Worth(index, leading, low, high, total, right, (float(found.low), float(found.high)))
