"""The whole verification on drawn releases, each time with one thing wrong."""

import hashlib
import os
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_release import COUNT, LOST, ROWS
from PIL import Image

from skinmodel.data import masks
from skinmodel.data.sets import isic2019
from skinmodel.data.verify import run
from skinmodel.data.verify.decoding import Decoded, decode_file
from skinmodel.data.verify.run import verify
from skinmodel.errors import DatasetError, UnknownNameError

FIRST = "HAM10000/HAM10000_images_part_1/ISIC_0000000.jpg"
MASK = f"HAM10000/{masks.FOLDER}/ISIC_0000005{masks.SUFFIX}.png"
COPIES = f"ISIC2019/{isic2019.IMAGES}"


def look(data, dataset="ham10000", workers=1):
    return verify(data, dataset, workers=workers, progress=False)


def faults(report):
    return {check.name: check for check in report.defects}


def test_a_whole_ham10000_is_as_released(data):
    report = look(data)
    assert [str(check) for check in report.defects + report.remarks] == []
    assert report.files == 2 * COUNT
    pictures = [*data.glob("HAM10000/*/*.jpg"), *data.glob("HAM10000/*/*.png")]
    assert report.bytes == sum(file.stat().st_size for file in pictures)
    assert report.folder == str(data / "HAM10000")
    found = {check.name: check.found for check in report.checks}
    assert (found["rows"], found["lesions"], found["ids"]) == ("168", "84", "all of HAM10000")


def test_a_whole_isic2019_of_other_sizes_is_a_resized_copy(data):
    report = look(data, "isic2019")
    assert report.defects == ()
    size, contradictions = report.remarks
    assert (size.name, size.found) == ("image size", f"84 x 84 in {ROWS} of {ROWS}")
    assert "resized as a whole" in size.advice
    assert contradictions.ids == tuple(sorted(isic2019.CONTRADICTORY))


def cut(file):
    file.write_bytes(file.read_bytes()[:-20])


def make_png(file):
    file.write_bytes(cv2.imencode(".png", cv2.imread(str(file)))[1].tobytes())


def empty(file):
    file.write_bytes(b"")


def shrink(file):
    cv2.imwrite(str(file), cv2.imread(str(file))[:70])


def make_text(file):
    file.write_text("<html>503</html>")


@pytest.mark.parametrize(
    ("damage", "name", "words"),
    [
        (cut, "images decode", "1 x: The JPEG file is damaged or incomplete"),
        (empty, "images decode", "1 x: The file is empty (0 bytes)"),
        (make_text, "images decode", "1 x: This file is a web page"),
        (make_png, "images format", "1 x PNG named .jpg"),
        (shrink, "image sizes differ", "1 of 80 x 70"),
    ],
)
def test_a_bad_image_is_one_defect_with_its_id(data, damage, name, words):
    damage(data / FIRST)
    found = faults(look(data))
    assert list(found) == [name]
    assert words in found[name].found
    assert found[name].ids == ("ISIC_0000000",)


def test_a_missing_image_is_named_with_its_diagnosis(data):
    (data / FIRST).unlink()
    check = faults(look(data))["images"]
    assert (check.found, check.ids) == ("167 of 168; missing: 1 of nv", ("ISIC_0000000",))
    (data / COPIES / f"{LOST}.jpg").unlink()
    check = faults(look(data, "isic2019"))["images"]
    assert (check.found, check.ids) == (f"{ROWS - 1} of {ROWS}; missing: 1 of AK", (LOST,))


def test_an_image_without_a_row_and_one_in_both_parts_are_defects(data):
    second = data / "HAM10000/HAM10000_images_part_2"
    extra = second / "ISIC_0099999.jpg"
    cv2.imwrite(str(extra), np.full((80, 80, 3), 99, np.uint8))
    shutil.copy(data / FIRST, second)
    found = faults(look(data))
    assert {n: c.ids for n, c in found.items()} == {
        "images extra": ("ISIC_0099999",),
        "images twice": ("ISIC_0000000",),
    }


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_a_name_that_would_write_on_the_terminal_is_shown_escaped(data):
    evil = data / "HAM10000/HAM10000_images_part_2/ISIC_\x1b[2J\n\udcff.jpg"
    shutil.copy(data / FIRST, evil)
    assert faults(look(data))["images extra"].ids == ("ISIC_\\x1b[2J\\n\\xff",)


def test_one_picture_under_two_lesions_is_a_defect_and_under_one_a_remark(data):
    shutil.copy(data / FIRST, data / "HAM10000/HAM10000_images_part_2/ISIC_0000001.jpg")
    report = look(data)  # two images a lesion: 0 and 1 are of one
    assert report.defects == ()
    [twins] = report.remarks
    assert (twins.name, twins.ids) == ("known twins", ("ISIC_0000000", "ISIC_0000001"))
    assert "1 of one lesion), 1 x one file" in twins.found
    target = data / "HAM10000/HAM10000_images_part_1/ISIC_0000006.jpg"
    # The same pixels, other bytes: a comment, which no decoder shows.
    source = (data / FIRST).read_bytes()
    target.write_bytes(source[:2] + b"\xff\xfe\x00\x05abc" + source[2:])
    found = faults(look(data))
    assert list(found) == ["duplicates"]
    assert found["duplicates"].ids == ("ISIC_0000000", "ISIC_0000001", "ISIC_0000006")
    assert "0 x one file" in found["duplicates"].found


def test_the_known_contradictions_of_isic2019_are_no_defect(data):
    folder = data / COPIES
    shutil.copy(folder / "ISIC_0067502.jpg", folder / "ISIC_0067980.jpg")
    report = look(data, "isic2019")
    assert report.defects == ()
    twins = next(check for check in report.remarks if check.name == "known twins")
    assert twins.ids == ("ISIC_0067502", "ISIC_0067980")
    assert "1 under two diagnoses, as is known" in twins.found


def test_missing_and_broken_masks_are_defects_and_no_mask_at_all_a_remark(data):
    (data / MASK).unlink()
    cut(data / MASK.replace("5_", "6_"))
    found = faults(look(data))
    assert {n: c.ids for n, c in found.items()} == {
        "masks": ("ISIC_0000005",),
        "masks decode": ("ISIC_0000006",),
    }
    shutil.rmtree(data / "HAM10000" / masks.FOLDER)
    report = look(data)
    assert report.defects == ()
    assert [check.name for check in report.remarks] == ["masks"]


def test_grey_masks_and_masks_of_everything_are_remarks(data):
    mask = cv2.imread(str(data / MASK), cv2.IMREAD_GRAYSCALE)
    mask[0, 0] = 90
    cv2.imwrite(str(data / MASK), mask)
    cv2.imwrite(str(data / MASK.replace("5_", "6_")), np.full((80, 80), 255, np.uint8))
    cv2.imwrite(str(data / MASK.replace("5_", "7_")), np.zeros((80, 80), np.uint8))
    report = look(data)
    assert report.defects == ()
    values, outlines = report.remarks
    assert (values.ids, outlines.ids) == (("ISIC_0000005",), ("ISIC_0000006", "ISIC_0000007"))
    assert outlines.found == "1 cover the whole frame, 1 cover nothing"


def test_an_unfinished_download_is_a_remark_and_a_change_meanwhile_a_defect(data, monkeypatch):
    (data / "HAM10000/HAM10000_images_part_2.zip.part").touch()
    from skinmodel.data.verify import run

    decode_all = run.decode_all

    def decode_and_touch(paths, **options):
        os.utime(paths[0], ns=(1, 1))
        return decode_all(paths, **options)

    monkeypatch.setattr(run, "decode_all", decode_and_touch)
    report = look(data)
    assert list(faults(report)) == ["changes"]
    assert [check.ids for check in report.remarks] == [("HAM10000_images_part_2.zip.part",)]


def test_two_processes_find_what_one_finds(data):
    cut(data / FIRST)
    one, two = look(data, workers=1), look(data, workers=2)
    assert (one.workers, two.workers) == (1, 2)
    assert one.checks == two.checks
    assert list(faults(two)) == ["images decode"]


def test_what_is_not_there_cannot_be_verified(tmp_path):
    with pytest.raises(DatasetError, match="Nothing of ISIC 2019 is in"):
        look(tmp_path, "isic2019")
    with pytest.raises(UnknownNameError, match="no data set called 'isic'"):
        look(tmp_path, "isic")


def decode_some(paths, **_):
    """Decode every 50th file in full; of the others take the bytes, and the size in their head.

    ``benchmarks/test_verify_speed.py`` decodes them all, which takes minutes. Twins are told by
    their bytes: those that are known are the same files.
    """
    found = [
        look_at(path) if number % 50 else decode_file(path) for number, path in enumerate(paths)
    ]
    return [
        decoded if decoded.fault else replace(decoded, pixels=decoded.content) for decoded in found
    ]


def look_at(path):
    content = hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
    with Image.open(path) as image:
        return Decoded(kind=image.format, size=image.size, content=content, cover=0.5)


@pytest.mark.data
def test_of_the_real_sets_only_the_32_missing_ak_are_a_defect(ham10000_dir, monkeypatch):
    monkeypatch.setattr(run, "decode_all", decode_some)
    assert_as_released(ham10000_dir)


def assert_as_released(folder):
    """Check both real sets: 32 files of AK are missing from this copy of ISIC 2019, no more."""
    ham = verify(folder, "ham10000", progress=False)
    assert faults(ham) == {}
    assert {"same lesions", "known twins"} <= {check.name for check in ham.remarks}
    isic = verify(folder, "isic2019", progress=False)
    [missing] = isic.defects
    assert missing.found == "25,299 of 25,331; missing: 32 of AK"
    assert len(missing.ids) == 32
    assert {check.name: len(check.ids) for check in isic.remarks} == {
        "image size": 0,
        "known twins": 100,
        "contradictions": 4,
    }
    return ham, isic
