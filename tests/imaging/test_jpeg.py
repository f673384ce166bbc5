"""JPEGs of which something is missing: refused, or read with a note; never filled up in silence."""

import io
import logging
import struct

import numpy as np
import pytest
from PIL import Image

from skinmodel.errors import ImageError
from skinmodel.imaging import images
from skinmodel.imaging.containers import (
    NO_END_MARKER,
    NOT_CHECKED,
    check_complete,
    close,
    iterate_segments,
)
from skinmodel.imaging.images import decode_noted

EOI = b"\xff\xd9"
KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 5},
    "subsampled": {"subsampling": 2},
}


@pytest.fixture(params=KINDS)
def jpeg(request, rng, encode_image):
    """A photograph's JPEG: noise on a gradient, so that each of its blocks has something to say."""
    base = np.linspace(40, 200, 320)[None, :, None] + rng.normal(0, 18, (240, 320, 3))
    pixels = base.clip(0, 255).astype(np.uint8)
    return encode_image(pixels, "JPEG", quality=90, **KINDS[request.param])


def find_picture(data):
    return data.index(b"\xff\xda") + 14


def test_whole_ones_have_no_note(jpeg):
    assert decode_noted(jpeg).note == ""


@pytest.mark.parametrize("share", [0.02, 0.25, 0.5, 0.75, 0.97])
def test_a_part_and_an_end_marker_are_no_picture(jpeg, share):
    start = find_picture(jpeg)
    cut = jpeg[: start + int(share * (len(jpeg) - start))].rstrip(b"\xff") + EOI
    with pytest.raises(ImageError, match=r"damaged or incomplete: a .* is missing"):
        images.decode(cut)


@pytest.mark.parametrize("fill", ["zeros", "nothing"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.7])
def test_a_missing_middle_is_noticed(jpeg, share, fill):
    start = find_picture(jpeg)
    first = start + int(share * (len(jpeg) - start))
    last = first + (len(jpeg) - start) // 5
    middle = bytes(last - first) if fill == "zeros" else b""
    with pytest.raises(ImageError, match="damaged or incomplete"):
        images.decode(jpeg[:first] + middle + jpeg[last:])


def test_a_missing_end_marker_alone_is_noted_and_costs_no_pixel(jpeg, tmp_path, caplog):
    for tail in (b"", b"\xff", bytes(700)):
        decoded = decode_noted(jpeg.removesuffix(EOI) + tail)
        assert decoded.note == NO_END_MARKER
        np.testing.assert_array_equal(decoded.image, decode_noted(jpeg).image)
    path = tmp_path / "cut.jpg"
    path.write_bytes(jpeg.removesuffix(EOI))
    with caplog.at_level(logging.WARNING):
        images.read(path)
    assert "cut.jpg': The file ends without the mark" in caplog.text


def test_a_last_byte_that_is_stuffed_is_kept():
    assert close(b"\xff\xd8..\xff\x00").data == b"\xff\xd8..\xff\x00" + EOI
    assert close(b"\xff\xd8..\xff\x00" + bytes(9)).data == b"\xff\xd8..\xff\x00" + EOI


def split_scans(data):
    """Return what comes before the first scan, and every scan with the tables before it."""
    starts = [at for at in range(len(data)) if data.startswith((b"\xff\xda", b"\xff\xc4"), at)]
    scans, begun = [], None
    for at in starts:
        begun = at if begun is None else begun
        if data[at + 1] == 0xDA:
            scans.append(begun)
            begun = None
    ends = [*scans[1:], len(data) - 2]
    return data[: scans[0]], [data[a:b] for a, b in zip(scans, ends, strict=True)]


def test_a_scan_that_is_missing_as_a_whole_is_noticed(photo, encode_image):
    data = encode_image(photo, "JPEG", quality=90, progressive=True)
    head, scans = split_scans(data)
    assert head + b"".join(scans) + EOI == data
    assert len(scans) == 10
    for count in range(1, len(scans)):
        with pytest.raises(ImageError, match="a whole scan of the picture is missing"):
            images.decode(head + b"".join(scans[:count]) + EOI)


def make_flat(sampling, side=96):
    """A grey JPEG of 4:4:4's tables whose components are stored in any sampling."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (128, 128, 128)).save(buffer, "JPEG", subsampling=0)
    data = bytearray(buffer.getvalue())
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    for number, value in enumerate(sampling):
        data[frame + 11 + 3 * number] = value
    factors = [(value >> 4, value & 15) for value in sampling]
    across, down = (8 * max(f[axis] for f in factors) for axis in (0, 1))
    # "No change, end of block" in the codes of Annex K: 00 1010 for luminance, 00 00 for colour.
    codes = ("001010", "0000", "0000")
    unit = "".join(code * (h * v) for code, (h, v) in zip(codes, factors, strict=True))
    bits = unit * (-(-side // across) * -(-side // down))
    bits += "1" * (-len(bits) % 8)
    return bytes(data[: scan + 14]) + int(bits, 2).to_bytes(len(bits) // 8, "big") + EOI


@pytest.mark.parametrize("sampling", [[0x11] * 3, [0x21] * 3, [0x22, 0x11, 0x11], [0x41, 17, 17]])
def test_usual_samplings_are_checked(sampling):
    assert check_complete(make_flat(sampling))
    assert decode_noted(make_flat(sampling)).note == ""


@pytest.mark.parametrize("sampling", [[0x31, 0x11, 0x11], [0x21, 0x12, 0x11]])
def test_what_cannot_be_checked_is_read_and_says_so(sampling):
    decoded = decode_noted(make_flat(sampling))
    assert decoded.note == NOT_CHECKED
    assert np.ptp(decoded.image) == 0


def make_arithmetic(side, data):
    """A grey arithmetic-coded JPEG: any bytes are a picture, and zeros may follow them."""
    table = b"\xff\xdb" + struct.pack(">HB", 67, 0) + b"\x10" * 64
    frame = b"\xff\xc9" + struct.pack(">HBHHB", 11, 8, side, side, 1) + b"\x01\x11\0"
    scan = b"\xff\xda" + struct.pack(">HB", 8, 1) + b"\x01\0\0\x3f\0"
    return b"\xff\xd8" + table + frame + scan + data.replace(b"\xff", b"\0") + EOI


def test_arithmetic_coding_is_read_beyond_one_block_of_pillow():
    # Pillow hands its decoder 64 KB at a time, and this one cannot wait for more.
    data = make_arithmetic(2400, np.random.default_rng(0).bytes(66_000))
    decoded = decode_noted(data)
    assert decoded.image.shape == (2048, 2048, 3)
    assert decoded.note == ""


def test_twelve_bits_are_refused_in_a_sentence(photo, encode_image):
    data = bytearray(encode_image(photo, "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(ImageError, match=r"^The JPEG file is damaged or incomplete"):
        images.decode(bytes(data))


def test_segments_end_where_the_file_does():
    assert list(iterate_segments(b"\xff\xd8\xff\xdb\x00\x09abc")) == [(0xDB, b"abc")]
    assert list(iterate_segments(b"\xff\xd8\xff\xdb\x00\x03a\xff\xd0\xff\xd9\xff\xda")) == [
        (0xDB, b"a")
    ]
