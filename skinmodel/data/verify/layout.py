"""Which files a data set has, where they lie, and whether all of them are there."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from skinmodel.data import masks
from skinmodel.data.download.fetch import SUFFIX as UNFINISHED
from skinmodel.data.image_files import to_image_id, walk
from skinmodel.data.sets import ham10000, ham10000_files, isic2019
from skinmodel.data.sets.ham10000_files import list_images
from skinmodel.errors import DatasetError, UnknownNameError, escape

Kind = Literal["images", "masks"]

FIRST_PART_COUNT: Final = 5_000
"""Images in HAM10000's first part; the second has the other 5,015."""


@dataclass(frozen=True)
class Part:
    """A folder of a release.

    Attributes:
        name: the folder's name; ``.`` for the data set's own.
        kind: what its files are.
        count: how many the release has.
    """

    name: str
    kind: Kind
    count: int


@dataclass(frozen=True)
class Layout:
    """How a release is laid out.

    Attributes:
        name: on the command line.
        title: in words.
        folder: the name of its folder.
        tables: the files with labels and metadata.
        parts: the folders of images, and of masks where it has any.
        merged: a single folder that may stand instead of several of images, or None.
        how_to_get: what to do where it is missing.
    """

    name: str
    title: str
    folder: str
    tables: tuple[str, ...]
    parts: tuple[Part, ...]
    merged: Part | None
    how_to_get: str

    @property
    def image_count(self) -> int:
        """Images in the whole release."""
        return sum(part.count for part in self.parts if part.kind == "images")


HAM10000: Final = "ham10000"
ISIC2019: Final = "isic2019"
NAMES: Final = (HAM10000, ISIC2019)


def get_layout(name: str) -> Layout:
    """Return the layout of a release.

    Raises:
        UnknownNameError: there is no release of this name.
    """
    if name == HAM10000:
        whole = ham10000.IMAGE_COUNT
        first, second, merged = ham10000.IMAGE_FOLDERS
        return Layout(
            HAM10000,
            "HAM10000",
            "HAM10000",
            (ham10000.METADATA,),
            (
                Part(first, "images", FIRST_PART_COUNT),
                Part(second, "images", whole - FIRST_PART_COUNT),
                Part(masks.FOLDER, "masks", whole),
            ),
            Part(merged, "images", whole),
            ham10000.HOW_TO_GET,
        )
    if name == ISIC2019:
        images = Part(isic2019.IMAGES, "images", isic2019.ROW_COUNT)
        tables = (isic2019.TRUTH, isic2019.METADATA)
        how = isic2019.HOW_TO_GET
        return Layout(ISIC2019, "ISIC 2019", "ISIC2019", tables, (images,), None, how)
    raise UnknownNameError("data set", name, NAMES)


def find_folder(data: Path, layout: Layout) -> Path | None:
    """Return ``data/FOLDER`` or ``data`` itself, whichever holds any piece of the release first."""
    roots = ham10000_files.find_roots(data) if layout.merged else (data / layout.folder, data)
    return next((root for root in roots if root.is_dir() and _has_pieces(root, layout)), None)


def _has_pieces(root: Path, layout: Layout) -> bool:
    names = {*layout.tables, *(part.name for part in layout.parts)}
    if layout.merged is None:
        return any((root / name).exists() for name in names)
    here = {path.name.lower() for path in root.iterdir()}
    wanted = {name.lower() for name in (*names, layout.merged.name)}
    return bool(here & wanted) or ham10000_files.find_table(root) is not None


def find_tables(root: Path, layout: Layout) -> dict[str, Path]:
    """Return the tables that are there by their names in the release; mirrors spell them anew."""
    if layout.merged is not None:
        found = ham10000_files.find_table(root)
        return {} if found is None else {layout.tables[0]: found}
    return {name: root / name for name in layout.tables if (root / name).is_file()}


def find_parts(root: Path, layout: Layout) -> tuple[Part, ...]:
    """Return the folders to look into, which may be one for several, or the root itself.

    They are those that the reader of the index looks into. A part that is missing stands among
    them too.
    """
    if layout.merged is None:
        return layout.parts
    images = [part for part in layout.parts if part.kind == "images"]
    others = tuple(part for part in layout.parts if part.kind != "images")
    found = [path for path in ham10000_files.find_parts(root) if path != root]
    if not found:
        if not ham10000_files.list_images(root, root):
            return layout.parts
        return (Part(".", "images", layout.merged.count), *others)
    named = {part.name.lower(): part for part in (*images, layout.merged)}
    here = tuple(
        replace(named.get(path.name.lower(), layout.merged), name=path.name) for path in found
    )
    if any(part.count == layout.merged.count for part in here):
        return (*here, *others)
    names = {part.name.lower() for part in here}
    missing = tuple(part for part in images if part.name.lower() not in names)
    return (*here, *missing, *others)


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
    tables = find_tables(root, layout).items()
    found = [_describe(path, path.stat(), name, None, "table") for name, path in tables]
    for part in find_parts(root, layout):
        folder = root / part.name if part.name != "." else root
        if folder.is_dir():
            read_id = to_mask_id if part.kind == "masks" else to_id
            for path in _list_part(folder, root, layout):
                image_id = read_id(path.name)
                found.append(_describe(path, path.stat(), image_id, part.name, part.kind))
    return found


def _list_part(folder: Path, root: Path, layout: Layout) -> Sequence[Path]:
    with os.scandir(folder):  # one that may not be read is an error here, not passed over
        pass
    return walk(folder).files if layout.merged is None else list_images(folder, root)


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
