"""A drawn release to be verified: sound as it is drawn, and a copy of it to be spoilt."""

import shutil

import pytest
from drawn_release import use_drawn_release, write_drawn_release


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return write_drawn_release(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def data(drawn, tmp_path, monkeypatch):
    use_drawn_release(monkeypatch, drawn, tmp_path / "home")
    return shutil.copytree(drawn, tmp_path / "data")
