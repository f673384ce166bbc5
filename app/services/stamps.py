"""When cached files have to be read anew."""

from collections.abc import Iterable
from pathlib import Path

Stamps = tuple[tuple[str, int], ...]


def stamp(files: Iterable[Path]) -> Stamps:
    """Return what changes when one of the files is written, added or removed."""
    return tuple((str(f), f.stat().st_mtime_ns) for f in sorted(files) if f.is_file())
