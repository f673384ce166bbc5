"""From a raw explanation map to colours, and from colours to a blend with the photograph.

How a map becomes a picture, and why:

- It is divided by its own maximum; zero stays zero. Min-max scaling is avoided on purpose: it
  stretches whatever noise a flat map holds over the whole colour range, where it looks like
  evidence. The raw maximum is in ``Explanation.raw_maximum`` and belongs beside the picture.
- It is enlarged with cubic interpolation and clipped to [0, 1], so that no value outside the map's
  own range appears, and laid over the part of the picture that its cells tile (see
  ``models.receptive_field``): stretched over the whole picture, a layer without padding seems to
  look at the corners when it looks at the middle.
- Colours are viridis: perceptually uniform, readable with every common colour vision deficiency
  and in grey, and, unlike inferno or magma, without the reds and browns of skin and lesions.
- Opacity grows with the value. Where a model did not look, the photograph stays as it is; a wash
  of the colour map's dark end would hide exactly what a reader compares the map with.
- What leaves the program as a file carries its provenance in the picture itself, in a strip below:
  notes inside a PNG are lost on the first screenshot or paste into a slide.
"""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from skinmodel.diagnoses import get_diagnosis
from skinmodel.errors import ImageError
from skinmodel.explain.registry import METHODS
from skinmodel.imaging.placement import Placement
from skinmodel.results import DISCLAIMER, Explanation

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_LEVELS: Final = np.arange(256, dtype=np.uint8).reshape(-1, 1)
_COLORS: Final = np.asarray(cv2.applyColorMap(_LEVELS, cv2.COLORMAP_VIRIDIS), dtype=np.uint8)[
    :, 0, ::-1
].copy()

_PAPER: Final = (246, 248, 249)
_INK: Final = (21, 35, 45)
_DARK: Final = (0, 0, 0)
_BRIGHT: Final = (255, 214, 10)
_NEARLY_ALL: Final = 0.95
_LEAST_TYPE: Final = 11.0  # pixels; smaller letters cannot be read
_TYPE_OF_WIDTH: Final = 1 / 40  # grows with the picture, so that it can be read when that is shrunk


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
    height, width = image.shape[:2]
    scaled = _place(explanation.values, explanation.placement, height, width)
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


def draw_outline(image: NDArray[np.uint8], lines: Sequence[NDArray[np.int32]]) -> NDArray[np.uint8]:
    """Return the picture with the lesion's outline, a bright line in a dark one, seen on any skin.

    Args:
        image: uint8, (H, W, 3), RGB, 0-255; it stays as it is.
        lines: as ``data.masks.trace_outline`` returns them for this size.
    """
    _check_image(image)
    drawn = image.copy()
    width = max(2, round(max(image.shape[:2]) / 200))
    for color, thickness in ((_DARK, width + 3), (_BRIGHT, width)):
        cv2.polylines(drawn, list(lines), True, color, thickness, cv2.LINE_AA)
    return drawn


def describe_place(explanation: Explanation) -> str:
    """Return how much of the picture a map's cells cover; empty where it is all of it."""
    place = explanation.placement
    down, across = place.bottom - place.top, place.right - place.left
    if min(down, across) > _NEARLY_ALL:
        return ""
    return (
        f"Its cells lie around the middle {100 * down:.0f} % of the height and "
        f"{100 * across:.0f} % of the width: each takes in what is around it too, but none is "
        "centred further out."
    )


def describe_map(explanation: Explanation) -> str:
    """Return in words what a map is: its method, its head where it has several, its diagnosis."""
    method = METHODS[explanation.method].title
    if explanation.code is not None:
        return f"{method} for {get_diagnosis(explanation.code).name} ({explanation.code})"
    if explanation.heads is not None:
        count = explanation.heads.shape[-1]
        head = f"head {explanation.head} of" if explanation.head else "sum of"
        unit = "" if explanation.head else " heads"
        method = f"{method}, {head} {count}{unit}"
    return f"{method}, for all diagnoses alike"


def label(
    explanation: Explanation, title: str, remark: str = "", details: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the lines that belong under an overlay: whose it is, what it shows, what it is not.

    Args:
        explanation: the map drawn.
        title: what people call the network.
        remark: what was measured against maps of this kind; empty if nothing.
        details: further lines, such as the probability and the date.
    """
    null = ": no positive evidence, nothing is drawn" if explanation.is_null else ""
    return (
        f"{title}, run {explanation.run_id}",
        f"{describe_map(explanation)}{null}",
        *([remark] if remark else []),
        *details,
        DISCLAIMER,
    )


def caption(
    image: NDArray[np.uint8], lines: Sequence[str], maximum: float | None = None
) -> NDArray[np.uint8]:
    """Return the picture with lines of text in a strip below it.

    Args:
        image: uint8, (H, W, 3), RGB, 0-255; it stays as it is.
        lines: what to write; one too long for the width goes on in the next row.
        maximum: what the brightest colour of a map stands for; a colour key from 0 to it is drawn
            above the lines. None for no key.

    Returns:
        uint8, (H + h, W, 3), RGB, 0-255, a new array.

    Raises:
        ImageError: ``image`` is not as described.
    """
    _check_image(image)
    width = image.shape[1]
    size = max(_LEAST_TYPE, width * _TYPE_OF_WIDTH)
    font = ImageFont.load_default(size)
    margin, step = math.ceil(size / 2), math.ceil(1.3 * size)
    rows = [row for line in lines for row in _wrap(line, font, width - 2 * margin)]
    if maximum is not None:
        image = np.concatenate([image, colorbar(width, step)])
        rows = [f"Colours from 0, left, to the map's maximum, {maximum:.3g}, right", *rows]
    strip = Image.new("RGB", (width, 2 * margin + step * len(rows)), _PAPER)
    draw = ImageDraw.Draw(strip)
    for number, row in enumerate(rows):
        draw.text((margin, margin + number * step), row, fill=_INK, font=font)
    return np.concatenate([image, np.asarray(strip, dtype=np.uint8)])


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


def _wrap(line: str, font: _Font, room: int) -> list[str]:
    """Return a line in rows of at most ``room`` pixels, cut within words only where it must be."""
    rows, row = [], ""
    for word in line.split():
        if font.getlength(f"{row} {word}".strip()) <= room:
            row = f"{row} {word}".strip()
            continue
        if row:
            rows.append(row)
        row = word
        while len(row) > 1 and font.getlength(row) > room:
            cut = next((n for n in range(len(row), 1, -1) if font.getlength(row[:n]) <= room), 1)
            rows.append(row[:cut])
            row = row[cut:]
    return [*rows, row]


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


def _place(
    values: NDArray[Any], placement: Placement, height: int, width: int
) -> NDArray[np.float32]:
    """Return the map divided by its maximum where its cells lie, float32, (height, width), 0-1."""
    top, bottom = (round(edge * height) for edge in (placement.top, placement.bottom))
    left, right = (round(edge * width) for edge in (placement.left, placement.right))
    part = _scale_for_display(values, max(bottom - top, 1), max(right - left, 1))
    placed = np.zeros((height, width), dtype=np.float32)
    rows = slice(max(top, 0), min(bottom, height))
    columns = slice(max(left, 0), min(right, width))
    placed[rows, columns] = part[
        rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
    ]
    return placed


def _colorize(scaled: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return colours, uint8, (H, W, 3), RGB, of a map in [0, 1]."""
    return _COLORS[np.rint(scaled * 255).astype(np.intp)]


def _check_image(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ImageError(
            f"The picture is an array of {image.dtype} with shape {image.shape}; expected uint8, "
            "(H, W, 3), RGB. Decode files with skinmodel.imaging.images.decode."
        )


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise ImageError(
            f"A picture of {width} x {height} pixels was asked for; both must be at least 1."
        )
