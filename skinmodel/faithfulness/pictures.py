"""Pictures changed on purpose: moved, blurred and binarized, and maps moved with them."""

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from skinmodel.imaging.placement import WHOLE, Floats, Placement, sample

CROP: Final = 2 / 3
"""Side of an off-centre crop, as a share of the picture's."""

SHIFT: Final = 0.2
"""Way of a shift down or up and across, as a share of the picture's sides."""

KINDS: Final = ("shift", "turn", "crop")


@dataclass(frozen=True)
class Move:
    """Where a point of the moved picture is in the picture it was made from.

    ``(y, x) -> matrix @ (y, x) + offset``, in shares of the sides from the upper left corner.
    """

    kind: str
    matrix: tuple[tuple[float, float], tuple[float, float]]
    offset: tuple[float, float]

    def source(self, y: Floats, x: Floats) -> tuple[Floats, Floats]:
        """Return where points of the moved picture come from; float64, any shape."""
        (a, b), (c, d) = self.matrix
        return a * y + b * x + self.offset[0], c * y + d * x + self.offset[1]


def draw_moves(rng: np.random.Generator) -> tuple[Move, ...]:
    """Return one move of each of ``KINDS``, its direction drawn at random."""
    down, right, corner_y, corner_x, turn = (bool(b) for b in rng.integers(0, 2, 5))
    shift = Move(
        "shift",
        ((1.0, 0.0), (0.0, 1.0)),
        (SHIFT if down else -SHIFT, SHIFT if right else -SHIFT),
    )
    quarter = (
        Move("turn", ((0.0, 1.0), (-1.0, 0.0)), (0.0, 1.0))  # to the left, as numpy.rot90
        if turn
        else Move("turn", ((0.0, -1.0), (1.0, 0.0)), (1.0, 0.0))
    )
    rest = 1 - CROP
    crop = Move(
        "crop",
        ((CROP, 0.0), (0.0, CROP)),
        (rest if corner_y else 0.0, rest if corner_x else 0.0),
    )
    return shift, quarter, crop


def move_map(values: NDArray[Any], move: Move, placement: Placement = WHOLE) -> Floats:
    """Return the map moved as the picture was.

    Args:
        values: float, (h, w).
        move: how the picture was moved.
        placement: where the cells lie, in the picture and in the moved one.

    Returns:
        float64, (h, w); NaN in cells whose centre comes from where the map has no cell.
    """
    rows, columns = placement.centres(*values.shape)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    return sample(values, *move.source(y, x), placement)


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
