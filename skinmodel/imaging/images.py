"""Guarded decoding: bytes from anyone become an RGB array, or one sentence for a clinician.

What is promised for any upload, valid or hostile: an array or an ``ImageError``; at most 500 MB of
memory above idle (1 GB for files named on the command line, whose limits are wider), for which
large pictures take turns; nothing written to disk; nothing of a file's metadata in any array,
message or log. A JPEG of which parts are missing is refused, not filled up.
"""

import io
import logging
import struct
import warnings
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from skinmodel.errors import ImageError, escape
from skinmodel.imaging import dicom
from skinmodel.imaging.budget import Budget, give_back
from skinmodel.imaging.colors import convert_to_srgb, flatten
from skinmodel.imaging.containers import (
    JPEG_START,
    NO_END_MARKER,
    NOT_CHECKED,
    check_complete,
    close,
    estimate_kept,
    strip,
)
from skinmodel.imaging.formats import OTHERS, Kind, note_frames
from skinmodel.imaging.signatures import DICOM, name_format

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What is decoded at most.

    Attributes:
        bytes: of a file.
        pixels: of a picture.
        memory: bytes that decoding takes beside the file, by an estimate from its header.
    """

    bytes: int
    pixels: int
    memory: int


MAX_BYTES: Final = 25 * 1024 * 1024
"""Largest file accepted from a browser, in bytes; the upload limit of the dashboard is the same."""

MAX_PIXELS: Final = 40_000_000
"""Largest picture accepted from a browser, in pixels.

The costliest file of this size is a progressive CMYK JPEG, for which libjpeg keeps 8 bytes a pixel
(320 MB) beside the reduced picture; a PNG of any kind takes 4 (160 MB). Phones and cameras above
40 MP hardly ever write files below ``MAX_BYTES``.
"""

UPLOADS: Final = Limits(MAX_BYTES, MAX_PIXELS, 500_000_000)
FILES: Final = Limits(100 * 1024 * 1024, 200_000_000, 850_000_000)
"""Of files that somebody names on the command line; with the file itself below 1 GB."""

MIN_SIDE: Final = 64
"""Shortest side accepted, in pixels: less cannot show the structure of a lesion at 100 x 100."""

MAX_SIDE: Final = 2048
"""Longest side of a decoded array, in pixels; larger pictures are reduced to it."""

_JPEG_OR_PNG: Final = ("JPEG", "PNG")
_BAND_PIXELS: Final = 1_000_000
_LARGE_PIXELS: Final = 4_000_000
# Coefficients of a progressive CMYK JPEG take 8 bytes a pixel, its pixels 4 more at most.
_BYTES_PER_PIXEL: Final = 12
_PNG_BYTES_PER_PIXEL: Final = 4
_OTHER_BYTES_PER_PIXEL: Final = 8
BUDGET: Final = Budget(400_000_000)
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
    RuntimeError,
    UserWarning,
    ValueError,
    struct.error,
    zlib.error,
)

# Pillow's own limit only warns up to twice its value; our check of the pixels comes after it.
Image.MAX_IMAGE_PIXELS = FILES.pixels
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


def read(path: Path, limits: Limits = FILES) -> NDArray[np.uint8]:
    """Return the picture in a file.

    Args:
        path: a picture of any kind that ``decode`` takes.
        limits: of the file and the picture.

    Returns:
        uint8, (H, W, 3), RGB, 0-255, as ``decode`` gives it.

    Raises:
        ImageError: as ``read_bytes`` and ``decode``.
    """
    decoded = decode_noted(read_bytes(path, limits), limits)
    if decoded.note:
        log.warning("'%s': %s", escape(str(path)), decoded.note)
    return decoded.image


def read_bytes(path: Path, limits: Limits = FILES) -> bytes:
    """Return a file's bytes; of one that is too large nothing is read.

    Raises:
        ImageError: there is no such file, it cannot be read, or it is larger than the limit.
    """
    shown = escape(str(path), 500)
    try:
        if path.is_dir():
            raise ImageError(f"'{shown}' is a folder. Give the path of one picture.")
        if path.exists() and not path.is_file():
            raise ImageError(f"'{shown}' is not a regular file. Give the path of a picture.")
        _check_length(path.stat().st_size, limits)
        with path.open("rb") as file:
            # One byte more than allowed, so that a file that grew meanwhile is noticed.
            return file.read(limits.bytes + 1)
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
    """Return the picture in a file's bytes: JPEG, PNG, HEIC, TIFF, WebP, BMP or DICOM.

    The EXIF orientation is applied; no other metadata is used, but for a small RGB colour profile
    (Display P3 of phones, Adobe RGB of cameras), from which colours are converted to sRGB.
    Profiles of grey and CMYK pictures, damaged ones and PNG gamma chunks are ignored. Transparent
    parts are shown on white. Of 16-bit channels the upper 8 bits are kept. Of an animated PNG the
    still picture is taken, of other files with several pictures the first. A picture of more than
    ``MAX_SIDE`` pixels on its longer side is reduced to that by averaging, so that every later
    stage stays light; smaller ones keep their pixels.

    Args:
        data: the whole file, at most ``MAX_BYTES`` long.

    Returns:
        uint8, (H, W, 3), RGB, 0-255, contiguous, each side within ``MIN_SIDE`` to ``MAX_SIDE``.

    A JPEG that lacks nothing but its end marker is read, with a warning in the log; so is one too
    unusual to be checked for missing parts. ``decode_noted`` gives these words to the caller.

    Raises:
        ImageError: the bytes are empty, too many, of no such kind, damaged or incomplete, or hold
            a picture with too many or too few pixels. The message is a sentence for a clinician.
    """
    decoded = decode_noted(data)
    if decoded.note:
        log.warning("%s", decoded.note)
    return decoded.image


def decode_noted(data: bytes, limits: Limits = UPLOADS) -> Decoded:
    """Return the picture as ``decode`` does, with a note where the file is not as it should be.

    Args:
        data: the whole file.
        limits: of the file and the picture; what a browser may send where none are given.

    Raises:
        ImageError: as ``decode``.
    """
    _check_length(len(data), limits)
    name, _ = name_format(data)
    try:
        if name == DICOM:
            return _decode_dicom(data, limits)
        if name in OTHERS:
            return _decode_other(data, OTHERS[name], limits)
        return _decode_stripped(data, limits)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(_too_many_pixels("", limits)) from error
    except _DAMAGE as error:
        raise ImageError(_explain_failure(data)) from error


def _decode_stripped(data: bytes, limits: Limits) -> Decoded:
    """Decode a JPEG or PNG, without its metadata."""
    stripped = strip(data)
    is_jpeg = stripped.data.startswith(JPEG_START)
    content, note = stripped.data, ""
    if is_jpeg:
        closed = close(stripped.data)
        content, note = closed.data, "" if closed.had_end else NO_END_MARKER
    with Image.open(io.BytesIO(content), formats=_JPEG_OR_PNG) as image:
        width, height = image.size
        _check_dimensions(width, height, limits)
        kept = estimate_kept(content) if is_jpeg else width * height * _PNG_BYTES_PER_PIXEL
        _check_memory(kept, limits)
        # The memory bound is for the whole process: pictures take turns.
        with BUDGET.borrow(width * height * _BYTES_PER_PIXEL):
            try:
                if is_jpeg and not check_complete(content):
                    note = NOT_CHECKED
                array = _to_array(image, stripped.orientation, len(content))
                return Decoded(array, _turn(width, height, stripped.orientation), note)
            finally:
                image.close()
                if width * height > _LARGE_PIXELS:
                    give_back()


def _decode_other(data: bytes, kind: Kind, limits: Limits) -> Decoded:
    """Decode HEIC, TIFF, WebP or BMP: the first picture, with nothing of what stands beside it."""
    with kind.open(data, lambda width, height: _check_dimensions(width, height, limits)) as image:
        width, height = image.size
        _check_dimensions(width, height, limits)
        # The whole picture, and once more in bands or as the decoder's own copy.
        _check_memory(width * height * _OTHER_BYTES_PER_PIXEL, limits)
        with BUDGET.borrow(width * height * _BYTES_PER_PIXEL):
            try:
                note = note_frames(getattr(image, "n_frames", 1))
                image.load()
                turn = kind.find_orientation(image)
                return Decoded(_to_array(image, turn, len(data)), _turn(width, height, turn), note)
            finally:
                image.close()
                if width * height > _LARGE_PIXELS:
                    give_back()


def _decode_dicom(data: bytes, limits: Limits) -> Decoded:
    """Decode a DICOM file's first picture; a JPEG in it goes through all that a JPEG file does."""
    found = dicom.read_frame(data, lambda width, height: _check_dimensions(width, height, limits))
    note = found.note
    if found.encoded is not None:
        inner = decode_noted(found.encoded, limits) if not found.is_jpeg2000 else None
        if inner is None:
            with Image.open(io.BytesIO(found.encoded), formats=("JPEG2000",)) as image:
                _check_dimensions(*image.size, limits)
                _check_memory(image.width * image.height * _OTHER_BYTES_PER_PIXEL, limits)
                with BUDGET.borrow(image.width * image.height * _BYTES_PER_PIXEL):
                    size = image.size
                    inner = Decoded(_to_array(image, 1, len(data)), size)
        return Decoded(
            inner.image, inner.size, " ".join(part for part in (inner.note, note) if part)
        )
    assert found.pixels is not None
    picture = Image.fromarray(found.pixels)
    with BUDGET.borrow(picture.width * picture.height * _BYTES_PER_PIXEL):
        return Decoded(_reduce(picture), picture.size, note)


def _turn(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return a picture's size as it is to be seen."""
    return (height, width) if orientation in _QUARTER_TURNS else (width, height)


def _check_length(length: int, limits: Limits) -> None:
    if length == 0:
        raise ImageError(
            "The file is empty (0 bytes): nothing was saved or transferred. "
            "Export the picture again as JPEG or PNG."
        )
    if length > limits.bytes:
        raise ImageError(
            f"The file is larger than {limits.bytes // 1024**2} MB, the most this tool accepts "
            f"here. {HOW_TO_SHRINK}"
        )


HOW_TO_SHRINK: Final = (
    "To make it smaller, open it in a picture viewer, crop it to the lesion or set its longer side "
    "to 4000 pixels, and save it as JPEG of high quality."
)


def _check_memory(needed: int, limits: Limits) -> None:
    if needed > limits.memory:
        raise ImageError(
            f"To decode this picture would take about {needed / 1e9:.1f} GB of memory, and "
            f"{limits.memory / 1e9:.1f} are the most that is given. {HOW_TO_SHRINK}"
        )


def _too_many_pixels(size: str, limits: Limits) -> str:
    return (
        f"The picture has more than {limits.pixels // 1_000_000} million pixels{size}, the most "
        "this tool accepts. Crop it to the lesion or save it at a smaller size."
    )


def _check_dimensions(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.pixels:
        raise ImageError(_too_many_pixels(f" ({width} x {height})", limits))
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
        rare = (
            ""
            if name in _JPEG_OR_PNG
            else " It may also be stored in a way that this tool does not read; then export the "
            "picture as JPEG."
        )
        return (
            f"The {name} file is damaged or incomplete and cannot be shown in full. "
            f"Transfer or export the picture again from where it was taken.{rare}"
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
    return _reduce(image, orientation, profile)


def _reduce(
    image: Image.Image, orientation: int = 1, profile: bytes | None = None
) -> NDArray[np.uint8]:
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
