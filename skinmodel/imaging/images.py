"""Guarded decoding: bytes from anyone become an RGB array, or one sentence for a clinician.

What is promised for any input, valid or hostile: an array or an ``ImageError``; at most 500 MB of
memory above idle, for which large pictures take turns; nothing written to disk; nothing of a file's
metadata in any array, message or log. A JPEG of which parts are missing is refused, not filled up.
"""

import ctypes
import io
import logging
import struct
import sys
import threading
import warnings
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from skinmodel.errors import ImageError, escape
from skinmodel.imaging.colors import convert_to_srgb, flatten
from skinmodel.imaging.containers import (
    JPEG_START,
    NO_END_MARKER,
    NOT_CHECKED,
    check_complete,
    close,
    strip,
)
from skinmodel.imaging.signatures import name_format


class Budget:
    """An amount of memory that is never promised twice.

    Whoever came first goes first, so that a large request is not kept waiting by small ones for
    ever. One that asks for more than there is gets all of it, alone.

    Args:
        limit: bytes.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._used = 0
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def borrow(self, size: int) -> Iterator[None]:
        """Wait until ``size`` bytes are free, and hold them until the block ends."""
        size = min(size, self._limit)
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            try:
                self._changed.wait_for(
                    lambda: self._queue[0] is ticket and self._used + size <= self._limit
                )
                self._used += size
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._used -= size
                self._changed.notify_all()


def give_back() -> None:
    """Return memory that is free to the system.

    glibc keeps freed memory in one arena a thread, so that what one thread has freed another
    cannot use. Nothing happens elsewhere.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


log = logging.getLogger(__name__)

MAX_BYTES: Final = 10 * 1024 * 1024
"""Largest file accepted, in bytes; the upload limit of the dashboard is the same."""

MAX_PIXELS: Final = 40_000_000
"""Largest picture accepted, in pixels.

The costliest file of this size is a progressive CMYK JPEG, for which libjpeg keeps 8 bytes a pixel
(320 MB) beside the reduced picture; a PNG of any kind takes 4 (160 MB). Cameras above 40 MP hardly
ever write files below ``MAX_BYTES``.
"""

MIN_SIDE: Final = 64
"""Shortest side accepted, in pixels: less cannot show the structure of a lesion at 100 x 100."""

MAX_SIDE: Final = 2048
"""Longest side of a decoded array, in pixels; larger pictures are reduced to it."""

_FORMATS: Final = ("JPEG", "PNG")
_BAND_PIXELS: Final = 1_000_000
_LARGE_PIXELS: Final = 4_000_000
# Coefficients of a progressive CMYK JPEG take 8 bytes a pixel, its pixels 4 more at most.
_BYTES_PER_PIXEL: Final = 12
_BUDGET: Final = Budget(400_000_000)
_TRANSPOSITIONS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS: Final = (5, 6, 7, 8)
# What Pillow's parsers are known to raise on damaged bytes; a fuzz test holds the list complete.
_DAMAGE: Final = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

# Pillow's own limit only warns up to twice its value; the check of MAX_PIXELS comes after it.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@dataclass(frozen=True, eq=False)
class Decoded:
    """A picture, and what a reader should know of how it was read.

    Attributes:
        image: uint8, (H, W, 3), RGB, 0-255, contiguous.
        size: width and height of the picture in the file, as it is to be seen, in pixels.
        note: one or two sentences; empty where the file is as it should be.
    """

    image: NDArray[np.uint8] = field(repr=False)
    size: tuple[int, int]
    note: str = ""


def read(path: Path) -> NDArray[np.uint8]:
    """Return the picture in a file.

    Args:
        path: a JPEG or PNG file.

    Returns:
        uint8, (H, W, 3), RGB, 0-255, as ``decode`` gives it.

    Raises:
        ImageError: as ``read_bytes`` and ``decode``.
    """
    decoded = decode_noted(read_bytes(path))
    if decoded.note:
        log.warning("'%s': %s", escape(str(path)), decoded.note)
    return decoded.image


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; of one that is too large nothing is read.

    Raises:
        ImageError: there is no such file, it cannot be read, or it is larger than ``MAX_BYTES``.
    """
    shown = escape(str(path), 500)
    try:
        if path.is_dir():
            raise ImageError(f"'{shown}' is a folder. Give the path of one JPEG or PNG file.")
        if path.exists() and not path.is_file():
            raise ImageError(f"'{shown}' is not a regular file. Give the path of a JPEG or PNG.")
        _check_length(path.stat().st_size)
        with path.open("rb") as file:
            # One byte more than allowed, so that a file that grew meanwhile is noticed.
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ImageError(f"There is no file '{shown}'. Check its name and folder.") from error
    except PermissionError as error:
        raise ImageError(
            f"The file '{shown}' may not be read by this user. Change its permissions or copy it."
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is not valid"
        raise ImageError(
            f"The file '{shown}' could not be read ({reason}). Check the name and the disk."
        ) from error


def decode(data: bytes) -> NDArray[np.uint8]:
    """Return the picture in a JPEG or PNG file's bytes.

    The EXIF orientation is applied; no other metadata is used, but for a small RGB colour profile
    (Display P3 of phones, Adobe RGB of cameras), from which colours are converted to sRGB.
    Profiles of grey and CMYK pictures, damaged ones and PNG gamma chunks are ignored. Transparent
    parts are shown on white. Of 16-bit channels the upper 8 bits are kept. Of an animated PNG the
    still picture is taken. A picture of more than ``MAX_SIDE`` pixels on its longer side is reduced
    to that by averaging, so that every later stage stays light; smaller ones keep their pixels.

    Args:
        data: the whole file, at most ``MAX_BYTES`` long.

    Returns:
        uint8, (H, W, 3), RGB, 0-255, contiguous, each side within ``MIN_SIDE`` to ``MAX_SIDE``.

    A JPEG that lacks nothing but its end marker is read, with a warning in the log; so is one too
    unusual to be checked for missing parts. ``decode_noted`` gives these words to the caller.

    Raises:
        ImageError: the bytes are empty, too many, not a JPEG or PNG, damaged or incomplete, or hold
            a picture with too many or too few pixels. The message is a sentence for a clinician.
    """
    decoded = decode_noted(data)
    if decoded.note:
        log.warning("%s", decoded.note)
    return decoded.image


def decode_noted(data: bytes) -> Decoded:
    """Return the picture as ``decode`` does, with a note where the file is not as it should be.

    Args:
        data: the whole file, at most ``MAX_BYTES`` long.

    Raises:
        ImageError: as ``decode``.
    """
    _check_length(len(data))
    stripped = strip(data)
    is_jpeg = stripped.data.startswith(JPEG_START)
    content, note = stripped.data, ""
    if is_jpeg:
        closed = close(stripped.data)
        content, note = closed.data, "" if closed.had_end else NO_END_MARKER
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            width, height = image.size
            _check_dimensions(width, height)
            # The memory bound is for the whole process: pictures take turns.
            with _BUDGET.borrow(width * height * _BYTES_PER_PIXEL):
                try:
                    if is_jpeg and not check_complete(content):
                        note = NOT_CHECKED
                    array = _to_array(image, stripped.orientation, len(content))
                    turned = stripped.orientation in _QUARTER_TURNS
                    return Decoded(array, (height, width) if turned else (width, height), note)
                finally:
                    image.close()
                    if width * height > _LARGE_PIXELS:
                        give_back()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(_too_many_pixels("")) from error
    except _DAMAGE as error:
        raise ImageError(_explain_failure(data)) from error


def _check_length(length: int) -> None:
    if length == 0:
        raise ImageError(
            "The file is empty (0 bytes): nothing was saved or transferred. "
            "Export the picture again as JPEG or PNG."
        )
    if length > MAX_BYTES:
        raise ImageError(
            f"The file is larger than {MAX_BYTES // 1024**2} MB, the most this tool accepts. "
            "Save the picture as JPEG, or at a smaller size, and try again."
        )


def _too_many_pixels(size: str) -> str:
    return (
        f"The picture has more than {MAX_PIXELS // 1_000_000} million pixels{size}, the most this "
        "tool accepts. Crop it to the lesion or save it at a smaller size."
    )


def _check_dimensions(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(_too_many_pixels(f" ({width} x {height})"))
    short, long = sorted((width, height))
    if short < MIN_SIDE:
        raise ImageError(
            f"The picture is only {width} x {height} pixels; each side needs at least {MIN_SIDE} "
            "to show a lesion's structure. Use the original picture, not a thumbnail."
        )
    if short * MAX_SIDE < long * MIN_SIDE:
        raise ImageError(
            f"The picture is a strip of {width} x {height} pixels, too long and narrow to show a "
            "lesion. Crop it to the lesion and its surroundings."
        )


def _explain_failure(data: bytes) -> str:
    name, is_supported = name_format(data)
    if is_supported:
        return (
            f"The {name} file is damaged or incomplete and cannot be shown in full. "
            "Transfer or export the picture again from where it was taken."
        )
    what = f"This file is {name}, not a JPEG or PNG," if name else "This file is not a picture,"
    return f"{what} whatever its name says. Export the picture as JPEG or PNG and try again."


def _to_array(image: ImageFile, orientation: int, length: int) -> NDArray[np.uint8]:
    # Arithmetic decoding cannot pause for more bytes: the decoder gets the file in one piece.
    image.decodermaxblock = max(image.decodermaxblock, length)
    # A JPEG is decoded at a half, a quarter or an eighth of its size where that leaves MAX_SIDE.
    long = max(image.size)
    image.draft(None, (image.width * MAX_SIDE // long, image.height * MAX_SIDE // long))
    image.load()
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    rgb = _reduce_to_rgb(image, factor=max(1, max(image.size) // MAX_SIDE))
    rgb.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX, reducing_gap=None)
    if profile:
        rgb = convert_to_srgb(rgb, profile)
    if orientation in _TRANSPOSITIONS:
        rgb = rgb.transpose(_TRANSPOSITIONS[orientation])
    return np.array(rgb, dtype=np.uint8)


def _reduce_to_rgb(image: Image.Image, factor: int) -> Image.Image:
    """Return ``image`` on white as RGB, averaged over ``factor`` x ``factor`` pixels.

    It goes band by band: converting the whole picture first would double its memory.
    """
    size = (-(-image.width // factor), -(-image.height // factor))
    reduced = Image.new("RGB", size)
    rows = factor * max(1, _BAND_PIXELS // (image.width * factor))
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        reduced.paste(flatten(band).reduce(factor), (0, top // factor))
    return reduced
