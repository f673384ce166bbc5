"""What a map is scored by: likeness, its place on the lesion, and blanking in its order."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ConfigError
from skinmodel.imaging.placement import WHOLE, Floats, Placement, average_over_cells


def correlate(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return Pearson's correlation of two maps over the cells where both are defined.

    Args:
        first: float, any shape; NaN where undefined.
        second: float, the same shape.

    Returns:
        From -1 to 1; NaN where fewer than three cells are defined or a map is constant on them.
    """
    both = ~(np.isnan(first) | np.isnan(second))
    if both.sum() < 3:
        return float("nan")
    a, b = (m[both].astype(np.float64) for m in (first, second))
    a, b = a - a.mean(), b - b.mean()
    # Relative to the values themselves: what is left of equal numbers after rounding is no shape.
    scale = float(np.sqrt((a @ a) * (b @ b)))
    flat = [
        float(np.abs(d).max()) <= 1e-12 * float(np.abs(m[both]).max())
        for d, m in ((a, first), (b, second))
    ]
    return float(np.clip((a @ b) / scale, -1.0, 1.0)) if scale > 0 and not any(flat) else np.nan


def correlate_ranks(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return Spearman's correlation, the similarity of Adebayo et al. (NeurIPS 2018).

    Arguments and result are those of ``correlate``; equal values share their mean rank.
    """
    both = ~(np.isnan(first) | np.isnan(second))
    return correlate(_ranks(first[both]), _ranks(second[both]))


def _ranks(values: NDArray[Any]) -> Floats:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place], dtype=np.float64)


SIGMA: Final = 0.2
"""Standard deviation of the centred Gaussian, as a share of the picture's side."""

MOST: Final = 0.5
"""A cell lies on the lesion if at least this share of it does."""

_NARROWEST, _WIDEST = 0.01, 4.0


def compute_mass(values: NDArray[Any], lesion: Floats) -> float:
    """Return the share of a map's sum that lies inside the lesion.

    The relevance mass accuracy of Arras, Osman and Samek (Information Fusion 81, 2022): the sum
    inside the mask over the whole sum, with the mask averaged over each cell.

    Args:
        values: float, (h, w), >= 0.
        lesion: float64, (h, w), the lesion's share of each cell.

    Returns:
        From 0 to 1; NaN for a null map.

    Raises:
        ConfigError: the shapes differ, or the map has negative or undefined values.
    """
    _check(values, lesion)
    total = float(values.sum(dtype=np.float64))
    return float((values * lesion).sum(dtype=np.float64)) / total if total > 0 else float("nan")


def compute_hit(values: NDArray[Any], lesion: Floats) -> float:
    """Return whether the map's strongest cell lies on the lesion.

    The pointing game of Zhang et al. (ECCV 2016). They allow 15 pixels around the
    lesion because maps are coarse; here a cell counts if at least half of it is lesion, or, where
    a lesion fills no cell so far, if no other cell has more of it.

    Args:
        values: float, (h, w), >= 0.
        lesion: float64, (h, w), the lesion's share of each cell.

    Returns:
        1 or 0; where several cells are strongest, the share of them that counts; NaN for a null
        map and where no cell holds any lesion.

    Raises:
        ConfigError: see ``compute_mass``.
    """
    _check(values, lesion)
    most = float(lesion.max())
    if not values.max() > 0 or most <= 0:
        return float("nan")
    return float((lesion[values == values.max()] >= min(MOST, most)).mean())


def centred_gaussian(h: int, w: int, placement: Placement = WHOLE, sigma: float = SIGMA) -> Floats:
    """Return a Gaussian around the picture's centre, at each cell's centre.

    Args:
        h: rows of cells.
        w: columns of cells.
        placement: where the cells lie.
        sigma: standard deviation as a share of the picture's side.

    Returns:
        float64, (h, w), summing to 1.
    """
    y, x = placement.centres(h, w)
    exponent = -((y[:, None] - 0.5) ** 2 + (x[None] - 0.5) ** 2) / (2 * sigma**2)
    weights = np.exp(exponent - exponent.max())
    return np.asarray(weights / weights.sum())


def match_gaussian(mass: float, lesions: Floats, placement: Placement = WHOLE) -> float:
    """Return the width at which the centred Gaussian has a given mean mass in some lesions.

    The mass falls as the Gaussian widens, because these lesions lie in the middle.

    Args:
        mass: the mean mass to reach.
        lesions: float64, (N, h, w), of pictures whose lesion lies in the middle.
        placement: where the cells lie.

    Returns:
        Standard deviation as a share of the picture's side, the nearest there is if no width
        reaches ``mass``; NaN without pictures or without a mass.
    """
    if not len(lesions) or np.isnan(mass):
        return float("nan")
    average = lesions.mean(axis=0)
    h, w = average.shape
    low, high = _NARROWEST, _WIDEST
    for _ in range(50):
        middle = float(np.sqrt(low * high))
        reached = float((centred_gaussian(h, w, placement, middle) * average).sum())
        low, high = (middle, high) if reached > mass else (low, middle)
    return float(np.sqrt(low * high))


def own_means(maps: Floats, lesions: NDArray[np.str_]) -> Floats:
    """Return, for each picture, the mean of the maps of all pictures of other lesions.

    Args:
        maps: float64, (N, h, w), each summing to 1; NaN for null maps, which no mean includes.
        lesions: str, (N,), the lesion each picture shows.

    Returns:
        float64, (N, h, w), each summing to 1; NaN where there is no other map.
    """
    defined = np.asarray(~np.isnan(maps).any(axis=(1, 2)))
    filled = np.where(defined[:, None, None], maps, 0.0)
    _, lesion_of = np.unique(lesions, return_inverse=True)
    sums = np.zeros((lesion_of.max(initial=0) + 1, *maps.shape[1:]))
    counts = np.zeros(len(sums))
    np.add.at(sums, lesion_of, filled)
    np.add.at(counts, lesion_of, defined)
    others = filled.sum(axis=0) - sums[lesion_of]
    number = (defined.sum() - counts[lesion_of])[:, None, None]
    return np.divide(others, number, out=np.full_like(maps, np.nan), where=number > 0)


def normalize(values: NDArray[Any]) -> Floats:
    """Return the map divided by its sum, float64, (h, w); NaN for a null map."""
    total = float(values.sum(dtype=np.float64))
    if not total > 0:
        return np.full(values.shape, np.nan)
    return np.asarray(values.astype(np.float64) / total)


def outer_frame(h: int, w: int, placement: Placement = WHOLE, share: float = 0.1) -> Floats:
    """Return how much of each cell lies in the picture's outer frame.

    Args:
        h: rows of cells.
        w: columns of cells.
        placement: where the cells lie.
        share: width of the frame, as a share of each side.

    Returns:
        float64, (h, w), from 0 to 1.
    """
    side = 200
    frame = np.ones((side, side))
    border = round(share * side)
    frame[border : side - border, border : side - border] = 0.0
    return average_over_cells(frame, h, w, placement)


def centre_offset(mask: NDArray[Any]) -> float:
    """Return how far the middle of the lesion lies from the picture's centre.

    Args:
        mask: bool or float, (H, W), the lesion.

    Returns:
        Distance of the lesion's centre of mass, in shares of the sides; NaN without a lesion.
    """
    total = float(mask.sum())
    if not total > 0:
        return float("nan")
    y = (np.arange(mask.shape[0]) + 0.5) / mask.shape[0]
    x = (np.arange(mask.shape[1]) + 0.5) / mask.shape[1]
    down = float((mask.sum(axis=1) * y).sum()) / total - 0.5
    across = float((mask.sum(axis=0) * x).sum()) / total - 0.5
    return float(np.hypot(down, across))


def _check(values: NDArray[Any], lesion: Floats) -> None:
    if values.shape != lesion.shape or not np.isfinite(values).all() or (values < 0).any():
        raise ConfigError(
            f"A map of shape {values.shape} meets a mask of {lesion.shape} cells; expected "
            "one shape, and a map of finite values >= 0. Average the mask over the map's cells."
        )


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
        cells: int64, (H, W), from ``imaging.placement.cells_of_pixels``.
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
