"""Sets of diagnoses that hold the true one with a chosen probability.

Split-conformal prediction (Vovk et al. 2005; Sadinle et al. 2019): a diagnosis is in the set where
one minus its probability is at most a quantile of what the true diagnoses of validation pictures
had. With a quantile for each class the promise holds in each class; a class with too few lesions
takes that of all.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.diagnoses import CODES
from skinmodel.evaluation.measures.metrics import Floats

LEVELS: Final = (0.80, 0.90, 0.95)
FEWEST: Final = 40
"""Validation lesions a class needs for a quantile of its own."""


def fit_quantiles(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    lesions: NDArray[np.str_],
    level: float,
) -> NDArray[np.float64]:
    """Return the probability that a diagnosis needs to be in the set, by class: float64, (K,).

    The promise is one of pictures: each counts once.

    Args:
        truth: int64, (N,), class indices of validation pictures.
        probabilities: float, (N, K), calibrated.
        lesions: str, (N,), which decide whether a class has enough of its own.
        level: coverage aimed at, between 0 and 1.
    """
    chosen = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    pooled = _quantile(chosen, level)
    least = np.full(len(CODES), pooled)
    for index in range(len(CODES)):
        mine = truth == index
        if len(np.unique(lesions[mine])) >= FEWEST:
            least[index] = _quantile(chosen[mine], level)
    return least


def make_sets(probabilities: NDArray[np.floating], least: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which diagnoses are in each picture's set, bool, (N, K).

    Args:
        probabilities: float, (N, K), calibrated.
        least: from ``fit_quantiles``.
    """
    return np.asarray(probabilities.astype(np.float64) >= least)


def measure_sets(
    truth: NDArray[np.int64], sets: NDArray[np.bool_], weights: Floats
) -> Mapping[str, Floats]:
    """Return coverage, by class too, and mean size for each row of weights, float64, (d,).

    Args:
        truth: int64, (N,).
        sets: bool, (N, K).
        weights: float64, (d, N), how often each picture is drawn.
    """
    held = sets[np.arange(len(truth)), truth].astype(np.float64)
    total = weights.sum(axis=1)
    found = {"coverage": weights @ held / total, "size": weights @ sets.sum(axis=1) / total}
    for index, code in enumerate(CODES):
        mine = (truth == index).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            found[f"coverage_{code}"] = weights @ (held * mine) / (weights @ mine)
    return found


def _quantile(chosen: Floats, level: float) -> float:
    """Return the largest probability that ``level`` of (pictures + 1) reach; 0 where too few."""
    needed = int(np.ceil(level * (len(chosen) + 1)))
    return float(np.sort(chosen)[::-1][needed - 1]) if needed <= len(chosen) else 0.0
