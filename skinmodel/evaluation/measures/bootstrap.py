"""95 % intervals by resampling lesions, not images: images of one lesion are not independent.

The percentile bootstrap over clusters (Davison and Hinkley 1997, section 3.8). Where every draw
gives the same, as for a class whose images are all right, the interval has no width however few
the images are: read it beside the number of images.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.evaluation.measures.metrics import Floats, WeightedFigures, compute_metrics

DRAWS: Final = 1000
SEED: Final = 20230630
LEVEL: Final = 0.95
# Images times draws held at once: 2 MB an array, which stays in the processor's cache.
_BLOCK: Final = 2**18


@dataclass(frozen=True)
class Interval:
    """A figure with its percentile interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Return plain values for JSON."""
        return asdict(self)


def compute_intervals(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    lesions: NDArray[np.str_],
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Interval]:
    """Return every figure of ``Metrics.flat`` with its 95 % interval.

    A draw in which a class does not occur leaves that class out of its means, and draws in which a
    figure is undefined out of that figure's interval.

    Args:
        truth: int64, (N,), class indices.
        probabilities: float, (N, K).
        lesions: str, (N,), the lesion each image shows; whole lesions are drawn with replacement.
        draws: number of resamples.
        seed: of the resampling.

    Raises:
        ConfigError: there is not one row an image and one column a class.
    """
    drawn = resample(WeightedFigures(truth, probabilities), lesions, draws, seed)
    values = compute_metrics(truth, probabilities).flat()
    return {name: to_interval(value, drawn[name]) for name, value in values.items()}


def resample(
    compute: Callable[[Floats], Mapping[str, Floats]],
    lesions: NDArray[np.str_],
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Floats]:
    """Return what ``compute`` gives for each draw, float64, (draws,), by name.

    Args:
        compute: takes weights, float64, (d, N), returns named figures, float64, (d,).
        lesions: str, (N,), the lesion each image shows.
        draws: number of resamples, at least 1.
        seed: of the resampling; two calls with one seed and the same lesions draw alike.
    """
    blocks = [compute(weights) for weights in draw_weights(lesions, draws, seed)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def draw_weights(lesions: NDArray[np.str_], draws: int, seed: int) -> Iterator[Floats]:
    """Yield how often each image is drawn, float64, (d, N), in blocks of some draws.

    All images of a lesion are drawn alike. The blocks only bound the memory: the draws are the
    same in blocks of any size.
    """
    if not len(lesions):
        yield np.zeros((draws, 0))
        return
    names, lesion_of = np.unique(lesions, return_inverse=True)
    chances = np.full(len(names), 1 / len(names))
    rng = np.random.default_rng(seed)
    most = max(1, _BLOCK // len(lesions))
    for start in range(0, draws, most):
        size = min(most, draws - start)
        drawn = rng.multinomial(len(names), chances, size=size)
        yield drawn[:, lesion_of].astype(np.float64)


def to_interval(value: float, drawn: Floats) -> Interval:
    """Return ``value`` with the central 95 % of what the draws gave, undefined draws left out."""
    defined = drawn[~np.isnan(drawn)]
    if not len(defined):
        return Interval(value, float("nan"), float("nan"))
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return Interval(value, float(low), float(high))
