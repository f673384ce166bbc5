"""The counts that ship: counted right by hand, equal to a fresh count, refused when damaged."""

import csv
import os
from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.class_weight import compute_class_weight
from small_release import HAM_ROWS, write_small_release

from skinmodel import paths
from skinmodel.data.counts import tables
from skinmodel.data.counts.measure import count
from skinmodel.data.counts.tables import (
    ALL,
    COLUMNS,
    DATASETS,
    FOLDER,
    HAM10000,
    ISIC2019,
    Counts,
    read_counts,
    write_counts,
)
from skinmodel.data.report.protocol import CLASS_WEIGHTS
from skinmodel.data.sets import ham10000, isic2019
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError, DatasetError
from skinmodel.weights.manifest import read_manifest


@pytest.fixture
def release(tmp_path, monkeypatch) -> Path:
    return write_small_release(tmp_path / "data", monkeypatch)


@pytest.fixture
def shipped_copy(tmp_path) -> Path:
    write_counts(read_counts(), tmp_path)
    return tmp_path


def get_rows(table: pd.DataFrame, **values: str) -> list[tuple]:
    for name, value in values.items():
        table = table[table[name] == value].drop(columns=name)
    return list(table.itertuples(index=False, name=None))


def assert_same(ours: Counts, theirs: Counts) -> None:
    for name in COLUMNS:
        left, right = getattr(ours, name), getattr(theirs, name)
        pd.testing.assert_frame_equal(left, right, check_dtype=False, rtol=1e-6, obj=name)


def test_a_hand_written_release_is_counted_by_hand(release):
    found = count(release)
    assert found.by_class(HAM10000) == {"nv": 4} | dict.fromkeys(CODES[1:], 2)
    assert found.by_class(HAM10000, "lesions") == {"nv": 3} | dict.fromkeys(CODES[1:], 1)
    nevi = found.of(HAM10000).query("diagnosis == 'nv'").drop(columns="diagnosis").fillna(-1)
    assert get_rows(nevi) == [
        ("female", 45.0, "back", "follow_up", 1, 0),  # its lesion counts with the first image
        ("female", 45.0, "back", "histo", 1, 1),
        ("unknown", -1.0, "unknown", "follow_up", 2, 2),
    ]
    isic = found.by_class(ISIC2019)
    assert (isic["nv"], isic["akiec"], isic["scc"], isic["unk"]) == (6, 1, 2, 0)
    assert get_rows(found.overlap, ham10000="akiec") == [("akiec", 1), ("scc", 1)]
    assert get_rows(found.lesions, dataset=HAM10000, diagnosis="nv") == [(1, 2), (2, 1)]
    assert get_rows(found.lesions, dataset=ISIC2019, diagnosis="nv") == [(1, 2), (2, 2)]
    by_field = found.missing.groupby(["dataset", "field"])["images"].sum()
    assert by_field[HAM10000].to_dict() == {"age": 2, "lesion_id": 0, "sex": 2, "site": 2}
    assert by_field[ISIC2019].to_dict() == {
        **{"age": 3, "sex": 3, "lesion_id": 1},
        "site": len(HAM_ROWS) + 1,
    }


def test_the_reports_copies_and_weights_are_counted(release):
    table = count(release).augmentation.set_index("diagnosis")
    assert table.loc["nv", ["images", "pictures"]].tolist() == [4, 4]
    assert table.loc["mel", ["images", "pictures"]].tolist() == [2, 12]
    truth = np.repeat(table.index.to_numpy(str), table["pictures"])
    expected = compute_class_weight("balanced", classes=np.array(CODES), y=truth)
    np.testing.assert_allclose(table.loc[list(CODES), "weight"], expected, atol=1e-5)


def test_written_counts_are_read_back(release, tmp_path):
    found = count(release)
    files = write_counts(found, tmp_path / "out")
    assert [file.stem for file in files] == list(COLUMNS)
    again = read_counts(tmp_path / "out")
    assert again.facts == found.facts
    assert_same(found, again)
    assert str(release) not in files[0].read_text()  # nobody's folders in what ships


def test_a_release_that_is_not_whole_is_refused(release, monkeypatch):
    monkeypatch.setattr(isic2019, "ROW_COUNT", 25_331)
    with pytest.raises(DatasetError, match="ISIC 2019 is not as released: it has 19 rows"):
        count(release)
    monkeypatch.setitem(ham10000.CLASS_COUNTS, "df", 115)
    with pytest.raises(DatasetError, match=r"is not as released.*'df': 2.*'df': 115"):
        count(release)


def test_the_shipped_counts_hold_the_numbers_everyone_knows():
    shipped = read_counts()
    assert shipped.by_class(HAM10000) == ham10000.CLASS_COUNTS
    assert sum(shipped.by_class(HAM10000).values()) == ham10000.IMAGE_COUNT
    assert sum(shipped.by_class(ISIC2019).values()) == isic2019.ROW_COUNT
    assert shipped.overlap["images"].sum() == ham10000.IMAGE_COUNT
    assert shipped.augmentation["pictures"].sum() == 26_565
    weights = dict(zip(CODES, shipped.augmentation["weight"].round(2), strict=True))
    assert weights == CLASS_WEIGHTS
    leak = shipped.leakage[shipped.leakage["diagnosis"] == ALL].set_index("split")
    assert leak.loc["report", ["pictures", "turned_copy", "either"]].tolist() == [8767, 6518, 7104]
    assert not leak.loc["grouped"].drop(["diagnosis", "pictures"]).any()


def test_the_shipped_counts_are_of_the_split_that_the_shipped_networks_were_trained_on():
    fact = read_counts().facts["split grouped"]
    records = read_manifest(paths.SHIPPED_WEIGHTS)
    assert {record.split["fingerprint"] for record in records} == {fact.split("sha256 ")[1]}


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("images", "nv,female,5,", "nv,female,five,", "column age holds 'five'"),
        ("overlap", "bcc,bcc,514", "bcc,bcc,-514", "column images holds '-514'"),
        ("overlap", "bcc,bcc,514", "bcc,bcc,513", r"overlap.csv has .*'bcc': 513"),
        ("lesions", "ham10000,df,1,", "ham10000,df,2,", "lesions, ham10000.csv has"),
        ("missing", "isic2019,unk,", "isic2019,wart,", "column diagnosis holds 'wart'"),
        ("splits", "side,diagnosis", "side,class", "columns are"),
        ("leakage", "# counted: ", "# counted: x", "were not counted at once"),
        ("augmentation", "# counted: ", "counted: ", "columns are|do not say"),
        ("images", "\n", "\nham10000,nv\n", "columns are|without 8 cells|do not say"),
    ],
)
def test_a_damaged_table_is_refused_with_the_way_out(shipped_copy, file, old, new, words):
    path = shipped_copy / f"{file}.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=words) as caught:
        read_counts(shipped_copy)
    assert "python -m skinmodel data count" in str(caught.value)


def test_a_missing_table_is_named(shipped_copy):
    (shipped_copy / "splits.csv").unlink()
    with pytest.raises(ConfigError, match=r"splits\.csv"):
        read_counts(shipped_copy)


def test_the_tables_are_all_there_is():
    assert {f.name for f in fields(Counts)} == {*COLUMNS, "facts"}
    assert sorted(p.name for p in FOLDER.iterdir()) == sorted(f"{name}.csv" for name in COLUMNS)
    assert sum(p.stat().st_size for p in FOLDER.iterdir()) < 300_000


@pytest.mark.data
def test_the_shipped_counts_equal_a_fresh_count():
    if "SKINMODEL_DATA" not in os.environ:
        pytest.skip("SKINMODEL_DATA is not set")
    shipped, fresh = read_counts(), count(Path(os.environ["SKINMODEL_DATA"]))
    assert_same(shipped, fresh)
    without_date = [{k: v for k, v in c.facts.items() if k != "counted"} for c in (shipped, fresh)]
    assert without_date[0] == without_date[1]


@pytest.mark.data
def test_the_shipped_counts_equal_a_count_with_plain_csv():
    if "SKINMODEL_DATA" not in os.environ:
        pytest.skip("SKINMODEL_DATA is not set")
    data, shipped = Path(os.environ["SKINMODEL_DATA"]), read_counts()
    with (data / "HAM10000" / ham10000.METADATA).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    ours = shipped.of(HAM10000)
    for column, name in (
        ("dx", "diagnosis"),
        ("sex", "sex"),
        ("localization", "site"),
        ("dx_type", "origin"),
    ):
        assert ours.groupby(name)["images"].sum().to_dict() == Counter(r[column] for r in rows)
    ages = Counter(float(r["age"]) for r in rows if r["age"])
    assert ours.groupby("age")["images"].sum().to_dict() == ages
    with (data / "ISIC2019" / isic2019.TRUTH).open(newline="") as stream:
        table = list(csv.DictReader(stream))
    by_column = {
        name: sum(float(r[name]) == 1 for r in table) for name in table[0] if name != "image"
    }
    names = {"akiec": "AK"} | {code: code.upper() for code in DATASETS[ISIC2019] if code != "akiec"}
    assert shipped.by_class(ISIC2019) == {c: by_column[names[c]] for c in DATASETS[ISIC2019]}
    assert shipped.facts["command"] == tables.COMMAND
