"""Shares and means in which undefined stays undefined (NaN) instead of becoming 0 or 1."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def divide(share: Floats, whole: Floats) -> Floats:
    """Return the quotient, element by element; NaN where there is nothing to divide by."""
    out = np.full(np.broadcast_shapes(share.shape, whole.shape), np.nan)
    return np.divide(share, whole, out=out, where=whole > 0)


def mean_of_defined(values: Floats, weights: Floats | None = None) -> Floats:
    """Return the (weighted) mean along the last axis over what is not NaN; NaN where all is.

    Args:
        values: float64, (..., K).
        weights: float64, (..., K), >= 0; all alike when left out.
    """
    defined = ~np.isnan(values)
    weight = defined.astype(np.float64) if weights is None else np.where(defined, weights, 0.0)
    return divide((np.where(defined, values, 0.0) * weight).sum(axis=-1), weight.sum(axis=-1))
