"""Brushes for the drawings: noise, outlines, patterns and ways to lay colour on skin.

Lengths are in picture heights and positions are measured from the middle of the picture, so that a
drawing looks the same at any size. Masks are float32, (H, W), 0 to 1.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.float32]
Color = tuple[float, float, float]
Point = tuple[float, float]

# Subpixel bits of OpenCV's drawing functions.
_SHIFT: Final = 4


class Sheet:
    """A picture in work, with the generator that makes it repeatable.

    Attributes:
        pixels: float32, (H, W, 3), RGB, 0-255.
        x: float32, (H, W), distance to the right of the middle, in picture heights.
        y: float32, (H, W), distance below the middle, in picture heights.
        rng: the only source of chance.
    """

    def __init__(self, height: int, width: int, seed: int):
        self.height, self.width = height, width
        self.rng = np.random.default_rng(seed)
        self.pixels: NDArray[np.float32] = np.zeros((height, width, 3), dtype=np.float32)
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        self.x: Mask = (columns + 0.5 - width / 2) / height
        self.y: Mask = (rows + 0.5 - height / 2) / height

    def lay(self, color: Color, mask: NDArray[np.floating]) -> None:
        """Cover with ``color`` (RGB, 0-255) where ``mask`` says so."""
        cover = mask.astype(np.float32)[..., np.newaxis]
        self.pixels += cover * (np.asarray(color, np.float32) - self.pixels)

    def shade(self, factor: NDArray[np.floating]) -> None:
        """Make lighter (above 1) or darker (below 1)."""
        self.pixels *= factor.astype(np.float32)[..., np.newaxis]

    def noise(self, period: float, octaves: int = 1) -> Mask:
        """Return smooth noise around 0, mostly within -1 to 1, with features of size ``period``."""
        total = np.zeros((self.height, self.width), dtype=np.float32)
        for octave in range(octaves):
            cell = period / 2**octave
            rows = int(np.ceil(1 / cell)) + 1
            columns = int(np.ceil(self.width / self.height / cell)) + 1
            grid = self.rng.standard_normal((rows, columns)).astype(np.float32) * 0.6
            size = (self.width, self.height)
            total += np.asarray(cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)) / 2**octave
        return total

    def blob(self, center: Point, radius: float, lobes: float, rough: float) -> Mask:
        """Return the depth inside an outline: 1 in its middle, 0 on it, negative outside.

        Args:
            center: x and y of its middle.
            radius: its mean radius.
            lobes: how far large bulges leave a circle, as a share of the radius.
            rough: the same for small irregularities.
        """
        dx, dy = self.x - center[0], self.y - center[1]
        angle = np.arctan2(dy, dx)
        reach = np.full_like(angle, radius)
        for wave in range(2, 6):
            phase = self.rng.uniform(0, 2 * np.pi)
            reach += radius * lobes / wave * np.cos(wave * angle + phase)
        edge = rough * self.noise(0.09, octaves=3) if rough else np.float32(0)
        return np.asarray(1 - np.hypot(dx, dy) / reach + edge, dtype=np.float32)

    def honeycomb(self, period: float, warp: float, line: float = 1.2) -> Mask:
        """Return a net around round holes, bent by ``warp``; 1 on its lines, ``line`` wide."""
        x = self.x + warp * self.noise(0.12, octaves=2)
        y = self.y + warp * self.noise(0.12, octaves=2)
        tilt, steps = self.rng.uniform(0, np.pi), float(4 * np.pi / (np.sqrt(3) * period))
        waves = [
            np.cos(float(np.cos(a)) * steps * x + float(np.sin(a)) * steps * y)
            for a in tilt + np.pi / 3 * np.arange(3)
        ]
        return rise(-np.sum(waves, axis=0), 1.2 - line, 1.4)

    def scatter(self, allowed: Mask, count: int, spacing: float) -> list[Point]:
        """Return up to ``count`` points, ``spacing`` apart, from where ``allowed`` is above 0."""
        rows, columns = np.nonzero(allowed > 0)
        picks = self.rng.permutation(len(rows))[: 24 * count]
        candidates = np.stack([self.x[0, columns[picks]], self.y[rows[picks], 0]], axis=1)
        points: list[Point] = []
        while len(candidates) and len(points) < count:
            first = candidates[0]
            points.append((float(first[0]), float(first[1])))
            candidates = candidates[np.hypot(*(candidates - first).T) >= spacing]
        return points

    def discs(self, points: Sequence[Point], radii: Sequence[float], blur: float = 0.002) -> Mask:
        """Return filled, slightly oval spots."""
        mask = np.zeros((self.height, self.width), dtype=np.uint8)
        for point, radius in zip(points, radii, strict=True):
            axes = self._scaled((radius, radius * self.rng.uniform(0.75, 1.0)))
            turn = self.rng.uniform(0, 180)
            center = self._at(point)
            cv2.ellipse(mask, center, axes, turn, 0, 360, 255, -1, cv2.LINE_AA, _SHIFT)
        return self._soft(mask, blur)

    def curves(self, lines: Sequence[tuple[Sequence[Point], float]], blur: float) -> Mask:
        """Return strokes, each given by its points and its width."""
        mask = np.zeros((self.height, self.width), dtype=np.uint8)
        for points, thickness in lines:
            bent = np.array([self._at(p) for p in points], dtype=np.int32)
            pixels = max(1, round(thickness * self.height))
            cv2.polylines(mask, [bent], False, 255, pixels, cv2.LINE_AA, _SHIFT)
        return self._soft(mask, blur)

    def blur(self, mask: NDArray[np.floating], radius: float) -> Mask:
        """Return ``mask`` softened by a Gaussian of this standard deviation."""
        sigma = max(radius * self.height, 0.3)
        return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma), np.float32)

    def relief(self, height: Mask, strength: float) -> Mask:
        """Return a factor for ``shade`` that lights a surface from the upper left."""
        slope_y, slope_x = np.gradient(height, 1 / self.height)
        factor = np.clip(1 + strength * (slope_x + slope_y), 0.68, 1.25)
        return np.asarray(factor, dtype=np.float32)

    def _soft(self, mask: NDArray[np.uint8], blur: float) -> Mask:
        return self.blur(mask.astype(np.float32) / 255, blur)

    def _at(self, point: Point) -> tuple[int, int]:
        """Return a position in OpenCV's fixed-point pixels."""
        x = point[0] * self.height + self.width / 2 - 0.5
        y = point[1] * self.height + self.height / 2 - 0.5
        return round(x * 2**_SHIFT), round(y * 2**_SHIFT)

    def _scaled(self, lengths: Point) -> tuple[int, int]:
        first, second = (max(1, round(v * self.height * 2**_SHIFT)) for v in lengths)
        return first, second


def rise(values: NDArray[np.floating], low: float, high: float) -> Mask:
    """Return 0 below ``low``, 1 above ``high`` and a smooth step between (cubic Hermite)."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
