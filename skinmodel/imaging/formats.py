"""Formats of phones, scanners and archives beside JPEG and PNG, opened under the same limits.

Each is opened as what its first bytes say and nothing else, so that no other decoder of Pillow's
is ever reached. Of metadata the orientation is read, and a colour profile, and nothing kept.
"""

import io
import logging
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PIL import Image
from PIL.ImageFile import ImageFile

from skinmodel.errors import ImageError

CheckSize = Callable[[int, int], None]
_ORIENTATION: Final = 0x0112
_REDUCED, _DNG, _SUB_DIRECTORIES = 0x00FE, 0xC612, 0x014A

# What Pillow says of odd tags goes to standard error, and may quote them.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
# What it logs of tags for its own makers does quote them: names, dates and places.
logging.getLogger("PIL.TiffImagePlugin").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class Kind:
    """A format.

    Attributes:
        name: Pillow's.
        prepare: run on the bytes first; refuses what must not even be opened.
        check: run on the opened picture.
        orientation: where the decoder leaves turning to us.
    """

    name: str
    prepare: Callable[[bytes, CheckSize], None]
    check: Callable[[ImageFile], None]
    orientation: bool = False

    def open(self, data: bytes, check_size: CheckSize) -> ImageFile:
        """Return the picture, not decoded yet; its size is still to be checked.

        Raises:
            ImageError: it is refused for what its header says.
        """
        self.prepare(data, check_size)
        image = Image.open(io.BytesIO(data), formats=(self.name,))
        try:
            self.check(image)
        except ImageError:
            image.close()
            raise
        return image

    def find_orientation(self, image: ImageFile) -> int:
        """Return 1 to 8 as EXIF defines it; 1 where the decoder has turned the picture."""
        value = image.getexif().get(_ORIENTATION, 1) if self.orientation else 1
        return value if isinstance(value, int) and 1 <= value <= 8 else 1


def note_frames(count: object) -> str:
    """Return what to say of a file that holds several pictures."""
    if not isinstance(count, int) or count < 2:
        return ""
    return f"The file holds {count:,} pictures; this is the first."


def _nothing(_data: bytes, _check_size: CheckSize) -> None:
    return


def _accept(_image: ImageFile) -> None:
    return


def _prepare_heic(_data: bytes, _check_size: CheckSize) -> None:
    if "HEIF" in Image.OPEN:
        return
    try:
        import pi_heif
    except ImportError as error:
        raise ImageError(
            "This file is a HEIC picture (a phone's default format), and the package that reads it "
            "is not installed here: pip install pi-heif. Or export the picture as JPEG."
        ) from error
    # Thumbnails, depth maps and what else may stand in the file are not touched.
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def _prepare_webp(data: bytes, check_size: CheckSize) -> None:
    """Check the size before Pillow opens it: opening already reserves memory for the canvas."""
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise ValueError("too short")
    if kind == b"VP8X":
        width = 1 + int.from_bytes(body[4:7], "little")
        height = 1 + int.from_bytes(body[7:10], "little")
    elif kind == b"VP8 ":
        width, height = (value & 0x3FFF for value in struct.unpack("<HH", body[6:10]))
    elif kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        raise ValueError("another kind of WebP")
    check_size(width, height)


def _check_tiff(image: ImageFile) -> None:
    """Refuse camera raw files, whose first picture is a thumbnail, and what is no shades."""
    tags = getattr(image, "tag_v2", {})
    reduced = tags.get(_REDUCED, 0)
    if _DNG in tags or _SUB_DIRECTORIES in tags or (isinstance(reduced, int) and reduced & 1):
        raise ImageError(
            "This file is a camera's raw picture, or a thumbnail with the picture beside it. "
            "Develop it in the camera's program, export it as JPEG and try again."
        )
    if image.mode in ("I", "F"):
        raise ImageError(
            "This TIFF holds measured values of 32 bits, not the shades of a picture. Export it as "
            "JPEG or as TIFF of 8 or 16 bits and try again."
        )


OTHERS: Final = {
    "HEIC": Kind("HEIF", _prepare_heic, _accept),
    "TIFF": Kind("TIFF", _nothing, _check_tiff),
    "WebP": Kind("WEBP", _prepare_webp, _accept, orientation=True),
    "BMP": Kind("BMP", _nothing, _accept),
}
"""By what ``signatures.name_format`` calls them."""
