"""The input pipeline: shuffled batches, augmented as a batch, never image by image in Python.

Every random number is a function of (seed, epoch, step), so that a run that is stopped and
resumed sees the very batches it would have seen.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from skinmodel.data.augmentation import Augmentation
from skinmodel.data.report.protocol import apply_transform, check_transforms
from skinmodel.imaging.preprocess import Preprocessing


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


def build_batches(
    pixels: NDArray[np.uint8] | PixelRows,
    targets: NDArray[np.int64],
    batch_size: int,
    order: NDArray[np.int64] | None = None,
) -> tf.data.Dataset:
    """Return full and partial batches of ``pixels`` in the given order.

    Args:
        pixels: uint8, (N, h, w, 3); may be mapped from disk.
        targets: int64, (N,), class indices.
        batch_size: images a batch.
        order: int64, (n,), rows to visit; None for all, as they come.

    Returns:
        Dataset of (uint8 (B, h, w, 3), int64 (B,)); the next batch is made while one is used.
    """
    rows = np.arange(len(pixels)) if order is None else order
    starts = range(0, len(rows), batch_size)

    def generate() -> Any:
        # One NumPy gather a batch: the mapped array is never copied whole.
        for start in starts:
            chosen = rows[start : start + batch_size]
            yield pixels[chosen], targets[chosen]

    signature = (
        tf.TensorSpec((None, *pixels.shape[1:]), tf.uint8),
        tf.TensorSpec((None,), tf.int64),
    )
    return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(2)


def shuffled_order(count: int, batch_size: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the rows of one epoch, shuffled, cut to whole batches so that shapes stay fixed."""
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return order[: max(count // batch_size, 1) * batch_size]


def to_input(pixels: Any, spec: Preprocessing) -> tf.Tensor:
    """Return pixels as network input inside the graph; the twin of ``preprocess.scale``.

    Args:
        pixels: uint8 or float, (B, h, w, 3), RGB, 0-255.
        spec: channel order, scale and offset.

    Returns:
        float32, (B, h, w, 3).
    """
    ordered = tf.reverse(pixels, axis=[-1]) if spec.channels == "BGR" else pixels
    return tf.cast(ordered, tf.float32) * spec.scale + spec.offset


def augment(pixels: tf.Tensor, settings: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """Return a randomly changed batch: all geometry in one affine, all colour in another.

    Args:
        pixels: uint8, (B, h, w, 3), RGB, 0-255; or (B, h, w, 4) with a mask behind the colours,
            which moves with the picture and keeps its values.
        settings: the ranges.
        seed: int32, (2,); the same seed gives the same change.

    Returns:
        float32, of the same shape, 0-255, bilinearly sampled.
    """
    count, height, width = tf.shape(pixels)[0], pixels.shape[1], pixels.shape[2]
    geometry, colour = tf.unstack(tf.random.split(seed, 2))
    if settings.resolution < 1:
        pixels = _lose_resolution(tf.cast(pixels, tf.float32), settings.resolution, seed)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(pixels, tf.float32),
        transforms=draw_affines(settings, count, height, width, geometry),
        output_shape=tf.constant([height, width]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode=settings.fill.upper(),
    )
    if pixels.shape[-1] == 3:
        return _jitter_colour(moved, settings, colour)
    return tf.concat([_jitter_colour(moved[..., :3], settings, colour), moved[..., 3:]], axis=-1)


def _lose_resolution(pixels: tf.Tensor, smallest: float, seed: tf.Tensor) -> tf.Tensor:
    """Return float32 pixels of which the first half has lost detail, see ``Augmentation``.

    A mask loses as much: it is of the picture that the network sees.
    """
    height, width = pixels.shape[1], pixels.shape[2]
    drawn = tf.random.stateless_uniform((), seed, minval=math.log(smallest), maxval=0.0)
    share = tf.exp(drawn)
    small = tf.cast(tf.round(share * [height, width]), tf.int32)
    half = tf.shape(pixels)[0] // 2
    # Antialiased as whoever reduces a picture does it; enlarged as the networks' own input is.
    reduced = tf.image.resize(pixels[:half], small, "bilinear", antialias=True)
    lost = tf.image.resize(reduced, (height, width), "bilinear")
    return tf.concat([lost, pixels[half:]], axis=0)


def draw_affines(
    settings: Augmentation, count: Any, height: int, width: int, seed: tf.Tensor
) -> tf.Tensor:
    """Return one affine an image, from output to input pixels, about the image's centre.

    Returns:
        float32, (count, 8): rows (a, b, c, d, e, f, 0, 0) with x_in = a x + b y + c.
    """
    u = tf.random.stateless_uniform((9, count), seed, minval=-1.0, maxval=1.0)
    angle = u[0] * math.radians(settings.rotation)
    shear = u[1] * math.radians(settings.shear)
    both = 1.0 + u[2] * settings.zoom
    mirror_x = _mirror(u[5], settings.horizontal_flip)
    mirror_y = _mirror(u[6], settings.vertical_flip)
    scale_x = mirror_x / (both * (1.0 + u[3] * settings.stretch))
    scale_y = mirror_y / (both * (1.0 + u[4] * settings.stretch))
    cos, sin = tf.cos(angle), tf.sin(angle)
    a, b = scale_x * cos, scale_x * (-sin + tf.tan(shear) * cos)
    d, e = scale_y * sin, scale_y * (cos + tf.tan(shear) * sin)
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    c = middle_x - a * middle_x - b * middle_y + u[7] * settings.shift * width
    f = middle_y - d * middle_x - e * middle_y + u[8] * settings.shift * height
    zero = tf.zeros_like(a)
    return tf.stack([a, b, c, d, e, f, zero, zero], axis=1)


def _mirror(u: tf.Tensor, allowed: bool) -> tf.Tensor:
    return tf.where(u < 0, -1.0, 1.0) if allowed else tf.ones_like(u)


def _jitter_colour(pixels: tf.Tensor, settings: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    if not (settings.brightness or settings.contrast or settings.saturation):
        return pixels
    shape = (3, tf.shape(pixels)[0], 1, 1, 1)
    u = tf.random.stateless_uniform(shape, seed, minval=-1.0, maxval=1.0)
    brightness = 1.0 + u[0] * settings.brightness
    contrast = 1.0 + u[1] * settings.contrast
    saturation = 1.0 + u[2] * settings.saturation
    grey = tf.reduce_mean(pixels, axis=-1, keepdims=True)
    mean = tf.reduce_mean(grey, axis=(1, 2), keepdims=True)
    coloured = grey + (pixels - grey) * saturation
    changed = ((coloured - mean) * contrast + mean) * brightness
    return tf.clip_by_value(changed, 0.0, 255.0)
