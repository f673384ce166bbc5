"""The same figures for parts of a data set: whom a model serves worse, as far as can be told."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinmodel.diagnoses import class_index
from skinmodel.errors import DatasetError, summarize_ids
from skinmodel.evaluation.measures.bootstrap import DRAWS, SEED, Interval, compute_intervals
from skinmodel.evaluation.measures.metrics import HEADLINES
from skinmodel.evaluation.measures.thresholds import compute_target_interval, target_of
from skinmodel.evaluation.predictions import to_arrays

MIN_LESIONS: Final = 20
"""Fewer lesions than this are too few for a figure."""
UNKNOWN: Final = "unknown"
ATTRIBUTES: Final = ("sex", "age", "site", "dx_type", "source")
AGE_BANDS: Final = ("0-29", "30-44", "45-59", "60-74", "75+")
FIGURES: Final = (*HEADLINES, "recall.mel", "malignant_auc")
_AGE_EDGES: Final = (0, 30, 45, 60, 75, np.inf)


@dataclass(frozen=True)
class Subgroup:
    """The images that share one value of one attribute.

    Attributes:
        attribute: one of ``ATTRIBUTES``.
        value: such as ``female`` or ``45-59``; ``unknown`` where it was not recorded.
        images: number of images.
        lesions: number of lesions.
        figures: by the names in ``FIGURES``; None with fewer than ``MIN_LESIONS`` lesions. A figure
            is NaN where it is undefined; ``recall.mel`` also where fewer than ``MIN_LESIONS``
            melanomas stand behind it, ``malignant_auc`` where fewer malignant or fewer benign
            lesions do: a recall of one melanoma is 0 or 1 in every draw, and its interval would
            look certain.
    """

    attribute: str
    value: str
    images: int
    lesions: int
    figures: dict[str, Interval] | None


def compute_subgroups(
    table: pd.DataFrame, index: pd.DataFrame, draws: int = DRAWS, seed: int = SEED
) -> list[Subgroup]:
    """Return every subgroup, by attribute, then value; the unknown last.

    Args:
        table: predictions, see ``evaluation.predictions``.
        index: image_id of at least the table's images and any of sex, age (years), site, dx_type
            and source; attributes that it does not have are left out.
        draws: number of resamples of a subgroup's lesions.
        seed: of the resampling.

    Raises:
        DatasetError: images of the table are missing from the index, or stand in it twice.
    """
    truth, probabilities, lesions = to_arrays(table)
    subgroups = []
    for attribute, values in _label(table, index).items():
        for value in _sort(set(values)):
            rows = (values == value).to_numpy()
            part = (truth[rows], probabilities[rows], lesions[rows])
            count = len(np.unique(lesions[rows]))
            figures = _measure(*part, draws, seed) if count >= MIN_LESIONS else None
            subgroups.append(Subgroup(str(attribute), value, int(rows.sum()), count, figures))
    return subgroups


def _label(table: pd.DataFrame, index: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the value of each attribute for each image of the table, in the table's order."""
    ids = pd.Index(table["image_id"])
    known = index.set_index("image_id")
    missing = ids.difference(known.index, sort=False)
    twice = known.index[known.index.duplicated()].intersection(ids)
    for wrong, words in ((missing, "missing from"), (twice, "more than once in")):
        if len(wrong):
            raise DatasetError(
                f"{len(wrong):,} of {len(ids):,} images with predictions are {words} the index of "
                f"their data set: {summarize_ids(wrong)}. Expected one row an image; evaluate "
                "again with the data set that the predictions were made on."
            )
    rows = known.loc[ids]
    labels = {name: rows[name] for name in ATTRIBUTES if name in rows}
    if "age" in labels:
        labels["age"] = pd.cut(labels["age"], list(_AGE_EDGES), right=False, labels=AGE_BANDS)
    return {name: _fill(values) for name, values in labels.items()}


def _fill(values: pd.Series) -> pd.Series:
    words = values.astype(object).where(values.notna(), UNKNOWN).astype(str)
    return words.where(words.str.strip() != "", UNKNOWN)


def _sort(values: set[str]) -> list[str]:
    return sorted(values, key=lambda value: (value == UNKNOWN, value))


def _measure(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    lesions: NDArray[np.str_],
    draws: int,
    seed: int,
) -> dict[str, Interval]:
    figures = compute_intervals(truth, probabilities, lesions, draws, seed)
    positive, score = target_of("malignant", truth, probabilities)
    figures["malignant_auc"] = compute_target_interval(positive, score, lesions, draws, seed)
    melanoma = truth == class_index("mel")
    behind = {"recall.mel": (melanoma,), "malignant_auc": (positive, ~positive)}
    for name, groups in behind.items():
        if min(len(np.unique(lesions[group])) for group in groups) < MIN_LESIONS:
            figures[name] = Interval(np.nan, np.nan, np.nan)
    return {name: figures[name] for name in FIGURES}
