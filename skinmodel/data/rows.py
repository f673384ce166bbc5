"""Rows of decoded images, and the order in which an epoch visits them.

Every order is a function of (seed, epoch), so that a run that is stopped and resumed sees the very
batches it would have seen.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skinmodel.data.report.protocol import apply_transform, check_transforms


class PixelRows:
    """Some rows of an array of images, in any order, gathered only when a batch asks for them.

    So both sides of a split, and every turned copy of the report's protocol, stand on the one
    array that is mapped from disk.

    Args:
        pixels: uint8, (N, h, w, 3), RGB, 0-255; may be mapped from disk; never changed.
        rows: int64, (n,), rows of ``pixels``.
        transforms: n names of ``protocol.TRANSFORMS``, done to what is gathered; None for
            none.
        masks: uint8, (n, h, w), 0-255, one a row, gathered behind the colours as a fourth channel;
            None for none. Not with ``transforms``, which would not turn them.

    Raises:
        SkinModelError: see ``protocol.check_transforms``.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        rows: NDArray[np.int64],
        transforms: Sequence[str] | None = None,
        masks: NDArray[np.uint8] | None = None,
    ):
        if transforms is not None:
            check_transforms(pixels.shape, transforms)
        self.pixels = pixels
        self.rows = rows
        self.transforms = None if transforms is None else np.asarray(transforms, dtype=str)
        self.masks = masks
        self.shape = (len(rows), *pixels.shape[1:3], 3 if masks is None else 4)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __getitem__(self, chosen: NDArray[np.int64] | slice) -> NDArray[np.uint8]:
        """Return copies of the chosen rows, uint8, (B, h, w, 3), or (B, h, w, 4) with masks."""
        gathered = self.pixels[self.rows[chosen]]
        if self.masks is not None:
            return np.concatenate([gathered, self.masks[chosen][..., None]], axis=-1)
        if self.transforms is None:
            return gathered
        return apply_transform(gathered, self.transforms[chosen].tolist())


def shuffled_order(count: int, batch_size: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the rows of one epoch, shuffled, cut to whole batches so that shapes stay fixed."""
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return order[: max(count // batch_size, 1) * batch_size]
