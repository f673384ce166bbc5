"""A lesion's outline over its picture, seen on any skin: a bright line in a dark one."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_DARK: Final = (0, 0, 0)
_BRIGHT: Final = (255, 214, 10)


def draw_outline(
    picture: NDArray[np.uint8], lines: Sequence[NDArray[np.int32]]
) -> NDArray[np.uint8]:
    """Return a copy of ``picture`` with the lines drawn on it.

    Args:
        picture: uint8, (H, W, 3), RGB, 0-255.
        lines: as ``masks.trace_outline`` returns them for this size.
    """
    drawn = picture.copy()
    width = max(2, round(max(picture.shape[:2]) / 200))
    for color, thickness in ((_DARK, width + 3), (_BRIGHT, width)):
        cv2.polylines(drawn, list(lines), True, color, thickness, cv2.LINE_AA)
    return drawn
