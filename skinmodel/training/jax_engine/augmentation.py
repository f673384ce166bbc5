"""Augmentation inside the compiled step: the twin of TensorFlow's, see ``data.changes``."""

import math
from typing import Literal

import jax
import jax.numpy as jnp

from skinmodel.data.augmentation import Augmentation
from skinmodel.data.changes import (
    AFFINE_DRAWS,
    COLOUR_DRAWS,
    build_affines,
    changes_colour,
    jitter_colour,
)


def augment(pixels: jax.Array, settings: Augmentation, key: jax.Array) -> jax.Array:
    """Return a randomly changed batch: all geometry in one affine, all colour in another.

    Args:
        pixels: uint8, (B, h, w, 3), RGB, 0-255; or (B, h, w, 4) with a mask behind the colours,
            which moves with the picture and keeps its values.
        settings: the ranges.
        key: of JAX's generator; the same key gives the same change.

    Returns:
        float32, of the same shape, 0-255, bilinearly sampled.
    """
    geometry, colour, resolution = jax.random.split(key, 3)
    count, height, width, _ = pixels.shape
    images = pixels.astype(jnp.float32)
    if settings.resolution < 1:
        least = math.log(settings.resolution)
        share = jnp.exp(jax.random.uniform(resolution, (), minval=least, maxval=0.0))
        images = lose_resolution(images, share)
    u = jax.random.uniform(geometry, (AFFINE_DRAWS, count), minval=-1.0, maxval=1.0)
    moved = sample(images, build_affines(settings, u, height, width), settings.fill)
    if not changes_colour(settings):
        return moved
    v = jax.random.uniform(colour, (COLOUR_DRAWS, count, 1, 1, 1), minval=-1.0, maxval=1.0)
    coloured = jitter_colour(moved[..., :3], settings, v)
    return jnp.concatenate([coloured, moved[..., 3:]], axis=-1)


def sample(images: jax.Array, affines: jax.Array, fill: Literal["reflect", "nearest"]) -> jax.Array:
    """Return images moved by affines, bilinearly, as TensorFlow's ImageProjectiveTransformV3.

    Args:
        images: float32, (B, h, w, C).
        affines: float32, (B, 8), from output to input pixels, see ``changes.build_affines``.
        fill: what is beyond the border.

    Returns:
        float32, (B, h, w, C).
    """
    count, height, width, channels = images.shape
    rows, columns = jnp.mgrid[:height, :width].astype(jnp.float32)
    a, b, c, d, e, f = (affines[:, n, None, None] for n in range(6))
    x = _inside(a * columns + b * rows + c, width, fill)
    y = _inside(d * columns + e * rows + f, height, fill)
    left, top = jnp.floor(x), jnp.floor(y)
    flat = images.reshape(count, height * width, channels)

    def read(row: jax.Array, column: jax.Array) -> jax.Array:
        # Beyond the last row or column the weight is 0.
        row = jnp.minimum(row.astype(jnp.int32), height - 1)
        column = jnp.minimum(column.astype(jnp.int32), width - 1)
        places = (row * width + column).reshape(count, -1, 1)
        return jnp.take_along_axis(flat, places, axis=1).reshape(images.shape)

    right, down = (x - left)[..., None], (y - top)[..., None]
    upper = (1 - right) * read(top, left) + right * read(top, left + 1)
    lower = (1 - right) * read(top + 1, left) + right * read(top + 1, left + 1)
    return (1 - down) * upper + down * lower


def _inside(places: jax.Array, size: int, fill: str) -> jax.Array:
    """Return places within [0, size - 1] for any; ``reflect`` repeats the border's pixel."""
    if fill == "reflect":
        places = jnp.mod(places, 2.0 * size)
        places = jnp.where(places >= size, 2.0 * size - places - 1.0, places)
    return jnp.clip(places, 0.0, size - 1.0)


def lose_resolution(images: jax.Array, share: jax.Array) -> jax.Array:
    """Return images of which the first half has lost detail, see ``Augmentation.resolution``.

    A mask loses as much: it is of the picture that the network sees.

    Args:
        images: float32, (B, h, w, C).
        share: float32, (), of each side that is left.

    Returns:
        float32, (B, h, w, C).
    """
    half, (height, width) = images.shape[0] // 2, images.shape[1:3]
    rows, columns = _lose(height, share), _lose(width, share)
    # The device must not round these products: they are pixels.
    lost = jnp.einsum(
        "ih,bhwc,jw->bijc", rows, images[:half], columns, precision=jax.lax.Precision.HIGHEST
    )
    return jnp.concatenate([lost, images[half:]])


def _lose(size: int, share: jax.Array) -> jax.Array:
    """Return the matrix, (size, size), that reduces a line to ``share`` and enlarges it again."""
    small = jnp.maximum(jnp.round(share * size), 1.0)
    reduce, enlarge = _resize(size, small, size), _resize(small, size, size)
    return jnp.matmul(enlarge, reduce, precision=jax.lax.Precision.HIGHEST)


def _resize(old: jax.Array | float, new: jax.Array | float, size: int) -> jax.Array:
    """Return the bilinear, antialiased resize of a line from ``old`` to ``new`` pixels.

    Both may be known only on the device: rows from ``new`` and columns from ``old`` on are 0.
    """
    numbers = jnp.arange(size, dtype=jnp.float32)
    step = old / new
    centres = (numbers[:, None] + 0.5) * step - 0.5
    weights = jnp.maximum(0.0, 1.0 - jnp.abs(centres - numbers) / jnp.maximum(step, 1.0))
    weights = jnp.where((numbers[:, None] < new) & (numbers < old), weights, 0.0)
    return weights / jnp.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
