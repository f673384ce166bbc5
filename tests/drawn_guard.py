"""A gate fitted on drawn lesions, which stand in for photographs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skinmodel.diagnoses import CODES
from skinmodel.drawings.draw import draw_lesion
from skinmodel.results import Figure
from skinmodel.trust.gate import fit_gate
from skinmodel.trust.guard import Guard, SetRule, ThresholdRule, ViewRules
from skinmodel.trust.picture import describe
from skinmodel.trust.subspace import fit_subspace

FIGURE = Figure(0.9, 0.8, 0.95)


def make_features(count: int, seed: int) -> NDArray[np.float32]:
    """Return features in a plane of eight dimensions, as a network has of its training pictures."""
    rng = np.random.default_rng(seed)
    features = 0.01 * rng.normal(size=(count, 8))
    features[:, :2] += rng.normal(size=(count, 2))
    return features.astype(np.float32)


def draw_lesions() -> list[NDArray[np.uint8]]:
    """Return small drawn lesions, uint8, (48, 64, 3)."""
    return [draw_lesion(CODES[n % 7], n, 48, 64, mark=False) for n in range(84)]


def build_guard(
    lesions: Sequence[NDArray[np.uint8]], run_id: str = "run", sha256: str = "0" * 64
) -> Guard:
    """Return a guard whose training and validation pictures are these."""
    described = np.stack([describe(picture) for picture in lesions])
    picture = fit_subspace(described, 12, standardize=True)
    features = fit_subspace(make_features(400, 1), 2)
    gate = fit_gate(picture, features, described, make_features(len(lesions), 2))
    rules = ViewRules(
        temperature=0.5,
        sets=(SetRule(0.9, (0.2,) * 7, FIGURE, Figure(0.6, 0.5, 0.7)),),
        thresholds=(ThresholdRule("melanoma", 0.95, 0.1, FIGURE, FIGURE),),
    )
    return Guard(run_id, sha256, gate, {1: rules})
