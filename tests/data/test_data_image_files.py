import pandas as pd
import pytest

from skinmodel.data.image_files import find_images, match_images, to_image_id, walk
from skinmodel.errors import DatasetError


def touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("name", "image_id"),
    [
        ("ISIC_0000017_downsampled", "ISIC_0000017"),
        ("ISIC_0000017", "ISIC_0000017"),
        ("a_downsampled_b", "a_downsampled_b"),
    ],
)
def test_only_the_ending_downsampled_is_no_part_of_an_id(name, image_id):
    assert to_image_id(name) == image_id


def test_images_are_found_by_id_and_nothing_else_is(tmp_path):
    folder = touch(
        tmp_path / "images",
        *("a.jpg", "b_downsampled.jpg", "c.JPG", "d.jpeg", "e.PNG"),
        *("ATTRIBUTION.txt", "f.gif", "._a.jpg", ".jpg", "g"),
    )
    (folder / "h.jpg").mkdir()
    assert find_images(folder) == {
        "a": str(folder / "a.jpg"),
        "b": str(folder / "b_downsampled.jpg"),
        "c": str(folder / "c.JPG"),
        "d": str(folder / "d.jpeg"),
        "e": str(folder / "e.PNG"),
    }


@pytest.mark.parametrize("twin", ["a.png", "a_downsampled.jpg", "a.JPG"])
def test_two_files_for_one_image_are_refused(tmp_path, twin):
    folder = touch(tmp_path / "images", "a.jpg", "b.jpg", twin)
    with pytest.raises(DatasetError, match=r"more than one file for an image: a\. Keep one"):
        find_images(folder)


@pytest.mark.parametrize("name", ["nowhere", "file.jpg"])
def test_a_folder_must_be_there(tmp_path, name):
    touch(tmp_path, "file.jpg")
    with pytest.raises(DatasetError, match=f"There is no folder '.*{name}'"):
        find_images(tmp_path / name)


def test_rows_without_files_have_no_path_and_files_without_rows_are_told(tmp_path):
    folder = touch(tmp_path / "images", "a_downsampled.jpg", "z.jpg", "y.png")
    rows = pd.DataFrame({"image_id": ["b", "a"]}, index=[4, 2])
    matched, strangers = match_images(rows, folder)
    assert list(matched.index) == [4, 2]
    assert list(matched["path"].isna()) == [True, False]
    assert matched["path"][2] == str(folder / "a_downsampled.jpg")
    assert strangers == ["y", "z"]
    assert "path" not in rows


def test_no_file_at_all_leaves_every_path_missing(tmp_path):
    rows = pd.DataFrame({"image_id": ["a", "b"]})
    matched, strangers = match_images(rows, touch(tmp_path / "images"))
    assert matched["path"].isna().all()
    assert strangers == []


def test_pictures_are_found_at_any_depth_and_the_rest_is_counted_by_reason(tmp_path):
    touch(
        tmp_path, "a.JFIF", ".DS_Store", "._a.jpg", "Thumbs.db", "notes.TXT", "b.csv", "no ending"
    )
    touch(tmp_path / "ä b", "lesion 1 (copy).jpe", "c.heic")
    touch(tmp_path / "__MACOSX", "._d.jpg")
    (tmp_path / "ä b" / "back").symlink_to(tmp_path)
    found = walk(tmp_path)
    assert [file.name for file in found.files] == ["a.JFIF", "c.heic", "lesion 1 (copy).jpe"]
    assert list(found.passed.values()) == [4, 3]
    assert found.describe().startswith("Passed over: 4 left over by a system (such as ._x, ")
    assert "3 that are no pictures by their names (" in found.describe()


def test_a_folder_with_pictures_only_has_passed_nothing_over(tmp_path):
    assert walk(touch(tmp_path / "images", "a.jpg")).describe() == ""
