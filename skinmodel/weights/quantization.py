"""Weights as small whole numbers: one step an output channel, Huffman-coded.

A channel's step is a fraction of its root mean square, not of its largest value: for Gaussian and
for heavier tails alike this gives the smallest error a bit once the numbers are entropy-coded.
Numbers beyond ``LIMIT`` steps, a few in a thousand at most, are kept exactly instead of being
clipped. Deflate with Huffman coding alone comes within 0.05 bits of the entropy and inflates at
about 300 MB/s on one core; its string matching, bz2 and lzma gained nothing on a trained kernel,
and the last two read about 15 times slower.
"""

import zlib
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import WeightsError

LIMIT: Final = 127

_OUTLIERS: Final = 1e-3
_SAMPLE: Final = 1_000_000
_SMALLEST_STEP: Final = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Quantized:
    """One array of shape (..., C), of n values, as whole numbers of steps.

    Attributes:
        codes: uint8, (b,): zlib stream of n int8 in -127..127, in C order.
        steps: float32, (C,), >= 0: size of a step in each output channel (the last axis).
        positions: uint32, (m,): flat indices of the values kept exactly.
        exact: float32, (m,): those values.
    """

    codes: NDArray[np.uint8]
    steps: NDArray[np.float32]
    positions: NDArray[np.uint32]
    exact: NDArray[np.float32]

    @property
    def bytes(self) -> int:
        """Size of all four arrays."""
        return sum(a.nbytes for a in (self.codes, self.steps, self.positions, self.exact))


def finest_step(values: NDArray[np.float32]) -> float:
    """Return the smallest step, in root mean squares, at which about 1 in 1000 is kept exactly.

    Args:
        values: float32, (..., C).
    """
    rows = _rows(values)
    sample = rows[:: max(1, values.size // _SAMPLE)]
    rms = _rms(rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.nan_to_num(np.abs(sample) / rms, nan=0.0, posinf=0.0)
    reach = float(np.quantile(ratios, 1 - _OUTLIERS))
    return max(reach, 1.0) / LIMIT


def quantize(values: NDArray[np.float32], step: float) -> Quantized:
    """Return ``values`` as whole numbers of steps.

    A channel whose step would fall below the smallest normal float32 (1e-38) becomes 0.

    Args:
        values: float32, (..., C), finite.
        step: size of a step in root mean squares of the channel.
    """
    rows = _rows(values)
    steps = (_rms(rows) * step).astype(np.float32)
    steps[steps < _SMALLEST_STEP] = 0.0
    inverse = np.divide(1.0, steps, out=np.zeros_like(steps), where=steps > 0)
    scaled = np.rint(rows * inverse)
    positions = np.flatnonzero(np.abs(scaled) > LIMIT)
    scaled.reshape(-1)[positions] = 0.0
    coder = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_HUFFMAN_ONLY)
    stream = coder.compress(scaled.astype(np.int8).data) + coder.flush()
    return Quantized(
        codes=np.frombuffer(stream, dtype=np.uint8),
        steps=steps,
        positions=positions.astype(np.uint32),
        exact=rows.reshape(-1)[positions],
    )


def restore(quantized: Quantized, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the values of ``quantized``, off by at most half a step each.

    Never inflates past the size that ``shape`` gives.

    Args:
        quantized: as ``quantize`` gives it, or as read from a file that nobody vouches for.
        shape: of the array, its last axis the output channels.

    Returns:
        float32, ``shape``.

    Raises:
        WeightsError: the parts do not fit the shape or each other, or the stream is damaged.
    """
    count = prod(shape)
    steps, positions, exact = quantized.steps, quantized.positions, quantized.exact
    if steps.shape != shape[-1:] or positions.ndim != 1 or positions.shape != exact.shape:
        raise WeightsError(
            f"an array of shape {shape} comes with {steps.shape} steps, {positions.shape} "
            f"positions and {exact.shape} exact values"
        )
    if not (np.isfinite(steps).all() and np.isfinite(exact).all()):
        raise WeightsError(f"steps or exact values of an array of shape {shape} are not finite")
    if positions.size and int(positions.max()) >= count:
        raise WeightsError(f"position {int(positions.max())} lies outside {count} values")
    codes = np.frombuffer(_inflate(quantized.codes, count), dtype=np.int8)
    values = np.empty(shape, dtype=np.float32)
    np.multiply(codes.reshape(shape), steps, out=values)
    values.reshape(-1)[positions] = exact
    return values


def relative_error(values: NDArray[np.float32], restored: NDArray[np.float32]) -> float:
    """Return the root mean square of the difference over that of ``values``; 0 if both are 0."""
    norm = float(np.linalg.norm(values))
    error = float(np.linalg.norm(values - restored))
    return error / norm if norm > 0 else error


def _inflate(stream: NDArray[np.uint8], count: int) -> bytes:
    # Huffman coding alone spends at least a bit on each value: less is no stream of ours, and a
    # promise of more is refused before any memory is taken for it.
    if stream.nbytes * 8 < count:
        raise WeightsError(f"{stream.nbytes} bytes cannot hold {count} values")
    inflater = zlib.decompressobj()
    try:
        # One byte more than wanted lets the stream reach its end and its checksum.
        codes = inflater.decompress(stream.data, count + 1)
    except zlib.error as error:
        raise WeightsError(f"a compressed stream is damaged ({error})") from error
    if len(codes) != count or not inflater.eof or inflater.unused_data:
        raise WeightsError(f"a compressed stream does not hold exactly {count} values")
    return codes


def _rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values).reshape(-1, values.shape[-1])


def _rms(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.linalg.norm(rows, axis=0) / np.sqrt(len(rows)), dtype=np.float32)
