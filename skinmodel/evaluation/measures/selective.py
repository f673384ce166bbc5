"""What is left to answer when the least sure pictures are not: risk against coverage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skinmodel.diagnoses import class_index
from skinmodel.evaluation.measures.bootstrap import DRAWS, SEED, Interval, resample, to_interval
from skinmodel.evaluation.measures.metrics import Floats


@dataclass(frozen=True)
class RiskCurve:
    """Figures of the surest share of pictures, for rising shares.

    Attributes:
        coverage: float64, (G,), share of pictures answered.
        accuracy: float64, (G,), among them.
        melanoma_sensitivity: float64, (G,), among the melanomas answered; NaN without any.
        melanomas: float64, (G,), share of all melanomas that is answered.
    """

    coverage: Floats
    accuracy: Floats
    melanoma_sensitivity: Floats
    melanomas: Floats


def compute_risk_curve(
    truth: NDArray[np.int64], probabilities: NDArray[np.floating], points: int = 100
) -> RiskCurve:
    """Return accuracy and melanoma sensitivity as the least sure pictures are left out.

    A picture is surer the higher its leading probability; ties keep the order of the table.

    Args:
        truth: int64, (N,).
        probabilities: float, (N, K).
        points: number of shares, equally spaced up to all.
    """
    order = _order(probabilities)
    right = (probabilities.argmax(axis=1) == truth)[order]
    melanoma = (truth == class_index("mel"))[order]
    counts = np.unique(np.ceil(np.linspace(0, 1, points + 1)[1:] * len(truth)).astype(int))
    hits, found, met = (np.cumsum(part)[counts - 1] for part in (right, right & melanoma, melanoma))
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity = found / met
        share = met / melanoma.sum()
    return RiskCurve(counts / len(truth), hits / counts, sensitivity, share)


def compute_risk_area(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    lesions: NDArray[np.str_],
    draws: int = DRAWS,
    seed: int = SEED,
) -> Interval:
    """Return the area under the curve of risk, 1 - accuracy, against coverage (AURC).

    The mean over all shares of the error among the pictures answered (Geifman and El-Yaniv 2017):
    0 for a network without errors; smaller is better. With the 95 % interval over lesions.
    """
    order = _order(probabilities)
    wrong = (probabilities.argmax(axis=1) != truth)[order].astype(np.float64)

    def compute(weights: Floats) -> dict[str, Floats]:
        drawn = weights[:, order]
        answered = drawn.cumsum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            risk = np.where(answered > 0, (drawn * wrong).cumsum(axis=1) / answered, 0)
        return {"area": (risk * drawn).sum(axis=1) / drawn.sum(axis=1)}

    value = float(compute(np.ones((1, len(truth))))["area"][0])
    return to_interval(value, resample(compute, lesions, draws, seed)["area"])


def _order(probabilities: NDArray[np.floating]) -> NDArray[np.intp]:
    return np.argsort(-probabilities.max(axis=1), kind="stable")
