"""From a raw explanation map to colours, and from colours to a blend with the photograph.

How a map becomes a picture, and why:

- It is divided by its own maximum; zero stays zero. Min-max scaling is avoided on purpose: it
  stretches whatever noise a flat map holds over the whole colour range, where it looks like
  evidence. The raw maximum is in ``Explanation.raw_maximum`` and belongs beside the picture.
- It is enlarged with cubic interpolation and clipped to [0, 1], so that no value outside the map's
  own range appears.
- Colours are viridis: perceptually uniform, readable with every common colour vision deficiency
  and in grey, and, unlike inferno or magma, without the reds and browns of skin and lesions.
- Opacity grows with the value. Where a model did not look, the photograph stays as it is; a wash
  of the colour map's dark end would hide exactly what a reader compares the map with.
"""

import io
from collections.abc import Mapping
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from skinmodel.errors import ImageError
from skinmodel.results import Explanation

_LEVELS: Final = np.arange(256, dtype=np.uint8).reshape(-1, 1)
_COLORS: Final = np.asarray(cv2.applyColorMap(_LEVELS, cv2.COLORMAP_VIRIDIS), dtype=np.uint8)[
    :, 0, ::-1
].copy()


def blend(
    image: NDArray[np.uint8], explanation: Explanation, opacity: float = 0.5
) -> NDArray[np.uint8]:
    """Return the photograph with the explanation over it.

    Each pixel is ``(1 - a) * photograph + a * colour`` with ``a = opacity * scaled value``.

    Args:
        image: uint8, (H, W, 3), RGB, 0-255.
        explanation: the map; a null one leaves the photograph as it is.
        opacity: share of colour where the map is at its maximum, in [0, 1].

    Returns:
        uint8, (H, W, 3), RGB, 0-255, a new array.

    Raises:
        ImageError: ``image``, the map or ``opacity`` is not as described.
    """
    _check_image(image)
    if not 0.0 <= opacity <= 1.0:
        raise ImageError(f"The overlay's opacity is {opacity}; expected a number from 0 to 1.")
    scaled = _scale_for_display(explanation.values, *image.shape[:2])
    if explanation.is_null or opacity == 0.0:
        return image.copy()
    alpha = scaled[..., np.newaxis] * np.float32(opacity)
    mixed = image + alpha * (_colorize(scaled).astype(np.float32) - image)
    return np.rint(mixed).astype(np.uint8)


def colorbar(width: int, height: int) -> NDArray[np.uint8]:
    """Return the colour scale from zero to the map's maximum.

    Args:
        width: columns, in pixels.
        height: rows, in pixels.

    Returns:
        uint8, (height, width, 3), RGB, 0-255; zero is at the left of a wide bar and at the bottom
        of a tall one.

    Raises:
        ImageError: the size is not positive.
    """
    _check_size(height, width)
    if width >= height:
        ramp = np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (height, width))
    else:
        ramp = np.broadcast_to(
            np.linspace(1, 0, height, dtype=np.float32)[:, np.newaxis], (height, width)
        )
    return _colorize(ramp)


def encode_png(image: NDArray[np.uint8], text: Mapping[str, str]) -> bytes:
    """Return a PNG file with notes, and with no other metadata.

    Args:
        image: uint8, (H, W, 3), RGB, 0-255.
        text: notes by keyword, such as the model, the run and the disclaimer; a keyword has 1 to 79
            Latin-1 characters. Values outside Latin-1 are written as iTXt instead of tEXt.

    Returns:
        The bytes of the file.

    Raises:
        ImageError: ``image`` or a keyword is not as described.
    """
    _check_image(image)
    notes = PngImagePlugin.PngInfo()
    for keyword, value in text.items():
        if not _is_keyword(keyword):
            raise ImageError(
                f"The PNG note's keyword {keyword!r} cannot be written; expected 1 to 79 printable "
                "Latin-1 characters without spaces at its ends."
            )
        notes.add_text(keyword, value)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", pnginfo=notes)
    return buffer.getvalue()


def _is_keyword(keyword: str) -> bool:
    """Return whether the PNG specification (11.3.4.2) allows ``keyword``."""
    fits = 1 <= len(keyword) <= 79 and keyword == keyword.strip()
    return fits and keyword.isprintable() and all(ord(c) < 256 for c in keyword)


def _scale_for_display(values: NDArray[Any], height: int, width: int) -> NDArray[np.float32]:
    """Return the map divided by its maximum: float32, (height, width), in [0, 1]."""
    if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all() or values.min() < 0:
        raise ImageError(
            f"The explanation map has shape {values.shape} and may hold negative or undefined "
            "values; expected (h, w) of finite numbers >= 0. Report it with the model's name."
        )
    maximum = values.max()
    if maximum == 0:
        return np.zeros((height, width), dtype=np.float32)
    relative = np.ascontiguousarray(values / maximum, dtype=np.float32)
    # Pillow's cubic (Catmull-Rom) overshoots less than OpenCV's, and averages where a map shrinks.
    resized = Image.fromarray(relative).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)


def _colorize(scaled: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return colours, uint8, (H, W, 3), RGB, of a map in [0, 1]."""
    return _COLORS[np.rint(scaled * 255).astype(np.intp)]


def _check_image(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ImageError(
            f"The picture is an array of {image.dtype} with shape {image.shape}; expected uint8, "
            "(H, W, 3), RGB. Decode files with skinmodel.images.decode."
        )


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise ImageError(
            f"A picture of {width} x {height} pixels was asked for; both must be at least 1."
        )
