"""TensorFlow's batches, augmented as a batch, never image by image in Python.

Every random number is a function of (seed, step), so that a run that is stopped and resumed sees
the very batches it would have seen.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from skinmodel.data.augmentation import Augmentation
from skinmodel.data.changes import (
    AFFINE_DRAWS,
    COLOUR_DRAWS,
    build_affines,
    changes_colour,
    jitter_colour,
)
from skinmodel.data.rows import PixelRows


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
    """Return ``changes.build_affines`` of numbers drawn for ``count`` images."""
    u = tf.random.stateless_uniform((AFFINE_DRAWS, count), seed, minval=-1.0, maxval=1.0)
    return build_affines(settings, u, height, width)


def _jitter_colour(pixels: tf.Tensor, settings: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    if not changes_colour(settings):
        return pixels
    shape = (COLOUR_DRAWS, tf.shape(pixels)[0], 1, 1, 1)
    u = tf.random.stateless_uniform(shape, seed, minval=-1.0, maxval=1.0)
    return jitter_colour(pixels, settings, u)
