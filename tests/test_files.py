import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from skinmodel import files
from skinmodel.files import read_limited, write_atomically, write_text


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_text_is_utf_8_in_a_folder_made_for_it(tmp_path):
    path = tmp_path / "a" / "b" / "note.txt"
    write_text(path, "Köfler, 95 %–Intervall\n")
    assert path.read_bytes() == "Köfler, 95 %–Intervall\n".encode()
    assert names(path.parent) == ["note.txt"]


def test_a_second_write_replaces_the_first(tmp_path):
    path = tmp_path / "note.txt"
    write_text(path, "a long first version")
    write_text(path, "short")
    assert path.read_text() == "short"


def test_a_writer_that_fails_half_way_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "note.txt"
    write_text(path, "old")

    def fail(temporary):
        temporary.write_text("ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["note.txt"]


def test_an_interrupted_writer_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "note.txt"
    write_text(path, "old")

    def interrupt(temporary):
        temporary.write_text("ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, interrupt)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["note.txt"]


def test_a_disk_that_is_full_when_flushed_leaves_the_old_content(tmp_path, monkeypatch):
    path = tmp_path / "note.txt"
    write_text(path, "old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["note.txt"]


def test_a_writer_that_writes_nothing_is_an_error_not_an_empty_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "note.txt", lambda _temporary: None)
    assert names(tmp_path) == []


def test_content_reaches_the_disk_before_the_name_and_the_name_before_the_return(
    tmp_path, monkeypatch
):
    path = tmp_path / "note.txt"
    seen = []

    def record(flushed):
        seen.append((flushed == tmp_path, path.exists()))

    monkeypatch.setattr(files, "flush_to_disk", record)
    write_text(path, "new")
    assert seen == [(False, False), (True, True)]


def test_two_threads_may_write_one_file_at_once(tmp_path):
    path = tmp_path / "note.txt"
    both_are_writing = threading.Barrier(2, timeout=60)

    def write(text):
        def fill(temporary):
            temporary.write_text(text)
            both_are_writing.wait()

        write_atomically(path, fill)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, ["a" * 50_000, "b" * 50_000]))
    assert path.read_text() in ("a" * 50_000, "b" * 50_000)
    assert names(tmp_path) == ["note.txt"]


def test_no_more_of_a_file_is_read_than_allowed(tmp_path):
    path = tmp_path / "note.txt"
    path.write_bytes(b"12345")
    assert read_limited(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_limited(path, 4)
    with pytest.raises(OSError, match="not a regular file"):
        read_limited(tmp_path, 4)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        read_limited(tmp_path / "pipe", 4)
    with pytest.raises(FileNotFoundError):
        read_limited(tmp_path / "nowhere", 4)
