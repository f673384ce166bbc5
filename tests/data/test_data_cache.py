import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from skinmodel.data import cache
from skinmodel.data.cache import fingerprint, load_pixels
from skinmodel.errors import ConfigError, ImageError
from skinmodel.imaging import images
from skinmodel.imaging.preprocess import Preprocessing, resize

SPEC = Preprocessing(32, 40, "RGB", 1.0, 0.0, "area")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SKINMODEL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def files(tmp_path, rng):
    """Five drawn pictures of different sizes."""
    paths = []
    for number in range(5):
        path = tmp_path / f"ISIC_{number}.png"
        picture = rng.integers(0, 256, (70 + 3 * number, 90 - 2 * number, 3), dtype=np.uint8)
        cv2.imwrite(str(path), picture)
        paths.append(str(path))
    return paths


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files decoded so far."""
    names = []
    read = images.read

    def record(path):
        names.append(path.name)
        return read(path)

    monkeypatch.setattr(images, "read", record)
    return names


def load(files, spec=SPEC):
    return load_pixels(files, spec, progress=False)


def kept(home):
    return sorted(path.name for path in (home / "decoded").iterdir() if path.suffix == ".npy")


def test_the_array_holds_every_image_in_order_at_the_inputs_size(files):
    pixels = load(files)
    assert (pixels.shape, pixels.dtype) == ((5, 32, 40, 3), np.uint8)
    for row, path in zip(pixels, files, strict=True):
        bgr = cv2.imread(path)
        np.testing.assert_array_equal(row, resize(bgr[..., ::-1].copy(), SPEC))


def test_the_array_is_mapped_and_cannot_be_changed(files):
    pixels = load(files)
    assert isinstance(pixels, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        pixels[0] = 0


def test_the_second_call_decodes_nothing(files, monkeypatch):
    first = np.array(load(files))

    def fail(path):
        raise AssertionError(f"{path} was decoded again")

    monkeypatch.setattr(images, "read", fail)
    np.testing.assert_array_equal(load(files), first)


def test_a_file_that_changes_is_decoded_again(files, decoded):
    before = np.array(load(files))
    cv2.imwrite(files[2], np.full((70, 90, 3), 200, np.uint8))
    after = load(files)
    assert sorted(decoded) == sorted([f"ISIC_{n}.png" for n in range(5)] * 2)
    assert (after[2] == 200).all()
    np.testing.assert_array_equal(after[[0, 1, 3, 4]], before[[0, 1, 3, 4]])


def test_a_file_of_the_same_time_and_size_but_other_content_is_decoded_again(tmp_path, decoded):
    path = tmp_path / "flat.png"
    for grey in (80, 81):
        picture = np.full((70, 70, 3), grey, np.uint8)
        _, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 0])
        path.write_bytes(data.tobytes())
        os.utime(path, ns=(10**18, 10**18))
        assert (load([str(path)]) == grey).all()
    assert len(decoded) == 2


def test_a_copied_folder_is_not_decoded_again(files, decoded, tmp_path, home):
    first = np.array(load(files))
    copies = []
    for number, path in enumerate(files):
        copy = tmp_path / "copied" / f"{number}.png"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(Path(path).read_bytes())
        copies.append(str(copy))
    np.testing.assert_array_equal(load(copies), first)
    assert len(decoded) == 5
    assert len(kept(home)) == 1


def test_a_file_that_is_gone_is_named(files):
    Path(files[3]).unlink()
    with pytest.raises(ImageError, match=r"ISIC_3\.png' cannot be read \(No such file"):
        load(files)


@pytest.mark.parametrize(
    "change", [{"height": 24}, {"width": 24}, {"interpolation": "linear"}], ids=str
)
def test_another_size_or_interpolation_is_another_array(files, decoded, change):
    load(files)
    spec = replace(SPEC, **change)
    pixels = load(files, spec)
    assert pixels.shape == (5, spec.height, spec.width, 3)
    assert len(decoded) == 10


def test_channel_order_and_scale_share_one_array(files, decoded, home):
    load(files)
    load(files, replace(SPEC, channels="BGR", scale=1 / 255, offset=-1.0))
    assert len(decoded) == 5
    assert len(kept(home)) == 1


def test_another_order_of_files_is_another_array(files):
    np.testing.assert_array_equal(load(files[::-1]), np.array(load(files))[::-1])


def test_a_new_format_of_the_array_does_not_read_the_old(files, decoded, monkeypatch):
    load(files)
    monkeypatch.setattr(cache, "FORMAT", cache.FORMAT + 1)
    load(files)
    assert len(decoded) == 10


@pytest.mark.parametrize("part", ["pil", "jpg", "libjpeg_turbo", "opencv"])
def test_another_decoder_does_not_read_what_this_one_left(files, decoded, monkeypatch, part):
    assert part in cache.read_decoders()
    load(files)
    other = {**cache.read_decoders(), part: "0.0"}
    with monkeypatch.context() as patch:
        patch.setattr(cache, "read_decoders", lambda: other)
        load(files)
    assert len(decoded) == 10
    load(files)
    assert len(decoded) == 10


@pytest.mark.parametrize("place", [-1, 200, 3], ids=["last pixel", "a pixel", "header"])
def test_one_flipped_bit_is_noticed_and_decoded_anew(files, decoded, home, caplog, place):
    sound = np.array(load(files))
    [name] = kept(home)
    content = bytearray((home / "decoded" / name).read_bytes())
    content[place] ^= 1
    (home / "decoded" / name).write_bytes(content)
    np.testing.assert_array_equal(load(files), sound)
    assert len(decoded) == 10
    assert f"{name}' are damaged: decoding them anew" in caplog.text
    load(files)
    assert len(decoded) == 10


@pytest.mark.parametrize("size", [0, 60, 5000])
def test_an_array_that_lost_its_end_is_decoded_anew(files, decoded, home, size):
    sound = np.array(load(files))
    [name] = kept(home)
    os.truncate(home / "decoded" / name, size)
    np.testing.assert_array_equal(load(files), sound)
    assert len(decoded) == 10


def test_an_array_whose_writing_was_cut_short_is_decoded_anew(files, decoded, home, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(cache, "write_text", _die)
        with pytest.raises(KeyboardInterrupt):
            load(files)
    assert len(kept(home)) == 1
    load(files)
    assert len(decoded) == 10


def _die(*arguments):
    raise KeyboardInterrupt


def test_a_file_that_is_no_image_is_named_and_nothing_is_kept(files, home, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not an image")
    with pytest.raises(ImageError, match=r"broken\.jpg' cannot be decoded: "):
        load([*files, str(broken)])
    assert kept(home) == []


def test_a_disk_that_fills_up_keeps_nothing_and_the_next_call_decodes(files, home, monkeypatch):
    def fill_up(path, pixels):
        path.write_bytes(pixels.tobytes()[:100])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(cache, "_save", fill_up)
        # 5 images of 32 x 40 pixels of 3 bytes.
        with pytest.raises(
            ConfigError, match=r"\(0\.0 MB\).*decoded' .*No space left.*SKINMODEL_HOME"
        ):
            load(files)
    assert kept(home) == []
    assert load(files).shape == (5, 32, 40, 3)


def test_two_at_once_decode_only_once(files, decoded):
    start = threading.Barrier(2, timeout=60)

    def load_together(_):
        start.wait()
        return load(files)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(load_together, range(2))
    np.testing.assert_array_equal(first, second)
    assert len(decoded) == 5


def test_the_fingerprint_is_of_the_pixels_wherever_they_lie(files):
    pixels = load(files)
    copy = np.array(pixels)
    assert fingerprint(pixels) == fingerprint(copy) == fingerprint(np.asfortranarray(copy))
    copy[4, 31, 39, 2] ^= 1
    assert fingerprint(copy) != fingerprint(pixels)


def test_the_fingerprint_is_sha_256_of_the_bytes():
    zeros = np.zeros((1, 1, 1, 3), np.uint8)
    assert fingerprint(zeros) == "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c"
