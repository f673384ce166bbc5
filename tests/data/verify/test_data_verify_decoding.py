import os
import signal
from pathlib import Path

import numpy as np
import pytest

from skinmodel.data.verify import decoding
from skinmodel.data.verify.decoding import count_workers, decode_all, decode_file
from skinmodel.errors import DatasetError
from skinmodel.imaging import images

# A drawing of black and white, as masks are.
MASK = np.where(np.hypot(*np.mgrid[-40:40, -40:40]) < 20, 255, 0).astype(np.uint8)


@pytest.fixture
def write(tmp_path):
    def write_file(data, name="a.jpg"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write_file


def test_a_sound_file_is_measured(write, photo, encode_image):
    found = decode_file(write(encode_image(photo, "JPEG")))
    assert (found.fault, found.kind, found.size) == ("", "JPEG", (128, 96))
    mask = decode_file(write(encode_image(MASK)))
    assert (mask.kind, mask.size, mask.inner) == ("PNG", (80, 80), 0.0)
    assert mask.cover == (MASK == 255).mean()
    soft = MASK.copy()
    soft[:2] = 128
    assert decode_file(write(encode_image(soft))).inner == 2 / 80


def test_the_size_is_the_stored_one_even_where_the_program_reduces(write, encode_image):
    wide = np.zeros((100, images.MAX_SIDE + 100, 3), np.uint8)
    assert decode_file(write(encode_image(wide, "JPEG"))).size == (images.MAX_SIDE + 100, 100)


def test_a_jpeg_cut_anywhere_is_found(write, photo, encode_image):
    for progressive in (False, True):
        data = encode_image(photo, "JPEG", quality=88, progressive=progressive)
        for length in (*range(0, len(data), 37), *range(len(data) - 12, len(data))):
            assert decode_file(write(data[:length])).fault, length


def test_a_png_cut_or_changed_anywhere_is_found(write, encode_image):
    data = encode_image(MASK)
    for length in range(len(data)):
        assert decode_file(write(data[:length])).fault, length
    for place in range(8, len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        assert decode_file(write(bytes(changed))).fault, place


def test_what_cannot_be_decoded_says_why_in_one_sentence(write, tmp_path):
    faults = [
        decode_file(write(b"")).fault,
        decode_file(write(b"GIF89a" + bytes(50))).fault,
        decode_file(write(b"x" * (images.MAX_BYTES + 1))).fault,
        decode_file(tmp_path / "none.jpg").fault,
    ]
    assert faults == [
        "The file is empty (0 bytes): nothing was saved or transferred.",
        "This file is a GIF picture, not a JPEG or PNG, whatever its name says.",
        "The file is larger than 25 MB, the most this tool accepts here.",
        "The file cannot be read (No such file or directory).",
    ]


def test_same_pixels_in_other_bytes_share_only_the_pixels(write, encode_image):
    small = decode_file(write(encode_image(MASK, compress_level=9)))
    large = decode_file(write(encode_image(MASK, compress_level=0)))
    assert small.pixels == large.pixels
    assert small.content != large.content
    # As many pixels of the same values in another shape are another picture.
    flat = decode_file(write(encode_image(np.zeros((64, 100), np.uint8))))
    high = decode_file(write(encode_image(np.zeros((100, 64), np.uint8))))
    assert flat.pixels != high.pixels


def test_as_many_processes_as_there_is_work_for():
    assert count_workers(None, 10**6) == os.cpu_count()
    assert [count_workers(8, files) for files in (0, 10, 64, 10**6)] == [1, 1, 2, 8]


def test_the_answers_come_in_the_order_of_the_files(write, encode_image, capsys):
    paths = []
    for i in range(70):
        picture = np.full((64, 64), i, np.uint8)
        paths.append(write(encode_image(picture), f"{i}.png"))
    done = decode_all(paths, workers=1, title="drawn")
    assert done == [decode_file(path) for path in paths]
    assert capsys.readouterr().err == ""  # no terminal, no bar


def end_process(_paths: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_an_ended_process_is_told_and_not_waited_for(monkeypatch):
    monkeypatch.setattr(decoding, "_decode_chunk", end_process)
    with pytest.raises(DatasetError, match=r"ended from outside.*--workers 1"):
        decode_all([Path("a")] * 100, workers=2, progress=False)


def test_a_worker_loads_no_data_frame_and_no_opencv():
    import subprocess
    import sys

    code = (
        "import sys, skinmodel.data.verify.decoding\n"
        "print({'pandas', 'cv2', 'tensorflow', 'streamlit'} & set(sys.modules))"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
