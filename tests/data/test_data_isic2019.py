import csv

import pandas as pd
import pytest
from factories import ISIC_DROPPED, LESIONS, write_drawn_ham10000, write_drawn_isic2019

from skinmodel import paths
from skinmodel.data.sets import isic2019
from skinmodel.data.sets.isic2019 import find_root, in_ham10000_range, read_index
from skinmodel.diagnoses import CODES
from skinmodel.errors import DatasetError

HAM_COUNT = LESIONS * len(CODES)  # one image a lesion
PER_CLASS = dict(zip(CODES, (7, 7, 5, 4, 4, 4, 4), strict=True))


@pytest.fixture
def data(tmp_path):
    return write_drawn_isic2019(tmp_path)


@pytest.fixture(scope="module")
def with_ham(tmp_path_factory):
    """HAM10000 and ISIC 2019 in one folder; for tests that change nothing in it."""
    folder = tmp_path_factory.mktemp("data")
    return write_drawn_isic2019(write_drawn_ham10000(folder, images_per_lesion=1))


def edit(data, name, change):
    path = data / "ISIC2019" / name
    table = change(pd.read_csv(path, dtype=str, keep_default_na=False))
    table.to_csv(path, index=False)


def set_cells(column, cells):
    """Return a change: the cells of ``column`` in the rows of these images."""
    return lambda table: table.assign(
        **{column: table["image"].map(cells).fillna(table[column])},
    )


def images(data):
    return data / "ISIC2019" / isic2019.IMAGES


def test_every_row_is_left_or_counted_under_one_reason(with_ham):
    selection = read_index(with_ham)
    assert list(selection.dropped.items()) == [("in HAM10000", HAM_COUNT), *ISIC_DROPPED.items()]
    with (with_ham / "ISIC2019" / isic2019.TRUTH).open() as file:
        rows = sum(1 for _ in csv.DictReader(file))
    assert len(selection.index) + sum(selection.dropped.values()) == rows
    assert selection.index["truth"].value_counts().to_dict() == PER_CLASS
    assert selection.unscored == ()


def test_the_index_is_sorted_and_complete(data):
    index = read_index(data).index
    assert list(index.columns) == [
        *("image_id", "truth_id", "group_id", "lesion_id", "truth", "path"),
        *("sex", "age", "site", "source"),
    ]
    assert index["image_id"].is_monotonic_increasing
    assert index["image_id"].is_unique
    assert list(index.index) == list(range(35))
    required = index.drop(columns=["lesion_id", "age"])
    assert not required.isna().any(axis=None)
    for row in index.itertuples():
        assert row.path == str(images(data) / f"{row.truth_id}.jpg")


def test_ids_are_joined_without_downsampled_and_kept_as_spelled(data):
    index = read_index(data).index.set_index("image_id")
    spelled = {i: t for i, t in index["truth_id"].items() if i != t}
    assert spelled == {f"ISIC_{n:07d}": f"ISIC_{n:07d}_downsampled" for n in range(12653, 12657)}


def test_tables_and_files_may_spell_an_id_in_different_ways(data):
    old = read_index(data).index
    edit(data, isic2019.METADATA, lambda t: t.assign(image=t["image"].str[:12]))
    (images(data) / "ISIC_0012653_downsampled.jpg").rename(images(data) / "ISIC_0012653.jpg")
    (images(data) / "ISIC_0053454.jpg").rename(images(data) / "ISIC_0053454_downsampled.jpg")
    new = read_index(data).index
    pd.testing.assert_frame_equal(new.drop(columns="path"), old.drop(columns="path"))
    changed = list(new.loc[new["path"] != old["path"], "image_id"])
    assert changed == ["ISIC_0012653", "ISIC_0053454"]


def test_a_group_is_the_lesion_or_the_image_where_none_is_known(data):
    index = read_index(data).index.set_index("image_id")
    alone = index[index["lesion_id"].isna()]
    assert list(alone.index) == [f"ISIC_{n:07d}" for n in range(11000, 11003)]
    assert list(alone["group_id"]) == list(alone.index)
    assert list(alone["source"]) == ["unknown"] * 3
    known = index[index["lesion_id"].notna()]
    pd.testing.assert_series_equal(known["group_id"], known["lesion_id"], check_names=False)
    assert known["source"].value_counts().to_dict() == {"BCN_20000": 28, "MSK": 4}


def test_lesions_with_the_very_same_pictures_are_one_group(data):
    edit(
        data,
        isic2019.METADATA,
        set_cells("lesion_id", {"ISIC_0053454": "BCN_0002049", "ISIC_0053460": "BCN_0002919"}),
    )
    index = read_index(data).index.set_index("image_id")
    assert index["group_id"]["ISIC_0053454"] == index["group_id"]["ISIC_0053460"] == "BCN_0002049"
    assert index["lesion_id"]["ISIC_0053460"] == "BCN_0002919"


def test_metadata_come_under_the_names_ham10000_has_too(data):
    table = pd.read_csv(data / "ISIC2019" / isic2019.METADATA).set_index("image")
    index = read_index(data).index.set_index("truth_id")
    table = table.loc[index.index]
    for row in index.index:
        assert index["sex"][row] == {"male": "male", "female": "female"}.get(
            table["sex"][row], "unknown"
        )
    assert set(index["site"]) == {"anterior torso", "head/neck", "unknown"}
    assert (index["site"] == "unknown").sum() == table["anatom_site_general"].isna().sum()
    pd.testing.assert_series_equal(index["age"], table["age_approx"], check_names=False)
    assert index["age"].isna().any()


def test_scc_may_count_as_akiec(data):
    without, counted = read_index(data), read_index(data, scc_as_akiec=True)
    akiec = without.index["truth"] == "akiec"
    more = set(counted.index["image_id"]) - set(without.index["image_id"])
    assert more == {f"ISIC_{53454 + 28 + n:07d}" for n in range(4)}
    assert (counted.index["truth"] == "akiec").sum() == akiec.sum() + 4
    left = {k: v for k, v in without.dropped.items() if not k.startswith("squamous")}
    assert list(counted.dropped.items()) == list(left.items())
    assert without.dropped[isic2019.IS_SCC] == 4


def test_a_row_counts_under_its_first_reason(data):
    """An image of HAM10000, without a file and without a class, is above all one of HAM10000."""
    edit(data, isic2019.METADATA, set_cells("lesion_id", {"ISIC_0073001": "HAM_0000001"}))
    (images(data) / "ISIC_0067502.jpg").unlink()
    (images(data) / "ISIC_0073000.jpg").unlink()
    dropped = read_index(data).dropped
    assert list(dropped.values()) == [1, 2, 3, 4, 0]


@pytest.mark.parametrize(
    ("image_id", "inside"),
    [
        *(("ISIC_0024306", True), ("ISIC_0034320", True), ("ISIC_0030000", True)),
        *(("ISIC_0024305", False), ("ISIC_0034321", False), ("ISIC_00243060", False)),
        *(("ISIC_003", False), ("mole", False)),
    ],
)
def test_ham10000_is_a_range_of_ids_without_a_gap(image_id, inside):
    assert in_ham10000_range(image_id) is inside


def test_ham10000_is_dropped_by_its_range_where_nothing_else_tells(data):
    def rename(table):
        return table.assign(image=table["image"].replace("ISIC_0053454", "ISIC_0024306"))

    edit(data, isic2019.TRUTH, rename)
    edit(data, isic2019.METADATA, rename)
    edit(data, isic2019.METADATA, set_cells("lesion_id", {"ISIC_0024306": ""}))
    (images(data) / "ISIC_0053454.jpg").rename(images(data) / "ISIC_0024306_downsampled.jpg")
    selection = read_index(data)
    assert selection.dropped["in HAM10000"] == 1
    assert "ISIC_0024306" not in set(selection.index["image_id"])


def test_ham10000_is_dropped_by_its_metadata_where_they_are_there(with_ham):
    """The drawn ids are outside HAM10000's range."""
    ham = pd.read_csv(with_ham / "HAM10000" / "HAM10000_metadata.csv")
    assert not ham["image_id"].map(in_ham10000_range).any()
    selection = read_index(with_ham)
    assert selection.dropped["in HAM10000"] == len(ham)
    assert not set(ham["image_id"]) & set(selection.index["image_id"])


def test_the_set_is_found_by_its_own_folder_or_the_one_above(data):
    assert find_root(data) == find_root(data / "ISIC2019") == data / "ISIC2019"
    assert len(read_index(data / "ISIC2019").index) == 35


def test_no_set_says_where_it_was_looked_for_and_how_to_get_it(tmp_path):
    with pytest.raises(DatasetError) as caught:
        read_index(tmp_path)
    message = str(caught.value)
    assert f"'{tmp_path}'" in message
    assert f"'{tmp_path / 'ISIC2019'}'" in message
    assert "challenge.isic-archive.com" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns=["lesion_id", "sex"]), "lacks the columns lesion_id, sex; it"),
        (lambda t: t[t["image"] != "ISIC_0053455"], "same images, each once: ISIC_0053455."),
        (lambda t: pd.concat([t, t[:1]]), "same images, each once: ISIC_0053454."),
        (lambda t: t.assign(image=t["image"].replace("ISIC_0053455", "ISIC_9")), "ISIC_9."),
        (set_cells("age_approx", {"ISIC_0053455": "old"}), "from 0 to 150: ISIC_0053455."),
        (set_cells("age_approx", {"ISIC_0053455": "-5"}), "from 0 to 150: ISIC_0053455."),
    ],
)
def test_unsound_metadata_are_refused(data, change, words):
    edit(data, isic2019.METADATA, change)
    with pytest.raises(DatasetError) as caught:
        read_index(data)
    assert isic2019.METADATA in str(caught.value)
    assert words in str(caught.value)


def test_images_without_a_row_are_refused(data):
    (images(data) / "ISIC_0099999.jpg").touch()
    with pytest.raises(DatasetError, match=r"stand in no row of .*: ISIC_0099999"):
        read_index(data)


def test_a_set_without_one_usable_image_is_refused_with_the_counts(data):
    for file in images(data).iterdir():
        file.unlink()
    with pytest.raises(DatasetError, match=r"No image .* is left .*image file missing: 45; same"):
        read_index(data)


@pytest.mark.data
@pytest.mark.skipif(paths.data_dir() is None, reason="SKINMODEL_DATA is not set")
def test_the_real_set_counted_with_plain_csv():
    """Counts made here from the files alone, without any code of the package."""
    root = paths.data_dir() / "ISIC2019"
    with (root / "ISIC_2019_Training_GroundTruth.csv").open() as file:
        truth = {
            r.pop("image"): next(k for k, v in r.items() if float(v)) for r in csv.DictReader(file)
        }
    with (root / "ISIC_2019_Training_Metadata.csv").open() as file:
        lesions = {r["image"]: r["lesion_id"] for r in csv.DictReader(file)}
    with (paths.data_dir() / "HAM10000" / "HAM10000_metadata.csv").open() as file:
        ham = {r["image_id"] for r in csv.DictReader(file)}
    present = {f.stem for f in (root / "ISIC_2019_Training_Input").glob("*.jpg")}
    assert (len(truth), len(ham), len(present)) == (25_331, 10_015, 25_299)
    pairs = {"ISIC_0067502", "ISIC_0067980", "ISIC_0069013", "ISIC_0071017"}
    outside = {i for i in truth if i.removesuffix("_downsampled") not in ham}
    assert len(outside) == 15_316
    left = [
        i for i in outside if i in present and i not in pairs and truth[i] not in ("SCC", "UNK")
    ]

    selection = read_index(paths.data_dir())
    assert list(selection.dropped.items()) == [
        ("in HAM10000", 10_015),
        ("image file missing", 32),
        ("same picture under two diagnoses", 4),
        ("squamous cell carcinoma: no class of the networks", 431),
        ("unknown diagnosis: no class of the networks", 0),
    ]
    index = selection.index
    assert set(index["truth_id"]) == set(left)
    assert len(index) == 14_849
    assert index["truth"].value_counts().to_dict() == {
        **{"nv": 6168, "mel": 3407, "bcc": 2809, "bkl": 1525},
        **{"akiec": 705, "df": 124, "vasc": 111},
    }
    assert index["source"].value_counts().to_dict() == {
        **{"BCN_20000": 11_946, "unknown": 2_084, "MSK": 819},
    }
    # Three joins: two lesions of BCN with another id, one image with a lesion of MSK.
    assert index["group_id"].nunique() == len({lesions[i] or i for i in left}) - 3 == 6_332
    again = read_index(paths.data_dir(), scc_as_akiec=True).index
    assert len(again) == 15_280
    assert (again["truth"] == "akiec").sum() == 1_136


@pytest.mark.data
@pytest.mark.skipif(paths.data_dir() is None, reason="SKINMODEL_DATA is not set")
def test_pictures_called_the_same_are_the_same_files():
    """What is joined or dropped here as one picture has one content on disk."""
    index = read_index(paths.data_dir()).index
    folder = find_root(paths.data_dir()) / isic2019.IMAGES

    def contents(ids):
        return sorted((folder / f"{i}.jpg").read_bytes() for i in ids)

    for second, first in isic2019.SAME_LESION.items():
        own = index["lesion_id"].fillna(index["image_id"])
        [a, b] = (contents(index.loc[own == group, "truth_id"]) for group in (first, second))
        assert set(b) <= set(a)
        assert b
    for a, b in (("ISIC_0067502", "ISIC_0067980"), ("ISIC_0069013", "ISIC_0071017")):
        assert {a, b} <= isic2019.CONTRADICTORY
        assert contents([a]) == contents([b])
