"""Whether probabilities mean what they say, and one temperature that makes them do so better."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.bootstrap import Interval, resample, to_interval
from skinmodel.evaluation.measures.metrics import Floats, divide

DECIMALS: Final = 6
"""Of a probability in the predictions table."""

BINS: Final = 15
LOWEST_TEMPERATURE: Final = 0.05
HIGHEST_TEMPERATURE: Final = 20.0
# The predictions table writes a smaller probability as 0, whose logarithm would be infinite.
_LEAST: Final = 10.0**-DECIMALS / 2


@dataclass(frozen=True)
class Bin:
    """Images whose leading class has a probability in (low, high]; the first bin holds 0 too.

    Attributes:
        low: lower edge.
        high: upper edge.
        images: number of images.
        confidence: their mean probability of the leading class; NaN without images.
        accuracy: share of them whose leading class is the true one; NaN without images.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How far probabilities can be taken at their word; NaN without images.

    Attributes:
        ece: expected calibration error: the mean distance of confidence and accuracy over the
            bins, weighted by their images; in [0, 1].
        brier: mean over images of the squared distances of all K probabilities from the truth's 0
            and 1, summed (Brier 1950); in [0, 2].
        log_loss: mean of -ln of the true class's probability, which counts as at least half of
            the last decimal that the predictions table keeps; nats, >= 0.
        bins: of equal width, from 0 to 1, by the probability of the leading class.
    """

    ece: float
    brier: float
    log_loss: float
    bins: tuple[Bin, ...]


def fit_temperature(truth: NDArray[np.int64], probabilities: NDArray[np.floating]) -> float:
    """Return the temperature T that minimises the log loss of ``apply_temperature``.

    One number for all classes (Guo et al. 2017, "On Calibration of Modern Neural Networks"): it
    changes how sure a network sounds, never which class leads. Fit it on images that the figures
    it is meant for are not measured on.

    Args:
        truth: int64, (N,), class indices.
        probabilities: float, (N, K), uncalibrated.

    Returns:
        T from 0.05 to 20, above 1 for a network that is too sure; NaN without images and where a
        probability is not finite.
    """
    if not len(truth) or not np.isfinite(probabilities).all():
        return float("nan")
    # Takes a third of a second to load, and pages that only show a temperature do without it.
    from scipy.optimize import minimize_scalar

    logits = np.log(np.maximum(probabilities.astype(np.float64), _LEAST))
    logits -= logits.max(axis=1, keepdims=True)
    chosen = logits[np.arange(len(truth)), truth]

    def loss(log_temperature: float) -> float:
        sharpness = np.exp(-log_temperature)
        totals = np.log(np.exp(logits * sharpness).sum(axis=1))
        return float((totals - chosen * sharpness).mean())

    # The loss is convex in 1/T, so that it has one minimum in ln T, which treats halving and
    # doubling alike.
    bounds = (np.log(LOWEST_TEMPERATURE), np.log(HIGHEST_TEMPERATURE))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def apply_temperature(
    probabilities: NDArray[np.floating], temperature: float
) -> NDArray[np.float32]:
    """Return p^(1/T) divided by its sum: what softmax gives for logits divided by T.

    Applying T and then 1/T gives the input back, but for rounding.

    Args:
        probabilities: float, (N, K), rows sum to 1.
        temperature: T > 0; 1 returns the input as it is, a higher one evens the rows out.

    Returns:
        float32, (N, K); 0 stays 0.

    Raises:
        ConfigError: the temperature is not a finite number above 0.
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise ConfigError(
            f"Probabilities cannot be calibrated with a temperature of {temperature}: expected a "
            "finite number above 0. Fit one on validation images, or take 1 for none."
        )
    if temperature == 1:
        return probabilities.astype(np.float32)
    exact = probabilities.astype(np.float64)
    logits = np.full_like(exact, -np.inf)
    np.log(exact, out=logits, where=exact > 0)
    logits /= temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def compute_calibration(
    truth: NDArray[np.int64], probabilities: NDArray[np.floating], bins: int = BINS
) -> Calibration:
    """Return how far the probabilities can be taken at their word.

    Args:
        truth: int64, (N,), class indices.
        probabilities: float, (N, K), rows sum to 1.
        bins: number of bins of equal width.
    """
    exact = probabilities.astype(np.float64)
    images = len(truth)
    confidence = exact.max(axis=1)
    right = (exact.argmax(axis=1) == truth).astype(np.float64)
    edges = np.linspace(0, 1, bins + 1)
    # Rows that sum to 1 only to the last bit may exceed it: they belong to the last bin.
    of_bin = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts, said, found = (
        np.bincount(of_bin, weights=values, minlength=bins).astype(np.float64)
        for values in (np.ones(images), confidence, right)
    )
    squares = (exact - np.eye(exact.shape[1])[truth]) ** 2
    chosen = np.clip(exact[np.arange(images), truth], _LEAST, 1.0)
    columns = (edges[:-1], edges[1:], counts, divide(said, counts), divide(found, counts))
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return Calibration(
        ece=_mean(np.abs(said - found).sum(), images),
        brier=_mean(squares.sum(), images),
        log_loss=_mean(np.log(1 / chosen).sum(), images),
        bins=tuple(Bin(low, high, int(count), *shares) for low, high, count, *shares in rows),
    )


def compute_ece_interval(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    lesions: NDArray[np.str_],
    bins: int = BINS,
) -> Interval:
    """Return the expected calibration error with its 95 % interval over lesions.

    A draw's own error is never below what chance alone gives, so that the interval of a small set
    lies a little high.

    Args:
        truth: int64, (N,), class indices.
        probabilities: float, (N, K), rows sum to 1.
        lesions: str, (N,), the lesion each image shows.
        bins: number of bins of equal width.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    edges = np.linspace(0, 1, bins + 1)
    of_bin = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    gaps = np.eye(bins)[of_bin] * (confidence - right)[:, None]

    def compute(weights: Floats) -> dict[str, Floats]:
        return {"ece": np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)}

    value = float(compute(np.ones((1, len(truth))))["ece"][0])
    return to_interval(value, resample(compute, lesions)["ece"])


def _mean(total: float, images: int) -> float:
    return float(total / images) if images else float("nan")
