"""Unpack a ZIP archive into a folder that is there whole or not at all."""

import os
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import Final

from tqdm import tqdm

from skinmodel.data.download.amounts import find_free, format_bytes
from skinmodel.data.download.members import Member, choose_members, open_archive
from skinmodel.data.download.partial import SUFFIX
from skinmodel.data.download.sources import Contents
from skinmodel.errors import DatasetError
from skinmodel.files import flush_to_disk

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
