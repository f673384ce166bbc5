import shutil
from dataclasses import replace

import numpy as np
import pytest
from factories import LESIONS, use_tiny_world, write_drawn_ham10000, write_drawn_isic2019

from skinmodel.data.sets import isic2019
from skinmodel.data.verify import layout, report, status
from skinmodel.data.verify.layout import compute_fingerprint, list_files
from skinmodel.data.verify.status import read_status
from skinmodel.diagnoses import CODES

IMAGES = 2 * LESIONS * len(CODES)
HAM = "HAM10000"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return write_drawn_isic2019(write_drawn_ham10000(tmp_path_factory.mktemp("drawn")))


@pytest.fixture
def data(drawn, tmp_path, monkeypatch):
    use_tiny_world(monkeypatch, tmp_path / "home")
    monkeypatch.setattr(layout, "FIRST_PART_COUNT", IMAGES // 2)
    rows = len((drawn / "ISIC2019" / isic2019.TRUTH).read_text().splitlines()) - 1
    monkeypatch.setattr(isic2019, "ROW_COUNT", rows)
    return shutil.copytree(drawn, tmp_path / "data")


def test_each_set_is_counted_and_sized(data):
    found = read_status(data)
    ham, isic = found.datasets
    assert (found.data, found.is_here) == (data, True)
    assert (ham.state, ham.images, ham.masks) == ("complete", IMAGES, 0)
    assert [(p.found, p.expected, p.is_here) for p in ham.parts] == [
        (84, 84, True),
        (84, 84, True),
        (0, IMAGES, False),
    ]
    assert ham.bytes == sum(f.stat().st_size for f in (data / HAM).rglob("*") if f.is_file())
    # One image of the drawn set is missing, see ISIC_DROPPED.
    assert (isic.state, isic.images) == ("partial", isic2019.ROW_COUNT - 1)
    assert isic.folder == data / "ISIC2019"
    assert found.of("isic2019") is isic
    assert (ham.verification, ham.problem) == (None, "")


def test_a_missing_image_part_and_an_unfinished_download_are_told(data):
    shutil.rmtree(data / HAM / "HAM10000_images_part_2")
    (data / HAM / "HAM10000_images_part_2.zip.part").touch()
    ham = read_status(data).of("ham10000")
    assert (ham.state, ham.images) == ("partial", IMAGES // 2)
    assert [p.is_here for p in ham.parts] == [True, False, False]
    assert [f.name for f in ham.unfinished] == ["HAM10000_images_part_2.zip.part"]


def test_images_of_one_folder_are_as_good_as_two_parts(data):
    merged = data / HAM / "HAM10000_images"
    merged.mkdir()
    for file in (data / HAM).glob("HAM10000_images_part_*/*.jpg"):
        file.rename(merged / file.name)
    for folder in (data / HAM).glob("HAM10000_images_part_*"):
        folder.rmdir()
    assert read_status(data).of("ham10000").state == "complete"
    for file in merged.iterdir():
        file.rename(data / HAM / file.name)
    merged.rmdir()
    ham = read_status(data / HAM).of("ham10000")
    assert (ham.folder, ham.state, ham.parts[0].name) == (data / HAM, "complete", ".")


def test_without_a_table_a_set_is_partial(data):
    (data / "ISIC2019" / isic2019.METADATA).unlink()
    isic = read_status(data).of("isic2019")
    assert (isic.state, isic.missing_tables) == ("partial", (isic2019.METADATA,))


@pytest.mark.parametrize("named", [True, False])
def test_no_data_is_no_error(tmp_path, monkeypatch, named):
    use_tiny_world(monkeypatch, tmp_path / "home")
    found = read_status(tmp_path / "nowhere" if named else None)
    assert not found.is_here
    assert [d.state for d in found.datasets] == ["absent", "absent"]
    assert all(d.how_to_get.startswith("Download") for d in found.datasets)
    assert found.caches == ()
    assert found.free > 0


def make_report(folder, **changes):
    files = list_files(folder, layout.get_layout("ham10000"))
    made = report.Report(
        schema=report.SCHEMA,
        dataset="ham10000",
        title="HAM10000",
        folder=str(folder),
        skinmodel="0.1.0",
        finished="2026-11-24T03:00:00+00:00",
        seconds=1.5,
        workers=2,
        files=168,
        bytes=1000,
        fingerprint=compute_fingerprint(folder, files),
        checks=(
            report.Check("rows", "ok", "168", "168"),
            report.Check("images", "defect", "168", "167", ("ISIC_0000001",)),
            report.Check("sizes", "remark", "600 x 450", "80 x 80"),
        ),
    )
    return replace(made, **changes)


def test_the_last_report_is_told_until_the_folder_changes(data):
    folder = data / HAM
    file = report.write_report(make_report(folder), folder)
    known = read_status(data).of("ham10000").verification
    assert known == status.Verification("2026-11-24T03:00:00+00:00", 1, 1, False, file)
    assert report.read_report("ham10000", folder) == make_report(folder)
    assert read_status(data).of("isic2019").verification is None
    victim = next((folder / "HAM10000_images_part_1").iterdir())
    victim.write_bytes(victim.read_bytes()[:-10])
    changed = read_status(data).of("ham10000").verification
    assert changed == replace(known, has_changed=True)


def test_a_report_of_another_form_is_none_and_a_damaged_one_a_problem(data):
    folder = data / HAM
    file = report.write_report(make_report(folder, schema=0), folder)
    assert (read_status(data).of("ham10000").verification) is None
    file.write_text("{")
    ham = read_status(data).of("ham10000")
    assert ham.verification is None
    assert str(file) in ham.problem
    assert "data verify" in ham.problem


def test_decoded_arrays_are_listed_with_their_size(data, tmp_path):
    folder = tmp_path / "home" / "decoded"
    folder.mkdir(parents=True)
    np.save(folder / "0a.npy", np.zeros((2, 10, 10, 3), np.uint8))
    (folder / "0a.lock").touch()
    [cache] = read_status(data).caches
    assert (cache.file.name, cache.bytes) == ("0a.npy", 600 + 128)
