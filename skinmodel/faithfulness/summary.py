"""From a row a picture to figures with intervals, each beside what knows nothing of the picture."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinmodel.evaluation.measures.bootstrap import DRAWS, Interval, resample, to_interval
from skinmodel.evaluation.measures.metrics import divide, mean_of_defined
from skinmodel.faithfulness.pictures import KINDS
from skinmodel.faithfulness.scores import (
    SIGMA,
    centred_gaussian,
    compute_hit,
    compute_mass,
    correlate,
    match_gaussian,
    normalize,
    own_means,
)
from skinmodel.imaging.placement import Floats, Placement

OFF_CENTRE: Final = 0.08
"""A lesion lies off centre if its middle is at least this share of the sides from the picture's:
so it is with one in five of HAM10000."""

DIFFERENCES: Final[Mapping[str, tuple[str, str]]] = {
    "mass_over_mean": ("mass", "mass_mean"),
    "mass_over_gaussian": ("mass", "mass_gaussian"),
    "mass_over_uniform": ("mass", "mass_uniform"),
    "mass_over_area": ("mass", "area"),
    "mass_over_matched": ("mass", "mass_matched"),
    "hit_over_mean": ("hit", "hit_mean"),
    "hit_over_gaussian": ("hit", "hit_gaussian"),
    "outer_over_uniform": ("outer", "outer_uniform"),
    "corners_over_uniform": ("corners", "corners_uniform"),
    "deletion_gain": ("auc_random", "deletion"),
    "insertion_gain": ("insertion", "auc_random"),
    # Upside down, a map's deletion is its insertion read backwards, and the other way round.
    "upside_down_gain": ("insertion", "deletion"),
    "drop_over_random": ("drop", "drop_random"),
    "drop_over_rolled": ("drop", "drop_rolled"),
    "drop_over_centre": ("drop", "drop_centre"),
    "follow_over_stay": ("follow", "stay"),
    **{f"follow_over_stay_{kind}": (f"follow_{kind}", f"stay_{kind}") for kind in KINDS},
}
"""Paired differences by picture: positive speaks for the map, but for outer and corners."""

_RATIOS: Final[Mapping[str, tuple[str, str]]] = {
    "mass_ratio": ("mass", "area"),
    "mass_ratio_uniform": ("mass", "mass_uniform"),
}
"""Means over means: a map that covers the middle only exceeds the area's share by that alone, so
the second ratio is the one that says something of it."""


def add_controls(
    table: pd.DataFrame, maps: NDArray[np.float32], lesions: Floats, placement: Placement
) -> pd.DataFrame:
    """Return the rows with what the controls reach on the same pictures.

    Args:
        table: one row a picture: group_id, area, offset and the figures of ``measure``.
        maps: float32, (N, h, w).
        lesions: float64, (N, h, w), the lesion's share of each cell; NaN without a mask.
        placement: where the cells lie.

    Returns:
        The table with off_centre (NaN without a mask), mass and hit of the own mean over pictures
        of other lesions, of the centred Gaussian and of a uniform map, the mass of the Gaussian
        whose mass on centred lesions is the map's, the similarity to the own mean, and the mean of
        following and staying over all moves.
    """
    h, w = maps.shape[1:]
    shares = np.stack([normalize(values) for values in maps])
    means = own_means(shares, table["group_id"].to_numpy(str))
    gaussian = centred_gaussian(h, w, placement)
    masked = np.asarray(~np.isnan(lesions).any(axis=(1, 2)))
    offset = table["offset"].to_numpy(float)
    off_centre = np.where(masked, (offset >= OFF_CENTRE).astype(float), np.nan)
    null = np.asarray(np.isnan(shares).any(axis=(1, 2)))
    centred = (off_centre == 0) & ~null
    mass = table["mass"].to_numpy(float)
    average = float(mass[centred].mean()) if centred.any() else float("nan")
    width = match_gaussian(average, lesions[centred], placement)
    matched = None if np.isnan(width) else centred_gaussian(h, w, placement, width)
    added: dict[str, list[float]] = {name: [] for name in _CONTROLS}
    for values, mean, lesion, has_mask, is_null in zip(
        shares, means, lesions, masked, null, strict=True
    ):
        has_mean = not np.isnan(mean).any()
        known = has_mask and not is_null  # controls are paired: undefined where the map is
        row = {
            "mass_mean": compute_mass(mean, lesion) if known and has_mean else np.nan,
            "hit_mean": compute_hit(mean, lesion) if known and has_mean else np.nan,
            "mass_gaussian": compute_mass(gaussian, lesion) if known else np.nan,
            "hit_gaussian": compute_hit(gaussian, lesion) if known else np.nan,
            "mass_uniform": float(lesion.mean()) if known else np.nan,
            "mass_matched": np.nan
            if matched is None or not known
            else compute_mass(matched, lesion),
            "mean_similarity": correlate(values, mean) if has_mean and not is_null else np.nan,
        }
        for name, value in row.items():
            added[name].append(value)
    whole = table.assign(off_centre=off_centre, **added)
    for part in ("follow", "stay"):
        kinds = whole[[f"{part}_{kind}" for kind in KINDS]].to_numpy(float)
        whole[part] = mean_of_defined(kinds)
    return whole


_CONTROLS: Final = (
    "mass_mean",
    "hit_mean",
    "mass_gaussian",
    "hit_gaussian",
    "mass_uniform",
    "mass_matched",
    "mean_similarity",
)


def summarize(
    table: pd.DataFrame, names: tuple[str, ...], draws: int = DRAWS
) -> dict[str, dict[str, Interval]]:
    """Return the mean of each figure and of each paired difference, with intervals by lesion.

    Args:
        table: as ``add_controls`` gives it.
        names: columns to take the mean of.
        draws: of the bootstrap.

    Returns:
        ``figures``, with ``mass_ratio``, the mean mass over the mean area, and
        ``mass_ratio_uniform``, that over what a uniform map has; and ``differences``. A figure
        that is defined for no picture is NaN.
    """
    columns = {name: table[name].to_numpy(float) for name in names if name in table}
    for name, (first, second) in DIFFERENCES.items():
        if first in table and second in table:
            columns[name] = table[first].to_numpy(float) - table[second].to_numpy(float)
    lesions = table["group_id"].to_numpy(str)
    ratios = {
        name: (columns[first], columns[second])
        for name, (first, second) in _RATIOS.items()
        if first in columns and second in columns
    }

    def compute(weights: Floats) -> dict[str, Floats]:
        means = {name: _means(values, weights) for name, values in columns.items()}
        for name, (first, second) in ratios.items():
            both = ~(np.isnan(first) | np.isnan(second))
            above, below = (_means(np.where(both, v, np.nan), weights) for v in (first, second))
            means[name] = divide(above, below)
        return means

    values = compute(np.ones((1, len(table))))
    drawn = resample(compute, lesions, draws)
    intervals = {name: to_interval(float(value[0]), drawn[name]) for name, value in values.items()}
    return {
        "figures": {n: i for n, i in intervals.items() if n not in DIFFERENCES},
        "differences": {n: i for n, i in intervals.items() if n in DIFFERENCES},
    }


def _means(values: Floats, weights: Floats) -> Floats:
    defined = ~np.isnan(values)
    total = weights[:, defined].sum(axis=1)
    summed = weights[:, defined] @ values[defined]
    return np.divide(summed, total, out=np.full(len(weights), np.nan), where=total > 0)


def describe_controls() -> str:
    """Return in words what the controls are."""
    return (
        "its own mean over the pictures of other lesions, and a Gaussian at the picture's centre "
        f"(standard deviation {SIGMA:g} of the side)"
    )
