import hashlib
import io
import json
import zipfile

import pytest
from drawn_releases import PARTS, WHOLE, publish_ham10000, publish_isic2019, use_no_waiting
from factories import write_drawn_ham10000, write_drawn_isic2019
from hostile_server import Answer, run_hostile_server

from skinmodel.data.sets import ham10000, isic2019

FIRST, SECOND = (f"/{part}.zip" for part in PARTS)


@pytest.fixture(autouse=True)
def waits(monkeypatch, tmp_path):
    return use_no_waiting(monkeypatch, tmp_path / "home")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = write_drawn_ham10000(tmp_path_factory.mktemp("drawn"), size=24)
    return write_drawn_isic2019(folder, size=24)


@pytest.fixture
def host():
    with run_hostile_server() as server:
        yield server


@pytest.fixture
def ham(host, drawn, tmp_path):
    return publish_ham10000(host, drawn, tmp_path)


def test_the_set_comes_whole_with_its_licence_and_is_not_fetched_again(ham, capsys):
    assert ham.run() == 0
    out = capsys.readouterr().out
    assert out.index("Licence: CC BY-NC 4.0") < out.index("is whole")
    assert "- Author: Title. 2018" in out
    assert f"export SKINMODEL_DATA={ham.data}\n" in out
    assert ham.left() == WHOLE
    assert len(ham10000.read_index(ham.data)) == 168
    licence = (ham.root / "LICENCE_AND_CITATION.txt").read_text()
    assert "CC BY-NC 4.0" in licence
    assert "Author: Title. 2018" in licence
    entry = json.loads((ham.root / "download.json").read_text())["files"][f"{PARTS[0]}.zip"]
    assert (entry["url"], entry["files"]) == (ham.host.url + FIRST, 84)
    assert entry["hashes"]["md5"] == hashlib.md5(ham.host.files[FIRST]).hexdigest()
    assert len(ham.asked()) == 3
    assert ham.run() == 0
    assert len(ham.asked()) == 3


def test_isic_2019_comes_with_its_test_set_only_on_demand(host, drawn, tmp_path, ham):
    isic = publish_isic2019(host, drawn, tmp_path)
    assert isic.run() == 0
    assert isic2019.read_index(isic.data).index["path"].notna().all()
    assert not (isic.root / "extra.csv").exists()
    before = len(isic.asked())
    assert isic.run("--test") == 0
    assert isic.asked()[before:] == ["/extra.csv"]
    (isic.root / "extra.csv").write_bytes(b"other\n")  # no hash is published: ours is remembered
    assert isic.run("--test") == 0
    assert isic.asked()[before:] == ["/extra.csv"] * 2
    assert ham.run("--test") == 2  # HAM10000 has none


def test_everything_goes_wrong_and_the_set_comes_all_the_same(ham, waits):
    whole = ham.host.files[FIRST]
    ham.host.next(
        FIRST,
        Answer(503, {"Retry-After": "7"}),
        Answer(cut=70_000),
        Answer(429),
        Answer(ignore_range=True, cut=80_000),
        Answer(body=whole[:9_000] + b"?" + whole[9_001:]),
    )
    assert ham.run() == 0
    assert len(ham10000.read_index(ham.data)) == 168
    assert waits == [7.0, 2.0, 4.0, 8.0]


def test_a_file_broken_twice_is_thrown_away_and_both_hashes_are_named(ham, capsys):
    whole = ham.host.files[FIRST]
    broken = [b"?" * len(whole), b"!" * len(whole)]
    ham.host.next(FIRST, *[Answer(body=body) for body in broken])
    assert ham.run() == 1
    err = capsys.readouterr().err
    for data in (whole, broken[1]):
        assert hashlib.md5(data).hexdigest() in err
    assert "connection is probably at fault" in err
    assert "--sources FILE" in err
    assert not list(ham.data.rglob("*.zip*"))
    ham.host.next(FIRST, *[Answer(body=broken[0])] * 2)
    assert ham.run() == 1
    assert "publisher has probably changed" in capsys.readouterr().err
    assert ham.run() == 0


def test_two_addresses_of_one_file_do_not_pass_for_two(ham, capsys):
    ham.host.files[SECOND] = ham.host.files[FIRST]
    assert ham.run() == 1
    assert f"{SECOND}' offers" in capsys.readouterr().err


def test_without_a_hash_a_damaged_archive_is_fetched_once_more(ham, capsys):
    ham.drop_hashes()
    damaged = Answer(body=ham.host.files[FIRST][:-30] + b"?" * 30)
    ham.host.next(FIRST, damaged)
    assert ham.run() == 0
    assert len(ham10000.read_index(ham.data)) == 168
    assert ham.asked().count(FIRST) == 2
    (ham.root / PARTS[0] / "ISIC_0000000.jpg").unlink()
    ham.host.next(FIRST, damaged, damaged)
    assert ham.run() == 1
    assert "is a damaged ZIP archive" in capsys.readouterr().err


def test_an_evil_archive_is_refused_and_gone(ham, tmp_path, capsys):
    ham.drop_hashes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../../evil.jpg", b"evil")
    evil = buffer.getvalue()
    ham.host.next(FIRST, Answer(body=evil.rjust(len(ham.host.files[FIRST]), b"\0")))
    assert ham.run() == 1
    assert "which no release has" in capsys.readouterr().err
    assert not list(tmp_path.rglob("evil.jpg"))
    assert ham.left() == WHOLE - {*PARTS}
    assert ham.run() == 0
