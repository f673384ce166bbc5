import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories import (
    ISIC_DROPPED,
    LESIONS,
    draw_picture,
    drawn_index,
    use_tiny_world,
    write_drawn_ham10000,
    write_drawn_isic2018_test,
    write_drawn_isic2019,
    write_one_hot,
)
from PIL import Image

from skinmodel import paths
from skinmodel.data.report.protocol import build_pictures, split_report
from skinmodel.data.sets import isic2018, isic2019
from skinmodel.data.sets.loading import DATASETS, load_evaluation_set, load_folder
from skinmodel.data.splits import split_grouped
from skinmodel.diagnoses import CODES
from skinmodel.errors import DatasetError, UnknownNameError
from skinmodel.imaging import images
from skinmodel.weights import store

REAL = paths.data_dir()
ALWAYS = {"image_id", "truth_id", "group_id", "truth", "path"}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """All three releases, drawn; for tests that change nothing in them."""
    folder = tmp_path_factory.mktemp("data")
    write_drawn_isic2019(write_drawn_ham10000(folder))
    return write_drawn_isic2018_test(folder)


@pytest.fixture(autouse=True)
def small_releases(monkeypatch, tmp_path):
    """The drawn sets count as the whole releases."""
    use_tiny_world(monkeypatch, tmp_path / "home")
    rows = 2 * LESIONS * len(CODES) + sum(ISIC_DROPPED.values()) + 35
    monkeypatch.setattr(isic2019, "ROW_COUNT", rows)
    monkeypatch.setattr(isic2018, "SCORED_COUNT", 14)


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_is_whole_and_named_as_asked_for(drawn, name):
    dataset = load_evaluation_set(name, drawn)
    index = dataset.index
    assert dataset.name == name
    assert dataset.title
    assert dataset.leaks == (name == "report:test")
    assert set(index) >= ALWAYS
    assert not index[[*ALWAYS]].isna().any(axis=None)
    assert index["image_id"].is_unique
    assert list(index.index) == list(range(len(index)))
    assert set(index["truth"]) == set(CODES)
    assert "localization" not in index
    for column in {"sex", "site", "dx_type", "source"} & set(index):
        assert not index[column].isna().any()
    for path in index["path"]:
        assert images.read(Path(path)).shape[2] == 3
    assert dataset.layout == ("isic2019" if name.startswith("isic2019") else "isic2018")


def test_an_unknown_name_is_told_with_the_known_ones(tmp_path):
    with pytest.raises(UnknownNameError, match=r"called 'ham'\. Known: ham10000:test, ham10000:te"):
        load_evaluation_set("ham", tmp_path)


def test_the_reports_test_holds_its_turned_copies_and_says_what_training_gives_away(drawn):
    dataset = load_evaluation_set("report:test", drawn)
    whole = drawn_index(drawn)
    pictures = build_pictures(whole)
    rows = split_report(pictures).of(pictures, "test")
    assert dataset.index["image_id"].tolist() == rows["image_id"].tolist()
    assert dataset.index["transform"].tolist() == rows["transform"].tolist()
    paths_of = whole.set_index("image_id")["path"]
    assert dataset.index["path"].tolist() == paths_of[rows["source_image_id"]].tolist()
    assert f"Of these {len(rows):,} pictures, " in dataset.remark
    assert "The test also picks the epoch" in dataset.remark


@pytest.mark.parametrize("name", DATASETS)
def test_a_set_that_is_not_there_says_how_to_get_it(tmp_path, name):
    with pytest.raises(DatasetError, match=r"Download .* with --data or SKINMODEL_DATA"):
        load_evaluation_set(name, tmp_path)


@pytest.mark.parametrize("side", ["test", "val"])
def test_ham10000_is_split_as_for_training(drawn, side):
    whole = drawn_index(drawn)
    split = split_grouped(whole)
    dataset = load_evaluation_set(f"ham10000:{side}", drawn)
    expected = split.of(whole, side)
    for column in ("image_id", "group_id", "lesion_id", "truth", "path", "age", "dx_type"):
        pd.testing.assert_series_equal(dataset.index[column], expected[column])
    assert list(dataset.index["site"]) == list(expected["localization"])
    assert dataset.split_fingerprint == split.fingerprint
    assert dataset.dropped == {}
    assert bool(dataset.remark) == (side == "val")


def test_an_incomplete_ham10000_is_refused_since_its_split_would_be_another(drawn, tmp_path):
    shutil.copytree(drawn / "HAM10000", tmp_path / "HAM10000")
    next((tmp_path / "HAM10000").rglob("*.jpg")).unlink()
    with pytest.raises(DatasetError, match="is not as released"):
        load_evaluation_set("ham10000:test", tmp_path)


def test_the_84_px_set_is_the_test_set_from_other_files(drawn):
    test = load_evaluation_set("ham10000:test", drawn)
    small = load_evaluation_set("ham10000:test-84px", drawn)
    pd.testing.assert_frame_equal(small.index.drop(columns="path"), test.index.drop(columns="path"))
    assert small.split_fingerprint == test.split_fingerprint
    assert small.dropped == {"image file missing": 0}
    names = [Path(path).stem for path in small.index["path"]]
    assert {Path(path).parent for path in small.index["path"]} == {
        drawn / "ISIC2019" / isic2019.IMAGES
    }
    assert [name.removesuffix("_downsampled") for name in names] == list(test.index["image_id"])
    assert any(name.endswith("_downsampled") for name in names)
    for path in small.index["path"]:
        assert images.read(Path(path)).shape == (84, 84, 3)


def test_copies_that_are_missing_are_counted_and_none_at_all_is_refused(drawn, tmp_path):
    data = shutil.copytree(drawn, tmp_path / "data")
    whole = load_evaluation_set("ham10000:test-84px", data).index
    for path in whole["path"][:3]:
        Path(path).unlink()
    left = load_evaluation_set("ham10000:test-84px", data)
    assert left.dropped == {"image file missing": 3}
    assert list(left.index["image_id"]) == list(whole["image_id"][3:])
    assert list(left.index.index) == list(range(len(whole) - 3))
    for path in whole["path"][3:]:
        Path(path).unlink()
    with pytest.raises(DatasetError, match=f"holds none of HAM10000's {len(whole)} test images"):
        load_evaluation_set("ham10000:test-84px", data)


def test_isic2019_leaves_ham10000_out_and_says_what_else_it_leaves_out(drawn):
    dataset = load_evaluation_set("isic2019", drawn)
    ham = set(drawn_index(drawn)["image_id"])
    assert not ham & set(dataset.index["image_id"])
    assert dataset.dropped == {"in HAM10000": len(ham), **ISIC_DROPPED}
    assert dataset.remark.startswith("3 of the 35 images have no lesion id and count as lesions of")
    assert "The truth table has" not in dataset.remark
    assert dataset.split_fingerprint is None
    scc = load_evaluation_set("isic2019:scc-as-akiec", drawn)
    assert len(scc.index) == len(dataset.index) + 4
    assert scc.title == f"{dataset.title}, SCC counted as akiec"


def test_an_incomplete_isic2019_is_remarked(drawn, monkeypatch):
    monkeypatch.setattr(isic2019, "ROW_COUNT", 25_331)
    remark = load_evaluation_set("isic2019", drawn).remark
    assert remark.endswith("The truth table has 213 rows where the release has 25,331.")


def test_the_isic2018_test_set_tells_what_is_not_scored(drawn, monkeypatch):
    dataset = load_evaluation_set("isic2018-test", drawn)
    assert len(dataset.index) == 14
    assert dataset.unscored == ("ISIC_0035068",)
    assert dataset.remark.startswith("The images have no lesion id and count as lesions of their")
    monkeypatch.setattr(isic2018, "SCORED_COUNT", 1_511)
    remark = load_evaluation_set("isic2018-test", drawn).remark
    assert "14 images where the challenge scores 1,511: this is not the official" in remark


@pytest.mark.parametrize(
    ("name", "views", "folder"),
    [
        ("ham10000:test", 1, "ham10000-test"),
        ("ham10000:test", 8, "ham10000-test-8-views"),
        ("isic2019:scc-as-akiec", 1, "isic2019-scc-as-akiec"),
    ],
)
def test_results_have_a_folder_of_the_sets_name(drawn, name, views, folder):
    assert load_evaluation_set(name, drawn).folder(views) == folder


class TestFolder:
    @pytest.fixture
    def make(self, tmp_path):
        """Factory: a folder of pictures and a truth table of rows (id, code)."""

        def make(rows, names=None, layout="isic2018", folder="My images!"):
            where = tmp_path / folder
            where.mkdir()
            rng = np.random.default_rng(3)
            for name in [row[0] for row in rows] if names is None else names:
                Image.fromarray(draw_picture(rng, 1, 64)).save(where / f"{name}.jpg")
            write_one_hot(tmp_path / "truth.csv", layout, rows)
            return where, tmp_path / "truth.csv"

        return make

    def test_any_folder_with_a_truth_table_is_a_set(self, make):
        folder, truth = make([("b", "mel"), ("a_downsampled", "nv")])
        dataset = load_folder(folder, truth)
        index = dataset.index
        assert list(index["image_id"]) == list(index["group_id"]) == ["a", "b"]
        assert list(index["truth_id"]) == ["a_downsampled", "b"]
        assert list(index["truth"]) == ["nv", "mel"]
        assert list(index["path"]) == [str(folder / "a_downsampled.jpg"), str(folder / "b.jpg")]
        assert dataset.title == "Images in My images!"
        assert (dataset.layout, dataset.leaks) == ("isic2018", False)
        assert dataset.dropped == dict.fromkeys(dataset.dropped, 0)
        assert dataset.remark.startswith("The images have no lesion id")

    def test_its_name_tells_other_images_and_other_truth_apart(self, make):
        rows = [("a", "nv"), ("b", "mel")]
        first = load_folder(*make(rows, folder="one"))
        same = load_folder(*make(rows[::-1], folder="One!"))
        other = load_folder(*make([("a", "nv"), ("b", "bcc")], folder="one-"))
        assert first.name == same.name != other.name
        assert first.folder().startswith("folder-one-")
        assert len(first.name) == len("folder:one-") + 8

    @pytest.mark.parametrize("folder", ["...", "日本", "x" * 200])
    def test_its_name_is_a_plain_file_name_whatever_the_folder_is_called(self, make, folder):
        name = load_folder(*make([("a", "nv")], folder=folder)).folder(8)
        assert name.isascii()
        assert name.replace("-", "").isalnum()
        assert len(name) < 70

    def test_diagnoses_without_a_class_and_rows_without_weight_are_counted(self, make):
        rows = [("a", "nv"), ("b", "scc"), ("c", "unk"), ("d", "unk"), ("e", "mel")]
        folder, truth = make(rows, [row[0] for row in rows[:4]], "isic2019")
        table = pd.read_csv(truth)
        table.assign(score_weight=[1.0, 1.0, 1.0, 1.0, 0.0]).to_csv(truth, index=False)
        dataset = load_folder(folder, truth)
        assert list(dataset.index["image_id"]) == ["a"]
        assert list(dataset.dropped.values()) == [1, 1, 2]
        assert dataset.unscored == ("e",)
        assert dataset.layout == "isic2019"

    def test_rows_and_files_without_their_counterpart_are_listed_by_id(self, make):
        folder, truth = make([("a", "nv"), ("b", "mel"), ("c", "df")], ["a", "y", "z"])
        with pytest.raises(DatasetError) as caught:
            load_folder(folder, truth)
        message = str(caught.value)
        assert (
            "\n- rows without an image file: b, c\n- image files without a row: y, z\n" in message
        )

    @pytest.mark.parametrize(
        ("rows", "names", "words"),
        [
            ([("a", "nv"), ("b", "mel")], ["a"], "rows without an image file: b\n"),
            ([("a", "nv")], ["a", "z"], "image files without a row: z\n"),
        ],
    )
    def test_only_what_is_wrong_is_told(self, make, rows, names, words):
        with pytest.raises(DatasetError) as caught:
            load_folder(*make(rows, names))
        assert words in str(caught.value)
        assert str(caught.value).count("\n- ") == 1

    def test_nothing_left_is_refused(self, make):
        with pytest.raises(DatasetError, match="is left: 2 rows, none of them scored and with one"):
            load_folder(*make([("a", "scc"), ("b", "unk")], layout="isic2019"))

    def test_images_of_ham10000_are_said_to_be_known(self, make):
        dataset = load_folder(*make([("ISIC_0024306", "nv"), ("a", "mel")]))
        assert dataset.leaks
        assert "1 of the images are HAM10000's" in dataset.remark

    def test_known_lesions_are_groups(self, make):
        folder, truth = make([("a", "nv"), ("b", "nv"), ("c", "mel")])
        truth.write_text("image_id,dx,lesion_id\na,nv,L1\nb,nv,L1\nc,mel,L2\n")
        dataset = load_folder(folder, truth)
        assert list(dataset.index["group_id"]) == ["L1", "L1", "L2"]
        assert dataset.remark == ""


class TestOtherLabels:
    """What says what the pictures show, as people bring it."""

    @pytest.fixture
    def folder(self, tmp_path):
        def draw(*places):
            picture = Image.fromarray(draw_picture(np.random.default_rng(3), 1, 64))
            for place in places:
                file = tmp_path / "set" / place
                file.parent.mkdir(parents=True, exist_ok=True)
                picture.save(file, format="JPEG")
            return tmp_path / "set"

        return draw

    def test_folders_are_classes_whatever_they_are_called(self, folder):
        images = folder(
            *("train/mel/a.jpg", "train/NV/b.JPG", "test/basal_cell_carcinoma/c.jfif"),
            *("test/Actinic keratoses/deep/d.jpe", "scc/e.jpg", "others/f.jpg", "g.jpg"),
        )
        (images / "train" / "Thumbs.db").touch()
        dataset = load_folder(images)
        truth = dict(zip(dataset.index["image_id"], dataset.index["truth"], strict=True))
        assert truth == {"a": "mel", "b": "nv", "c": "bcc", "d": "akiec"}
        assert {reason: n for reason, n in dataset.dropped.items() if n} == {
            "picture in no folder that is called as a diagnosis": 2,
            "squamous cell carcinoma: no class of the networks": 1,
        }
        assert "The folders' names are the diagnoses." in dataset.remark
        assert "Passed over: 1 left over by a system" in dataset.remark
        assert dataset.unit == "image"

    def test_folders_that_say_nothing_are_named(self, folder):
        images = folder("one/a.jpg", "two/b.jpg")
        (images / "notes.txt").touch()
        with pytest.raises(DatasetError) as caught:
            load_folder(images)
        assert "Folders with pictures: one, two." in str(caught.value)
        assert "1 that are no pictures by their names (.txt)" in str(caught.value)

    def test_one_name_in_two_class_folders_is_refused(self, folder):
        with pytest.raises(DatasetError, match="more than one picture of a name in its folders: a"):
            load_folder(folder("train/mel/a.jpg", "test/mel/a.jpg"))

    def test_the_archives_table_lies_among_the_pictures_and_the_rest_is_counted_by_value(
        self, folder
    ):
        images = folder("I0.jpg", "I1.jpg", "I2.jpg", "I3.jpg")
        (images / "metadata.csv").write_text(
            "isic_id,diagnosis_3,patient_id\nI0,Nevus,P1\nI1,Melanoma in situ,P1\n"
            "I2,Scar,P2\nI3,,P2\n"
        )
        dataset = load_folder(images)
        assert list(dataset.index["truth"]) == ["nv", "mel"]
        assert list(dataset.index["group_id"]) == ["P1", "P1"]
        assert {reason: n for reason, n in dataset.dropped.items() if n} == {
            "no class of the networks: Scar": 1,
            "no class of the networks: none given": 1,
        }
        assert dataset.unit == "patient"
        assert dataset.remark.startswith("The intervals resample patients.")

    def test_what_is_missing_on_either_side_is_counted_where_asked_for(self, folder, tmp_path):
        images, truth = folder("a.jpg", "b.jpg"), tmp_path / "truth.csv"
        truth.write_text("image_id,dx,note\na.jpg,MEL,x\nz.jpg,nv,y\n")
        with pytest.raises(DatasetError, match="--allow-missing"):
            load_folder(images, truth)
        dataset = load_folder(images, truth, allow_missing=True)
        assert list(dataset.index["image_id"]) == ["a"]
        assert {reason: n for reason, n in dataset.dropped.items() if n} == {
            "image file missing": 1,
            "image file without a row": 1,
        }
        assert "Columns of the table that are not used: note." in dataset.remark

    def test_two_classes_have_a_target_and_a_name_of_their_own(self, folder, tmp_path):
        images, truth = folder("a.jpg", "b.jpg"), tmp_path / "truth.csv"
        truth.write_text("image_name,target\na,1\nb,0\n")
        dataset = load_folder(images, truth)
        assert (dataset.target, list(dataset.index["truth"])) == ("melanoma", ["melanoma", "rest"])
        other = load_folder(images, truth, target="malignant")
        assert (other.target, other.name == dataset.name) == ("malignant", False)


@pytest.mark.data
@pytest.mark.skipif(REAL is None, reason="SKINMODEL_DATA is not set")
class TestRealData:
    @pytest.fixture(autouse=True)
    def real_releases(self, monkeypatch):
        monkeypatch.undo()  # what the module's own fixture, which runs first, has shrunk

    def test_the_test_fold_is_the_one_the_shipped_networks_never_saw(self):
        dataset = load_evaluation_set("ham10000:test", REAL)
        assert len(dataset.index) == 2_003
        assert dataset.index["truth"].value_counts().to_dict() == {
            **{"nv": 1340, "mel": 224, "bkl": 220, "bcc": 102},
            **{"akiec": 65, "vasc": 29, "df": 23},
        }
        records = [s.record for s in store.list_all() if s.where == "shipped"]
        assert records
        assert {r.split["fingerprint"] for r in records} == {dataset.split_fingerprint}

    def test_every_test_image_has_its_copy_of_84_pixels(self):
        test = load_evaluation_set("ham10000:test", REAL)
        small = load_evaluation_set("ham10000:test-84px", REAL)
        assert small.dropped == {"image file missing": 0}
        assert list(small.index["image_id"]) == list(test.index["image_id"])
        for path in small.index["path"][::200]:
            assert images.read(Path(path)).shape == (84, 84, 3)

    def test_no_image_outside_ham10000_is_one_of_ham10000(self):
        ham = load_evaluation_set("ham10000:val", REAL)
        outside = load_evaluation_set("isic2019", REAL)
        assert not set(ham.index["group_id"]) & set(outside.index["group_id"])
        assert outside.remark.startswith("2,084 of the 14,849 images have no lesion id")
        assert "The truth table has" not in outside.remark
