import shutil

import pandas as pd
import pytest
from factories import write_drawn_isic2018_test

from skinmodel.data.sets.isic2018 import IMAGE_FOLDERS, NAME, read_index
from skinmodel.diagnoses import CODES
from skinmodel.errors import DatasetError

IDS = [f"ISIC_{n:07d}" for n in range(34524, 34538)]


@pytest.fixture
def data(tmp_path):
    return write_drawn_isic2018_test(tmp_path)


@pytest.fixture
def root(data):
    return data / "ISIC2018"


def test_the_scored_images_with_their_truth(data, root):
    selection = read_index(data)
    index = selection.index
    assert list(index["image_id"]) == list(index["truth_id"]) == list(index["group_id"]) == IDS
    assert list(index["truth"]) == [*CODES, *CODES]
    assert list(index["path"]) == [str(root / IMAGE_FOLDERS[0] / f"{i}.jpg") for i in IDS]
    assert list(selection.dropped.items()) == [
        ("not scored by the challenge", 1),
        ("image file missing", 0),
    ]
    assert selection.unscored == ("ISIC_0035068",)


def test_the_image_the_challenge_ignores_is_dropped_though_it_be_there(data, root):
    folder = root / IMAGE_FOLDERS[0]
    shutil.copy(folder / f"{IDS[0]}.jpg", folder / "ISIC_0035068.jpg")
    selection = read_index(data)
    assert list(selection.index["image_id"]) == IDS
    assert list(selection.dropped.values()) == [1, 0]


def test_missing_images_are_counted(data, root):
    (root / IMAGE_FOLDERS[0] / f"{IDS[3]}.jpg").unlink()
    selection = read_index(data)
    assert list(selection.index["image_id"]) == [i for i in IDS if i != IDS[3]]
    assert list(selection.dropped.values()) == [1, 1]


def test_images_without_a_row_are_refused(data, root):
    (root / IMAGE_FOLDERS[0] / "ISIC_0099999.jpg").touch()
    with pytest.raises(DatasetError, match=r"stand in no row of .*: ISIC_0099999\. Download"):
        read_index(data)


def test_no_image_at_all_is_refused(data, root):
    for file in (root / IMAGE_FOLDERS[0]).glob("*.jpg"):
        file.unlink()
    with pytest.raises(DatasetError, match=r"No image in .* is one that"):
        read_index(data)


def test_the_layout_the_challenge_unpacks_to(data, root):
    (root / NAME).mkdir()
    (root / f"{NAME}.csv").rename(root / NAME / f"{NAME}.csv")
    assert list(read_index(data).index["image_id"]) == IDS
    assert list(read_index(root).index["image_id"]) == IDS


def test_the_layout_of_harvard_dataverse_beside_ham10000(data, root):
    """Tabs, HAM10000's columns, another folder name; and here the lesions are known."""
    truth = read_index(data).index["truth"]
    table = pd.DataFrame({"lesion_id": [f"HAMTEST_{n // 2:07d}" for n in range(14)]})
    table = table.assign(image_id=IDS, dx=truth, dx_type="histo", age=45.0, sex="male")
    table.loc[14, ["image_id", "dx"]] = ["ISIC_0035068", "nv"]
    (root / f"{NAME}.csv").unlink()
    table.assign(localization="back").to_csv(root / f"{NAME}.tab", sep="\t", index=False)
    (root / IMAGE_FOLDERS[0]).rename(root / IMAGE_FOLDERS[1])
    root.rename(data / "HAM10000")
    selection = read_index(data)
    assert list(selection.index["image_id"]) == IDS
    pd.testing.assert_series_equal(selection.index["truth"], truth)
    assert list(selection.index["group_id"]) == list(table["lesion_id"][:14])
    assert set(selection.index["age"]) == {45.0}
    assert selection.unscored == ("ISIC_0035068",)


@pytest.mark.parametrize("lost", [f"{NAME}.csv", IMAGE_FOLDERS[0]])
def test_half_a_set_is_none(data, root, lost):
    path = root / lost
    path.rename(data / "elsewhere")
    with pytest.raises(DatasetError) as caught:
        read_index(data)
    message = str(caught.value)
    assert f"'{root}'" in message
    assert f"{NAME}.csv beside a folder" in message
    assert "challenge.isic-archive.com" in message
