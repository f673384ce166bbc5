"""The picture in work: decoded, named by its digest, with nothing of a patient."""

import hashlib
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ImageError
from skinmodel.imaging import images
from skinmodel.results import Explanation, Prediction

SCREEN_SIDE: Final = 1000
"""Longest side sent to a browser, in pixels: two for each of a panel's 400 to 500 points."""


Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels; right and bottom lie outside."""


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
        size: width and height of the picture in its file, in pixels: larger than ``image`` where
            that was reduced.
        crop: left, top, right and bottom of the part of the whole that this is, in pixels of the
            whole as decoded; None for the whole.
    """

    image: NDArray[np.uint8] = field(repr=False)
    screen: NDArray[np.uint8] = field(repr=False)
    sha256: str
    origin: Origin
    title: str | None = None
    truth: Truth | None = None
    note: str = ""
    size: tuple[int, int] = (0, 0)
    crop: Box | None = None

    @property
    def key(self) -> str:
        """What tells this picture from others: its digest, and which part of it this is."""
        return "-".join(map(str, (self.sha256, *(self.crop or ()))))

    @property
    def nbytes(self) -> int:
        """Memory that the pixels take, in bytes."""
        return self.image.nbytes + (0 if self.screen is self.image else self.screen.nbytes)


@dataclass(eq=False)
class Analysis:
    """What the networks have said of one picture so far; kept in one session, nowhere else.

    Attributes:
        picture: the picture.
        predictions: by model name.
        explanations: by model, method and diagnosis code (None where the method knows no class).
        shown: the one last shown of each model: what a report prints.
    """

    picture: Picture
    predictions: dict[str, Prediction] = field(default_factory=dict)
    explanations: dict[tuple[str, str, str | None], Explanation] = field(default_factory=dict)
    shown: dict[str, Explanation] = field(default_factory=dict)


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
    screen = fit_to_screen(image)
    return Picture(image, screen, digest, origin, title, truth, decoded.note, decoded.size)


def crop_picture(picture: Picture, box: Box) -> Picture:
    """Return a part of a whole picture as one of its own, named by the same file's digest.

    Raises:
        ImageError: the part leaves the picture, or is too small for a network.
    """
    left, top, right, bottom = box
    height, width = picture.image.shape[:2]
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise ImageError(
            f"The part {box} is not inside the picture of {width} x {height} pixels. Choose a part "
            "that is."
        )
    if min(right - left, bottom - top) < images.MIN_SIDE:
        raise ImageError(
            f"The part is only {right - left} x {bottom - top} pixels; each side needs at least "
            f"{images.MIN_SIDE} to show a lesion's structure. Choose a larger one."
        )
    image = np.ascontiguousarray(picture.image[top:bottom, left:right])
    return replace(picture, image=image, screen=fit_to_screen(image), crop=box)


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
