from pathlib import Path

import pytest

from app.services.attempts import Problem, attempt, hide_folders
from skinmodel import paths
from skinmodel.errors import ConfigError


def test_a_page_says_what_a_file_is_called_not_where_it_lies(monkeypatch):
    monkeypatch.setenv("SKINMODEL_DATA", "/srv/secret/pictures")
    monkeypatch.setenv("SKINMODEL_HOME", "/home/doctor/.cache/skinmodel")
    for path, shown in (
        (str(paths.ROOT / "assets" / "weights" / "manifest.json"), "assets/weights/manifest.json"),
        ("/srv/secret/pictures/HAM10000/a b.csv", "SKINMODEL_DATA/HAM10000/a b.csv"),
        ("/srv/secret/pictures", "SKINMODEL_DATA"),
        ("/home/doctor/.cache/skinmodel/runs/x", "SKINMODEL_HOME/runs/x"),
        ("/var/lib/deep/down/report.json", ".../down/report.json"),
        ("C:\\Users\\doctor\\deep\\report.json", ".../deep/report.json"),
    ):
        assert hide_folders(f"The file '{path}' is damaged.") == f"The file '{shown}' is damaged."


@pytest.mark.parametrize(
    "sentence",
    ["No path: it's 3/4 of 'x'.", "'https://example.org/a/b/c' answered 404", "See 'a/b/c.csv'."],
)
def test_what_is_no_path_of_the_server_stays(sentence):
    assert hide_folders(sentence) == sentence


def test_the_log_has_the_whole_path(capsys):
    path = Path("/var/lib/deep/down/report.json")

    def fail():
        raise ConfigError(f"'{path}' is damaged.")

    assert attempt(fail) == Problem("'.../down/report.json' is damaged.")
