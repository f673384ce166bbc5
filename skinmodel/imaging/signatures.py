"""What a file is by its first bytes, so that a refusal can name what was received."""

import re
from typing import Final

DICOM: Final = "DICOM"
_DECODED: Final = frozenset({"JPEG", "PNG", "WebP", "HEIC", "TIFF", "BMP", DICOM})
_SIGNATURES: Final = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"GIF8[79]a", "a GIF picture"),
    (rb"RIFF....WEBP", "WebP"),
    (rb"....ftyp(hei|hev|mif1|msf1)", "HEIC"),
    (rb"....ftypavi[fs]", "an AVIF picture"),
    (rb"....ftyp", "a video"),
    (rb"%PDF-", "a PDF document"),
    (rb"(II\*\x00|MM\x00\*)", "TIFF"),
    (rb"BM....\x00\x00\x00\x00", "BMP"),
    (rb".{128}DICM", DICOM),
    (rb"(\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51)", "a JPEG 2000 picture"),
    (rb"(\xff\x0a|\x00\x00\x00\x0cJXL )", "a JPEG XL picture"),
    (rb"8BPS", "a Photoshop file"),
    (rb"\x00\x00\x01\x00", "an icon"),
    (rb"PK\x03\x04", "a ZIP archive or an Office document"),
    (rb"\s*<(\?xml|svg|!doctype|html)", "a web page or drawing in text form"),
)
_PATTERNS: Final = tuple((re.compile(p, re.DOTALL | re.IGNORECASE), n) for p, n in _SIGNATURES)
_TEXT_SAMPLE: Final = 1024


def name_format(data: bytes) -> tuple[str | None, bool]:
    """Return what the bytes claim to be, and whether that is a format this package decodes.

    Args:
        data: the start of a file.

    Returns:
        ``("JPEG", True)``, ``("PNG", True)``, words such as ``("a GIF picture", False)``, or
        ``(None, False)`` where nothing known fits.
    """
    for pattern, name in _PATTERNS:
        if pattern.match(data):
            return name, name in _DECODED
    sample = data[:_TEXT_SAMPLE]
    # A cut inside a multi-byte character must not hide that the rest is text.
    text = sample.decode("utf-8", errors="ignore")
    if len(text.encode()) > len(sample) - 4 and all(c.isprintable() or c.isspace() for c in text):
        return "a text file", False
    return None, False
