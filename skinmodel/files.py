"""Files written whole or not at all, whatever happens meanwhile, and read up to a limit."""

import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

MAX_DEPTH: Final = 20
"""Deepest nesting of JSON that is read; a report has 6, a manifest 7."""


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Write ``path`` through a temporary file beside it, flushed to disk before it is renamed.

    Args:
        path: the file to make or replace; its folder is made if need be.
        write: writes the content to the path it is given.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old content is untouched
            and no temporary file stays behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two threads may write one file at once: each needs a temporary file of its own.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        write(temporary)
        flush_to_disk(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    flush_to_disk(path.parent)


def read_limited(path: Path, limit: int) -> bytes:
    """Return a regular file's bytes without ever holding more than ``limit`` of them.

    Raises:
        OSError: it cannot be read, is no regular file (a pipe could keep us waiting for ever), or
            is larger.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with path.open("rb") as file:
        # Not by its size alone: what grows meanwhile, or has no size, is noticed too.
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit:,} bytes", str(path))
    return content


def read_json(path: Path, limit: int) -> Any:
    """Return a JSON file's plain values, of which nothing is known yet.

    Raises:
        OSError: as ``read_limited``.
        ValueError: it is not JSON in UTF-8, or so deeply nested that walking it could fail.
    """
    content = read_limited(path, limit)
    try:
        values = json.loads(content.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("it is too deeply nested") from error
    level = [values]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    if level:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
    return values


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    write_atomically(path, lambda temporary: _write_text(temporary, text))


def flush_to_disk(path: Path) -> None:
    """Wait until a file's or a folder's content has reached the disk (folders: POSIX only)."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
