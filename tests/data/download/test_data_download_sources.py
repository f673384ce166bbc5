import os

import pytest

from skinmodel.data.download import sources
from skinmodel.data.download.sources import SHIPPED, find_release, read_sources
from skinmodel.data.sets import ham10000, isic2019
from skinmodel.errors import ConfigError, UnknownNameError

SOURCES = """
[isic2019]
title = "T"
folder = "ISIC2019"
licence = "L"
terms = "https://example.org/terms"
citations = ["C"]
[[isic2019.files]]
name = "a.zip"
url = "https://example.org/a.zip"
size = 5
md5 = "00000000000000000000000000000000"
unpack = { folder = "a", members = 'x\\.jpg', count = 1 }
"""


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv("SKINMODEL_SOURCES", raising=False)


@pytest.fixture
def write(tmp_path):
    def run(text):
        file = tmp_path / "sources.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return run


def test_what_is_shipped_is_the_layout_that_the_readers_read():
    ham = find_release("ham10000")
    assert ham.folder == "HAM10000"
    assert {file.target: file.unpack and file.unpack.count for file in ham.files} == {
        ham10000.METADATA: None,
        "HAM10000_segmentations_lesion_tschandl": ham10000.IMAGE_COUNT,
        ham10000.IMAGE_FOLDERS[0]: 5_000,
        ham10000.IMAGE_FOLDERS[1]: 5_015,
    }
    assert ham.merged is not None
    assert (ham.merged.folder, ham.merged.count) == (ham10000.IMAGE_FOLDERS[2], 10_015)
    isic = find_release("isic2019")
    assert isic.folder == "ISIC2019"
    training = [file for file in isic.files if file.subset == "training"]
    assert {file.target: file.unpack and file.unpack.count for file in training} == {
        isic2019.TRUTH: None,
        isic2019.METADATA: None,
        isic2019.IMAGES: isic2019.ROW_COUNT,
    }


def test_what_is_shipped_is_fetched_over_https_and_held_against_size_and_hash():
    for release in read_sources(SHIPPED).values():
        assert "CC BY-NC 4.0" in release.licence
        for file in release.files:
            assert file.url.startswith("https://")
            assert file.subset == "test" or (file.size and file.hashes), file.name


def test_own_sources_come_first_and_leave_the_rest_as_it_is(write, monkeypatch):
    file = write(SOURCES)
    assert find_release("isic2019", file).title == "T"
    assert find_release("ham10000", file) == find_release("ham10000")
    assert find_release("isic2019").title == "ISIC 2019"
    monkeypatch.setenv("SKINMODEL_SOURCES", str(file))
    assert find_release("isic2019").title == "T"
    with pytest.raises(UnknownNameError, match="ham10000, isic2019"):
        find_release("isic2020")


WRONG = {
    "another set": ("[isic2019", "[isic2020", "isic2020"),
    "a new field": ('title = "T"', 'title = "T"\ncolour = 1', "colour"),
    "no licence": ('licence = "L"\n', "", "licence: Field required"),
    "no address": ("https://example.org/a.zip", "example.org", "must be an https"),
    "a local file": ("https://example.org/a.zip", "file:///etc/passwd", "must be an https"),
    "a password": ("//example.org/a", "//me:secret@example.org/a", "must not hold a password"),
    "a path": ('"a.zip"', '"../a.zip"', "name: String should match"),
    "a hidden name": ('"a.zip"', '".a.zip"', "name: String should match"),
    "a path as folder": ('folder = "a"', 'folder = "/a"', "unpack.folder"),
    "half a hash": ('0000000000000000"', '"', "md5"),
    "a size in words": ("size = 5", 'size = "5"', "size"),
    "a size of nothing": ("size = 5", "size = 0", "size"),
    "an open bracket": ("x\\.jpg", "(x", "is no regular expression"),
    "no files": ("count = 1", "count = 0", "count"),
    "not TOML": ("[isic2019]", "[isic2019", "not a TOML file"),
}


@pytest.mark.parametrize(("old", "new", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_fit_is_refused_by_name(write, old, new, message):
    assert old in SOURCES
    with pytest.raises(ConfigError, match=message):
        read_sources(write(SOURCES.replace(old, new)))


def test_two_files_of_one_name_are_refused(write):
    again = SOURCES[SOURCES.index("[[") :].replace('"a.zip"', '"A"')
    with pytest.raises(ConfigError, match="more than once: a"):
        read_sources(write(SOURCES + again))


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="not a TOML file"):
        read_sources(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\0")
    with pytest.raises(ConfigError, match="not a TOML file"):
        read_sources(tmp_path / "binary.toml")


def test_a_file_without_end_is_read_to_a_limit_only(write, monkeypatch, tmp_path):
    monkeypatch.setattr(sources, "MAX_BYTES", len(SOURCES))
    read_sources(write(SOURCES))
    with pytest.raises(ConfigError, match=r"larger than \d+ bytes"):
        read_sources(write(SOURCES + "\n"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="not a regular file"):
        read_sources(tmp_path / "pipe")


def test_deep_nesting_is_refused_in_a_sentence(write):
    with pytest.raises(ConfigError, match="are not a TOML file"):
        read_sources(write(f"a = {'[' * 50_000}"))
