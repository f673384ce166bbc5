"""The photographs behind the rows of a predictions table, where the data folder is present."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from app.services.pictures import fit_to_screen
from skinmodel.data.report.protocol import ORIGINAL, apply_transform
from skinmodel.data.sets.loading import DATASETS, load_evaluation_set
from skinmodel.imaging import images

LONGEST_SIDE: Final = 480
"""Pixels sent to the browser: three pictures in a row, at two pixels a point."""


@dataclass(frozen=True)
class Photograph:
    """One image of a data set.

    Attributes:
        path: its file.
        transform: how the report's protocol turns it; None elsewhere.
    """

    path: str
    transform: str | None = None


@dataclass(frozen=True, eq=False)
class Photographs:
    """Where the images of one data set are.

    Attributes:
        by_id: every image by its id.
    """

    by_id: Mapping[str, Photograph] = field(repr=False)


def can_be_found(dataset: str) -> bool:
    """Return whether a data folder may hold the images of a data set: those known by name."""
    return dataset in DATASETS


def find_photographs(dataset: str, data: Path) -> Photographs | None:
    """Return where the images of a data set are; None for a set not known by name.

    Args:
        dataset: as reports name it, such as ``ham10000:test``.
        data: the data folder.

    Raises:
        DatasetError: the folder does not hold the set, or not as released.
    """
    if not can_be_found(dataset):
        return None
    index = load_evaluation_set(dataset, data).index
    transforms = index["transform"] if "transform" in index else [None] * len(index)
    rows = zip(index["image_id"], index["path"], transforms, strict=True)
    return Photographs({image_id: Photograph(path, turn) for image_id, path, turn in rows})


def open_photograph(photograph: Photograph) -> NDArray[np.uint8]:
    """Return a photograph as networks get it, uint8, (H, W, 3), RGB.

    A turned copy of the report's protocol is squeezed to a square and turned, as in training.

    Raises:
        ImageError: the file is no image this program accepts.
    """
    picture = images.read(Path(photograph.path))
    if photograph.transform in (None, ORIGINAL):
        return picture
    side = min(picture.shape[:2])
    square = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    [turned] = apply_transform(np.asarray(square, dtype=np.uint8)[None], [photograph.transform])
    return np.ascontiguousarray(turned)


def shrink(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a photograph for the screen, no side longer than ``LONGEST_SIDE``."""
    return fit_to_screen(picture, LONGEST_SIDE)
