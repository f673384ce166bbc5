"""What is done to a picture before a network sees it again, and what is found in it."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from skinmodel.faithfulness.following import Move

BLUR: Final = 0.1
"""Standard deviation of the blur, as a share of the picture's side."""

DARK: Final = 40
"""A pixel whose brightest channel is below this, of 255, can belong to a black corner."""

Picture = NDArray[np.uint8]


def blur(picture: Picture) -> Picture:
    """Return the picture blurred until no structure of a lesion is left, uint8, (H, W, 3)."""
    height, width = picture.shape[:2]
    blurred = cv2.GaussianBlur(
        picture, (0, 0), BLUR * width, sigmaY=BLUR * height, borderType=cv2.BORDER_REPLICATE
    )
    return np.asarray(blurred, dtype=np.uint8)


def move_picture(picture: Picture, move: Move) -> Picture:
    """Return the picture moved; what comes in from beyond its edge is its mirror image.

    Args:
        picture: uint8, (H, W, 3).
        move: a turn needs a square picture to keep the size of its pixels.

    Returns:
        uint8, (H, W, 3).
    """
    height, width = picture.shape[:2]
    (a, b), (c, d) = move.matrix
    # From pixels' indices to shares of the sides, moved, and back; OpenCV wants x before y.
    to_source = np.array(
        [
            [d, c * width / height, 0.0],
            [b * height / width, a, 0.0],
        ]
    )
    centre = np.array([0.5 / width, 0.5 / height])
    y, x = (
        a * centre[1] + b * centre[0] + move.offset[0],
        c * centre[1] + d * centre[0] + move.offset[1],
    )
    to_source[:, 2] = x * width - 0.5, y * height - 0.5
    moved = cv2.warpAffine(
        picture,
        to_source,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(moved, dtype=np.uint8)


def find_black_corners(picture: Picture) -> NDArray[np.bool_]:
    """Return the dark areas that reach a corner: the edge of a dermatoscope's round view.

    Args:
        picture: uint8, (H, W, 3).

    Returns:
        bool, (H, W).
    """
    dark = (picture.max(axis=2) < DARK).astype(np.uint8)
    _, parts = cv2.connectedComponents(dark, connectivity=4)
    corners = {int(parts[y, x]) for y in (0, -1) for x in (0, -1) if dark[y, x]}
    return np.asarray(np.isin(parts, list(corners)) if corners else np.zeros(dark.shape, bool))


def binarize(mask: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a mask of 0-255 marks the lesion, bool, (H, W)."""
    return np.asarray(mask >= 128)
