import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFilter

from skinmodel.errors import ImageError
from skinmodel.imaging import images

SECRET = "SECRET-PATIENT"


def make_chunk(kind: bytes, payload: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(kind + payload))
    return struct.pack(">I", len(payload)) + kind + payload + crc


def make_png(
    width: int, height: int, depth: int, color: int, row: bytes, extra: bytes = b""
) -> bytes:
    """A PNG whose rows are all ``row``, written row by row so that even a huge one is cheap."""
    packer = zlib.compressobj(6)
    rows = b"".join(packer.compress(b"\0" + row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = [
        make_chunk(b"IHDR", header),
        extra,
        make_chunk(b"IDAT", rows),
        make_chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def make_swapped_profile() -> bytes:
    """sRGB's profile with the primaries of red and green exchanged, under another name."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tags, end = srgb[:128], 132 + 12 * struct.unpack(">I", srgb[128:132])[0]
    table = srgb[128:end].replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ")
    name, other = "sRGB".encode("utf-16-be"), "Test".encode("utf-16-be")
    return tags + table.replace(b"?XYZ", b"gXYZ") + srgb[end:].replace(name, other)


# What is decoded, and to which pixels


def test_png_pixels_are_exact(photo, encode_image):
    result = images.decode(encode_image(photo))
    np.testing.assert_array_equal(result, photo)
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    assert result.flags.writeable


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}])
def test_jpeg_pixels_are_close(photo, encode_image, options):
    result = images.decode(encode_image(photo, "JPEG", quality=95, **options))
    assert np.abs(result.astype(int) - photo).mean() < 3


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("1", 0, (0, 0, 0)),
        ("LA", (40, 255), (40, 40, 40)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),
        ("LA", (0, 51), (204, 204, 204)),
        ("RGBA", (0, 100, 255, 102), (153, 193, 255)),
        ("I;16", 0x8034, (0x80, 0x80, 0x80)),
        ("I;16", 0x00FF, (0, 0, 0)),
    ],
)
def test_modes_of_png(encode_image, mode, color, expected):
    result = images.decode(encode_image(Image.new(mode, (70, 80), color)))
    assert result.shape == (80, 70, 3)
    np.testing.assert_array_equal(result[40, 30], expected)
    assert np.ptp(result.reshape(-1, 3), axis=0).max() == 0


@pytest.mark.parametrize(
    ("depth", "color", "pixel", "extra", "expected"),
    [
        (16, 2, b"\x80\x01\x10\xff\xfe\x00", b"", (0x80, 0x10, 0xFE)),
        (16, 6, b"\x80\x00\x10\x00\xfe\x00\xff\xff", b"", (0x80, 0x10, 0xFE)),
        (16, 4, b"\x80\x00\x00\x00", b"", (255, 255, 255)),
        (8, 2, b"\x01\x02\x03", make_chunk(b"tRNS", bytes([0, 1, 0, 2, 0, 3])), (255, 255, 255)),
        (8, 2, b"\x01\x02\x04", make_chunk(b"tRNS", bytes([0, 1, 0, 2, 0, 3])), (1, 2, 4)),
        (8, 3, b"\x01", make_chunk(b"PLTE", b"\1\2\3\4\5\6"), (4, 5, 6)),
        (
            8,
            3,
            b"\x01",
            make_chunk(b"PLTE", b"\1\2\3\4\5\6") + make_chunk(b"tRNS", b"\xff\x00"),
            (255, 255, 255),
        ),
        (4, 0, b"\x88", b"", (0x88, 0x88, 0x88)),
    ],
)
def test_depths_of_png_that_pillow_does_not_write(depth, color, pixel, extra, expected):
    row = pixel * (70 if depth > 4 else 35)
    result = images.decode(make_png(70, 64, depth, color, row, extra))
    np.testing.assert_array_equal(result, np.broadcast_to(np.uint8(expected), (64, 70, 3)))


@pytest.mark.parametrize(
    ("ink", "expected"),
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 255, 255, 0), (255, 0, 0)),
        ((0, 0, 0, 255), (0, 0, 0)),
    ],
)
def test_cmyk_jpeg_as_adobe_writes_it_inverted(encode_image, ink, expected):
    data = encode_image(Image.new("CMYK", (80, 80), ink), "JPEG", quality=95)
    assert b"Adobe" in data
    result = images.decode(data)
    assert np.abs(result.astype(int) - expected).max() <= 4


def test_grey_jpeg(encode_image):
    result = images.decode(encode_image(Image.new("L", (80, 70), 90), "JPEG"))
    np.testing.assert_array_equal(result, np.full((70, 80, 3), 90))


def test_animated_png_gives_its_still_picture(photo, encode_image):
    frames = [Image.fromarray(255 - photo)]
    data = encode_image(photo, save_all=True, append_images=frames)
    assert b"fdAT" in data
    np.testing.assert_array_equal(images.decode(data), photo)


def test_interlaced_png(photo):
    """Adam7 by hand: seven passes, each with its own rows."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2))
    rows = b"".join(
        b"\0" + row.tobytes()
        for y, x, dy, dx in (*passes, (1, 0, 2, 1))
        for row in photo[y::dy, x::dx]
    )
    header = struct.pack(">IIBBBBB", photo.shape[1], photo.shape[0], 8, 2, 0, 0, 1)
    body = make_chunk(b"IHDR", header) + make_chunk(b"IDAT", zlib.compress(rows))
    data = b"\x89PNG\r\n\x1a\n" + body + make_chunk(b"IEND", b"")
    np.testing.assert_array_equal(images.decode(data), photo)


ORIENTED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", ORIENTED)
def test_exif_orientation_is_applied(photo, encode_image, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = ORIENTED[orientation](photo)
    np.testing.assert_array_equal(images.decode(encode_image(photo, exif=exif)), expected)
    jpeg = images.decode(encode_image(photo, "JPEG", quality=95, exif=exif))
    assert np.abs(jpeg.astype(int) - expected).mean() < 3


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MMxx"])
def test_broken_exif_leaves_the_picture_as_stored(photo, encode_image, exif):
    data = encode_image(photo, "JPEG", exif=exif)
    np.testing.assert_array_equal(images.decode(data), images.decode(encode_image(photo, "JPEG")))


def test_color_profile_is_converted_to_srgb(encode_image):
    red = Image.new("RGB", (80, 80), (255, 0, 0))
    for kind in ("PNG", "JPEG"):
        options = {"icc_profile": make_swapped_profile()}
        result = images.decode(encode_image(red, kind, **options))[40, 40].astype(int)
        assert np.abs(result - [0, 255, 0]).max() <= 6


def test_srgb_profile_changes_nothing(photo, encode_image):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(images.decode(encode_image(photo, icc_profile=profile)), photo)


@pytest.mark.parametrize("profile", ["empty", "noise", "cut", "lab"])
def test_profiles_that_cannot_be_used_change_nothing(photo, encode_image, rng, profile):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    swapped = make_swapped_profile()
    choices = {"empty": b"\0", "noise": rng.bytes(600), "cut": swapped[:200], "lab": lab}
    data = encode_image(photo, icc_profile=choices[profile])
    np.testing.assert_array_equal(images.decode(data), photo)


# Size


@pytest.mark.parametrize(("width", "height"), [(64, 64), (84, 84), (100, 75), (2048, 64)])
def test_small_pictures_that_are_accepted(encode_image, width, height):
    data = encode_image(Image.new("RGB", (width, height)))
    assert images.decode(data).shape == (height, width, 3)


@pytest.mark.parametrize(("width", "height"), [(10, 10), (63, 500), (500, 63), (1, 1)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_pictures_too_small_are_refused(encode_image, width, height, kind):
    data = encode_image(Image.new("RGB", (width, height)), kind)
    with pytest.raises(ImageError, match=rf"only {width} x {height} pixels.*at least 64"):
        images.decode(data)


def test_long_strips_are_refused():
    with pytest.raises(ImageError, match=r"strip of 6400 x 64 pixels"):
        images.decode(make_png(6400, 64, 8, 0, bytes(6400)))


@pytest.mark.parametrize("side", [6400, 12_000, 40_000, 2**31 - 1])
def test_too_many_pixels_are_refused_by_the_header(side):
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + make_chunk(b"IHDR", header) + make_chunk(b"IDAT", b"")
    with pytest.raises(ImageError, match="more than 40 million pixels"):
        images.decode(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize(("width", "height"), [(3000, 1500), (1000, 4097)])
def test_large_pictures_are_reduced_by_averaging(rng, encode_image, kind, width, height):
    small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    source = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    result = images.decode(encode_image(source, kind))
    assert max(result.shape) == images.MAX_SIDE
    assert result.shape[1] / result.shape[0] == pytest.approx(width / height, rel=0.01)
    size = (result.shape[1], result.shape[0])
    expected = np.asarray(source.resize(size, Image.Resampling.BOX)).astype(int)
    assert np.abs(result - expected).mean() < 2


def test_large_transparent_pictures_are_put_on_white_first(encode_image):
    """Black, invisible pixels must not darken their neighbours."""
    checks = np.zeros((2100, 2100, 4), dtype=np.uint8)
    checks[::2] = 255
    result = images.decode(encode_image(checks, compress_level=1))
    assert result.shape == (2048, 2048, 3)
    assert result.min() == 255


def test_large_palettes_are_averaged_as_colors_not_as_numbers():
    palette = make_chunk(b"PLTE", bytes([0, 0, 0, 255, 255, 255, 200, 0, 0]))
    result = images.decode(make_png(4200, 200, 8, 3, b"\0\2" * 2100, palette))
    assert result.shape == (98, 2048, 3)
    assert np.abs(result.astype(int) - [100, 0, 0]).max() <= 1


# What is refused


def test_empty():
    with pytest.raises(ImageError, match="empty"):
        images.decode(b"")


def test_too_many_bytes():
    with pytest.raises(ImageError, match=r"larger than 25 MB.*To make it smaller"):
        images.decode(bytes(images.MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("GIF", "a GIF picture"),
        ("ICO", "an icon"),
        ("PDF", "a PDF"),
    ],
)
def test_other_formats_are_named(photo, encode_image, kind, named):
    with pytest.raises(ImageError, match=f"is {named}.*not a JPEG or PNG"):
        images.decode(encode_image(photo, kind))


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF picture"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "a video"),
        (b"PK\x03\x04" + bytes(60), "a ZIP archive"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        ("Melanozytärer Nävus, rechts\n".encode() * 60, "a text file"),
    ],
)
def test_other_contents_are_named(data, named):
    with pytest.raises(ImageError, match=f"is {named}"):
        images.decode(data)


def test_unknown_bytes_are_said_to_be_no_picture(rng):
    with pytest.raises(ImageError, match="not a picture"):
        images.decode(b"\x01\x02" + rng.bytes(400))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_truncated_files_are_refused_wherever_they_end(photo, encode_image, kind):
    data = encode_image(photo, kind)
    for share in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9):
        with pytest.raises(ImageError, match=f"{kind} file is damaged or incomplete"):
            images.decode(data[: max(12, int(share * len(data)))])


def test_damaged_pixels_of_a_png_are_noticed(photo, encode_image):
    data = bytearray(encode_image(photo))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(ImageError, match="damaged"):
        images.decode(bytes(data))


def test_text_that_inflates_is_never_inflated(photo, encode_image):
    data = encode_image(photo)
    bomb = make_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000), 9))
    np.testing.assert_array_equal(images.decode(data[:33] + bomb * 20 + data[33:]), photo)


def test_nothing_of_the_metadata_is_said_or_logged(photo, encode_image, caplog, capfd):
    exif = Image.Exif()
    exif[0x010E] = SECRET
    data = encode_image(photo, "JPEG", exif=exif, comment=SECRET)
    caplog.set_level(0)
    images.decode(data)
    with pytest.raises(ImageError) as refusal:
        images.decode(data[:-300])
    said = caplog.text + "".join(capfd.readouterr())
    assert SECRET not in said + str(refusal.value) + repr(refusal.value.__cause__)


def test_damage_of_any_kind_ends_in_a_picture_or_an_image_error(photo, encode_image, rng):
    small = Image.fromarray(photo).resize((72, 66)).filter(ImageFilter.GaussianBlur(2))
    exif = Image.Exif()
    exif[0x0112] = 6
    notes = {"exif": exif, "icc_profile": make_swapped_profile()}
    files = [
        encode_image(small, "JPEG", **notes),
        encode_image(small, "JPEG", progressive=True, subsampling=0),
        encode_image(small.convert("CMYK"), "JPEG"),
        encode_image(small, **notes),
        encode_image(small.convert("P"), transparency=3),
        encode_image(small.convert("RGBA")),
        encode_image(Image.new("I;16", (70, 70), 999)),
    ]
    pictures, refusals = [], []
    for turn in range(1400):
        data = bytearray(files[turn % len(files)])
        for _ in range(int(rng.integers(1, 5))):
            at = int(rng.integers(2, min(len(data), 900)))
            if rng.random() < 0.6:
                data[at] = int(rng.integers(256))
            else:
                del data[at : at + int(rng.integers(1, 30))]
        try:
            result = images.decode(bytes(data))
        except ImageError as error:
            refusals.append(str(error))
        else:
            pictures.append((result.dtype, result.shape[2]))
    assert len(refusals) > 100
    assert all(sentence.endswith(".") for sentence in refusals)
    assert len(pictures) > 100
    assert set(pictures) == {(np.dtype(np.uint8), 3)}


# Memory

MEASURE = """
import sys, threading
from pathlib import Path
from skinmodel.imaging import images
from skinmodel.errors import ImageError

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024

data = Path(sys.argv[1]).read_bytes()
idle, said = peak(), []

def decode():
    try:
        said.append("x".join(map(str, images.decode(data).shape)))
    except ImageError as error:
        said.append(str(error))

threads = [threading.Thread(target=decode) for _ in range(2)]
[t.start() for t in threads]
[t.join() for t in threads]
print(peak() - idle, *said, sep="|")
"""

WRITE_CMYK = """
import sys
from PIL import Image
picture = Image.new("CMYK", (7300, 5479), (10, 90, 80, 20))
picture.save(sys.argv[1], "JPEG", progressive=True, subsampling=0)
"""

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc"
)


def run(*arguments: str) -> str:
    command = [sys.executable, "-c", *arguments]
    root = Path(images.__file__).parents[2]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root)
    assert answer.stderr == ""
    return answer.stdout.strip()


@needs_proc
def test_a_png_of_144_megapixels_costs_no_memory(tmp_path):
    bomb = make_png(12_000, 12_000, 8, 2, bytes(36_000))
    assert len(bomb) < 500_000
    (tmp_path / "bomb").write_bytes(bomb)
    peak, *said = run(MEASURE, str(tmp_path / "bomb")).split("|")
    assert int(peak) < 20
    assert all("more than 40 million pixels" in sentence for sentence in said)


@needs_proc
@pytest.mark.parametrize("kind", ["rgba png", "cmyk jpeg"])
def test_two_of_the_largest_pictures_at_once_stay_below_500_mb(tmp_path, kind):
    path = tmp_path / "largest"
    if kind == "rgba png":
        path.write_bytes(make_png(7300, 5479, 8, 6, bytes(4 * 7300)))
    else:
        run(WRITE_CMYK, str(path))
    peak, *said = run(MEASURE, str(path)).split("|")
    assert said == ["1537x2048x3"] * 2
    assert 100 < int(peak) < 500


WRITE = """
import sys
from PIL import Image
Image.MAX_IMAGE_PIXELS = None
mode, width, height, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
options = {"progressive": True, "subsampling": 0} if mode == "CMYK" else {}
Image.new(mode, (width, height), (90, 80, 20, 0)[: len(mode)]).save(path, "JPEG", **options)
"""


READ = MEASURE.replace("images.decode(data)", "images.read(Path(sys.argv[1]))")


@needs_proc
def test_a_named_file_may_be_larger_and_is_read_at_a_reduced_scale(tmp_path):
    path = tmp_path / "large.jpg"
    run(WRITE, "RGB", "12000", "9000", str(path))
    assert "more than 40 million pixels (12000 x 9000)" in run(MEASURE, str(path))
    peak, *said = run(READ, str(path)).split("|")
    assert said == ["1536x2048x3"] * 2
    assert int(peak) < 300


@needs_proc
def test_a_file_that_would_take_too_much_memory_is_refused_by_its_header(tmp_path):
    path = tmp_path / "large.jpg"
    run(WRITE, "CMYK", "12000", "9000", str(path))
    peak, *said = run(READ, str(path)).split("|")
    assert all("would take about 0.9 GB of memory, and 0.8 are the most" in s for s in said)
    assert int(peak) < 50


# Files


def test_read_gives_what_decode_gives(tmp_path, photo, encode_image):
    (tmp_path / "a.jpg").write_bytes(encode_image(photo, "PNG"))
    np.testing.assert_array_equal(images.read(tmp_path / "a.jpg"), photo)


def test_missing_file(tmp_path):
    with pytest.raises(ImageError, match=r"no file '.*absent\.jpg'"):
        images.read(tmp_path / "absent.jpg")


def test_folder(tmp_path):
    with pytest.raises(ImageError, match="is a folder"):
        images.read(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageError, match="not a regular file"):
        images.read(tmp_path / "pipe")


def test_file_without_permission(tmp_path, photo, encode_image, monkeypatch):
    (tmp_path / "a.png").write_bytes(encode_image(photo))

    def refuse(self, *arguments):
        raise PermissionError(13, "Permission denied")

    # Root may read everything, so taking the permission away would prove nothing there.
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ImageError, match="may not be read"):
        images.read(tmp_path / "a.png")


def test_large_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(2**40)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("the file was opened"))
    with pytest.raises(ImageError, match="larger than 100 MB"):
        images.read(tmp_path / "large.jpg")


@pytest.mark.parametrize("name", ["a\0b.jpg", "x" * 400 + ".jpg"])
def test_names_no_file_can_have(tmp_path, name):
    with pytest.raises(ImageError, match="could not be read"):
        images.read(tmp_path / name)
