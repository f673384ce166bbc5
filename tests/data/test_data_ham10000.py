import shutil

import pandas as pd
import pytest

from skinmodel import paths
from skinmodel.data.sets import ham10000
from skinmodel.data.sets.ham10000 import Defect, find_root, inspect, read_index
from skinmodel.diagnoses import CODES
from skinmodel.errors import DatasetError

ONE_A_CLASS = dict.fromkeys(CODES, 2)
PARTS = ("HAM10000_images_part_1", "HAM10000_images_part_2")


@pytest.fixture(autouse=True)
def small_release(monkeypatch):
    """The release these tests speak of: two images, of one lesion, for each diagnosis."""
    monkeypatch.setattr(ham10000, "IMAGE_COUNT", 14)
    monkeypatch.setattr(ham10000, "CLASS_COUNTS", ONE_A_CLASS)


def make_table():
    return pd.DataFrame(
        [
            {
                "lesion_id": f"HAM_{number // 2:07d}",
                "image_id": f"ISIC_{number:07d}",
                "dx": CODES[number // 2],
                "dx_type": "histo",
                "age": 5.0 * number,
                "sex": "male",
                "localization": "back",
            }
            for number in range(14)
        ]
    )


def write_set(folder, table=None, folders=PARTS, ids=None, encoding="utf-8"):
    """Write metadata and empty image files, dealt to ``folders`` in turn."""
    root = folder / "HAM10000"
    root.mkdir(exist_ok=True)
    table = make_table() if table is None else table
    table.to_csv(root / ham10000.METADATA, index=False, encoding=encoding)
    for number, image_id in enumerate(make_table()["image_id"] if ids is None else ids):
        part = root / folders[number % len(folders)]
        part.mkdir(exist_ok=True)
        (part / f"{image_id}.jpg").touch()
    return folder


def words(defects):
    return [str(defect) for defect in defects]


def test_a_whole_release_has_no_defect(tmp_path):
    index, defects = inspect(write_set(tmp_path))
    assert defects == ()
    assert list(index["image_id"]) == list(make_table()["image_id"])
    assert list(index["truth"]) == list(make_table()["dx"])
    assert list(index["age"]) == list(make_table()["age"])
    assert list(index.index) == list(range(14))
    for image_id, path in zip(index["image_id"], index["path"], strict=True):
        assert path.endswith(f"{image_id}.jpg")
    assert {path.split("/")[-2] for path in index["path"]} == set(PARTS)
    pd.testing.assert_frame_equal(read_index(tmp_path), index)


def test_rows_come_sorted_whatever_their_order_in_the_file(tmp_path):
    shuffled = make_table().sample(frac=1, random_state=3)
    assert not shuffled["image_id"].is_monotonic_increasing
    index = read_index(write_set(tmp_path, shuffled))
    pd.testing.assert_series_equal(index["image_id"], make_table()["image_id"])
    pd.testing.assert_series_equal(index["lesion_id"], make_table()["lesion_id"])


@pytest.mark.parametrize("folders", [("HAM10000_images",), (".",), PARTS[:1]])
def test_images_may_lie_in_one_folder(tmp_path, folders):
    index, defects = inspect(write_set(tmp_path, folders=folders))
    assert defects == ()
    assert len(index) == 14


def test_the_set_is_found_by_its_own_folder_or_the_one_above(tmp_path):
    write_set(tmp_path)
    assert find_root(tmp_path) == find_root(tmp_path / "HAM10000") == tmp_path / "HAM10000"


def test_metadata_may_begin_with_a_byte_order_mark(tmp_path):
    write_set(tmp_path, encoding="utf-8-sig")
    assert (tmp_path / "HAM10000" / ham10000.METADATA).read_bytes()[:3] == b"\xef\xbb\xbf"
    index, defects = inspect(tmp_path)
    assert (len(index), defects) == (14, ())


def test_further_columns_are_left_out(tmp_path):
    index = read_index(write_set(tmp_path, make_table().assign(dataset="vidir_modern")))
    assert list(index.columns) == [
        *("image_id", "lesion_id", "group_id", "truth", "dx_type", "age", "sex"),
        *("localization", "path"),
    ]


def test_an_unknown_age_is_nan_and_no_defect(tmp_path):
    table = make_table()
    table.loc[3, "age"] = None
    index = read_index(write_set(tmp_path, table))
    assert list(index["age"].isna()) == [n == 3 for n in range(14)]


def test_ages_in_words_are_a_defect_and_unknown(tmp_path):
    table = make_table()
    table["age"] = table["age"].astype(object)
    table.loc[3, "age"] = "forty"
    index, defects = inspect(write_set(tmp_path, table))
    assert defects == (Defect("ages that are no number (forty)", ("ISIC_0000003",)),)
    assert index["age"].dtype == float
    assert list(index["age"].isna()) == [n == 3 for n in range(14)]
    with pytest.raises(DatasetError, match=r"no number \(forty\): ISIC_0000003"):
        read_index(tmp_path)


def test_missing_images_are_listed_by_id(tmp_path):
    present = list(make_table()["image_id"][:12])
    index, defects = inspect(write_set(tmp_path, ids=present))
    assert list(index["image_id"]) == present
    assert defects == (
        Defect("images named in the metadata are missing", ("ISIC_0000012", "ISIC_0000013")),
    )
    with pytest.raises(DatasetError, match=r"missing: ISIC_0000012, ISIC_0000013\n.*doi:10.7910"):
        read_index(tmp_path)
    assert len(read_index(tmp_path, complete=False)) == 12


def test_more_than_five_ids_are_counted(tmp_path):
    _, defects = inspect(write_set(tmp_path, ids=make_table()["image_id"][:4]))
    ids = ", ".join(f"ISIC_{n:07d}" for n in range(4, 9))
    assert words(defects) == [f"images named in the metadata are missing: {ids}, ... (10 in all)"]


def test_unknown_diagnoses_are_fatal_and_listed_by_word_and_id(tmp_path):
    table = make_table()
    table.loc[[2, 5], "dx"] = ["scc", None]
    index, defects = inspect(write_set(tmp_path, table))
    assert {"ISIC_0000002", "ISIC_0000005"}.isdisjoint(index["image_id"])
    unknown = defects[0]
    assert (unknown.ids, unknown.fatal) == (("ISIC_0000002", "ISIC_0000005"), True)
    assert "(nan, scc)" in unknown.what
    with pytest.raises(DatasetError, match=r"\(nan, scc\): ISIC_0000002, ISIC_0000005"):
        read_index(tmp_path, complete=False)


def test_duplicate_ids_are_fatal_even_where_the_number_of_rows_is_right(tmp_path):
    table = make_table()
    table.loc[13, "image_id"] = "ISIC_0000001"
    index, defects = inspect(write_set(tmp_path, table))
    assert index["image_id"].is_unique
    twice = Defect("image ids stand in the metadata more than once", ("ISIC_0000001",), fatal=True)
    assert defects == (twice,)
    with pytest.raises(DatasetError, match="more than once: ISIC_0000001"):
        read_index(tmp_path, complete=False)


def test_an_image_without_a_lesion_is_fatal_since_it_could_leak(tmp_path):
    table = make_table()
    table.loc[4, "lesion_id"] = None
    index, defects = inspect(write_set(tmp_path, table))
    assert "ISIC_0000004" not in set(index["image_id"])
    assert not index["group_id"].isna().any()
    assert defects == (Defect("images without a lesion id", ("ISIC_0000004",), fatal=True),)


def test_a_row_without_an_image_id_is_fatal(tmp_path):
    table = make_table()
    table.loc[[4, 5], "image_id"] = None
    index, defects = inspect(write_set(tmp_path, table))
    assert len(index) == 12
    assert defects[0] == Defect("2 rows without an image id", fatal=True)


def test_wrong_counts_are_told_a_class(tmp_path):
    table = make_table()
    table.loc[0, "dx"] = "df"
    _, defects = inspect(write_set(tmp_path, table[table["dx"] != "vasc"]))
    assert words(defects) == [
        "12 rows where the release has 14",
        "1 images of nv where the release has 2",
        "0 images of vasc where the release has 2",
        "3 images of df where the release has 2",
    ]
    with pytest.raises(DatasetError, match="- 12 rows where the release has 14\n- 1 images of nv"):
        read_index(tmp_path)
    assert len(read_index(tmp_path, complete=False)) == 12


def test_all_defects_are_told_at_once(tmp_path):
    table = make_table()
    table.loc[0, "image_id"] = "ISIC_0000001"
    table.loc[6, "dx"] = "scc"
    write_set(tmp_path, table, ids=make_table()["image_id"][:13])
    with pytest.raises(DatasetError) as caught:
        read_index(tmp_path)
    for part in ("more than once: ISIC_0000001", "(scc): ISIC_0000006", "missing: ISIC_0000013"):
        assert part in str(caught.value)


def test_missing_columns_are_named_with_those_that_are_there(tmp_path):
    write_set(tmp_path, make_table().drop(columns=["lesion_id", "sex"]))
    with pytest.raises(DatasetError, match="lacks the columns lesion_id, sex; it has image_id, dx"):
        inspect(tmp_path)


def test_no_metadata_says_where_it_was_looked_for_and_how_to_get_it(tmp_path):
    with pytest.raises(DatasetError) as caught:
        inspect(tmp_path / "nowhere")
    message = str(caught.value)
    assert f"'{tmp_path / 'nowhere'}'" in message
    assert f"'{tmp_path / 'nowhere' / 'HAM10000'}'" in message
    assert "doi:10.7910/DVN/DBW86T" in message
    assert "SKINMODEL_DATA" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xff\xfe\x00,\n", "is not text"),
        (b"a\n1,2,3\n1,2,3,4,5\n", "2 rows with more or fewer cells"),
    ],
    ids=["empty", "utf-16", "ragged"],
)
def test_metadata_that_is_no_table_is_a_dataset_error(tmp_path, content, words):
    write_set(tmp_path)
    (tmp_path / "HAM10000" / ham10000.METADATA).write_bytes(content)
    with pytest.raises(DatasetError, match=rf"HAM10000_metadata.csv' .*{words}"):
        inspect(tmp_path)


def test_a_set_without_one_usable_image_is_refused(tmp_path):
    write_set(tmp_path, make_table().assign(dx="wart"))
    with pytest.raises(DatasetError, match="diagnoses other than"):
        read_index(tmp_path, complete=False)


def move_into(folder):
    """Put a part into a folder of its own name, as unpacking twice does."""
    inner = folder.rename(folder.with_name("moved"))
    folder.mkdir()
    inner.rename(folder / folder.name)


def change_endings(folder):
    for file in folder.glob("*.jpg"):
        file.rename(file.with_suffix(".JPG"))


def save_with_tabs(table, name):
    text = table.read_text()
    table.unlink()
    table.with_name(name).write_text(text.replace(",", "\t"))


LAYOUTS = {
    "no ending": lambda root: (root / ham10000.METADATA).rename(root / "HAM10000_metadata"),
    "dataverse": lambda root: save_with_tabs(root / ham10000.METADATA, "HAM10000_metadata.tab"),
    "tabs in a csv": lambda root: save_with_tabs(root / ham10000.METADATA, ham10000.METADATA),
    "lower case": lambda root: [(root / part).rename(root / part.lower()) for part in PARTS],
    "part in part": lambda root: [move_into(root / part) for part in PARTS],
    "capitals": lambda root: change_endings(root / PARTS[0]),
    "other name": lambda root: root.rename(root.with_name("ham10000")),
}


@pytest.mark.parametrize("change", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layouts_of_mirrors_are_found_whole(tmp_path, change):
    change(write_set(tmp_path) / "HAM10000")
    index, defects = inspect(tmp_path)
    assert (len(index), defects) == (14, ())


def test_one_folder_images_is_the_whole(tmp_path):
    index, defects = inspect(write_set(tmp_path, folders=("images",)))
    assert (len(index), defects) == (14, ())


def test_pictures_that_a_mirror_holds_twice_are_told_and_taken_once(tmp_path):
    root = write_set(tmp_path) / "HAM10000"
    shutil.copytree(root / PARTS[0], root / "images")
    index, defects = inspect(tmp_path)
    assert len(index) == 14
    assert words(defects)[0].startswith("images with more than one file, of which one is taken: ")
    assert {path.split("/")[-2] for path in index["path"]} == set(PARTS)


def test_other_columns_are_named_and_codes_may_be_in_capitals(tmp_path):
    table = make_table().assign(cell_type="x").rename(columns={"dx": "DX"})
    write_set(tmp_path, table.assign(DX=table["DX"].str.upper()))
    assert inspect(tmp_path)[1] == ()
    assert ham10000.read_unused_columns(tmp_path) == ("cell_type",)


@pytest.mark.data
@pytest.mark.skipif(paths.data_dir() is None, reason="SKINMODEL_DATA is not set")
def test_the_real_release_is_whole(monkeypatch):
    monkeypatch.undo()
    index = read_index(paths.data_dir())
    assert len(index) == 10_015
    assert index["image_id"].is_unique
    assert index["truth"].value_counts().to_dict() == {
        **{"nv": 6705, "mel": 1113, "bkl": 1099, "bcc": 514},
        **{"akiec": 327, "vasc": 142, "df": 115},
    }
    assert index["lesion_id"].nunique() == 7470
    assert index["group_id"].nunique() == 7470 - 18
