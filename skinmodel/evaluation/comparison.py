"""Two models on the same images: what they differ by, and what may be claimed of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import UnknownNameError
from skinmodel.evaluation.bootstrap import DRAWS, SEED, Interval, resample, to_interval
from skinmodel.evaluation.figures import NAMES, WeightedFigures
from skinmodel.evaluation.metrics import compute_metrics
from skinmodel.evaluation.shares import Floats


@dataclass(frozen=True)
class McNemar:
    """Exact test of whether two models are right equally often.

    Attributes:
        only_first: number of cases in which only the first model is right.
        only_second: number of cases in which only the second is.
        p: two-sided exact binomial probability of a split at least as uneven, were both equally
            good; 1 where the models never differ.
    """

    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """What two models differ by on the same images.

    Attributes:
        differences: second minus first of every figure of ``Metrics.flat``, with the interval of
            the paired draws.
        images: McNemar's test on images, which takes pictures of one lesion for independent.
        lesions: the sign test on lesions: a case is a lesion of which one model has more images
            right than the other.
    """

    differences: dict[str, Interval]
    images: McNemar
    lesions: McNemar


def compare(
    truth: NDArray[np.int64],
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    lesions: NDArray[np.str_],
    draws: int = DRAWS,
    seed: int = SEED,
) -> Comparison:
    """Return what two models differ by; each draw takes the same lesions for both.

    A draw in which a figure is undefined for either model is left out of that difference.

    Args:
        truth: int64, (N,), class indices.
        first: float, (N, K), probabilities of one model.
        second: float, (N, K), those of the other on the same images in the same order.
        lesions: str, (N,), the lesion each image shows; whole lesions are drawn.
        draws: number of resamples.
        seed: of the resampling.

    Raises:
        ConfigError: there is not one row an image and one column a class.
    """
    figures_of_first = WeightedFigures(truth, first)
    figures_of_second = WeightedFigures(truth, second)

    def subtract(weights: Floats) -> dict[str, Floats]:
        less, more = figures_of_first(weights), figures_of_second(weights)
        return {name: more[name] - less[name] for name in NAMES}

    drawn = resample(subtract, lesions, draws, seed)
    less, more = (compute_metrics(truth, p).flat() for p in (first, second))
    gains = (second.argmax(axis=1) == truth).astype(int) - (first.argmax(axis=1) == truth)
    _, lesion_of = np.unique(lesions, return_inverse=True)
    return Comparison(
        {name: to_interval(more[name] - less[name], drawn[name]) for name in NAMES},
        _test_signs(gains),
        _test_signs(np.bincount(lesion_of, weights=gains)),
    )


def describe_difference(interval: Interval, first_title: str, second_title: str, name: str) -> str:
    """Return in words what may be claimed of a difference, in points (hundredths).

    Nothing is claimed where the interval holds 0.

    Args:
        interval: second minus first of a figure, as a share.
        first_title: name of the first model for readers.
        second_title: name of the second.
        name: of the figure, one of ``figures.NAMES``: all of them are better when higher.

    Raises:
        UnknownNameError: there is no such figure, so that "better" would be a guess.
    """
    if name not in NAMES:
        raise UnknownNameError("figure", name, NAMES)
    low, high = interval.low, interval.high
    if np.isnan([interval.value, low, high]).any():
        return "not defined"
    if low > 0:
        return f"{second_title} better by {_points(low)} to {_points(high)} points"
    if high < 0:
        return f"{first_title} better by {_points(-high)} to {_points(-low)} points"
    return f"no difference shown ({_signed(low)} to {_signed(high)} points)"


def remark_on_many(count: int) -> str:
    """Return what the reader of several differences at once must know, in one or two sentences.

    No correction is computed: 1,000 draws do not reach the tails that one for dozens of figures
    needs, and figures of one pair of runs go together, so that it would claim too little.

    Args:
        count: how many differences are shown.
    """
    return (
        f"These are {count} differences, each judged at 95 % by itself: without any true "
        "difference, about one in twenty would be claimed by chance. Each is between two runs of "
        "one seed, and another seed may turn those near 0."
    )


def _test_signs(gains: NDArray[np.number]) -> McNemar:
    """Test whether as many cases gain (> 0) as lose (< 0)."""
    # Takes half a second to load, and pages that only show a saved comparison do without it.
    from scipy.stats import binomtest

    only_first, only_second = int((gains < 0).sum()), int((gains > 0).sum())
    cases = only_first + only_second
    p = float(binomtest(only_second, cases, 0.5).pvalue) if cases else 1.0
    return McNemar(only_first, only_second, p)


def _points(share: float) -> str:
    """Return hundredths to one decimal, or to one figure where that would hide all of them."""
    points = 100 * share
    return f"{points:.1f}" if points == 0 or abs(points) >= 0.05 else f"{points:.1g}"


def _signed(share: float) -> str:
    sign = "+" if share > 0 else "−" if share < 0 else ""
    return sign + _points(abs(share))
