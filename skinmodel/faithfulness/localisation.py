"""Does a map lie on the lesion, and more so than maps that know nothing of the picture?

Lesions lie in the middle of pictures, so the lesion's share of the area alone is too low a bar.
Two controls know no picture: the map's own mean over the other pictures, and a Gaussian at the
picture's centre.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ConfigError
from skinmodel.explain.placement import WHOLE, Floats, Placement, average_over_cells

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
