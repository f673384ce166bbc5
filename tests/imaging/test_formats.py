"""HEIC, TIFF, WebP, BMP and DICOM: the right pixels, and a hostile corpus of each."""

import io
import logging
import struct
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import generate_uid

from skinmodel.errors import ImageError
from skinmodel.imaging import images

SECRET = "SECRET-PATIENT"
HEIC = Path(__file__).with_name("drawn.heic").read_bytes()
"""A drawing of 128 x 96 with a name in its EXIF block, and a turn there that HEIC does not heed."""
DERMOSCOPY = "1.2.840.10008.5.1.4.1.1.77.1.7"
SYNTAXES = {
    **{"implicit": "1.2.840.10008.1.2", "explicit": "1.2.840.10008.1.2.1"},
    **{"big": "1.2.840.10008.1.2.2", "rle": "1.2.840.10008.1.2.5"},
    **{"jpeg": "1.2.840.10008.1.2.4.50", "jpeg2000": "1.2.840.10008.1.2.4.90"},
    **{"deflated": "1.2.840.10008.1.2.1.99", "mpeg": "1.2.840.10008.1.2.4.102"},
}


def make_dicom(pixels: bytes, size, syntax="explicit", meaning="RGB", samples=3, **values) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DERMOSCOPY
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["drawn"])
    meta.TransferSyntaxUID = SYNTAXES[syntax]
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = DERMOSCOPY, meta.MediaStorageSOPInstanceUID
    dataset.PatientName = dataset.PatientID = SECRET
    dataset.Rows, dataset.Columns = size
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = samples, meaning
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.PixelRepresentation = 0
    if samples == 3:
        dataset.PlanarConfiguration = 0
    for name, value in values.items():
        setattr(dataset, name, value)
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelData = pixels
    dataset["PixelData"].VR = "OW" if dataset.BitsAllocated > 8 else "OB"
    dataset["PixelData"].is_undefined_length = syntax in ("rle", "jpeg", "jpeg2000", "mpeg")
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def pack(photo, segments):
    """A frame of run-length coding, every byte a literal run of one or more."""
    coded = []
    for plane in segments:
        data = plane.tobytes()
        runs = [data[i : i + 128] for i in range(0, len(data), 128)]
        coded.append(b"".join(bytes([len(run) - 1]) + run for run in runs))
    starts = np.cumsum([64, *(len(c) for c in coded)])[: len(coded)]
    header = struct.pack("<16I", len(coded), *starts, *([0] * (15 - len(coded))))
    return encapsulate([header + b"".join(coded)])


def dicom_of(photo, encode_image, kind):
    size = photo.shape[:2]
    planes = [photo[..., c] for c in range(3)]
    return {
        "explicit": lambda: make_dicom(photo.tobytes(), size),
        "implicit": lambda: make_dicom(photo.tobytes(), size, "implicit"),
        "planes": lambda: make_dicom(np.stack(planes).tobytes(), size, PlanarConfiguration=1),
        "rle": lambda: make_dicom(pack(photo, planes), size, "rle"),
        "jpeg": lambda: make_dicom(
            encapsulate([encode_image(photo, "JPEG", quality=95)]), size, "jpeg", "YBR_FULL_422"
        ),
        "jpeg2000": lambda: make_dicom(
            encapsulate([encode_image(photo, "JPEG2000", no_jp2=True)]), size, "jpeg2000"
        ),
        "ybr": lambda: make_dicom(
            Image.fromarray(photo).convert("YCbCr").tobytes(), size, meaning="YBR_FULL"
        ),
        "two frames": lambda: make_dicom(
            photo.tobytes() + bytes(photo.size), size, NumberOfFrames=2
        ),
    }[kind]()


# The right pixels


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "WEBP"])
def test_pixels_are_exact_where_nothing_is_lost(photo, encode_image, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(images.decode(encode_image(photo, kind, **options)), photo)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_kinds_of_tiff(photo, encode_image, compression):
    result = images.decode(encode_image(photo, "TIFF", compression=compression))
    assert np.abs(result.astype(int) - photo).mean() < (8 if compression == "jpeg" else 0.1)


@pytest.mark.parametrize("kind", ["TIFF", "WEBP"])
def test_pictures_are_turned_as_they_say(photo, encode_image, kind):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, SECRET
    options = {"lossless": True} if kind == "WEBP" else {}
    result = images.decode(encode_image(photo, kind, exif=exif, **options))
    np.testing.assert_array_equal(result, np.rot90(photo, -1))


def test_grey_tiff_of_16_bits_keeps_the_upper_8(encode_image):
    shades = np.full((70, 80), 0x8034, np.uint16)
    assert (images.decode(encode_image(Image.fromarray(shades), "TIFF")) == 0x80).all()


def test_heic_is_turned_as_its_own_boxes_say_and_not_twice():
    result = images.decode(HEIC)
    assert result.shape == (96, 128, 3)
    assert result.std() > 5


@pytest.mark.parametrize(
    "kind", ["explicit", "implicit", "planes", "rle", "jpeg", "jpeg2000", "ybr", "two frames"]
)
def test_kinds_of_dicom(photo, encode_image, kind):
    decoded = images.decode_noted(dicom_of(photo, encode_image, kind))
    lost = {"jpeg": 3, "ybr": 2, "jpeg2000": 0.1}.get(kind, 0)
    assert np.abs(decoded.image.astype(int) - photo).mean() <= lost
    assert decoded.note == (
        "The file holds 2 pictures; this is the first." if kind == "two frames" else ""
    )


@pytest.mark.parametrize(
    ("meaning", "stored", "values", "expected"),
    [
        ("MONOCHROME2", 8, np.uint8(40), 40),
        ("MONOCHROME1", 8, np.uint8(40), 215),
        ("MONOCHROME2", 12, np.uint16(0x0801), 0x80),
        ("MONOCHROME1", 16, np.uint16(0x8000), 0x7F),
    ],
)
@pytest.mark.parametrize("syntax", ["explicit", "big", "rle"])
def test_greys_of_dicom(meaning, stored, values, expected, syntax):
    grey = np.full((70, 80), values)
    wide = grey.dtype.itemsize == 2
    planes = [(grey >> 8).astype(np.uint8), grey.astype(np.uint8)] if wide else [grey]
    order = grey.astype(">u2") if syntax == "big" and wide else grey
    pixels = pack(grey, planes) if syntax == "rle" else order.tobytes()
    bits = {"BitsAllocated": 8 * grey.dtype.itemsize, "BitsStored": stored}
    data = make_dicom(pixels, (70, 80), syntax, meaning, 1, **bits)
    assert (images.decode(data) == expected).all()


def test_palettes_of_dicom():
    numbers = np.tile(np.uint8([0, 1]), (70, 40))
    tables = {"Red": (10, 200), "Green": (20, 100), "Blue": (30, 50)}
    values = {}
    for color, entries in tables.items():
        values[f"{color}PaletteColorLookupTableDescriptor"] = [2, 0, 16]
        data = b"".join(struct.pack("<H", entry << 8) for entry in entries)
        values[f"{color}PaletteColorLookupTableData"] = data
    data = make_dicom(numbers.tobytes(), (70, 80), meaning="PALETTE COLOR", samples=1, **values)
    result = images.decode(data)
    assert result[0, 0].tolist() == [10, 20, 30]
    assert result[0, 1].tolist() == [200, 100, 50]


def test_words_that_may_be_burnt_in_are_warned_of(photo):
    data = make_dicom(photo.tobytes(), photo.shape[:2], BurnedInAnnotation="YES")
    assert "perhaps a name, are burnt into the picture" in images.decode_noted(data).note


def test_several_pictures_in_a_file_are_told(photo, encode_image):
    first, second = Image.fromarray(photo), Image.new("RGB", (128, 96))
    for kind in ("TIFF", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encode_image(first, kind, save_all=True, append_images=[second], **options)
        decoded = images.decode_noted(data)
        np.testing.assert_array_equal(decoded.image, photo)
        assert decoded.note == "The file holds 2 pictures; this is the first."


# What is refused, with the reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "holds no photograph"),
        ({"Rows": 30_000, "Columns": 30_000}, "more than 40 million pixels"),
        ({"Rows": 20}, "each side needs at least 64"),
        ({"PhotometricInterpretation": "HSV"}, "DICOM file is damaged"),
        ({"BitsAllocated": 32}, "DICOM file is damaged"),
        ({"PixelRepresentation": 1}, "DICOM file is damaged"),
        ({"Rows": 5000, "Columns": 5000}, "DICOM file is damaged"),
    ],
)
def test_dicom_that_is_no_photograph_or_lies_is_refused(photo, change, words):
    with pytest.raises(ImageError, match=words):
        images.decode(make_dicom(photo.tobytes(), photo.shape[:2], **change))


@pytest.mark.parametrize("syntax", ["deflated", "mpeg"])
def test_what_could_unpack_to_anything_is_refused_unread(photo, syntax):
    data = make_dicom(photo.tobytes(), photo.shape[:2])
    data = data.replace(SYNTAXES["explicit"].encode() + b"\0", SYNTAXES[syntax].encode()[:20], 1)
    head = data[:400]
    bomb = head + zlib.compress(bytes(50_000_000), 9)
    with pytest.raises(ImageError, match=r"in a way that this tool does not read|damaged"):
        images.decode(bomb)


def test_a_run_that_never_ends_is_cut_at_the_pictures_size(photo):
    plane = b"\x81\xff" * 200_000  # 128 bytes from each two
    header = struct.pack("<16I", 3, 64, 64 + len(plane), 64 + 2 * len(plane), *([0] * 12))
    data = make_dicom(encapsulate([header + plane * 3]), photo.shape[:2], "rle")
    assert (images.decode(data) == 255).all()


@pytest.mark.parametrize(("tag", "value"), [(254, 1), (0xC612, b"\1\4\0\0")])
def test_raw_pictures_of_cameras_are_no_tiff(photo, encode_image, tag, value):
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    extra = ImageFileDirectory_v2()
    extra[tag] = value
    extra.tagtype[tag] = 1 if isinstance(value, bytes) else 4
    with pytest.raises(ImageError, match="camera's raw picture"):
        images.decode(encode_image(photo, "TIFF", tiffinfo=extra))


def test_measured_values_are_no_shades(encode_image):
    for dtype in (np.float32, np.int32):
        data = encode_image(Image.fromarray(np.zeros((70, 80), dtype)), "TIFF")
        with pytest.raises(ImageError, match="32 bits"):
            images.decode(data)


def test_a_webp_canvas_is_measured_before_it_is_made():
    canvas = b"\x10\0\0\0" + (16_382).to_bytes(3, "little") * 2
    data = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + canvas
    with pytest.raises(ImageError, match="more than 40 million pixels"):
        images.decode(data)


def test_a_missing_package_is_told_with_its_pip_line(photo, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(ImageError, match="pip install pydicom"):
        images.decode(make_dicom_bytes)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(ImageError, match="pip install pi-heif"):
        images.decode(HEIC)


make_dicom_bytes = make_dicom(bytes(70 * 80 * 3), (70, 80))


# Hostile corpora


def spoil(good: bytes, rng) -> list[bytes]:
    """Truncated, lying, nested, empty and damaged: some 60 files of one good one."""
    cut = [good[: int(share * len(good))] for share in (0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99)]
    large = [
        good.replace(size, b"\xff" * len(size))
        for form in ("<H", ">H", "<I", ">I")
        for value in (128, 96)
        for size in [struct.pack(form, value)]
    ]
    nested = [good[:200] + good, good * 3, good[: len(good) // 2] + good[:150] + good[150:]]
    hollow = [good[:n] + bytes(len(good) - n) for n in (12, 40, 150, 400)]
    flipped = []
    for _ in range(40):
        data = bytearray(good)
        for at in rng.integers(4, min(len(data), 900), 4):
            data[at] = int(rng.integers(256))
        flipped.append(bytes(data))
    return [b"", *cut, *large, *nested, *hollow, *flipped]


@pytest.mark.parametrize("kind", ["HEIC", "TIFF", "TIFF lzw", "WEBP", "BMP", "DICOM", "DICOM rle"])
def test_a_hostile_file_ends_in_a_picture_or_a_sentence(photo, encode_image, rng, kind, caplog):
    exif = Image.Exif()
    exif[0x010E] = SECRET
    good = {
        "HEIC": lambda: HEIC,
        "TIFF": lambda: encode_image(photo, "TIFF", exif=exif),
        "TIFF lzw": lambda: encode_image(photo, "TIFF", compression="tiff_lzw"),
        "WEBP": lambda: encode_image(photo, "WEBP", exif=exif),
        "BMP": lambda: encode_image(photo, "BMP"),
        "DICOM": lambda: dicom_of(photo, encode_image, "jpeg"),
        "DICOM rle": lambda: dicom_of(photo, encode_image, "rle"),
    }[kind]()
    caplog.set_level(logging.DEBUG)
    assert images.decode(good).shape[2] == 3
    corpus = spoil(good, rng)
    refused = []
    for data in corpus:
        try:
            result = images.decode(data)
        except ImageError as error:
            refused.append(str(error))
        else:
            assert result.dtype == np.uint8
            assert max(result.shape) <= images.MAX_SIDE
    assert len(corpus) >= 60
    assert len(refused) >= 15
    assert SECRET not in caplog.text + "".join(refused)
    assert all(sentence.endswith(".") for sentence in refused)
