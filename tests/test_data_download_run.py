import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from factories import use_tiny_world, write_drawn_ham10000, write_drawn_isic2019
from filelock import FileLock
from hostile_server import Answer, run_hostile_server

from skinmodel.cli import main
from skinmodel.data import ham10000, isic2019
from skinmodel.data.download import http

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("HAM10000_images_part_1", "HAM10000_images_part_2")


def zip_folder(folder):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{folder.name}/{path.name}")
    return buffer.getvalue()


def describe(host, key, title, folder, files):
    """Return sources: files are (name, bytes, members or None, known hash, more lines)."""
    lines = [f"[{key}]", f'title = "{title}"', f'folder = "{folder}"', 'licence = "CC BY-NC 4.0"']
    lines += ['terms = "https://example.org"', 'citations = ["Author: Title. 2018"]']
    for name, data, members, algorithm in files:
        host.files[f"/{name}"] = data
        lines += [f"[[{key}.files]]", f'name = "{name}"', f'url = "{host.url}/{name}"']
        lines.append(f"size = {len(data)}")
        if algorithm:
            lines.append(f'{algorithm} = "{hashlib.new(algorithm, data).hexdigest()}"')
        if members:
            count = len(zipfile.ZipFile(io.BytesIO(data)).namelist())
            target = f"folder = \"{Path(name).stem}\", members = '{members}', count = {count}"
            lines.append(f"unpack = {{ {target} }}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = write_drawn_ham10000(tmp_path_factory.mktemp("drawn"), size=24)
    return write_drawn_isic2019(folder, size=24)


@pytest.fixture(autouse=True)
def waits(monkeypatch, tmp_path):
    """No waiting, no proxy, no data of the user; returns the waits there would have been."""
    use_tiny_world(monkeypatch, tmp_path / "home")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("SKINMODEL_SOURCES", raising=False)
    waited: list[float] = []
    monkeypatch.setattr(http, "time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture
def host():
    with run_hostile_server() as server:
        yield server


@pytest.fixture
def ham(host, drawn, tmp_path):
    root = drawn / "HAM10000"
    files = [(ham10000.METADATA, (root / ham10000.METADATA).read_bytes(), None, "md5")]
    files += [(f"{p}.zip", zip_folder(root / p), r"ISIC_\d{7}\.jpg", "md5") for p in PARTS]
    file = tmp_path / "sources.toml"
    merged = f'[ham10000.merged]\nfolder = "HAM10000_images"\nfiles = ["{PARTS[0]}.zip", '
    merged += f'"{PARTS[1]}.zip"]\ncount = 168\n'
    file.write_text(describe(host, "ham10000", "HAM10000", "HAM10000", files) + merged)
    return file


@pytest.fixture
def run(ham, tmp_path):
    def download(*more, name="ham10000", sources=ham):
        data = ["--data", str(tmp_path / "data")]
        return main(["data", "download", name, *data, "--sources", str(sources), *more])

    return download


def asked(host):
    return [one.path for one in host.asked]


def left(tmp_path):
    return sorted(p.name for p in (tmp_path / "data" / "HAM10000").iterdir())


WHOLE = [
    ".download.lock",
    *PARTS,
    ham10000.METADATA,
    "LICENCE_AND_CITATION.txt",
    "download.json",
]


def test_the_set_comes_whole_with_its_licence_and_is_not_fetched_again(run, host, tmp_path, capsys):
    assert run() == 0
    out = capsys.readouterr().out
    assert out.index("Licence: CC BY-NC 4.0") < out.index("is whole")
    assert "- Author: Title. 2018" in out
    assert f"export SKINMODEL_DATA='{tmp_path / 'data'}'" in out
    assert left(tmp_path) == sorted(WHOLE)
    assert len(ham10000.read_index(tmp_path / "data")) == 168
    licence = (tmp_path / "data" / "HAM10000" / "LICENCE_AND_CITATION.txt").read_text()
    assert "CC BY-NC 4.0" in licence
    assert "Author: Title. 2018" in licence
    receipt = json.loads((tmp_path / "data" / "HAM10000" / "download.json").read_text())
    entry = receipt["files"][f"{PARTS[0]}.zip"]
    assert (entry["url"], entry["files"]) == (f"{host.url}/{PARTS[0]}.zip", 84)
    assert entry["hashes"]["md5"] == hashlib.md5(host.files[f"/{PARTS[0]}.zip"]).hexdigest()
    assert len(host.asked) == 3
    assert run() == 0
    assert len(host.asked) == 3


def test_isic_2019_comes_with_its_test_set_only_on_demand(host, drawn, tmp_path, run):
    root, members = drawn / "ISIC2019", r"ISIC_\d{7}(_downsampled)?\.jpg"
    tables = [isic2019.TRUTH, isic2019.METADATA]
    files = [(name, (root / name).read_bytes(), None, "sha256") for name in tables]
    images = zip_folder(root / isic2019.IMAGES)
    files.append((f"{isic2019.IMAGES}.zip", images, members, "sha256"))
    text = describe(host, "isic2019", "ISIC 2019", "ISIC2019", files)
    host.files["/extra.csv"] = b"image\n"
    text += f'[[isic2019.files]]\nname = "extra.csv"\nurl = "{host.url}/extra.csv"\nsubset = "test"'
    sources = tmp_path / "isic.toml"
    sources.write_text(text)
    assert run(name="isic2019", sources=sources) == 0
    assert isic2019.read_index(tmp_path / "data").index["path"].notna().all()
    assert not (tmp_path / "data" / "ISIC2019" / "extra.csv").exists()
    before = len(host.asked)
    assert run("--test", name="isic2019", sources=sources) == 0
    assert asked(host)[before:] == ["/extra.csv"]
    assert run("--test") == 2  # HAM10000 has none


def test_without_a_folder_the_data_go_where_no_cache_is_emptied(ham, tmp_path, capsys):
    assert main(["data", "download", "ham10000", "--sources", str(ham)]) == 0
    out = capsys.readouterr().out
    assert f"No folder is named with --data: the data go to '{tmp_path / 'home' / 'data'}'" in out
    assert len(ham10000.read_index(tmp_path / "home" / "data")) == 168


def test_the_folder_of_the_set_itself_may_be_named(run, ham, tmp_path):
    assert run() == 0
    folder = tmp_path / "data" / "HAM10000"
    (folder / ham10000.METADATA).unlink()
    command = ["data", "download", "ham10000", "--data", str(folder), "--sources", str(ham)]
    assert main(command) == 0
    assert (folder / ham10000.METADATA).is_file()
    assert not (folder / "HAM10000").exists()


def test_everything_at_once_goes_wrong_and_the_set_comes_all_the_same(run, host, tmp_path, waits):
    path = f"/{PARTS[0]}.zip"
    whole = host.files[path]
    host.next(
        path,
        Answer(503, {"Retry-After": "7"}),
        Answer(cut=70_000),
        Answer(429),
        Answer(ignore_range=True, cut=80_000),
        Answer(body=whole[:9_000] + b"?" + whole[9_001:]),
    )
    assert run() == 0
    assert len(ham10000.read_index(tmp_path / "data")) == 168
    assert waits == [7.0, 2.0, 4.0, 8.0]


def test_a_file_that_is_broken_twice_is_thrown_away_and_both_hashes_are_named(
    run, host, tmp_path, capsys
):
    path = f"/{PARTS[0]}.zip"
    whole = host.files[path]
    broken = [b"?" * len(whole), b"!" * len(whole)]
    host.next(path, *[Answer(body=body) for body in broken])
    assert run() == 1
    err = capsys.readouterr().err
    for data in (whole, broken[1]):
        assert hashlib.md5(data).hexdigest() in err
    assert "connection is probably at fault" in err
    assert "--sources FILE" in err
    assert not list((tmp_path / "data").rglob("*.zip*"))
    host.next(path, *[Answer(body=broken[0])] * 2)
    assert run() == 1
    assert "publisher has probably changed" in capsys.readouterr().err
    assert run() == 0


def swap(ham, host):
    text = ham.read_text()
    one, two = (f"{host.url}/{part}.zip" for part in PARTS)
    ham.write_text(text.replace(one, "?").replace(two, one).replace("?", two))


def test_swapped_addresses_are_told_by_hash_and_cost_nothing(run, ham, host, tmp_path, caplog):
    caplog.set_level("INFO")
    swap(ham, host)
    assert run() == 0
    index = ham10000.read_index(tmp_path / "data")
    parts = index["path"].map(lambda p: Path(p).parent.name)
    assert dict(zip(index["image_id"], parts, strict=True))["ISIC_0000000"] == PARTS[0]
    assert asked(host).count(f"/{PARTS[0]}.zip") == asked(host).count(f"/{PARTS[1]}.zip") == 1
    assert "The two are swapped" in caplog.text


def test_a_swap_is_remembered_by_the_next_run(run, ham, host, tmp_path):
    swap(ham, host)
    path = f"/{PARTS[0]}.zip"
    host.next(path, *[Answer(cut=70_000), *[Answer(503)] * 6])
    assert run() == 1
    before = len(host.asked)
    assert run() == 0
    assert asked(host)[before:] == [path]
    assert host.ranges(path)[-1] == "bytes=65536-"


def test_two_addresses_of_one_file_do_not_pass_for_two(run, host, capsys):
    host.files[f"/{PARTS[1]}.zip"] = host.files[f"/{PARTS[0]}.zip"]
    assert run() == 1
    assert f"{PARTS[1]}.zip from" in capsys.readouterr().err


def drop_hashes(ham):
    ham.write_text("\n".join(x for x in ham.read_text().splitlines() if "md5" not in x))


def test_without_a_hash_a_damaged_archive_is_fetched_once_more(run, ham, host, tmp_path, capsys):
    drop_hashes(ham)
    path = f"/{PARTS[0]}.zip"
    damaged = Answer(body=host.files[path][:-30] + b"?" * 30)
    host.next(path, damaged)
    assert run() == 0
    assert len(ham10000.read_index(tmp_path / "data")) == 168
    assert asked(host).count(path) == 2


def test_an_evil_archive_is_refused_and_gone(run, ham, host, tmp_path, capsys):
    drop_hashes(ham)
    path = f"/{PARTS[0]}.zip"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../../evil.jpg", b"evil")
    size = len(host.files[path])
    host.next(path, Answer(body=b"\0" * (size - len(buffer.getvalue())) + buffer.getvalue()))
    assert run() == 1
    assert "which no release has" in capsys.readouterr().err
    assert not list(tmp_path.rglob("evil.jpg"))
    assert left(tmp_path) == sorted({*WHOLE} - {*PARTS})
    assert run() == 0


def test_a_disk_without_room_is_said_before_anything_is_asked_for(run, host, monkeypatch, capsys):
    from skinmodel.data.download import run as module

    monkeypatch.setattr(module, "find_free", lambda _: 100_000)
    assert run() == 1
    err = capsys.readouterr().err
    assert "HAM10000 needs" in err
    assert "100 kB are" in err
    assert host.asked == []


def test_two_at_once_are_one_too_many(run, host, tmp_path, capsys):
    folder = tmp_path / "data" / "HAM10000"
    folder.mkdir(parents=True)
    with FileLock(folder / ".download.lock"):
        assert run() == 1
    assert "Another download is at work" in capsys.readouterr().err
    assert host.asked == []


def test_a_folder_that_cannot_be_written_is_an_error_in_words(run, tmp_path, capsys):
    (tmp_path / "data").write_text("a file")
    assert run() == 1
    err = capsys.readouterr().err
    assert f"'{tmp_path / 'data'}" in err
    assert "cannot be written" in err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_after_a_stop_the_same_command_goes_on(run, ham, host, tmp_path, stop):
    path = f"/{PARTS[0]}.zip"
    host.next(path, Answer(cut=100_000, stall=True))
    command = [sys.executable, "-m", "skinmodel", "data", "download", "ham10000"]
    command += ["--data", str(tmp_path / "data"), "--sources", str(ham)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        part = tmp_path / "data" / "HAM10000" / f"{PARTS[0]}.zip.part"
        deadline = time.monotonic() + 60
        while not (part.is_file() and part.stat().st_size) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(process.pid, stop)
        _, err = process.communicate(timeout=30)
    host.released.set()
    if stop == signal.SIGINT:
        assert process.returncode == 130
        assert "is kept in" in err
        assert "Traceback" not in err
    assert run() == 0
    assert host.ranges(path)[-1] == "bytes=65536-"
    assert len(ham10000.read_index(tmp_path / "data")) == 168
    assert left(tmp_path) == sorted(WHOLE)


def test_what_is_here_and_neither_ours_nor_released_is_left_alone(run, host, tmp_path, capsys):
    own = tmp_path / "data" / "HAM10000" / PARTS[0]
    own.mkdir(parents=True)
    (own / "ISIC_0000000.jpg").write_bytes(b"own")
    assert run() == 1
    err = capsys.readouterr().err
    assert f"'{own}': 1 files, expected 84" in err
    assert "--replace" in err
    assert host.asked == []
    assert (own / "ISIC_0000000.jpg").read_bytes() == b"own"
    host.next(f"/{PARTS[0]}.zip", Answer(404))
    assert run("--replace") == 1
    assert (own / "ISIC_0000000.jpg").read_bytes() == b"own"  # until the new one is whole
    assert run("--replace") == 0
    assert len(ham10000.read_index(tmp_path / "data")) == 168


def test_images_that_were_lost_are_fetched_again_and_only_their_part(run, host, tmp_path):
    assert run() == 0
    root = tmp_path / "data" / "HAM10000"
    (root / PARTS[1] / "ISIC_0000001.jpg").unlink()
    before = len(host.asked)
    assert run() == 0
    assert asked(host)[before:] == [f"/{PARTS[1]}.zip"]
    assert left(tmp_path) == sorted(WHOLE)
    (root / ham10000.METADATA).write_text("changed")
    assert run() == 0
    assert asked(host)[before + 1 :] == [f"/{ham10000.METADATA}"]
    assert len(ham10000.read_index(tmp_path / "data")) == 168


def test_archives_brought_by_hand_are_checked_and_used(run, host, tmp_path, capsys):
    root = tmp_path / "data" / "HAM10000"
    root.mkdir(parents=True)
    for part in PARTS:
        (root / f"{part}.zip").write_bytes(host.files[f"/{part}.zip"])
    assert run("--keep-archives") == 0
    assert asked(host) == [f"/{ham10000.METADATA}"]
    assert (root / f"{PARTS[0]}.zip").is_file()
    assert len(ham10000.read_index(tmp_path / "data")) == 168


def test_a_broken_archive_brought_by_hand_is_not_thrown_away_unasked(run, host, tmp_path, capsys):
    root = tmp_path / "data" / "HAM10000"
    root.mkdir(parents=True)
    (root / f"{PARTS[0]}.zip").write_bytes(b"half")
    assert run() == 1
    assert "bytes 4, expected" in capsys.readouterr().err
    assert host.asked == []
    assert run("--replace") == 0
    assert left(tmp_path) == sorted(WHOLE)


def test_both_parts_in_one_folder_are_not_fetched_again(run, host, drawn, tmp_path):
    merged = tmp_path / "data" / "HAM10000" / "HAM10000_images"
    merged.mkdir(parents=True)
    for part in PARTS:
        for path in (drawn / "HAM10000" / part).iterdir():
            (merged / path.name).write_bytes(path.read_bytes())
    assert run() == 0
    assert asked(host) == [f"/{ham10000.METADATA}"]
    assert len(ham10000.read_index(tmp_path / "data")) == 168
