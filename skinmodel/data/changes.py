"""What is done to a batch of training images once its numbers are drawn: on either engine.

Written in ``keras.ops``, so that one formula serves every backend. Each engine draws the numbers
and moves the pixels itself.
"""

import math
from typing import Any, Final

import numpy as np
from keras import ops

from skinmodel.data.augmentation import Augmentation
from skinmodel.imaging.preprocess import Preprocessing

AFFINE_DRAWS: Final = 9
"""Numbers an image takes for its affine: angle, shear, zoom, stretch, mirror and shift of each."""
COLOUR_DRAWS: Final = 3
"""Numbers an image takes for its colours: brightness, contrast, saturation."""


def build_affines(settings: Augmentation, u: Any, height: int, width: int) -> Any:
    """Return one affine an image, from output to input pixels, about the image's centre.

    Args:
        settings: the ranges.
        u: float32, (9, B), drawn evenly from [-1, 1].
        height: of the images, in pixels.
        width: of the images.

    Returns:
        float32, (B, 8): rows (a, b, c, d, e, f, 0, 0) with x_in = a x + b y + c.
    """
    angle = u[0] * math.radians(settings.rotation)
    shear = u[1] * math.radians(settings.shear)
    both = 1.0 + u[2] * settings.zoom
    mirror_x = _mirror(u[5], settings.horizontal_flip)
    mirror_y = _mirror(u[6], settings.vertical_flip)
    scale_x = mirror_x / (both * (1.0 + u[3] * settings.stretch))
    scale_y = mirror_y / (both * (1.0 + u[4] * settings.stretch))
    cos, sin = ops.cos(angle), ops.sin(angle)
    a, b = scale_x * cos, scale_x * (-sin + ops.tan(shear) * cos)
    d, e = scale_y * sin, scale_y * (cos + ops.tan(shear) * sin)
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    c = middle_x - a * middle_x - b * middle_y + u[7] * settings.shift * width
    f = middle_y - d * middle_x - e * middle_y + u[8] * settings.shift * height
    zero = ops.zeros_like(a)
    return ops.stack([a, b, c, d, e, f, zero, zero], axis=1)


def _mirror(u: Any, allowed: bool) -> Any:
    return ops.where(u < 0, -1.0, 1.0) if allowed else ops.ones_like(u)


def changes_colour(settings: Augmentation) -> bool:
    """Return whether colours change at all."""
    return bool(settings.brightness or settings.contrast or settings.saturation)


def jitter_colour(pixels: Any, settings: Augmentation, u: Any) -> Any:
    """Return images of other brightness, contrast and saturation.

    Args:
        pixels: float32, (B, h, w, 3), RGB, 0-255.
        settings: the ranges.
        u: float32, (3, B, 1, 1, 1), drawn evenly from [-1, 1].

    Returns:
        float32, of the same shape, 0-255.
    """
    brightness = 1.0 + u[0] * settings.brightness
    contrast = 1.0 + u[1] * settings.contrast
    saturation = 1.0 + u[2] * settings.saturation
    grey = ops.mean(pixels, axis=-1, keepdims=True)
    mean = ops.mean(grey, axis=(1, 2), keepdims=True)
    coloured = grey + (pixels - grey) * saturation
    changed = ((coloured - mean) * contrast + mean) * brightness
    return ops.clip(changed, 0.0, 255.0)


def to_input(pixels: Any, spec: Preprocessing) -> Any:
    """Return pixels as network input inside the graph; the twin of ``preprocess.scale``.

    Args:
        pixels: uint8 or float, (B, h, w, 3), RGB, 0-255.
        spec: channel order, scale and offset.

    Returns:
        float32, (B, h, w, 3).
    """
    ordered = ops.flip(pixels, axis=-1) if spec.channels == "BGR" else pixels
    scale, offset = (np.asarray(value, np.float32) for value in (spec.scale, spec.offset))
    return ops.cast(ordered, "float32") * scale + offset
