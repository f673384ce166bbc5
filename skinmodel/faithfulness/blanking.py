"""Does the network use what a map marks? Blank it, and see what the leading probability does.

What is blanked is replaced by the picture's own blurred self: black or grey squares would be
things the network has never seen. RISE (Petsiuk, Das and Saenko, BMVC 2018) blurs likewise where
it puts pixels back in.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.explain.placement import Floats

STEPS: Final = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Shares of the cells that are blanked, one picture each."""

SHARE: Final = 0.2
"""The share that is blanked for the drop of the leading probability."""

Order = NDArray[np.int64]


def order_cells(values: NDArray[Any], rng: np.random.Generator) -> Order:
    """Return the cells from the strongest to the weakest, equal ones in random order.

    Args:
        values: float, (h, w).
        rng: for equal values.

    Returns:
        int64, (h*w,), flat indices.
    """
    shuffled = rng.permutation(values.size)
    return np.asarray(shuffled[np.argsort(-values.ravel()[shuffled], kind="stable")])


def count_cells(share: float, cells: int) -> int:
    """Return how many cells a share is: the nearest number, and at least one unless it is 0."""
    return 0 if share == 0 else max(1, int(share * cells + 0.5))


def choose_cells(order: Order, share: float) -> NDArray[np.bool_]:
    """Return which cells are blanked, bool, (h*w,): the first ``share`` of them in ``order``."""
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[: count_cells(share, len(order))]] = True
    return chosen


def blank(
    picture: NDArray[np.uint8],
    blurred: NDArray[np.uint8],
    cells: NDArray[np.int64],
    chosen: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Return the picture with some cells replaced by its blurred self.

    Args:
        picture: uint8, (H, W, 3).
        blurred: uint8, (H, W, 3).
        cells: int64, (H, W), from ``explain.placement.cells_of_pixels``.
        chosen: bool, (h*w,), the cells to blank.

    Returns:
        uint8, (H, W, 3), a new array.
    """
    # Pixels outside all cells have index -1, which reads the False appended here.
    where = np.append(chosen, False)[cells]
    return np.where(where[..., None], blurred, picture)


def compute_auc(probabilities: Sequence[float] | Floats, cells: int) -> float:
    """Return the area under the leading probability over the share of cells changed.

    The deletion and insertion metric of Petsiuk, Das and Saenko (RISE, BMVC 2018):
    deletion blanks the strongest cells first and is better low, insertion puts the strongest back
    first into the blurred picture and is better high. Upside down, a map's deletion is its
    insertion read backwards.

    Args:
        probabilities: one for each of ``STEPS``.
        cells: number of cells, which says what share of them each step really changed.

    Returns:
        The area by trapezoids, from 0 to 1.
    """
    shares = np.array([count_cells(step, cells) / cells for step in STEPS])
    return float(np.trapezoid(np.asarray(probabilities, dtype=np.float64), shares))


def roll(values: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Return the map moved around its edges by a random way that is not none.

    A control that is as clumped as the map itself: cells blanked one by one here and there hide
    less of a lesion than as many in one place.

    Args:
        values: float, (h, w).
        rng: for the way.
    """
    h, w = values.shape
    way = int(rng.integers(1, max(h * w, 2)))
    return np.roll(values, (way // w, way % w), axis=(0, 1))
