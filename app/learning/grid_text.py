"""The grid of numbers that a reader of chapter 3 may rewrite, as text."""

import math
from typing import Final

import numpy as np

from app.pictures import Picture
from app.services import Problem
from skinmodel.lessons.convolution import Array, to_grey
from skinmodel.models.registry import get_spec
from skinmodel.preprocess import resize

_SIDE: Final = 5  # cells of the grid at first
_LARGEST_SIDE: Final = 8
_LARGEST: Final = 999.0
_MODEL: Final = "cnn"


def cut_grid(picture: Picture) -> str:
    """Return a few cells of the picture's middle as text, shifted and shrunk to have both signs."""
    grey = to_grey(resize(picture.image, get_spec(_MODEL).preprocessing))
    top, left = ((side - 8 * _SIDE) // 2 for side in grey.shape)
    # Every eighth cell, so that neighbours differ enough to be told apart.
    cells = grey[top : top + 8 * _SIDE : 8, left : left + 8 * _SIDE : 8]
    spread = np.rint((cells - cells.mean()) / (cells.std() or 1.0) * 4).astype(int)
    return "\n".join(" ".join(map(str, row)) for row in spread)


def parse_grid(text: str) -> Array | Problem:
    """Return the numbers that a reader wrote, (h, w) with 2 to 8 rows and columns, or why not."""
    rows = [line.replace("−", "-").split() for line in text.splitlines() if line.strip()]
    sides = {len(rows), *map(len, rows)}
    if not sides <= set(range(2, _LARGEST_SIDE + 1)) or len(set(map(len, rows))) != 1:
        found = ", ".join(str(len(row)) for row in rows[:12]) or "none"
        return Problem(
            f"Numbers found in each row: {found}. Write 2 to {_LARGEST_SIDE} rows of 2 to "
            f"{_LARGEST_SIDE} numbers, as many in each row, parted by spaces."
        )
    for word in (word for row in rows for word in row):
        if not _is_number(word):
            return Problem(
                f"'{word[:20]}' is no number from −{_LARGEST:.0f} to {_LARGEST:.0f}. Write "
                "numbers such as 3, −2 or 0.5, with a point for decimals."
            )
    return np.array([[float(word) for word in row] for row in rows])


def _is_number(word: str) -> bool:
    try:
        value = float(word)
    except ValueError:
        return False
    return math.isfinite(value) and abs(value) <= _LARGEST
