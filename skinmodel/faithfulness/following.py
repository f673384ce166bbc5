"""Does a map move with the lesion when the picture is shifted, turned or cropped off centre?

A map that only knows where lesions usually are stays where it is. The equivariance that Wang et
al. (SEAM, CVPR 2020) train for, used as a measure.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.explain.placement import WHOLE, Floats, Placement, sample

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
