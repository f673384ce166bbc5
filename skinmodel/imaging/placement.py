"""Which part of a picture each cell of a map speaks for."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ConfigError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Placement:
    """The rectangle that a map's cells tile evenly, in shares of the picture's sides.

    A layer without padding has fewer cells than the picture has room for: its map covers the
    middle only, and stretched over the whole picture it lies beside what the cells look at.

    Attributes:
        top: upper edge of the first row of cells; 0 is the picture's upper edge.
        left: left edge of the first column of cells.
        bottom: lower edge of the last row; 1 is the picture's lower edge.
        right: right edge of the last column.

    Raises:
        ConfigError: the rectangle has no area, or lies outside the picture.
    """

    top: float = 0.0
    left: float = 0.0
    bottom: float = 1.0
    right: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a rectangle on which no cell would lie."""
        rows, columns = (self.top, self.bottom), (self.left, self.right)
        if not all(low < high and high > 0 and low < 1 for low, high in (rows, columns)):
            raise ConfigError(
                f"A map is placed from {self.top}, {self.left} to {self.bottom}, {self.right}; "
                "expected top < bottom and left < right, overlapping the picture from 0 to 1."
            )

    def centres(self, h: int, w: int) -> tuple[Floats, Floats]:
        """Return y of each row's and x of each column's centre: float64, (h,) and (w,)."""
        rows = self.top + (np.arange(h) + 0.5) * (self.bottom - self.top) / h
        columns = self.left + (np.arange(w) + 0.5) * (self.right - self.left) / w
        return rows, columns

    def to_list(self) -> list[float]:
        """Return top, left, bottom, right for JSON."""
        return [self.top, self.left, self.bottom, self.right]


WHOLE = Placement()
"""The map stretched over the whole picture."""


def average_over_cells(field: NDArray[Any], h: int, w: int, placement: Placement = WHOLE) -> Floats:
    """Return the mean of a picture-sized field over the area of each cell.

    Args:
        field: float or bool, (H, W), such as 1 on the lesion and 0 beside it.
        h: rows of cells.
        w: columns of cells.
        placement: where the cells lie. What of a cell lies outside the picture does not count; a
            cell wholly outside gets 0.

    Returns:
        float64, (h, w): exact area means, pixels cut by a cell's edge counting in part.
    """
    rows = overlap(field.shape[0], h, placement.top, placement.bottom)
    columns = overlap(field.shape[1], w, placement.left, placement.right)
    return np.asarray(rows @ field.astype(np.float64) @ columns.T)


def cells_of_pixels(
    height: int, width: int, h: int, w: int, placement: Placement = WHOLE
) -> NDArray[np.int64]:
    """Return the flat index of the cell that holds each pixel's centre, -1 outside all cells.

    Returns:
        int64, (height, width), from -1 to h*w - 1.
    """
    y = (np.arange(height) + 0.5) / height
    x = (np.arange(width) + 0.5) / width
    row = np.floor((y - placement.top) / (placement.bottom - placement.top) * h).astype(np.int64)
    column = np.floor((x - placement.left) / (placement.right - placement.left) * w).astype(
        np.int64
    )
    inside = ((row >= 0) & (row < h))[:, None] & ((column >= 0) & (column < w))[None]
    return np.where(inside, row[:, None] * w + column[None], -1)


def sample(values: NDArray[Any], y: Floats, x: Floats, placement: Placement = WHOLE) -> Floats:
    """Return a map's value at points of the picture, bilinear between the cells' centres.

    Args:
        values: float, (h, w).
        y: float64, any shape, share of the height from the top.
        x: float64, the same shape, share of the width from the left.
        placement: where the cells lie.

    Returns:
        float64, the same shape; NaN outside the cells' rectangle.
    """
    h, w = values.shape
    row = (y - placement.top) / (placement.bottom - placement.top) * h
    column = (x - placement.left) / (placement.right - placement.left) * w
    edge = 1e-9
    outside = (row < -edge) | (row > h + edge) | (column < -edge) | (column > w + edge)
    top, row_share = _between(row, h)
    left, column_share = _between(column, w)
    bottom, right = np.minimum(top + 1, h - 1), np.minimum(left + 1, w - 1)
    upper = values[top, left] * (1 - column_share) + values[top, right] * column_share
    lower = values[bottom, left] * (1 - column_share) + values[bottom, right] * column_share
    return np.where(outside, np.nan, upper * (1 - row_share) + lower * row_share)


def _between(position: Floats, count: int) -> tuple[NDArray[np.int64], Floats]:
    """Return the cell whose centre lies before each position, and how far on the way to the next.

    Between the outermost centre and the edge the outermost cell's value holds.
    """
    clipped = np.clip(position - 0.5, 0.0, count - 1.0)
    before = np.minimum(np.floor(clipped).astype(np.int64), max(count - 2, 0))
    return before, clipped - before


def overlap(pixels: int, cells: int, start: float, stop: float) -> Floats:
    """Return the share of each cell's part inside the picture that each pixel of a side takes.

    Args:
        pixels: of the picture's side.
        cells: of the map's side.
        start: where the first cell begins, as a share of the picture's side.
        stop: where the last one ends.

    Returns:
        float64, (cells, pixels); rows sum to 1, to 0 for a cell wholly outside the picture.
    """
    edges = start + np.arange(cells + 1) * (stop - start) / cells
    low, high = (np.clip(e, 0.0, 1.0)[:, None] * pixels for e in (edges[:-1], edges[1:]))
    left = np.arange(pixels)[None].astype(np.float64)
    shared = np.clip(np.minimum(high, left + 1) - np.maximum(low, left), 0.0, None)
    total = shared.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(shared, total, out=np.zeros_like(shared), where=total > 0))
