"""A network's weights in one file: quantised to fit a size, or exact.

Large kernels are quantised as ``quantization`` describes. Whatever has fewer than ``EXACT_BELOW``
values or fewer than two axes (biases, batch normalisation, attention, first convolutions, last
layer) stays float32: about 2 % of the file.
"""

import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import WeightsError, summarize_ids
from skinmodel.weights.coded import Coded, pack, unpack
from skinmodel.weights.quantization import (
    Quantized,
    finest_step,
    quantize,
    relative_error,
    restore,
)

MAX_BYTES: Final = 50_000_000
EXACT_BELOW: Final = 100_000

_LARGEST: Final = 1e15
_COARSEST: Final = 0.25
_SEARCH_STEPS: Final = 10
_FULL_ENOUGH: Final = 0.998
_THREADS: Final = min(2, os.cpu_count() or 1)

Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class CodingReport:
    """What became of one weight.

    Attributes:
        shape: of the array.
        step: of a quantised array, in root mean squares of a channel; None where it is exact.
        outliers: number of values of a quantised array that are kept exactly.
        bits: stored bits a value.
        relative_error: root mean square of the error over that of the values.
    """

    shape: tuple[int, ...]
    step: float | None
    outliers: int
    bits: float
    relative_error: float


@dataclass(frozen=True)
class CompactReport:
    """What a written file holds.

    Attributes:
        bytes: size of the file.
        weights: each weight's coding by its name, in the order written.
    """

    bytes: int
    weights: dict[str, CodingReport]

    @property
    def largest_error(self) -> float:
        """Largest relative error of any weight."""
        return max((w.relative_error for w in self.weights.values()), default=0.0)


@dataclass(frozen=True)
class _Attempt:
    data: bytes
    coded: dict[str, Coded]
    steps: dict[str, float]


def encode(
    weights: Mapping[str, NDArray[np.float32]], max_bytes: int | None = MAX_BYTES
) -> tuple[bytes, CompactReport]:
    """Return the content of a weights file and what it cost in precision.

    The errors of all layers add up at the output while their sizes differ, so a layer's step is
    proportional to the root of its number of values, but no finer than 127 steps reach: small
    layers are nearly free to keep fine. One factor on all steps is searched so that the file
    just fits.

    Args:
        weights: float32 arrays by name; the order is kept.
        max_bytes: size the file must fit; None keeps every value bit for bit.

    Returns:
        The bytes, at most ``max_bytes`` of them, and the report.

    Raises:
        WeightsError: an array is not finite float32, or even coarse steps do not fit the size.
    """
    for name, values in weights.items():
        _check_values(name, values)
    large = {} if max_bytes is None else {n: w for n, w in weights.items() if _is_large(w)}
    with ThreadPoolExecutor(_THREADS) as pool:
        finest = dict(zip(large, pool.map(finest_step, large.values()), strict=True))
        biggest = max((w.size for w in large.values()), default=1)

        def attempt(factor: float) -> _Attempt:
            wanted = {n: factor * (w.size / biggest) ** 0.5 for n, w in large.items()}
            steps = {n: min(max(wanted[n], finest[n]), _COARSEST) for n in large}
            quantized = pool.map(quantize, large.values(), steps.values())
            by_name = dict(zip(large, quantized, strict=True))
            coded = {n: Coded(w.shape, by_name.get(n, w)) for n, w in weights.items()}
            return _Attempt(pack(coded), coded, steps)

        best = _fit(attempt, min((*finest.values(), _COARSEST)), max_bytes)
        steps = [best.steps.get(name) for name in weights]
        reports = pool.map(_describe, weights.values(), best.coded.values(), steps)
        report = CompactReport(len(best.data), dict(zip(weights, reports, strict=True)))
    return best.data, report


def decode(data: bytes, source: str, names: Collection[str] | None = None) -> Weights:
    """Return the weights that a file's content holds by name, in the order written.

    Args:
        data: the content.
        source: where it comes from, for the message.
        names: of the weights wanted, where a few will do; None for all.

    Raises:
        WeightsError: the content is damaged, of another format or version, or has no weights of
            these names.
    """
    try:
        coded = unpack(data)
        if names is not None:
            if missing := [name for name in names if name not in coded]:
                raise WeightsError(f"it holds no weights called {summarize_ids(missing)}")
            coded = {name: content for name, content in coded.items() if name in names}
        # Inflating and multiplying let go of the interpreter lock: two threads, half the time.
        with ThreadPoolExecutor(_THREADS) as pool:
            return dict(zip(coded, pool.map(_to_array, coded.values()), strict=True))
    except WeightsError as error:
        raise WeightsError(
            f"The weights file '{source}' cannot be used: {error}. Restore it from the repository, "
            "or train the model again."
        ) from error


def _fit(attempt: Callable[[float], _Attempt], finest: float, max_bytes: int | None) -> _Attempt:
    """Return the most precise attempt that fits; the factor on steps is searched by halves."""
    best = attempt(finest)
    if max_bytes is None or len(best.data) <= max_bytes:
        return best
    fine, coarse = finest, _COARSEST
    best = attempt(coarse)
    if len(best.data) > max_bytes:
        raise WeightsError(
            f"The weights do not fit {max_bytes:,} bytes: even with errors of 7 % they take "
            f"{len(best.data):,}. Allow more bytes, or write them exactly."
        )
    for _ in range(_SEARCH_STEPS):
        if len(best.data) >= _FULL_ENOUGH * max_bytes:
            break
        middle = (fine * coarse) ** 0.5
        trial = attempt(middle)
        if len(trial.data) <= max_bytes:
            coarse, best = middle, trial
        else:
            fine = middle
    return best


def _is_large(values: NDArray[np.float32]) -> bool:
    return values.ndim >= 2 and values.size >= EXACT_BELOW


def _check_values(name: str, values: NDArray[np.float32]) -> None:
    if values.dtype != np.float32:
        raise WeightsError(
            f"Weight '{name}' is {values.dtype}; expected float32. Convert it before it is written."
        )
    largest = float(np.abs(values).max(initial=0.0))
    if not largest < _LARGEST:
        raise WeightsError(
            f"Weight '{name}' holds a value of size {largest}; expected finite values below "
            f"{_LARGEST:g}. The training diverged: lower the learning rate and train again."
        )


def _to_array(coded: Coded) -> NDArray[np.float32]:
    if isinstance(coded.content, Quantized):
        return restore(coded.content, coded.shape)
    if not np.isfinite(coded.content).all():
        raise WeightsError(f"a weight of shape {coded.shape} is not finite")
    return np.array(coded.content)


def _describe(values: NDArray[np.float32], coded: Coded, step: float | None) -> CodingReport:
    content, bits = coded.content, 8 * coded.bytes / max(1, values.size)
    if not isinstance(content, Quantized):
        return CodingReport(coded.shape, step, 0, bits, 0.0)
    error = relative_error(values, restore(content, coded.shape))
    return CodingReport(coded.shape, step, len(content.exact), bits, error)
