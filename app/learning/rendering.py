"""Maps of numbers as pictures: each cell a square of whole pixels, coloured by its value."""

from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

_MAP_SIDE: Final = 400  # pixels, about the longer side of a map sent to the browser
# From negative to positive for maps with a sign: blue over white to orange.
_SIGNED: Final = np.array([[33, 102, 172], [247, 247, 247], [196, 106, 0]], dtype=np.float64)


class Box(NamedTuple):
    """A rectangle of cells to mark.

    Attributes:
        row: of its first cell, from 0.
        column: of its first cell, from 0.
        height: in cells.
        width: in cells.
    """

    row: int
    column: int
    height: int = 1
    width: int = 1


def render_map(
    values: NDArray[Any],
    *,
    signed: bool | None = None,
    limit: float | None = None,
    mark: Box | None = None,
) -> NDArray[np.uint8]:
    """Return a map as a picture, each cell a square of whole pixels.

    Args:
        values: finite numbers, (h, w); or uint8, (h, w, 3), RGB, shown as it is.
        signed: blue for negative, white for 0, orange for positive; False for grey from the
            smallest value to the largest; None for signed where a value is negative.
        limit: of a signed map, the size that has the full colour, None for the largest in it; of
            a grey map, white, with black for 0, None for its own range.
        mark: cells to frame.

    Returns:
        uint8, (H, W, 3), RGB, 0-255.
    """
    rgb = values if values.ndim == 3 else _color(np.asarray(values, np.float64), signed, limit)
    factor = max(1, _MAP_SIDE // max(rgb.shape[:2]))
    picture = np.ascontiguousarray(np.repeat(np.repeat(rgb, factor, axis=0), factor, axis=1))
    if mark is not None:
        top, left = mark.row * factor, mark.column * factor
        corners = (
            (left - 3, top - 3),
            (left + mark.width * factor + 2, top + mark.height * factor + 2),
        )
        # White around red is seen on any ground.
        for color, thickness in (((255, 255, 255), 5), ((179, 38, 30), 2)):
            cv2.rectangle(picture, corners[0], corners[1], color, thickness)
    return np.asarray(picture, dtype=np.uint8)


def _color(
    values: NDArray[np.float64], signed: bool | None, limit: float | None
) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    if signed is None:
        signed = low < 0
    if signed:
        largest = limit or max(-low, high) or 1.0
        places = np.clip(values / largest, -1, 1)
        channels = [np.interp(places, (-1, 0, 1), _SIGNED[:, c]) for c in range(3)]
        return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    if limit is not None:
        low, high = 0.0, limit
    grey = np.clip(255 * (values - low) / ((high - low) or 1.0), 0, 255)
    return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)
