"""What is inside a JPEG or PNG file: its pixels are kept, its metadata never reaches a decoder.

Pillow parses EXIF, XMP, Photoshop, MPF and text blocks while it opens a file. Hostile ones within
10 MB keep it busy for half a minute and fill a log with thousands of warnings; honest ones hold
names and places of patients, which Pillow logs at DEBUG. Dropping them first settles all of that
at once, and leaves one number worth having: the orientation.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

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
