"""Which images can be shown, what is missing, and on which side of the split each lesion is."""

import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from factories import LESIONS, write_drawn_ham10000, write_drawn_isic2019

from app.datasets.gallery_filters import Filters, select
from app.services.gallery_index import COLUMNS, read_ham10000, read_ham10000_split, read_isic2019
from skinmodel.data.masks import FOLDER
from skinmodel.data.sets import ham10000, isic2019
from skinmodel.data.sets.ham10000 import read_same_lesion_pairs
from skinmodel.data.splits import split_grouped
from skinmodel.diagnoses import CODES
from skinmodel.explain.overlay import draw_outline

PART_2 = "HAM10000_images_part_2"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_drawn_ham10000(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def half(whole, tmp_path):
    """The same set without its second part."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "HAM10000" / PART_2)
    return tmp_path


def test_a_known_pair_of_one_lesion_stands_on_one_side(tmp_path):
    ids, truth = [f"ISIC_9{n:06d}" for n in range(400)], [CODES[n % 7] for n in range(400)]
    ids[:36:2], ids[1:36:2] = zip(*read_same_lesion_pairs(), strict=True)
    table = pd.DataFrame({"image_id": ids, "dx": truth})
    table["lesion_id"] = [f"HAM_{n:07d}" for n in range(400)]
    (tmp_path / "HAM10000").mkdir()
    table.to_csv(tmp_path / "HAM10000" / ham10000.METADATA, index=False)
    side = read_ham10000_split(tmp_path).side
    alone = table.rename(columns={"dx": "truth"}).assign(group_id=table["lesion_id"])
    apart = split_grouped(alone).side
    assert any(apart[a] != apart[b] for a, b in read_same_lesion_pairs())  # it matters here
    assert all(side[a] == side[b] for a, b in read_same_lesion_pairs())


def read(folder):
    return read_ham10000(folder, read_ham10000_split(folder))


def test_the_whole_set_is_there_with_every_column(whole):
    gallery = read(whole)
    assert tuple(gallery.table.columns) == COLUMNS
    assert len(gallery.table) == 2 * LESIONS * len(CODES)
    assert gallery.split_fingerprint == split_grouped(ham10000.inspect(whole)[0]).fingerprint
    assert gallery.note == ""


def test_half_a_set_shows_what_is_there_and_names_what_is_not(half):
    gallery = read(half)
    assert len(gallery.table) == LESIONS * len(CODES)
    assert f"the folder {PART_2} is not there" in gallery.missing
    [ids] = [line for line in gallery.missing if "named in the metadata are missing" in line]
    assert f"({LESIONS * len(CODES)} in all)" in ids
    assert not any("part_1" in line for line in gallery.missing)


def test_sides_of_half_a_set_are_those_of_the_whole(whole, half):
    sides = read(whole).table.set_index("image_id")["side"]
    left = read(half)
    assert left.split_fingerprint == read(whole).split_fingerprint
    found = left.table.set_index("image_id")["side"]
    assert set(found) == {"train", "val", "test"}
    pd.testing.assert_series_equal(found, sides[found.index])
    # Splitting the images that are left would deal the lesions anew.
    anew = split_grouped(ham10000.inspect(half)[0])
    assert anew.fingerprint != left.split_fingerprint


def test_without_a_split_no_side_is_claimed(whole):
    gallery = read_ham10000(whole, None)
    assert set(gallery.table["side"]) == {"unknown"}
    assert gallery.split_fingerprint is None
    assert any("does not tell which images" in line for line in gallery.missing)


def test_masks_may_be_absent_in_whole_or_in_part(half):
    assert any(FOLDER in line for line in read(half).missing)
    assert set(read(half).table["mask"]) == {""}
    first = str(read(half).table["image_id"].iloc[0])
    folder = half / "HAM10000" / FOLDER
    folder.mkdir()
    cv2.imwrite(str(folder / f"{first}_segmentation.png"), np.zeros((80, 80), np.uint8))
    gallery = read(half)
    assert (gallery.table["mask"] != "").sum() == 1
    assert gallery.table["mask"].iloc[0].endswith(f"{first}_segmentation.png")
    assert any(f"drawn: {len(gallery.table) - 1}" in line for line in gallery.missing)


def test_no_image_at_all_is_an_empty_gallery(half):
    shutil.rmtree(half / "HAM10000" / "HAM10000_images_part_1")
    gallery = read(half)
    assert gallery.table.empty
    assert sum("is not there" in line for line in gallery.missing) == 3


def test_isic2019_shows_scc_for_what_it_is_and_says_what_is_left_out(tmp_path):
    write_drawn_isic2019(write_drawn_ham10000(tmp_path, images_per_lesion=1))
    gallery = read_isic2019(tmp_path)
    counts = gallery.table["truth"].value_counts()
    assert counts[["scc", "unk", "akiec"]].tolist() == [4, 1, 4]
    assert tuple(gallery.table.columns) == COLUMNS
    assert not gallery.table.drop(columns="age").isna().to_numpy().any()
    [missing] = gallery.missing
    assert missing.endswith("are missing: ISIC_0073001")
    own = LESIONS * len(CODES)
    assert f"Left out: {own} images that are HAM10000's own, and 4 that show" in gallery.note
    assert not gallery.table["image_id"].isin(ham10000.inspect(tmp_path)[0]["image_id"]).any()


def test_isic2019_without_its_folder_of_images_is_empty_and_named(tmp_path):
    write_drawn_isic2019(tmp_path)
    shutil.rmtree(tmp_path / "ISIC2019" / isic2019.IMAGES)
    gallery = read_isic2019(tmp_path)
    assert gallery.table.empty
    assert f"the folder {isic2019.IMAGES} is not there" in gallery.missing


def test_filters_are_joined_and_keep_the_order(whole):
    table = read(whole).table
    assert select(table, Filters()).equals(table)
    chosen = select(table, Filters(truth="mel", side="test"))
    assert set(chosen["truth"]) == {"mel"}
    assert set(chosen["side"]) == {"test"}
    assert chosen["image_id"].is_monotonic_increasing
    assert select(table, Filters(dx_type="consensus")).empty
    assert select(table, Filters(source="BCN_20000")).empty


def test_only_lesions_with_several_images(whole):
    table = read(whole).table.iloc[:-1]
    chosen = select(table, Filters(several=True))
    assert len(chosen) == len(table) - 1
    assert table["group_id"].iloc[-1] not in set(chosen["group_id"])


def test_any_two_choices_have_different_keys():
    choices = [Filters(), Filters(truth="mel"), Filters(side="mel"), Filters(several=True)]
    assert len({choice.key for choice in choices}) == len(choices)


def test_an_outline_is_a_bright_line_in_a_dark_one_and_leaves_the_rest():
    picture = np.full((150, 200, 3), 128, np.uint8)
    line = np.array([[[50, 30]], [[150, 30]], [[150, 120]], [[50, 120]]], np.int32)
    drawn = draw_outline(picture, [line])
    assert (picture == 128).all()
    assert drawn[30, 100].tolist() == [255, 214, 10]
    assert drawn[75, 50].tolist() == [255, 214, 10]
    assert drawn[:, 100].min() < 60
    assert (drawn[50:100, 70:130] == 128).all()
    assert (drawn[:20] == 128).all()


@pytest.mark.data
def test_the_real_sides_are_those_the_networks_were_trained_on(ham10000_dir):
    from app.services import datasets as service

    gallery = read(ham10000_dir)
    assert gallery.missing == ()
    assert service.is_split_of_networks(gallery)
    assert "7,470 lesion ids are 7,452 lesions" in gallery.note
