import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from drawn_releases import PARTS, WHOLE, publish_ham10000, use_no_waiting
from factories import write_drawn_ham10000
from filelock import FileLock
from hostile_server import Answer, run_hostile_server

from skinmodel.cli.main import main
from skinmodel.data.sets import ham10000

FIRST, SECOND = (f"/{part}.zip" for part in PARTS)
TABLE = f"/{ham10000.METADATA}"


@pytest.fixture(autouse=True)
def _world(monkeypatch, tmp_path):
    use_no_waiting(monkeypatch, tmp_path / "home")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return write_drawn_ham10000(tmp_path_factory.mktemp("drawn"), size=24)


@pytest.fixture
def ham(drawn, tmp_path):
    with run_hostile_server() as host:
        yield publish_ham10000(host, drawn, tmp_path)


def is_whole(ham):
    return ham.left() == WHOLE and len(ham10000.read_index(ham.data)) == 168


def test_without_a_folder_the_data_go_where_no_cache_is_emptied(ham, tmp_path, capsys):
    assert main(["data", "download", "ham10000", "--sources", str(ham.sources)]) == 0
    folder = tmp_path / "home" / "data"
    assert f"No folder is named with --data: the data go to '{folder}'" in capsys.readouterr().out
    assert len(ham10000.read_index(folder)) == 168


@pytest.mark.skipif(os.name == "nt", reason="quoted otherwise there")
def test_what_is_printed_can_be_given_to_a_shell(ham, tmp_path, capsys):
    folder = tmp_path / "a doctor's"
    assert (
        main(["data", "download", "ham10000", "--sources", str(ham.sources), "--data", str(folder)])
        == 0
    )
    [line] = [text for text in capsys.readouterr().out.splitlines() if "export" in text]
    command = f'{line[line.index("export") :]}; printf %s "$SKINMODEL_DATA"'
    shell = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert shell.stdout == str(folder)


def test_the_folder_of_the_set_itself_may_be_named(ham):
    assert ham.run() == 0
    (ham.root / ham10000.METADATA).unlink()
    command = ["data", "download", "ham10000", "--data", str(ham.root)]
    assert main([*command, "--sources", str(ham.sources)]) == 0
    assert is_whole(ham)


def test_a_disk_without_room_is_said_before_anything_is_asked_for(ham, monkeypatch, capsys):
    from skinmodel.data.download import run as module

    monkeypatch.setattr(module, "find_free", lambda _: 100_000)
    assert ham.run() == 1
    err = capsys.readouterr().err
    assert "HAM10000 needs" in err
    assert "100 kB are" in err
    assert ham.asked() == []


def test_a_disk_that_fills_up_is_an_error_in_words_and_the_rest_is_kept(ham, monkeypatch, capsys):
    from skinmodel.data.download import unpack as module

    def fill_up(source, target, length):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module.shutil, "copyfileobj", fill_up)
        assert ham.run() == 1
    err = capsys.readouterr().err
    assert "No space left on device" in err
    assert "What was fetched is kept" in err
    assert ham.run() == 0
    assert sorted(ham.asked()) == sorted([TABLE, FIRST, SECOND])


def test_two_at_once_are_one_too_many(ham, capsys):
    ham.root.mkdir(parents=True)
    with FileLock(ham.root / ".download.lock"):
        assert ham.run() == 1
    assert "Another download is at work" in capsys.readouterr().err
    assert ham.asked() == []


def test_a_folder_that_cannot_be_written_is_an_error_in_words(ham, capsys):
    ham.data.write_text("a file")
    assert ham.run() == 1
    err = capsys.readouterr().err
    assert f"'{ham.data}" in err
    assert "cannot be written" in err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_after_a_stop_the_same_command_goes_on(ham, stop):
    ham.host.next(FIRST, Answer(cut=100_000, stall=True))
    command = [sys.executable, "-m", "skinmodel", *ham.arguments]
    part = ham.root / f"{PARTS[0]}.zip.part"
    with subprocess.Popen(
        command,
        cwd=Path(__file__).resolve().parents[3],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (part.is_file() and part.stat().st_size) and process.poll() is None:
            time.sleep(0.01)  # the suite's own timeout ends what hangs
        os.kill(process.pid, stop)
        _, err = process.communicate()
    ham.host.released.set()
    if stop == signal.SIGINT:
        assert process.returncode == 130
        assert "is kept in" in err
        assert "Traceback" not in err
    assert ham.run() == 0
    assert ham.host.ranges(FIRST)[-1] == "bytes=100000-"
    assert is_whole(ham)


def test_what_is_here_and_neither_ours_nor_released_is_left_alone(ham, capsys):
    own = ham.root / PARTS[0] / "ISIC_0000000.jpg"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"own")
    assert ham.run() == 1
    err = capsys.readouterr().err
    assert f"'{own.parent}': 1 files, expected 84" in err
    assert "--replace" in err
    assert ham.asked() == []
    assert own.read_bytes() == b"own"
    ham.host.next(FIRST, Answer(404))
    assert ham.run("--replace") == 1
    assert own.read_bytes() == b"own"  # until the new one is whole
    assert ham.run("--replace") == 0
    assert is_whole(ham)


def test_what_was_lost_or_changed_is_fetched_again_and_nothing_else(ham):
    assert ham.run() == 0
    (ham.root / PARTS[1] / "ISIC_0000001.jpg").unlink()
    before = len(ham.asked())
    assert ham.run() == 0
    assert ham.asked()[before:] == [SECOND]
    (ham.root / ham10000.METADATA).write_text("changed")
    assert ham.run() == 0
    assert ham.asked()[before:] == [SECOND, TABLE]
    assert is_whole(ham)


def test_an_archive_that_was_kept_mends_its_folder(ham):
    assert ham.run("--keep-archives") == 0
    before = len(ham.asked())
    (ham.root / PARTS[1] / "ISIC_0000001.jpg").unlink()
    assert ham.run("--keep-archives") == 0
    assert len(ham.asked()) == before
    assert len(ham10000.read_index(ham.data)) == 168
    (ham.root / SECOND[1:]).write_bytes(b"half")
    (ham.root / PARTS[1] / "ISIC_0000001.jpg").unlink()
    assert ham.run() == 0
    assert ham.asked()[before:] == [SECOND]


def test_without_a_published_hash_a_later_change_is_noticed_all_the_same(ham):
    ham.drop_hashes()
    assert ham.run() == 0
    table = ham.root / ham10000.METADATA
    table.write_bytes(table.read_bytes().replace(b"female", b"FEMALE"))
    before = len(ham.asked())
    assert ham.run() == 0
    assert ham.asked()[before:] == [TABLE]
    assert is_whole(ham)


def test_a_receipt_that_cannot_be_read_costs_no_download(ham):
    assert ham.run() == 0
    before = len(ham.asked())
    for damage in ("{", "[]", '{"files": {"a": {"b": 1}}}', '{"files": 1}', "\0"):
        (ham.root / "download.json").write_text(damage)
        assert ham.run() == 0
    assert len(ham.asked()) == before


def test_archives_brought_by_hand_are_checked_and_used(ham):
    ham.root.mkdir(parents=True)
    for path in (FIRST, SECOND):
        (ham.root / path[1:]).write_bytes(ham.host.files[path])
    assert ham.run("--keep-archives") == 0
    assert ham.asked() == [TABLE]
    assert ham.left() == WHOLE | {FIRST[1:], SECOND[1:]}
    assert len(ham10000.read_index(ham.data)) == 168


def test_a_broken_archive_brought_by_hand_is_not_thrown_away_unasked(ham, capsys):
    ham.root.mkdir(parents=True)
    (ham.root / FIRST[1:]).write_bytes(b"half")
    assert ham.run() == 1
    assert "bytes 4, expected" in capsys.readouterr().err
    assert ham.asked() == []
    assert ham.run("--replace") == 0
    assert is_whole(ham)


def test_both_parts_in_one_folder_are_not_fetched_again(ham, drawn):
    merged = ham.root / "HAM10000_images"
    merged.mkdir(parents=True)
    for part in PARTS:
        for path in (drawn / "HAM10000" / part).iterdir():
            (merged / path.name).write_bytes(path.read_bytes())
    assert ham.run() == 0
    assert ham.asked() == [TABLE]
    assert len(ham10000.read_index(ham.data)) == 168
