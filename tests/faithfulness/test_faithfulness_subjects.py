"""Drawing a sample, reading pictures with masks, and keeping work piece by piece."""

import cv2
import numpy as np
import pandas as pd
import pytest

from skinmodel.data.masks import find_masks
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError, DatasetError
from skinmodel.faithfulness.session import Chunks
from skinmodel.faithfulness.subjects import draw_sample, read_subjects
from skinmodel.imaging.preprocess import Preprocessing

SPEC = Preprocessing(40, 40, "RGB", 1.0, 0.0, "area")


@pytest.fixture
def index():
    counts = {"nv": 50, "mel": 10, "bkl": 3, "df": 1}
    codes = [code for code, count in counts.items() for _ in range(count)]
    return pd.DataFrame({"image_id": [f"I{n}" for n in range(len(codes))], "truth": codes})


def test_a_sample_is_seeded_and_holds_nothing_twice(index):
    first = draw_sample(index, 20, balanced=False, seed=1)
    assert list(first) == list(draw_sample(index, 20, balanced=False, seed=1))
    assert list(first) != list(draw_sample(index, 20, balanced=False, seed=2))
    assert len(set(first)) == 20
    assert sorted(draw_sample(index, None, balanced=False, seed=1)) == list(index.index)


def test_a_balanced_sample_takes_as_many_of_each_as_there_are(index):
    drawn = index.loc[draw_sample(index, 16, balanced=True, seed=1), "truth"].value_counts()
    assert drawn.to_dict() == {"nv": 6, "mel": 6, "bkl": 3, "df": 1}
    assert list(index.loc[draw_sample(index, 4, balanced=True, seed=1), "truth"]) == [
        code for code in CODES if code in ("nv", "mel", "bkl", "df")
    ]


def test_a_larger_sample_begins_with_the_smaller_one(index):
    for balanced in (False, True):
        small = draw_sample(index, 10, balanced=balanced, seed=3)
        assert list(draw_sample(index, 30, balanced=balanced, seed=3)[:10]) == list(small)


def test_an_empty_sample_is_refused(index):
    with pytest.raises(ConfigError, match="above 0"):
        draw_sample(index, 0, balanced=False, seed=1)


def test_pictures_come_with_masks_and_moves_that_depend_on_the_picture_alone(tmp_path, photo):
    cv2.imwrite(str(tmp_path / "a.png"), photo)
    cv2.imwrite(str(tmp_path / "m_segmentation.png"), (photo[..., 0] > 128).astype(np.uint8) * 255)
    rows = pd.DataFrame({"image_id": ["a", "b"], "path": [str(tmp_path / "a.png")] * 2})
    masks = {"a": str(tmp_path / "m_segmentation.png")}
    with_mask, without = read_subjects(rows, masks, SPEC, 1)
    assert with_mask.pixels.shape == (40, 40, 3)
    assert [m.shape for m in with_mask.moved] == [(40, 40, 3)] * 3
    assert with_mask.lesion.shape == photo.shape[:2]
    assert with_mask.lesion.dtype == bool
    assert without.lesion is None
    [alone] = read_subjects(rows[1:], masks, SPEC, 1)
    assert alone.moves == without.moves
    np.testing.assert_array_equal(with_mask.pixels, without.pixels)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"nothing")
    rows = pd.DataFrame({"image_id": ["a"], "path": [str(tmp_path / "a.png")]})
    with pytest.raises(DatasetError, match="'a' cannot be read"):
        read_subjects(rows, {}, SPEC, 1)
    assert find_masks(tmp_path) == {}


def test_a_piece_is_made_once_and_a_damaged_one_anew(tmp_path):
    chunks, made = Chunks(tmp_path / "k"), []

    def compute():
        made.append(1)
        return {"a": np.arange(3), "b": np.array(["x"])}

    first = chunks.get("one", compute)
    again = chunks.get("one", compute)
    assert len(made) == 1
    np.testing.assert_array_equal(first["a"], again["a"])
    assert again["b"][0] == "x"
    (tmp_path / "k" / "one.npz").write_bytes(b"PK damaged")
    chunks.get("one", compute)
    assert len(made) == 2
    np.testing.assert_array_equal(chunks.read("one")["a"], np.arange(3))
    with pytest.raises(ConfigError, match="measure again"):
        chunks.read("two")
