"""Archives: what is inside, what of it is taken, and writing it out safely."""

import io
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from tqdm import tqdm

from skinmodel.data.download.fetch import SUFFIX, find_free, format_bytes
from skinmodel.data.download.sources import Contents
from skinmodel.errors import DatasetError, summarize_ids
from skinmodel.files import flush_to_disk

# A picture hardly shrinks in an archive: the real ones unpack to 1.0 to 1.2 times their size.
_MAX_RATIO: Final = 20
_SMALL: Final = 1 << 20  # below this, how far a file shrinks says nothing
_MAX_MEMBER: Final = 64 << 20
_MAX_NOTE: Final = 1 << 20
_MAX_NOTES: Final = 10
_ENTRY: Final = 512  # bytes that an entry of the directory may take; the real ones take 100 to 150

_NOTE: Final = re.compile(r"(ATTRIBUTION|LICEN[CS]E|README)(\.txt|\.md)?", re.IGNORECASE)
_LITTER: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


class UnsafeArchiveError(DatasetError):
    """An archive holds something that no release of a data set holds."""


@dataclass(frozen=True)
class Member:
    """A file to unpack.

    Attributes:
        info: where it is in the archive.
        name: what it is called in the folder, without any path.
    """

    info: zipfile.ZipInfo
    name: str


class _Guarded(io.BufferedReader):
    """An archive's file of which no more is read at once than a release's directory takes.

    zipfile reads the whole directory before anyone can count it: millions of entries, of a file of
    gigabytes, fill the memory.
    """

    def __init__(self, path: Path, count: int):
        super().__init__(io.FileIO(str(path)))
        self._limit = max(_SMALL, count * _ENTRY)
        self._end = path.stat().st_size

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._end - self.tell())
        wanted = left if size is None or size < 0 else min(size, left)
        _refuse(self.name, f"a directory of {wanted:,} bytes", wanted > self._limit)
        return super().read(wanted)


@contextmanager
def open_archive(path: Path, contents: Contents) -> Iterator[zipfile.ZipFile]:
    """Open a ZIP archive, which may be a bomb.

    Raises:
        UnsafeArchiveError: its directory is far longer than the release's.
        zipfile.BadZipFile: it is damaged.
    """
    with _Guarded(path, _count_most(contents)) as file, zipfile.ZipFile(file) as archive:
        if any(info.header_offset < 0 for info in archive.infolist()):
            raise zipfile.BadZipFile("its beginning is missing")
        yield archive


def _count_most(contents: Contents) -> int:
    # Twice: macOS writes a shadow beside every file.
    return 2 * contents.count + 100


def choose_members(archive: zipfile.ZipFile, contents: Contents) -> tuple[Member, ...]:
    """Return what belongs to the data, and the notes on licence and attribution beside it.

    Folders inside the archive are dropped: every file goes straight into the one folder. Litter of
    desktops (``__MACOSX``, ``.DS_Store``) is passed over.

    Raises:
        UnsafeArchiveError: a path that leaves the folder, a link or device, an encrypted file, a
            file of another kind, two of one name, or sizes that no real archive has.
        DatasetError: the number of data files is not the release's.
    """
    infos = archive.infolist()
    _refuse(archive.filename, f"{len(infos):,} entries", len(infos) > _count_most(contents))
    members, seen = [], set()
    for info in infos:
        _check_entry(archive, info)
        path = PurePosixPath(info.filename)
        if info.is_dir() or _is_litter(path):
            continue
        is_data = re.fullmatch(contents.members, path.name) is not None
        is_note = _NOTE.fullmatch(path.name) is not None
        _refuse(
            archive.filename, f"'{_show(info)}', a file of no expected kind", not is_data | is_note
        )
        _refuse(archive.filename, f"'{path.name}' more than once", path.name.lower() in seen)
        _refuse(
            archive.filename,
            f"'{_show(info)}', a long note",
            is_note and info.file_size > _MAX_NOTE,
        )
        seen.add(path.name.lower())
        members.append((Member(info, path.name), is_data))
    count = sum(is_data for _, is_data in members)
    _refuse(archive.filename, f"{len(members) - count} notes", len(members) - count > _MAX_NOTES)
    _check_sizes(archive, infos)
    if count != contents.count:
        names = summarize_ids(sorted(member.name for member, is_data in members if is_data))
        raise DatasetError(
            f"'{archive.filename}' holds {count:,} files of {contents.folder} where the release "
            f"has {contents.count:,}: {names or 'none'}."
        )
    return tuple(member for member, _ in members)


def _check_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    path, shown = PurePosixPath(info.filename), _show(info)
    leaves = path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", info.filename)
    _refuse(archive.filename, f"the path '{shown}'", bool(leaves) or "\\" in info.orig_filename)
    _refuse(archive.filename, f"the name '{shown}'", not info.orig_filename.isprintable())
    kind = stat.S_IFMT(info.external_attr >> 16)
    _refuse(
        archive.filename,
        f"'{shown}', a link or device",
        kind not in (0, stat.S_IFREG, stat.S_IFDIR),
    )
    _refuse(archive.filename, f"'{shown}', which is encrypted", bool(info.flag_bits & 0x1))
    method = f"'{shown}', packed by method {info.compress_type}"
    _refuse(archive.filename, method, info.compress_type not in _METHODS)


def _check_sizes(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> None:
    for info in infos:
        text = f"'{_show(info)}', which unpacks from {info.compress_size:,} to {info.file_size:,}"
        is_bomb = info.file_size > max(_SMALL, _MAX_RATIO * info.compress_size)
        _refuse(archive.filename, f"{text} bytes", is_bomb or info.file_size > _MAX_MEMBER)
    # Entries may overlap, each small and all together huge, so the file itself is the measure.
    packed = archive.fp.seek(0, 2) if archive.fp else 0
    total = sum(info.file_size for info in infos)
    text = f"{packed:,} bytes that unpack to {total:,}"
    _refuse(archive.filename, text, total > max(_SMALL, _MAX_RATIO * packed))


def _is_litter(path: PurePosixPath) -> bool:
    return "__MACOSX" in path.parts or path.name.startswith("._") or path.name in _LITTER


def _show(info: zipfile.ZipInfo) -> str:
    return info.orig_filename.encode("unicode_escape").decode("ascii")[:80]


def _refuse(name: str | Path | None, what: str, is_wrong: bool) -> None:
    if is_wrong:
        raise UnsafeArchiveError(
            f"'{name}' was not unpacked: it holds {what}, which no release has. Do not "
            "open it; ask the publisher, or check the address in the sources."
        )


BLOCK: Final = 4096
"""Bytes that the last piece of a file may take more than it has, on a usual disk."""

_CHUNK: Final = 1 << 18


class DamagedArchiveError(DatasetError):
    """An archive that cannot be read to its end."""


def unpack(file: Path, root: Path, contents: Contents) -> Path:
    """Unpack ``file`` into ``root``; the folder gets its name when the last file is in it.

    Args:
        file: ZIP archive.
        root: the data set's folder.
        contents: what is expected in it. A folder of its name is replaced at the very end.

    Returns:
        The folder.

    Raises:
        UnsafeArchiveError: see ``choose_members``.
        DamagedArchiveError: the archive is broken.
        DatasetError: the number of files is not the release's, or the disk has no room.
        OSError: the disk cannot be written.
    """
    folder, staging = root / contents.folder, root / f"{contents.folder}{SUFFIX}"
    try:
        with open_archive(file, contents) as archive:
            members = choose_members(archive, contents)
            _check_room(root, members)
            remove(staging)
            staging.mkdir()
            _write(archive, members, staging)
        _flush_all(staging)
        _put_in_place(staging, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DamagedArchiveError(f"'{file}' is a damaged ZIP archive: {error}.") from error
    finally:
        remove(staging)
    flush_to_disk(root)
    return folder


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there; of a link, only the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _put_in_place(staging: Path, folder: Path) -> None:
    old = folder.with_name(f"{folder.name}.old{SUFFIX}")
    remove(old)
    if folder.exists():
        folder.rename(old)
    staging.rename(folder)
    remove(old)


def _check_room(root: Path, members: tuple[Member, ...]) -> None:
    needed = sum(member.info.file_size + BLOCK for member in members)
    free = find_free(root)
    if needed > free:
        raise DatasetError(
            f"Unpacking needs {format_bytes(needed)} in '{root}', and {format_bytes(free)} are "
            "free. Make room and give the same command again."
        )


def _write(archive: zipfile.ZipFile, members: tuple[Member, ...], staging: Path) -> None:
    total = sum(member.info.file_size for member in members)
    name = f"unpacking {staging.stem}"
    bar = tqdm(total=total, desc=name, unit="B", unit_scale=True, disable=None, leave=False)
    with bar:
        for member in members:
            # "x": nothing that is there is ever written over. zipfile reads no more than the size
            # that was checked, and compares the CRC-32 at the end.
            with archive.open(member.info) as source, (staging / member.name).open("xb") as target:
                shutil.copyfileobj(source, target, _CHUNK)
            bar.update(member.info.file_size)


def _flush_all(folder: Path) -> None:
    """Have the files on the disk before the folder gets its name: a power cut tears no hole."""
    if hasattr(os, "sync"):
        os.sync()  # one call for 25,000 files
    else:
        for path in folder.iterdir():
            flush_to_disk(path)
    flush_to_disk(folder)
