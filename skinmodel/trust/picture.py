"""What a picture looks like, in numbers: tone, colour, detail and layout, without any network.

The numbers are those of a small copy, so that the size of an upload hardly matters, and they are
compared with those of the pictures a network was trained on (``trust.subspace``).
"""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from skinmodel.imaging.preprocess import check_image

Vector = NDArray[np.float32]

SIDE: Final = 96
"""Pixels a side of the copy that is described."""

_QUANTILES: Final = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_SCALES: Final = 4
_CELLS: Final = 6
_BLOCKS: Final = (0, 4, 8, 12, 15)  # of 16 blocks, sorted by how much detail they hold

GROUPS: Final = ("brightness", "colour", "detail", "layout")
_NAMES: Final = (
    *((f"L-{q}", "brightness") for q in _QUANTILES),
    *((f"{channel}-{q}", "colour") for channel in "ab" for q in _QUANTILES),
    *(
        (f"{name}-{scale}", "detail")
        for scale in range(_SCALES)
        for name in (
            *(f"{kind}-{channel}" for kind in ("energy", "evenness") for channel in "Lab"),
            "direction",
            *(f"block-{number}" for number in _BLOCKS),
            *("La", "Lb", "ab"),
        )
    ),
    *((f"cell-{n}-{c}", "layout") for n in range(_CELLS**2) for c in "Lab"),
)
NAMES: Final = tuple(name for name, _ in _NAMES)
"""What each number of a description is called."""
GROUP_OF: Final = np.array([GROUPS.index(group) for _, group in _NAMES])
"""Index into ``GROUPS`` of each number, int64, (D,)."""
GREYS: Final = NAMES.index("energy-L-0")
"""Where the finest detail in brightness stands."""


def describe(image: NDArray[np.uint8]) -> Vector:
    """Return what a picture looks like.

    Args:
        image: uint8, (H, W, 3), RGB, 0-255.

    Returns:
        float32, (D,), as ``NAMES``, in CIELAB: quantiles of each channel; at four scales the
        energy of what is lost by blurring (the logarithm of its root mean square), how evenly it
        is spread over values and over 16 blocks, whether it has one direction and how channels go
        together; and the mean colours of 6 x 6 cells.

    Raises:
        ImageError: ``image`` is no such array.
    """
    check_image(image)
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    lab = _as_float(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))
    parts = [_describe_tone(lab)]
    level = lab
    for _ in range(_SCALES):
        blurred = _as_float(cv2.GaussianBlur(level, (0, 0), 1.2))
        parts.append(_describe_detail(level, level - blurred))
        level = np.ascontiguousarray(blurred[::2, ::2])
    cells = cv2.resize(lab, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    return np.concatenate([*parts, np.asarray(cells).ravel()]).astype(np.float32)


def _as_float(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)


def _describe_tone(lab: NDArray[np.float32]) -> Vector:
    coarse = np.asarray(cv2.resize(lab, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA))
    ordered = np.sort(coarse.reshape(-1, 3), axis=0)
    places = [round(q * (len(ordered) - 1)) for q in _QUANTILES]
    return np.asarray(ordered[places].T.ravel(), dtype=np.float32)


def _describe_detail(level: NDArray[np.float32], detail: NDArray[np.float32]) -> Vector:
    """Describe one scale, float32, (h, w, 3), and what blurring takes from it."""
    flat = detail.reshape(-1, 3)
    moments = flat.T @ flat / len(flat)
    energy = np.sqrt(np.diag(moments))
    evenness = np.abs(flat).mean(axis=0) / (energy + 0.05)
    light = level[..., 0]
    across, down = np.diff(light, axis=1)[:-1].ravel(), np.diff(light, axis=0)[:, :-1].ravel()
    aa, dd, ad = (
        float(x @ y) / len(x) for x, y in ((across, across), (down, down), (across, down))
    )
    direction = np.hypot(aa - dd, 2 * ad) / (aa + dd + 0.01)
    blocks = cv2.resize(detail[..., 0] ** 2, (4, 4), interpolation=cv2.INTER_AREA)
    ordered = np.sort(np.asarray(blocks).ravel())[list(_BLOCKS)]
    rows, columns = (0, 0, 1), (1, 2, 2)
    together = moments[rows, columns] / np.sqrt(
        np.diag(moments)[list(rows)] * np.diag(moments)[list(columns)] + 0.01
    )
    values = [np.log(energy + 0.05), evenness, [direction], np.log(ordered + 0.01), together]
    return np.concatenate(values).astype(np.float32)
