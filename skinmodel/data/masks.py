"""The lesion's outline from HAM10000's masks (Tschandl et al., Nat. Med. 26, 2020)."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ImageError
from skinmodel.imaging import images

FOLDER: Final = "HAM10000_segmentations_lesion_tschandl"
SUFFIX: Final = "_segmentation"
MAX_DEVIATION: Final = 0.03
"""Largest relative difference of a mask's aspect from its image's: rounding of reduced copies."""

HALF: Final = 128
"""A mask is lesion from here on; files that were reduced hold values between."""


def find_masks(root: Path) -> dict[str, str]:
    """Return the path of every mask by image id; empty where the folder with them is absent.

    Args:
        root: the folder with HAM10000's metadata, see ``ham10000.find_root``.
    """
    folder = root / FOLDER
    return {f.stem.removesuffix(SUFFIX): str(f) for f in sorted(folder.glob(f"*{SUFFIX}.png"))}


def read_mask(path: Path) -> NDArray[np.uint8]:
    """Return a mask, uint8, (H, W): 255 in the lesion, 0 outside, values between on its border.

    Raises:
        ImageError: the file is missing, damaged or no picture.
    """
    return np.ascontiguousarray(images.read(path)[..., 0])


def load_masks(files: Sequence[Path], height: int, width: int) -> NDArray[np.uint8]:
    """Return masks reduced to the size of a network's input, squeezed as its pictures are.

    Args:
        files: N masks.
        height: of the result, in pixels.
        width: of the result, in pixels.

    Returns:
        uint8, (N, height, width): 255 in the lesion, 0 outside, shares of a pixel on its border.

    Raises:
        ImageError: a file is missing, damaged or no picture.
    """

    def load(file: Path) -> NDArray[np.uint8]:
        reduced = cv2.resize(read_mask(file), (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(reduced, dtype=np.uint8)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.stack(list(pool.map(load, files)))


def trace_outline(
    mask: NDArray[np.uint8], height: int, width: int
) -> tuple[NDArray[np.int32], ...]:
    """Return the borders of the lesion in an image that may have another size than its mask.

    The mask is scaled before it is traced, so that the line is as fine as the image.

    Args:
        mask: see ``read_mask``.
        height: of the image, in pixels.
        width: of the image, in pixels.

    Returns:
        One closed line a part of the lesion, holes left out: int32, (n, 1, 2), x and y in pixels
        of the image. Nothing where the mask marks nothing.

    Raises:
        ImageError: mask and image differ in aspect, so that the one cannot belong to the other.
    """
    rows, columns = mask.shape
    if abs((columns / rows) / (width / height) - 1) > MAX_DEVIATION:
        raise ImageError(
            f"The mask has {columns} x {rows} pixels and the image {width} x {height}: their "
            "shapes differ, so the outline would lie in the wrong place. Check that both are of "
            "one image."
        )
    scaled = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    lesion = (scaled >= HALF).astype(np.uint8)
    lines, _ = cv2.findContours(lesion, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return tuple(np.asarray(line, dtype=np.int32) for line in lines)


def compute_share(mask: NDArray[np.uint8]) -> float:
    """Return the share of the picture that the lesion takes, in [0, 1]."""
    return float(np.mean(mask >= HALF))
