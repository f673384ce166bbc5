"""The tables of drawn releases, each time with one thing wrong."""

import pytest
from drawn_release import LOST

from skinmodel.data.sets import ham10000, isic2019
from skinmodel.data.verify.run import verify

FIRST = "HAM10000/HAM10000_images_part_1/ISIC_0000000.jpg"
TABLE = f"HAM10000/{ham10000.METADATA}"
COPIES = f"ISIC2019/{isic2019.IMAGES}"


def find_faults(data, dataset="ham10000"):
    report = verify(data, dataset, workers=1, progress=False)
    return {check.name: check for check in report.defects}


def replace_text(file, old, new, count=1):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, count), encoding="utf-8")


def test_another_label_changes_the_counts_of_two_classes(data):
    replace_text(data / TABLE, "ISIC_0000000,nv", "ISIC_0000000,mel")
    check = find_faults(data)["classes"]
    assert "nv 24, mel 24" in check.expected
    assert "nv 23, mel 25" in check.found


def test_a_row_too_few_is_told_by_count_and_its_image_has_no_row(data):
    lines = (data / TABLE).read_text().splitlines(keepends=True)
    (data / TABLE).write_text("".join(lines[:1] + lines[2:]))
    found = find_faults(data)
    assert list(found) == ["rows", "classes", "images extra", "masks extra"]
    assert (found["rows"].expected, found["rows"].found) == ("168", "167")


def test_an_id_that_is_none_of_ham10000_is_listed(data):
    replace_text(data / TABLE, "ISIC_0000000", "ISIC_0000900")
    found = find_faults(data)
    assert found["ids"].ids == ("ISIC_0000900",)
    assert found["images"].ids == ("ISIC_0000900",)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda file: file.write_bytes(file.read_bytes() + b"\xe9\xff"), "not text in UTF-8"),
        (lambda file: replace_text(file, "lesion_id", "lesion"), "lacks the columns lesion_id"),
        (lambda file: replace_text(file, "HAM_0000000", ""), "without a lesion: ISIC_0000000"),
        (lambda file: replace_text(file, ",40.0,", ",old,"), "no years from 0 to 150"),
        (lambda file: file.unlink(), "No HAM10000_metadata.csv, nor the same as .tab"),
    ],
)
def test_a_table_that_cannot_be_used_is_a_defect_and_images_are_decoded_all_the_same(
    data, damage, words
):
    damage(data / TABLE)
    (data / FIRST).write_bytes((data / FIRST).read_bytes()[:-20])
    found = find_faults(data)
    assert list(found) == ["metadata", "images decode"]
    assert words in found["metadata"].found


def test_metadata_that_does_not_fit_the_truth_is_a_defect(data):
    replace_text(data / "ISIC2019" / isic2019.METADATA, LOST, "ISIC_0000999")
    found = find_faults(data, "isic2019")
    assert list(found) == ["tables"]
    assert LOST in found["tables"].found


def test_an_image_file_must_be_called_as_in_the_truth_table(data):
    folder = data / COPIES
    (folder / "ISIC_0000000_downsampled.jpg").rename(folder / "ISIC_0000000.jpg")
    assert {n: c.ids for n, c in find_faults(data, "isic2019").items()} == {
        "image names": ("ISIC_0000000",)
    }
