"""How alike two maps are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinmodel.explain.placement import Floats


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
