import struct

import numpy as np
import pytest
from PIL import Image

from skinmodel.errors import ImageError
from skinmodel.imaging.containers import strip

SECRET = "SECRET-PATIENT"


def make_exif(entries: list[tuple[int, int, int]], order: str = "<") -> bytes:
    """An EXIF block with entries of tag, type and a two-byte value."""
    body = b"".join(struct.pack(f"{order}HHIHH", t, kind, 1, v, 0) for t, kind, v in entries)
    start = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return start + struct.pack(f"{order}H", len(entries)) + body + bytes(4)


def add_segment(jpeg: bytes, marker: int, payload: bytes, times: int = 1) -> bytes:
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload
    return jpeg[:2] + segment * times + jpeg[2:]


def test_nothing_of_the_metadata_is_left(photo, encode_image):
    exif = Image.Exif()
    exif[0x010E] = SECRET
    exif[0x0112] = 3
    notes = {"exif": exif, "xmp": SECRET.encode()}
    jpeg = encode_image(photo, "JPEG", comment=SECRET, **notes)
    jpeg = add_segment(jpeg, 0xED, b"Photoshop 3.0\0" + SECRET.encode())
    for data in (jpeg, encode_image(photo, "PNG", **notes)):
        assert SECRET.encode() in data
        stripped = strip(data)
        assert SECRET.encode() not in stripped.data
        assert stripped.orientation == 3


def test_what_pixels_and_colors_need_is_kept(photo, encode_image):
    profile = b"\0" * 1000
    for kind, options in (
        ("JPEG", {"progressive": True}),
        ("JPEG", {"restart_marker_rows": 1}),
        ("PNG", {}),
    ):
        data = encode_image(photo, kind, icc_profile=profile, **options)
        assert strip(data).data == data


def test_large_profiles_go_with_the_metadata(photo, encode_image, rng):
    profile = rng.bytes(100_000)
    for kind in ("JPEG", "PNG"):
        data = encode_image(photo, kind, icc_profile=profile)
        assert len(strip(data).data) < len(data) - 60_000


def test_what_follows_the_picture_is_cut_off(photo, encode_image):
    for kind in ("JPEG", "PNG"):
        data = encode_image(photo, kind)
        assert strip(data + SECRET.encode()).data == data


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_in_both_byte_orders(photo, encode_image, order, orientation):
    exif = make_exif([(0x0100, 3, 9), (0x0112, 3, orientation), (0x0128, 3, 2)], order)
    assert strip(encode_image(photo, "PNG", exif=exif)).orientation == orientation
    jpeg = add_segment(encode_image(photo, "JPEG"), 0xE1, b"Exif\0\0" + exif)
    assert strip(jpeg).orientation == orientation


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"II",
        b"XX*\0\x08\0\0\0",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        make_exif([(0x0112, 3, 0)]),
        make_exif([(0x0112, 3, 9)]),
        make_exif([(0x0112, 2, 6)]),
        make_exif([(0x0112, 3, 6)])[:-10],
        make_exif([(0x0100, 3, 6)]),
    ],
)
def test_broken_orientation_is_upright(photo, encode_image, exif):
    jpeg = add_segment(encode_image(photo, "JPEG"), 0xE1, b"Exif\0\0" + exif)
    assert strip(jpeg).orientation == 1


def test_other_bytes_come_back_as_they_are(rng):
    for data in (b"", b"GIF89a", rng.bytes(500)):
        assert strip(data).data == data


def test_a_jpeg_of_endless_scans_is_refused(encode_image):
    jpeg = encode_image(np.zeros((80, 80, 3), np.uint8), "JPEG", progressive=True)
    last_scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    assert strip(jpeg[:-2] + last_scan * 20 + jpeg[-2:]).orientation == 1
    with pytest.raises(ImageError, match="more than 64 scans"):
        strip(jpeg[:-2] + last_scan * 100 + jpeg[-2:])


def test_a_jpeg_of_endless_segments_is_refused(photo, encode_image):
    jpeg = encode_image(photo, "JPEG")
    with pytest.raises(ImageError, match="segments"):
        strip(add_segment(jpeg, 0xE1, b"Exif\0\0", times=100_000))
