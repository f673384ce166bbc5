"""From a decoded image to a network's input, as the network's own record says."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ConfigError

Image = NDArray[np.uint8]

_INTERPOLATIONS: Final = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR}
_CHANNELS: Final = ("RGB", "BGR")


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes a network's input; saved beside the weights, never guessed.

    Attributes:
        height: rows of the input, in pixels.
        width: columns of the input, in pixels; the aspect ratio is not kept, as in the report.
        channels: channel order of the input, RGB or BGR.
        scale: factor from pixel values (0-255) to input values.
        offset: added after scaling.
        interpolation: ``area`` averages what falls into a pixel, so that the size of an upload
            hardly matters; ``linear`` is the report's.
    """

    height: int
    width: int
    channels: Literal["RGB", "BGR"]
    scale: float
    offset: float
    interpolation: Literal["area", "linear"]

    def __post_init__(self) -> None:
        """Refuse settings that no code here implements."""
        if self.channels not in _CHANNELS or self.interpolation not in _INTERPOLATIONS:
            raise ConfigError(
                f"Preprocessing received channels={self.channels!r} and "
                f"interpolation={self.interpolation!r}; expected one of {_CHANNELS} and one of "
                f"{tuple(_INTERPOLATIONS)}. The weights' manifest may come from a newer version."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def resize(image: Image, spec: Preprocessing) -> Image:
    """Return ``image`` at the input's size, still as pixels.

    Args:
        image: uint8, (H, W, 3), RGB, 0-255.
        spec: the network's preprocessing.

    Returns:
        uint8, (height, width, 3), RGB, 0-255.
    """
    size = (spec.width, spec.height)
    resized = cv2.resize(image, size, interpolation=_INTERPOLATIONS[spec.interpolation])
    return np.asarray(resized, dtype=np.uint8)


def apply(images: Sequence[Image], spec: Preprocessing) -> NDArray[np.float32]:
    """Return a batch of network inputs.

    Args:
        images: N arrays, uint8, (H, W, 3), RGB, 0-255; sizes may differ.
        spec: the network's preprocessing.

    Returns:
        float32, (N, height, width, 3), in the channel order and range of ``spec``.
    """
    batch = np.empty((len(images), spec.height, spec.width, 3), dtype=np.float32)
    for row, image in zip(batch, images, strict=True):
        row[...] = resize(image, spec)
    return scale(batch, spec)


def scale(pixels: NDArray[Any], spec: Preprocessing) -> NDArray[np.float32]:
    """Return pixels of the input's size as input values.

    Args:
        pixels: uint8 or float32, (N, height, width, 3), RGB, 0-255.
        spec: the network's preprocessing.

    Returns:
        float32, the same shape, in the channel order and range of ``spec``.
    """
    ordered = pixels[..., ::-1] if spec.channels == "BGR" else pixels
    return ordered.astype(np.float32) * np.float32(spec.scale) + np.float32(spec.offset)
