"""The picture in a DICOM file: photographs and secondary captures, and nothing else of it.

Only the attributes that describe pixels are read; names, dates and numbers of a patient are passed
over unread, and no message quotes the file. What would unpack to many times its size, or is no
photograph, is refused by its header.
"""

import io
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset

CheckSize = Callable[[int, int], None]
_UID: Final = b"\x02\x00\x10\x00UI"
_META: Final = 4096  # bytes that the file's own header is looked for in
_NATIVE: Final = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
_RLE: Final = "1.2.840.10008.1.2.5"
_JPEG: Final = "1.2.840.10008.1.2.4.50"
_JPEG_2000: Final = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
_PHOTOGRAPHS: Final = (
    "1.2.840.10008.5.1.4.1.1.77.1.4",  # VL Photographic
    "1.2.840.10008.5.1.4.1.1.77.1.7",  # Dermoscopic Photography
    "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture, and its multi-frame kinds .1 to .4
)
_TAGS: Final = (
    *("SOPClassUID", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "BurnedInAnnotation", "PixelData"),
    *(
        f"{color}PaletteColorLookupTable{part}"
        for color in ("Red", "Green", "Blue")
        for part in ("Descriptor", "Data")
    ),
)
_COLOURS: Final = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_GREYS: Final = ("MONOCHROME1", "MONOCHROME2")
BURNT_IN: Final = (
    "The file says that words, perhaps a name, are burnt into the picture. Look before you show it."
)

# They quote what stands in the file, which may be a patient's; what matters is refused here.
warnings.filterwarnings("ignore", category=UserWarning, module=r"pydicom\.")


@dataclass(frozen=True, eq=False)
class Frame:
    """The first picture of a file.

    Attributes:
        pixels: uint8, (H, W, 3), RGB, or (H, W), grey; None where it is encoded.
        encoded: a JPEG or JPEG 2000; None where it is not.
        is_jpeg2000: which of the two.
        note: what a reader should know; empty if nothing.
    """

    pixels: NDArray[np.uint8] | None
    encoded: bytes | None
    is_jpeg2000: bool
    note: str


def read_frame(data: bytes, check_size: CheckSize) -> Frame:
    """Return the first picture of a DICOM file.

    Args:
        data: the whole file.
        check_size: raises ImageError for a width and height that are not accepted.

    Raises:
        ImageError: it is no photograph, of a kind that is not read, or refused for its size.
        ValueError: the file is damaged; further what ``images._DAMAGE`` lists.
    """
    syntax = _find_syntax(data)
    _prepare()
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        return _read_frame(data, syntax, check_size)
    except (BytesLengthException, InvalidDicomError) as error:
        # Without what it says, which quotes the file.
        raise ValueError(type(error).__name__) from None


def _read_frame(data: bytes, syntax: str, check_size: CheckSize) -> Frame:
    from pydicom import dcmread

    dataset = dcmread(io.BytesIO(data), specific_tags=list(_TAGS))
    kind = str(dataset.get("SOPClassUID", ""))
    if not (kind in _PHOTOGRAPHS or kind.startswith(f"{_PHOTOGRAPHS[2]}.")):
        raise ImageError(
            "This DICOM file holds no photograph, dermoscopic picture or secondary capture. Export "
            "the dermoscopic picture as JPEG and try again."
        )
    height, width = int(dataset.Rows), int(dataset.Columns)
    check_size(width, height)
    frames = int(dataset.get("NumberOfFrames") or 1)
    notes = [f"The file holds {frames:,} pictures; this is the first."] if frames > 1 else []
    if str(dataset.get("BurnedInAnnotation", "")).upper() == "YES":
        notes.append(BURNT_IN)
    note = " ".join(notes)
    if syntax == _JPEG or syntax in _JPEG_2000:
        return Frame(None, _take_first(dataset, frames), syntax in _JPEG_2000, note)
    values = _unpack_rle(dataset, frames) if syntax == _RLE else _take_native(dataset, syntax)
    return Frame(_to_shades(values, dataset), None, False, note)


def _find_syntax(data: bytes) -> str:
    """Return how the picture is stored, before anything that may be compressed is unpacked."""
    place = data.find(_UID, 132, _META)
    length = int.from_bytes(data[place + 6 : place + 8], "little")
    syntax = data[place + 8 : place + 8 + length].rstrip(b"\0 ").decode("ascii", "replace")
    if place < 0 or syntax not in (*_NATIVE, _RLE, _JPEG, *_JPEG_2000):
        raise ImageError(
            "This DICOM file stores its picture in a way that this tool does not read; it reads "
            "uncompressed pictures, RLE, baseline JPEG and JPEG 2000. Export the picture as JPEG "
            "and try again."
        )
    return syntax


def _prepare() -> None:
    try:
        from pydicom import config
    except ImportError as error:
        raise ImageError(
            "This file is DICOM, and the package that reads it is not installed here: pip install "
            "pydicom. Or export the picture as JPEG."
        ) from error
    # Its remarks on odd values quote them.
    config.settings.reading_validation_mode = config.IGNORE
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)


def _take_first(dataset: "Dataset", frames: int) -> bytes:
    from pydicom.encaps import get_frame

    return bytes(get_frame(dataset.PixelData, 0, number_of_frames=max(1, frames)))


def _shape(dataset: "Dataset") -> tuple[int, int, int, int]:
    """Return rows, columns, samples and bytes of a sample.

    Raises:
        ValueError: it is not one or three samples of 8 or 16 bits, unsigned.
    """
    samples, bits = int(dataset.get("SamplesPerPixel", 1)), int(dataset.BitsAllocated)
    if samples not in (1, 3) or bits not in (8, 16) or int(dataset.get("PixelRepresentation", 0)):
        raise ValueError("other samples")
    return int(dataset.Rows), int(dataset.Columns), samples, bits // 8


def _take_native(dataset: "Dataset", syntax: str) -> NDArray[Any]:
    rows, columns, samples, size = _shape(dataset)
    if str(dataset.PhotometricInterpretation) == "YBR_FULL_422":
        return _spread(dataset.PixelData, rows, columns)
    count = rows * columns * samples
    order = ">" if syntax == _NATIVE[2] and size == 2 else "<"
    values = np.frombuffer(dataset.PixelData, np.dtype(f"{order}u{size}"), count)
    if samples == 3 and int(dataset.get("PlanarConfiguration", 0)):
        return values.reshape(3, rows, columns).transpose(1, 2, 0)
    return values.reshape(rows, columns, samples)


def _spread(data: bytes, rows: int, columns: int) -> NDArray[np.uint8]:
    """Return colours that are stored once for two neighbours (PS3.3 C.7.6.3.1.2), for each."""
    pairs = np.frombuffer(data, np.uint8, rows * columns * 2).reshape(rows, columns // 2, 4)
    spread = np.empty((rows, columns // 2 * 2, 3), np.uint8)
    spread[:, 0::2, 0], spread[:, 1::2, 0] = pairs[..., 0], pairs[..., 1]
    spread[..., 1], spread[..., 2] = (np.repeat(pairs[..., c], 2, axis=1) for c in (2, 3))
    return spread


def _unpack_rle(dataset: "Dataset", frames: int) -> NDArray[Any]:
    """Return a run-length coded picture (PS3.5 Annex G): a segment for each byte of each sample."""
    rows, columns, samples, size = _shape(dataset)
    data = _take_first(dataset, frames)
    header = np.frombuffer(data, "<u4", 16)
    count = int(header[0])
    if count != samples * size:
        raise ValueError("other segments")
    starts = [*map(int, header[1 : 1 + count]), len(data)]
    planes = [
        np.frombuffer(_unpack(data[starts[n] : starts[n + 1]], rows * columns), np.uint8)
        for n in range(count)
    ]
    # The most significant byte of a sample comes first.
    values = np.zeros((samples, rows * columns), np.uint16 if size == 2 else np.uint8)
    for n, plane in enumerate(planes):
        values[n // size] = (values[n // size] << 8 if n % size else 0) | plane
    return values.reshape(samples, rows, columns).transpose(1, 2, 0)


def _unpack(segment: bytes, length: int) -> bytes:
    """Return at most ``length`` bytes of a PackBits segment.

    Raises:
        ValueError: it ends before.
    """
    unpacked = bytearray()
    place = 0
    while len(unpacked) < length:
        if place >= len(segment):
            raise ValueError("a segment ends too early")
        step = segment[place]
        if step < 128:
            unpacked += segment[place + 1 : place + 2 + step]
            place += 2 + step
        else:
            if step > 128:
                unpacked += segment[place + 1 : place + 2] * (257 - step)
            place += 2 if step > 128 else 1
    return bytes(unpacked[:length])


def _to_shades(values: NDArray[Any], dataset: "Dataset") -> NDArray[np.uint8]:
    """Return stored samples, (H, W, S), as shades of 8 bits."""
    meaning = str(dataset.PhotometricInterpretation)
    if meaning == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        colours = apply_color_lut(values[..., 0], dataset)
        return _to_bytes(colours, 8 * colours.dtype.itemsize)
    shades = _to_bytes(values, int(dataset.get("BitsStored", dataset.BitsAllocated)))
    if meaning in _GREYS:
        grey = shades[..., 0]
        return np.ascontiguousarray(255 - grey if meaning == "MONOCHROME1" else grey)
    if meaning not in _COLOURS or shades.shape[2] != 3:
        raise ValueError("another meaning of the samples")
    return np.ascontiguousarray(shades if meaning == "RGB" else _to_rgb(shades))


def _to_bytes(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    if bits <= 8:
        return values.astype(np.uint8)
    return (np.minimum(values, 2**bits - 1) >> (bits - 8)).astype(np.uint8)


def _to_rgb(ycc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return YBR_FULL as RGB (PS3.3 C.7.6.3.1.2): JPEG's own equations."""
    from PIL import Image

    height, width = ycc.shape[:2]
    picture = Image.frombytes("YCbCr", (width, height), np.ascontiguousarray(ycc).tobytes())
    return np.asarray(picture.convert("RGB"))
