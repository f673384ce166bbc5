"""Whether a file of pixels is whole: the containers' lengths and ends, and a JPEG's every part."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import simplejpeg

from skinmodel.errors import ImageError

JPEG_START: Final = b"\xff\xd8\xff"
PNG_START: Final = b"\x89PNG\r\n\x1a\n"

_MAX_SCANS: Final = 64
_MAX_SEGMENTS: Final = 2048
_MAX_PROFILE_BYTES: Final = 64 * 1024

# ISO/IEC 10918-1, Table B.1. A marker is 0xFF and a byte that is neither a stuffed zero nor a fill.
_MARKER: Final = re.compile(rb"\xff+([\x01-\xfe])")
_SOI, _EOI, _SOS, _APP1, _APP2 = 0xD8, 0xD9, 0xDA, 0xE1, 0xE2
_RESTARTS: Final = range(0xD0, 0xD8)
_WITHOUT_LENGTH: Final = frozenset({0x01, _SOI, _EOI, *_RESTARTS})
# Frame headers and Huffman tables, quantisation tables, restart interval, JFIF, Adobe's transform.
_KEPT_SEGMENTS: Final = frozenset({*range(0xC0, 0xD0), 0xDB, 0xDD, 0xE0, 0xEE})
_KEPT_CHUNKS: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})

_ORIENTATION_TAG: Final = 0x0112
_SHORT: Final = 3


@dataclass(frozen=True)
class Stripped:
    """A file without its metadata.

    Attributes:
        data: the file again, with only what its pixels and colours need.
        orientation: 1 to 8 as EXIF defines it; 1 (upright) where the file does not say.
    """

    data: bytes
    orientation: int


def strip(data: bytes) -> Stripped:
    """Return a JPEG or PNG file without its metadata; other bytes come back as they are.

    Kept beside the pixels are colour profiles up to 64 KB. Of an animated PNG the still picture is
    left, of a multi-picture JPEG the first. Damage is not looked for: that is the decoder's part.

    Raises:
        ImageError: a JPEG is made of so many scans or segments that decoding it could take minutes.
    """
    if data.startswith(JPEG_START):
        return _strip_jpeg(data)
    if data.startswith(PNG_START):
        return _strip_png(data)
    return Stripped(data, orientation=1)


def iterate_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and payload of every segment of a JPEG, scans' headers included.

    The coded picture between them is passed over; a segment that is cut off comes as short as it
    is.
    """
    position = 2
    while match := _MARKER.search(data, position):
        marker, position = match[1][0], match.end()
        if marker == _EOI:
            return
        if marker in _WITHOUT_LENGTH:
            continue
        position += max(2, int.from_bytes(data[position : position + 2], "big"))
        yield marker, data[match.end() + 2 : position]


def _strip_jpeg(data: bytes) -> Stripped:
    parts, orientation, segments, position = [data[:2]], 1, 0, 2
    while match := _MARKER.search(data, position):
        marker, start, position = match[1][0], match.end() - 2, match.end()
        if marker == _SOS:
            parts.append(data[start : _find_end(data, start)])
            break
        if marker in _WITHOUT_LENGTH:
            continue
        segments += 1
        if segments > _MAX_SEGMENTS:
            raise _too_many("segments")
        position += max(2, int.from_bytes(data[position : position + 2], "big"))
        payload = data[match.end() + 2 : position]
        if marker in _KEPT_SEGMENTS or (marker == _APP2 and _is_whole_profile(payload)):
            parts.append(data[start:position])
        elif marker == _APP1 and payload.startswith(b"Exif\0\0") and orientation == 1:
            orientation = _read_orientation(payload[6:])
    return Stripped(b"".join(parts), orientation)


def _is_whole_profile(payload: bytes) -> bool:
    """Return whether an APP2 segment is a colour profile in one piece, and so at most 64 KB."""
    return payload.startswith(b"ICC_PROFILE\0") and payload[12:14] == b"\x01\x01"


def _find_end(data: bytes, position: int) -> int:
    """Return where a JPEG's picture ends, counting its scans on the way.

    Every scan costs a pass over all coefficients, however short it is: at 40 megapixels 100,000
    scans, which fit into 10 MB, keep a processor busy for half an hour.
    """
    scans = 0
    while match := _MARKER.search(data, position):
        marker, position = match[1][0], match.end()
        if marker == _EOI:
            return position
        if marker not in _WITHOUT_LENGTH:
            position += int.from_bytes(data[position : position + 2], "big")
        scans += marker == _SOS
        if scans > _MAX_SCANS:
            raise _too_many("scans")
    return len(data)


def _too_many(what: str) -> ImageError:
    limit = _MAX_SCANS if what == "scans" else _MAX_SEGMENTS
    return ImageError(
        f"The JPEG is made of more than {limit} {what}, far more than any camera writes, and could "
        "block this tool for minutes. Open it in a picture viewer, save it as a new JPEG or PNG "
        "and try again."
    )


def _strip_png(data: bytes) -> Stripped:
    parts, orientation, position = [data[:8]], 1, 8
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        end = position + 12 + length
        is_small_profile = kind == b"iCCP" and length <= _MAX_PROFILE_BYTES
        if kind in _KEPT_CHUNKS or is_small_profile:
            parts.append(data[position:end])
        elif kind == b"eXIf" and orientation == 1:
            orientation = _read_orientation(data[position + 8 : end - 4])
        position = end
        if kind == b"IEND":
            break
    return Stripped(b"".join(parts), orientation)


def _read_orientation(tiff: bytes) -> int:
    """Return tag 0x0112 of the first directory of an EXIF block; 1 where it is missing or broken.

    Broken metadata says nothing about the pixels, which are then shown as they are stored.
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack(f"{order}H", tiff[directory : directory + 2].ljust(2, b"\0"))
    entries = tiff[directory + 2 : directory + 2 + 12 * count]
    whole = entries[: len(entries) // 12 * 12]
    for tag, kind, _, value in struct.iter_unpack(f"{order}HHIH2x", whole):
        if tag == _ORIENTATION_TAG:
            return value if kind == _SHORT and 1 <= value <= 8 else 1
    return 1


_END_OF_IMAGE: Final = b"\xff\xd9"
_START_OF_SCAN: Final = 0xDA
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE: Final = frozenset({0xC2, 0xCA})
_COEFFICIENTS: Final = 64

_INCOMPLETE: Final = (
    "The JPEG file is damaged or incomplete: {what} is missing, and what would be shown in its "
    "place is made up. Transfer or export the picture again from where it was taken."
)

# What the decoder says of files that it cannot read at all, whole or not: rare subsampling.
_UNREADABLE: Final = re.compile(r"subsampling|colorspace", re.IGNORECASE)

NO_END_MARKER: Final = (
    "The file ends without the mark that a JPEG ends with, as after a transfer that broke off at "
    "the very end. All of the picture is there."
)
NOT_CHECKED: Final = (
    "The JPEG stores its colours in a way that few programs write, so it could not be checked for "
    "missing parts. Look whether the picture is whole."
)


@dataclass(frozen=True)
class Closed:
    """A JPEG that ends with its end marker.

    Attributes:
        data: the file.
        had_end: whether the marker was there from the beginning.
    """

    data: bytes
    had_end: bool


def close(data: bytes) -> Closed:
    """Return a JPEG, without what follows its picture, with the end marker that it should have.

    Zeros behind a picture without one are dropped: what makes room for a file first and breaks off
    then leaves them.
    """
    if data.endswith(_END_OF_IMAGE):
        return Closed(data, had_end=True)
    bare = data.rstrip(b"\0")
    if bare.endswith(b"\xff"):  # a stuffed zero belongs to the picture
        bare += b"\0"
    return Closed(bare + _END_OF_IMAGE, had_end=False)


def check_complete(data: bytes) -> bool:
    """Refuse a JPEG of whose picture something is missing.

    Args:
        data: the file, without metadata and closed.

    Returns:
        False where the file is too unusual to be checked; the decoder may still read it.

    Raises:
        ImageError: a scan, or a part of one, is missing or damaged.
    """
    if _lacks_scans(data):
        raise ImageError(_INCOMPLETE.format(what="a whole scan of the picture"))
    try:
        simplejpeg.decode_jpeg(data, "GRAY", min_height=1, min_width=1, strict=True)
    except ValueError as error:
        if _UNREADABLE.search(str(error)):
            return False
        raise ImageError(_INCOMPLETE.format(what="a part of the picture")) from error
    return True


def _lacks_scans(data: bytes) -> bool:
    """Return whether some coefficient of some component is never brought to its full precision."""
    missing: dict[int, set[int]] = {}
    is_progressive = False
    for marker, payload in iterate_segments(data):
        if marker in _FRAMES and not missing:
            is_progressive = marker in _PROGRESSIVE
            missing = {component: set(range(_COEFFICIENTS)) for component in payload[6::3]}
        elif marker == _START_OF_SCAN:
            for component, done in _read_scan(payload, is_progressive):
                missing.get(component, set()).difference_update(done)
    return any(missing.values())


def _read_scan(header: bytes, is_progressive: bool) -> Iterator[tuple[int, range]]:
    """Yield the components of a scan and which of their coefficients it completes."""
    count = header[0] if header else 0
    parameters = header[1 + 2 * count : 4 + 2 * count]
    if len(parameters) < 3:  # broken; the decoder will say so
        return
    first, last, low_bit = parameters[0], parameters[1], parameters[2] & 0x0F
    done = range(_COEFFICIENTS)
    if is_progressive:
        done = range(first, last + 1) if low_bit == 0 else range(0)
    for component in header[1 : 1 + 2 * count : 2]:
        yield component, done


def estimate_kept(data: bytes) -> int:
    """Return how many bytes libjpeg keeps while it decodes a JPEG, from its frame header.

    Of a picture in several scans it keeps every coefficient, 2 bytes each; of others a few rows.

    Args:
        data: the file, without metadata.
    """
    scans, kept = 0, 0
    for marker, payload in iterate_segments(data):
        if marker in _FRAMES and len(payload) >= 6 and not kept:
            height, width = struct.unpack(">HH", payload[1:5])
            factors = [(f >> 4, f & 15) for f in payload[7::3]]
            largest = max((h for h, _ in factors), default=1) * max(
                (v for _, v in factors), default=1
            )
            kept = 2 * width * height * sum(h * v for h, v in factors) // max(1, largest)
        scans += marker == _START_OF_SCAN
        if scans > 1:
            return kept
    return 0
