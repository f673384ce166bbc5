"""``data count`` writes the tables, names them, and refuses half a release in one line."""

import pytest
from small_release import HAM_ROWS, OUTSIDE, write_small_release

from skinmodel.cli.main import main
from skinmodel.data.counts import tables
from skinmodel.data.counts.tables import COLUMNS, HAM10000, read_counts
from skinmodel.data.sets import ham10000


@pytest.fixture
def release(tmp_path, monkeypatch):
    return write_small_release(tmp_path / "data", monkeypatch)


def test_the_tables_are_written_and_named(release, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["data", "count", "--data", str(release), "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"ham10000: {len(HAM_ROWS)} images of 9 lesions"
    assert lines[1] == f"isic2019: {len(HAM_ROWS) + len(OUTSIDE)} images of 11 lesions"
    assert lines[2:] == [str(out / f"{name}.csv") for name in COLUMNS]
    assert read_counts(out).by_class(HAM10000)["nv"] == 4


def test_the_tables_that_ship_are_the_default(capsys):
    with pytest.raises(SystemExit):
        main(["data", "count", "--help"])
    assert "assets/counts" in capsys.readouterr().out
    assert tables.FOLDER.parts[-2:] == ("assets", "counts")


def test_a_folder_without_one_of_the_sets_is_refused(release, tmp_path, capsys):
    (release / "HAM10000" / ham10000.METADATA).unlink()
    out = tmp_path / "out"
    assert main(["data", "count", "--data", str(release), "--out", str(out)]) == 1
    assert f"error: No {ham10000.METADATA}" in capsys.readouterr().err
    assert not out.exists()


def test_no_folder_is_wrong_usage(monkeypatch, capsys):
    monkeypatch.delenv("SKINMODEL_DATA", raising=False)
    monkeypatch.setattr("skinmodel.paths.data_dir", lambda: None)
    assert main(["data", "count"]) == 2
    assert "--data DIR" in capsys.readouterr().err
