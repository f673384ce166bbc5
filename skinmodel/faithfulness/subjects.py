"""The pictures that maps are measured on: drawn from a set, read, moved, with their masks."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from skinmodel.data.masks import find_masks, read_mask
from skinmodel.data.sets import ham10000
from skinmodel.data.sets.evaluation_set import EvaluationSet
from skinmodel.data.sets.ham10000_sets import load_side
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError, DatasetError, ImageError
from skinmodel.faithfulness.measure import Subject, chance_of
from skinmodel.faithfulness.pictures import binarize, draw_moves, move_picture
from skinmodel.imaging import images
from skinmodel.imaging.preprocess import Preprocessing, resize

SIDES: Final = ("test", "val")


def draw_sample(index: pd.DataFrame, number: int | None, *, balanced: bool, seed: int) -> pd.Index:
    """Return the labels of the pictures to measure, in the order in which they are drawn.

    Args:
        index: one row a picture, with its truth.
        number: how many; None for all.
        balanced: as many of each diagnosis, as far as there are so many; the rest is shared by
            those that have more.
        seed: of the drawing.

    Raises:
        ConfigError: ``number`` is not positive.
    """
    if number is not None and number < 1:
        raise ConfigError(f"A sample of {number} pictures was asked for; give a number above 0.")
    rng = np.random.default_rng(seed)
    shuffled = index.index.to_numpy()[rng.permutation(len(index))]
    if balanced:
        # The n-th of every diagnosis comes before the n+1-th of any.
        truth = index.loc[shuffled, "truth"]
        turn = truth.groupby(truth).cumcount().to_numpy()
        place = truth.map(CODES.index).to_numpy()
        shuffled = shuffled[np.lexsort((place, turn))]
    return pd.Index(shuffled[:number])


def load_set(data: Path, side: str) -> tuple[EvaluationSet, dict[str, str]]:
    """Return one side of the grouped split of HAM10000 and the path of each mask by image id.

    Raises:
        DatasetError: HAM10000 is not there, not whole, or without its masks.
    """
    dataset = load_side(data, "val" if side == "val" else "test")
    root = ham10000.find_root(data)
    masks = find_masks(root)
    known = dataset.index["image_id"].isin(masks)
    if not known.any():
        raise DatasetError(
            f"'{root}' holds no lesion mask of the {len(known):,} pictures of {dataset.title}. "
            "Whether a map lies on the lesion cannot be measured without: get the masks with "
            "python -m skinmodel data download ham10000."
        )
    return dataset, masks


def read_subjects(
    rows: pd.DataFrame, masks: dict[str, str], spec: Preprocessing, seed: int
) -> list[Subject]:
    """Return some pictures at a network's input size, moved, and with their masks.

    Raises:
        DatasetError: a picture or a mask cannot be read; the first is named.
    """

    def read(row: tuple[str, str]) -> Subject:
        image_id, path = row
        try:
            picture = images.read(Path(path))
            mask = binarize(read_mask(Path(masks[image_id]))) if image_id in masks else None
        except ImageError as error:
            raise DatasetError(
                f"'{image_id}' cannot be read: {error} Get the file anew."
            ) from error
        pixels = resize(picture, spec)
        moves = draw_moves(chance_of(seed, image_id, "moves"))
        # A turn is exact on the square input; the others are made before the picture is reduced.
        moved = [
            np.asarray(move_picture(pixels, move))
            if move.kind == "turn"
            else resize(move_picture(picture, move), spec)
            for move in moves
        ]
        return Subject(image_id, pixels, tuple(moved), moves, mask)

    pairs: Sequence[tuple[str, str]] = list(zip(rows["image_id"], rows["path"], strict=True))
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(read, pairs))
