"""Whether a JPEG holds all of its picture: libjpeg fills what is missing with grey and only warns.

Pillow drops libjpeg's warnings, so each file is read a second time, at an eighth of its size, by a
decoder that stops at the first one. Two gaps make no warning, and are looked for here: a scan that
is missing as a whole, and the end marker alone, which costs nothing of the picture.

What cannot be told by any decoder: damage of a few dozen bytes after which the code falls into step
again with the right number of blocks, and a cut in an arithmetic-coded file, in which trailing
zeros need not be written (ISO/IEC 10918-1, D.1.8).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import simplejpeg

from skinmodel.containers import iterate_segments
from skinmodel.errors import ImageError

_EOI: Final = b"\xff\xd9"
_SOS: Final = 0xDA
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
    if data.endswith(_EOI):
        return Closed(data, had_end=True)
    bare = data.rstrip(b"\0")
    if bare.endswith(b"\xff"):  # a stuffed zero belongs to the picture
        bare += b"\0"
    return Closed(bare + _EOI, had_end=False)


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
        elif marker == _SOS:
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
