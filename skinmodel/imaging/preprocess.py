"""From a decoded image to a network's input, as the network's own record says."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from skinmodel.errors import ConfigError, ImageError

Image = NDArray[np.uint8]
Side = Annotated[int, Field(strict=True, ge=1)]
Factor = Annotated[float, Field(strict=True, allow_inf_nan=False)]
PerChannel = tuple[Factor, Factor, Factor]

_INTERPOLATIONS: Final = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR}
_CHANNELS: Final = ("RGB", "BGR")


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes a network's input; saved beside the weights, never guessed.

    Attributes:
        height: rows of the input, in pixels.
        width: columns of the input, in pixels; the aspect ratio is not kept, as in the report.
        channels: channel order of the input, RGB or BGR.
        scale: factor from pixel values (0-255) to input values; one for all channels, or one
            for each in the order of ``channels``.
        offset: added after scaling, likewise.
        interpolation: ``area`` averages what falls into a pixel, so that the size of an upload
            hardly matters; ``linear`` is the report's.
    """

    height: Side
    width: Side
    channels: Literal["RGB", "BGR"]
    scale: Factor | PerChannel
    offset: Factor | PerChannel
    interpolation: Literal["area", "linear"]

    def __post_init__(self) -> None:
        """Refuse settings that no code here implements; JSON's lists become tuples again."""
        for name in ("scale", "offset"):
            if isinstance(value := getattr(self, name), list):
                object.__setattr__(self, name, tuple(value))
        if self.channels not in _CHANNELS or self.interpolation not in _INTERPOLATIONS:
            raise ConfigError(
                f"Preprocessing received channels={self.channels!r} and "
                f"interpolation={self.interpolation!r}; expected one of {_CHANNELS} and one of "
                f"{tuple(_INTERPOLATIONS)}. The weights' manifest may come from a newer version."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def check_image(image: Any) -> None:
    """Refuse what is not one RGB picture of 8 bits a channel.

    OpenCV resizes nearly anything, so a float picture in [0, 1] would pass as almost black.

    Raises:
        ImageError: ``image`` is not uint8, (H, W, 3) with H and W at least 1.
    """
    if not isinstance(image, np.ndarray):
        received = f"a {type(image).__name__}"
    elif image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        received = f"an array of {image.dtype} with shape {image.shape}"
    else:
        return
    raise ImageError(
        f"The picture is {received}; expected a NumPy array of uint8 with shape (H, W, 3), RGB, "
        "0-255, and at least one pixel. Decode files with skinmodel.imaging.images.decode; scale "
        "floats from 0-1 by 255 and round them first."
    )


def resize(image: Image, spec: Preprocessing) -> Image:
    """Return ``image`` at the input's size, still as pixels.

    Args:
        image: uint8, (H, W, 3), RGB, 0-255.
        spec: the network's preprocessing.

    Returns:
        uint8, (height, width, 3), RGB, 0-255; an image of that size already is unchanged.

    Raises:
        ImageError: ``image`` is no such array.
    """
    check_image(image)
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

    Raises:
        ImageError: an image is no such array.
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
    factor, offset = (np.asarray(value, np.float32) for value in (spec.scale, spec.offset))
    return np.asarray(ordered.astype(np.float32) * factor + offset)
