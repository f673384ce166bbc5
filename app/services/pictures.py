"""The picture in work: decoded, named by its digest, with nothing of a patient."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from skinmodel.imaging import images
from skinmodel.results import Explanation, Prediction

SCREEN_SIDE: Final = 1000
"""Longest side sent to a browser, in pixels: two for each of a panel's 400 to 500 points."""


class Origin(StrEnum):
    """Where a picture came from; also what a downloaded result says of it."""

    UPLOAD = "upload"
    CAMERA = "camera"
    DRAWING = "drawing made by this program"
    HAM10000 = "HAM10000, test folds"
    HAM10000_VAL = "HAM10000, validation fold: epoch and calibration were chosen on it"
    HAM10000_TRAIN = "HAM10000, training folds: seen in training"
    HAM10000_UNPLACED = "HAM10000, perhaps seen in training"
    ISIC2019 = "ISIC 2019, outside HAM10000"


@dataclass(frozen=True)
class Truth:
    """What is known of a lesion from outside the networks.

    Attributes:
        code: diagnosis code; ``scc`` of ISIC 2019 has no class of the networks.
        dx_type: how it was confirmed, as HAM10000 writes it: histo, follow_up, consensus, confocal;
            ``unknown`` in ISIC 2019.
    """

    code: str
    dx_type: str


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture to classify. The name of an uploaded file is never kept.

    Attributes:
        image: uint8, (H, W, 3), RGB, 0-255.
        screen: the same for the browser, no side longer than ``SCREEN_SIDE``.
        sha256: digest of the file's bytes, in hexadecimal; what a result names the picture by.
        origin: where it came from.
        title: public name of a sample or image id; None for a user's own picture.
        truth: the confirmed diagnosis; None where it is not known.
        note: what a reader should know of how the file was read; mostly empty.
    """

    image: NDArray[np.uint8] = field(repr=False)
    screen: NDArray[np.uint8] = field(repr=False)
    sha256: str
    origin: Origin
    title: str | None = None
    truth: Truth | None = None
    note: str = ""


@dataclass(eq=False)
class Analysis:
    """What the networks have said of one picture so far; kept in one session, nowhere else.

    Attributes:
        picture: the picture.
        predictions: by model name.
        explanations: by model, method and diagnosis code (None where the method knows no class).
    """

    picture: Picture
    predictions: dict[str, Prediction] = field(default_factory=dict)
    explanations: dict[tuple[str, str, str | None], Explanation] = field(default_factory=dict)


def open_picture(
    data: bytes, origin: Origin, title: str | None = None, truth: Truth | None = None
) -> Picture:
    """Return the picture in a file's bytes.

    Args:
        data: a file of a kind that ``images.decode`` takes, at most ``images.MAX_BYTES`` long.
        origin: where it came from.
        title: public name of a sample; None for a user's own picture.
        truth: the confirmed diagnosis, where known.

    Raises:
        ImageError: ``images.decode`` refuses the bytes.
    """
    decoded = images.decode_noted(data)
    image, digest = decoded.image, hashlib.sha256(data).hexdigest()
    return Picture(image, fit_to_screen(image), digest, origin, title, truth, decoded.note)


def open_picture_file(
    path: Path, origin: Origin, title: str | None = None, truth: Truth | None = None
) -> Picture:
    """Return the picture in a file of this server; arguments as for ``open_picture``.

    Raises:
        ImageError: the file is gone or cannot be read, or ``images.decode`` refuses its bytes.
    """
    return open_picture(images.read_bytes(path), origin, title, truth)


def fit_to_screen(image: NDArray[np.uint8], side: int = SCREEN_SIDE) -> NDArray[np.uint8]:
    """Return ``image``, reduced by averaging where a side is longer than ``side``.

    Args:
        image: uint8, (H, W, 3), RGB, 0-255.
        side: in pixels.

    Returns:
        uint8, (H, W, 3), RGB, 0-255, in the same aspect ratio.
    """
    height, width = image.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
