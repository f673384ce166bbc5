"""Amounts of bytes in words, and the room on a disk."""

import shutil
from pathlib import Path


def format_bytes(count: float) -> str:
    """Return bytes as a reader takes them in: ``690 kB``, ``1.4 GB`` (powers of 1,000)."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            digits = 1 if count < 10 * size else 0
            return f"{count / size:.{digits}f} {unit}"
    return f"{count:.0f} bytes"


def find_free(folder: Path) -> int:
    """Return the bytes free on the disk where ``folder`` is, or would be."""
    place = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    return shutil.disk_usage(place).free
