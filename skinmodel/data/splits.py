"""Splits that keep a lesion on one side, and the proof that they do."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinmodel.errors import SplitError, summarize_ids

FOLDS: Final = 10
SEED: Final = 20230630
TEST_FOLDS: Final = (0, 1)
VAL_FOLDS: Final = (2,)
SIDES: Final = ("train", "val", "test")


@dataclass(frozen=True)
class Leakage:
    """What stands on more than one side of a split.

    Attributes:
        lesions: group ids with images on two sides.
        images: image ids that themselves stand on two sides, turned copies included.
    """

    lesions: tuple[str, ...]
    images: tuple[str, ...]

    @property
    def leaks(self) -> bool:
        """True when any figure measured on this split is too good."""
        return bool(self.lesions or self.images)


@dataclass(frozen=True)
class Split:
    """Which image is trained on, tuned on and tested on.

    Attributes:
        name: ``grouped``, or ``report`` (see ``report_protocol``).
        seed: what the deal of lesions to folds, or of pictures to sides, was seeded with.
        side: str Series, image_id -> train, val or test.
        leakage: measured, not assumed.
        validation: the side that ``of`` and ``mask`` hand out as ``val``. It is ``test`` where a
            protocol has no validation side and picks its epoch on the test side.
    """

    name: str
    seed: int
    side: pd.Series = field(repr=False)
    leakage: Leakage
    validation: Literal["val", "test"] = "val"

    @property
    def leaks(self) -> bool:
        """True when a figure of the test side is too good: something crosses, or it picks."""
        return self.leakage.leaks or self.validation == "test"

    @property
    def fingerprint(self) -> str:
        """SHA-256 over every image and its side: equal splits have equal fingerprints."""
        rows = sorted(f"{image},{side}" for image, side in self.side.items())
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()

    def of(self, index: pd.DataFrame, side: str) -> pd.DataFrame:
        """Return the rows of ``index`` on ``side``, in the index's order; see ``mask``."""
        return index[self.mask(index, side)].reset_index(drop=True)

    def mask(self, index: pd.DataFrame, side: str) -> NDArray[np.bool_]:
        """Return which rows of ``index`` are on ``side``.

        Args:
            index: N rows with image_id.
            side: train, val or test; val is whatever ``validation`` names.

        Returns:
            bool, (N,).

        Raises:
            SplitError: there is no such side.
        """
        if side not in SIDES:
            raise SplitError(f"There is no side '{side}'; a split has {', '.join(SIDES)}.")
        held = self.validation if side == "val" else side
        return (index["image_id"].map(self.side) == held).to_numpy(bool)

    def to_dict(self) -> dict[str, Any]:
        """Return what a weights record says of the split."""
        return {
            "name": self.name,
            "seed": self.seed,
            "fingerprint": self.fingerprint,
            "leaks": self.leaks,
        }


def split_grouped(index: pd.DataFrame, seed: int = SEED) -> Split:
    """Split by lesion into 10 folds: 0 and 1 test, 2 validation, 3 to 9 training.

    Args:
        index: rows with image_id, group_id and truth.
        seed: seeds the deal of lesions to folds.

    Raises:
        SplitError: a lesion would stand on two sides.
    """
    folds = assign_folds(index, seed)
    sides = {f: "test" if f in TEST_FOLDS else "val" if f in VAL_FOLDS else "train" for f in folds}
    side = pd.Series(folds.map(sides).to_numpy(), index=index["image_id"].to_numpy(), dtype=str)
    leakage = compute_leakage(index.assign(side=side.to_numpy()))
    if leakage.leaks:
        raise SplitError(
            f"The grouped split puts lesions on two sides: {summarize_ids(leakage.lesions)}."
        )
    return Split("grouped", seed, side, leakage)


def assign_folds(index: pd.DataFrame, seed: int, folds: int = FOLDS) -> pd.Series:
    """Deal lesions to folds so that every diagnosis is spread evenly.

    Large lesions (many images) are dealt first, each to the fold that has the fewest images of
    its diagnosis; ties go by a seeded SHA-256. No random generator is involved, so that the
    result is the same on every machine and with every library version.

    Args:
        index: rows with group_id and truth.
        seed: changes the order in which lesions of one size are dealt.
        folds: how many.

    Returns:
        int, one fold a row, on the rows' own index.
    """
    counts = index.groupby(["group_id", "truth"], as_index=False).size()
    counts = counts.sort_values(["group_id", "size", "truth"], ascending=[True, False, True])
    lesions = counts.groupby("group_id").agg(images=("size", "sum"), truth=("truth", "first"))
    lesions["order"] = [_hash(f"{seed}:{lesion}") for lesion in lesions.index]
    lesions = lesions.sort_values(["images", "order"], ascending=[False, True])
    total = [0] * folds
    of_truth: dict[tuple[str, int], int] = {}
    fold_of: dict[str, int] = {}
    for lesion, images, truth, order in lesions.itertuples(name=None):

        def load(fold: int, truth: str = truth, order: str = order) -> tuple[int, int, str]:
            return of_truth.get((truth, fold), 0), total[fold], _hash(f"{order}:{fold}")

        fold = min(range(folds), key=load)
        fold_of[lesion] = fold
        total[fold] += images
        of_truth[truth, fold] = of_truth.get((truth, fold), 0) + images
    return index["group_id"].map(fold_of)


def compute_leakage(rows: pd.DataFrame) -> Leakage:
    """Return what stands on two sides.

    Args:
        rows: image_id, group_id, side; an image may stand in several rows, as turned copies do.
    """

    def crossing(column: str) -> tuple[str, ...]:
        sides = rows.groupby(column)["side"].nunique()
        return tuple(sorted(sides.index[sides > 1]))

    return Leakage(lesions=crossing("group_id"), images=crossing("image_id"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def class_weights(truth: NDArray[np.int64], classes: int, power: float) -> NDArray[np.float32]:
    """Return the loss weight of each class, with mean 1 over the images.

    Args:
        truth: int64, (N,), class indices of the training images.
        classes: number of classes K.
        power: 0 gives 1 for all, 1 gives N / (K * count), what scikit-learn calls balanced.

    Returns:
        float32, (K,); 0 for a class that does not occur.
    """
    counts = np.bincount(truth, minlength=classes).astype(np.float64)
    weights = np.zeros(classes)
    present = counts > 0
    weights[present] = counts[present] ** -power
    mean = (weights * counts).sum() / counts.sum()
    return (weights / mean).astype(np.float32)
