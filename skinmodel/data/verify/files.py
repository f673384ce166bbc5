"""The files of a data set by name, size and time, without opening any."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from skinmodel.data import masks
from skinmodel.data.download.partial import SUFFIX as UNFINISHED
from skinmodel.data.image_files import SUFFIXES, to_image_id
from skinmodel.data.verify.layout import Kind, Layout, find_folder, find_parts
from skinmodel.errors import DatasetError, escape

_MAX_NAME: Final = 255


@dataclass(frozen=True)
class FoundFile:
    """A file of a data set.

    Attributes:
        path: where it is.
        image_id: the image it is of; for a table, its name.
        part: the folder's name; None for a table.
        kind: as its part's; ``table`` for a table.
        bytes: its size.
        modified: time of its last change, in nanoseconds since 1970.
    """

    path: Path
    image_id: str
    part: str | None
    kind: Kind | Literal["table"]
    bytes: int
    modified: int


def list_files(root: Path, layout: Layout) -> tuple[FoundFile, ...]:
    """Return the tables, images and masks of a data set by name, without opening any.

    Hidden files, sub-folders and files of other kinds are passed over.

    Raises:
        DatasetError: a folder may not be read.
    """
    try:
        return tuple(_list_files(root, layout))
    except OSError as error:
        raise DatasetError(
            f"'{error.filename or root}' cannot be read ({error.strerror}). Check its permissions "
            "and the disk."
        ) from error


def _list_files(root: Path, layout: Layout) -> list[FoundFile]:
    tables = [root / name for name in layout.tables]
    found = [_describe(t, t.stat(), t.name, None, "table") for t in tables if t.is_file()]
    for part in find_parts(root, layout):
        folder = root / part.name
        if folder.is_dir():
            read_id = to_mask_id if part.kind == "masks" else to_id
            with os.scandir(folder) as entries:
                files = [e for e in entries if is_image_name(e.name) and e.is_file()]
                for entry in sorted(files, key=lambda e: e.name):
                    image_id, path = read_id(entry.name), folder / entry.name
                    found.append(_describe(path, entry.stat(), image_id, part.name, part.kind))
    return found


def list_unfinished(data: Path, layout: Layout) -> tuple[Path, ...]:
    """Return what a download that is in work, or was broken off, has left so far."""
    folders = {data / layout.folder, find_folder(data, layout) or data / layout.folder}
    return tuple(sorted(f for folder in folders for f in folder.glob(f"*{UNFINISHED}")))


def compute_fingerprint(root: Path, files: Iterable[FoundFile]) -> str:
    """Return what changes when a file is added, removed, renamed or written: names, sizes, times.

    A file whose bytes change while its size and its time do not is not noticed.
    """
    digest = hashlib.sha256()
    for file in files:
        name = file.path.relative_to(root).as_posix()
        digest.update(f"{name}\0{file.bytes}\0{file.modified}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]


def is_image_name(name: str) -> bool:
    """Return whether a file is an image by its name."""
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def to_id(name: str) -> str:
    """Return the image id in the name of an image file."""
    return to_image_id(to_text(Path(name).stem))


def to_mask_id(name: str) -> str:
    """Return the id of the image that a mask file belongs to."""
    return to_text(Path(name).stem).removesuffix(masks.SUFFIX)


def to_text(name: str) -> str:
    """Return a file's name as text that any report or terminal can show, whatever it is made of."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return escape(text, limit=_MAX_NAME)


def _describe(
    path: Path,
    stat: os.stat_result,
    image_id: str,
    part: str | None,
    kind: Kind | Literal["table"],
) -> FoundFile:
    return FoundFile(path, image_id, part, kind, stat.st_size, stat.st_mtime_ns)
