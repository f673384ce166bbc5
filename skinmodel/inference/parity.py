"""How far the two engines' answers lie apart, on drawn pictures."""

from pathlib import Path
from typing import Final

import numpy as np

from skinmodel.diagnoses import CODES
from skinmodel.drawings.draw import draw_lesion
from skinmodel.errors import WeightsError
from skinmodel.imaging import preprocess
from skinmodel.inference.base import BaseClassifier
from skinmodel.inference.classifier import Classifier
from skinmodel.inference.quick import QuickClassifier
from skinmodel.inference.views import VIEWS
from skinmodel.weights.record import WeightsRecord

LARGEST: Final = 1e-5
"""Largest difference of a probability that counts as the same answer."""


def measure_parity(one: BaseClassifier, other: BaseClassifier) -> float:
    """Return the largest difference between two classifiers of one network.

    Args:
        one: the first.
        other: the second.

    Returns:
        Of a probability, with one view and with eight, or of an attention weight; for one drawn
        picture of each diagnosis, asked for singly and together.
    """
    pictures = [draw_lesion(code, seed=number) for number, code in enumerate(CODES)]
    gaps = [
        np.abs(one.predict(pictures, views) - other.predict(pictures, views)) for views in VIEWS
    ]
    gaps += [np.abs(one.predict([p]) - other.predict([p])) for p in pictures]
    inputs = preprocess.apply(pictures, one.preprocessing)
    maps = [classifier.compute(inputs).attention for classifier in (one, other)]
    if maps[0] is not None and maps[1] is not None:
        gaps.append(np.abs(maps[0] - maps[1]))
    return float(max(gap.max() for gap in gaps))


def check_parity(one: BaseClassifier, other: BaseClassifier) -> float:
    """Return what ``measure_parity`` does, if that is small.

    Raises:
        WeightsError: it is above ``LARGEST``.
    """
    gap = measure_parity(one, other)
    if not gap <= LARGEST:
        raise WeightsError(
            f"TensorFlow and ONNX Runtime give answers of run '{one.run_id}' that lie {gap:.2g} "
            f"apart; at most {LARGEST:g} is allowed. Write the graph anew (python -m skinmodel "
            "weights graphs), or take the versions of both that requirements.txt names."
        )
    return gap


def check_stored(record: WeightsRecord, folder: Path) -> float:
    """Return how far both engines' answers of stored weights lie apart; takes seconds.

    Raises:
        WeightsError: they lie too far apart, or files are missing or corrupt.
    """
    slow = Classifier.from_stored(record, folder)
    quick = QuickClassifier.from_stored(record, folder, lambda: slow)
    return check_parity(quick, slow)
