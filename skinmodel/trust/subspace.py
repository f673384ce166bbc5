"""How unlike training pictures a vector is: its distance within and from their main directions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Scores = NDArray[np.float64]

_LEAST: float = 1e-6


@dataclass(frozen=True, eq=False)
class Subspace:
    """The main directions of training vectors.

    A vector is unlike them where it is far from the mean along these directions (Mahalanobis
    distance), or far from the space they span (the residual that ViM, Wang et al. 2022, adds to a
    network's logits).

    Attributes:
        mean: float32, (D,).
        scale: float32, (D,), what each number is divided by after the mean is taken off.
        axes: float16, (D, k), orthonormal but for rounding: half the size in a file.
        variance: float32, (k,), of the training vectors along the axes.
        rest: mean squared distance of training vectors from the space.
        unit: whether vectors are first scaled to length 1, so that their direction alone counts.
        within: share of the distance within the space that counts; 0 leaves the residual alone.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    axes: NDArray[np.float16]
    variance: NDArray[np.float32]
    rest: float
    unit: bool = False
    within: float = 1.0

    def score(self, rows: NDArray[np.floating]) -> Scores:
        """Return the logarithm of how unlike each row is, float64, (N,); 0 for the usual one.

        Args:
            rows: float, (N, D).
        """
        centred = self._centre(rows)
        along = centred @ self.axes.astype(np.float32)
        beyond = (centred * centred).sum(axis=1) - (along * along).sum(axis=1)
        distance = np.maximum(beyond, 0) / self.rest
        if self.within:
            distance = distance + self.within * (along**2 / self.variance).mean(axis=1)
        return np.log(np.maximum(distance, _LEAST)).astype(np.float64)

    def deviations(self, rows: NDArray[np.floating]) -> Rows:
        """Return how far each number is from the training mean, in its scale: float32, (N, D)."""
        return self._centre(rows)

    def _centre(self, rows: NDArray[np.floating]) -> Rows:
        values = rows.astype(np.float32)
        if self.unit:
            values = _to_unit(values)
        return np.asarray((values - self.mean) / self.scale)


def fit_subspace(
    rows: NDArray[np.floating],
    axes: int,
    *,
    standardize: bool = False,
    unit: bool = False,
    within: float = 1.0,
) -> Subspace:
    """Return the main directions of training vectors.

    Args:
        rows: float, (N, D), N > axes.
        axes: number of directions to keep, below D.
        standardize: divide each number by its deviation (and a tenth of the smaller deviations, so
            that one that hardly varies in training does not decide).
        unit: see ``Subspace``.
        within: see ``Subspace``.
    """
    values = rows.astype(np.float32)
    if unit:
        values = _to_unit(values)
    mean = values.mean(axis=0)
    scale = np.ones_like(mean)
    if standardize:
        deviation = values.std(axis=0)
        scale = deviation + np.quantile(deviation, 0.1) + _LEAST
    # Loaded here: who only scores does without it.
    from scipy.linalg import eigh

    centred = ((values - mean) / scale).astype(np.float64)
    spread = centred.T @ centred / len(centred)
    highest = len(mean) - 1
    found = eigh(spread, subset_by_index=[highest - axes, highest])
    variance, directions = found[0][::-1], found[1][:, ::-1].astype(np.float16)
    return Subspace(
        mean=mean,
        scale=scale.astype(np.float32),
        axes=np.ascontiguousarray(directions[:, :axes]),
        variance=(variance[:axes] + max(variance[axes], _LEAST)).astype(np.float32),
        rest=float(max(np.trace(spread) - variance[:axes].sum(), _LEAST)),
        unit=unit,
        within=within,
    )


def _to_unit(rows: Rows) -> Rows:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12))
