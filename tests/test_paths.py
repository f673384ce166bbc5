from pathlib import Path

import platformdirs

from skinmodel import paths


def test_home_is_the_platforms_cache_folder_unless_moved(monkeypatch, tmp_path):
    monkeypatch.delenv("SKINMODEL_HOME", raising=False)
    assert paths.home() == Path(platformdirs.user_cache_dir("skinmodel"))
    monkeypatch.setenv("SKINMODEL_HOME", str(tmp_path))
    assert paths.home() == tmp_path
    monkeypatch.setenv("SKINMODEL_HOME", "")
    assert paths.home() == Path(platformdirs.user_cache_dir("skinmodel"))


def test_there_is_no_data_folder_unless_one_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("SKINMODEL_DATA", raising=False)
    assert paths.data_dir() is None
    monkeypatch.setenv("SKINMODEL_DATA", "")
    assert paths.data_dir() is None
    monkeypatch.setenv("SKINMODEL_DATA", str(tmp_path))
    assert paths.data_dir() == tmp_path


def test_what_ships_is_beside_the_package():
    assert (paths.ROOT / "skinmodel" / "paths.py").is_file()
    assert (paths.ROOT / "pyproject.toml").is_file()
    assert paths.SHIPPED_WEIGHTS == paths.ROOT / "assets" / "weights"
    assert paths.RESULTS == paths.ROOT / "assets" / "results"
    assert paths.SAMPLES == paths.ROOT / "assets" / "samples"
