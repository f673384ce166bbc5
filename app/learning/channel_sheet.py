"""A page of feature maps as one picture, each with its channel's number."""

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from app.learning.rendering import render_map

COLUMNS: Final = 4
_TILE: Final = 180  # pixels, side of a map
_GAP: Final = 14
_LINE: Final = 32  # room for the number below a map
_PAPER: Final = (255, 255, 255)
_EDGE: Final = (201, 212, 218)
_INK: Final = (21, 35, 45)
_MARK: Final = (179, 38, 30)


def draw_sheet(
    maps: NDArray[Any], numbers: Sequence[int], chosen: int | None = None
) -> NDArray[np.uint8]:
    """Return feature maps in rows of four, on one scale, with their numbers.

    Args:
        maps: finite numbers, (h, w, F).
        numbers: what stands below each.
        chosen: place of the map to frame, from 0.

    Returns:
        uint8, (H, W, 3), RGB, 0-255; blue negative, white 0, orange positive.
    """
    count = maps.shape[-1]
    limit = float(np.abs(maps).max()) or 1.0
    rows = -(-count // COLUMNS)
    step = _TILE + _GAP
    sheet = np.full((rows * (step + _LINE) + _GAP, COLUMNS * step + _GAP, 3), _PAPER, np.uint8)
    for place, number in enumerate(numbers):
        row, column = divmod(place, COLUMNS)
        top, left = _GAP + row * (step + _LINE), _GAP + column * step
        drawn = render_map(maps[..., place], signed=True, limit=limit)
        tile = cv2.resize(drawn, (_TILE, _TILE), interpolation=cv2.INTER_AREA)
        sheet[top : top + _TILE, left : left + _TILE] = tile
        is_chosen = place == chosen
        # A silent channel is as white as the paper; the edge shows that it is there.
        corners = (left - 1, top - 1), (left + _TILE, top + _TILE)
        cv2.rectangle(sheet, *corners, _MARK if is_chosen else _EDGE, 6 if is_chosen else 1)
        _write(sheet, str(number), (left, top + _TILE), is_chosen)
    return sheet


def _write(sheet: NDArray[np.uint8], text: str, place: tuple[int, int], is_chosen: bool) -> None:
    """Write a number below a map, in its middle."""
    font, color = cv2.FONT_HERSHEY_SIMPLEX, _MARK if is_chosen else _INK
    (width, _), _ = cv2.getTextSize(text, font, 0.85, 2)
    start = (place[0] + (_TILE - width) // 2, place[1] + 28)
    cv2.putText(sheet, text, start, font, 0.85, color, 2, cv2.LINE_AA)
