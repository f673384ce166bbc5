import factories
import pandas as pd
import pytest
from factories import LESIONS, use_tiny_world, write_drawn_ham10000

from skinmodel.cli.main import main
from skinmodel.data.sets import ham10000
from skinmodel.data.splits import SIDES, split_grouped
from skinmodel.diagnoses import CODES


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return write_drawn_ham10000(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    use_tiny_world(monkeypatch, tmp_path)


def test_a_whole_set_is_counted_split_and_free_of_leaks(tiny, drawn, capsys):
    assert main(["data", "check", "--data", str(drawn)]) == 0
    out = capsys.readouterr().out
    index = factories.drawn_index(drawn)
    split = split_grouped(index)
    assert f"168 usable images of {LESIONS * len(CODES)} lesions" in out
    assert split.fingerprint in out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    for side in SIDES:
        of_side = split.of(index, side)
        counts = [(of_side["truth"] == code).sum() for code in CODES]
        assert rows[side] == [
            str(n) for n in (len(of_side), of_side["group_id"].nunique(), *counts)
        ]
    assert "on two sides: 0 lesions, 0 images" in out
    assert "NOT THE SPLIT" not in out


def test_the_data_folder_may_come_from_the_environment(tiny, drawn, capsys, monkeypatch):
    monkeypatch.setenv("SKINMODEL_DATA", str(drawn))
    assert main(["data", "check"]) == 0
    assert "168 usable images" in capsys.readouterr().out


def test_what_is_not_as_released_is_listed_and_ends_with_1(drawn, capsys):
    assert main(["data", "check", "--data", str(drawn)]) == 1
    out = capsys.readouterr().out
    assert "- 168 rows where the release has 10,015" in out
    assert "- 24 images of nv where the release has 6,705" in out
    assert "NOT THE SPLIT OF HAM10000, which has 10,015 images: a split of the 168" in out


def test_a_set_without_one_usable_image_ends_with_1(tiny, tmp_path, capsys):
    root = tmp_path / "HAM10000"
    root.mkdir()
    row = dict.fromkeys(ham10000.COLUMNS, "x") | {"dx": "nv", "age": 40.0}
    pd.DataFrame([row]).to_csv(root / ham10000.METADATA, index=False)
    assert main(["data", "check", "--data", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "0 usable images" in out
    assert "missing: x" in out


def test_no_data_folder_is_wrong_usage_and_an_empty_one_is_not_the_set(tiny, tmp_path, capsys):
    assert main(["data", "check"]) == 2
    assert "No data folder is named" in capsys.readouterr().err
    assert main(["data", "check", "--data", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert "No HAM10000_metadata.csv" in err
    assert "Traceback" not in err
