"""What is to be fetched, by what an earlier download left: files, parts and its receipt."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from skinmodel.data.download.fetch import Partial
from skinmodel.data.download.sources import (
    Algorithm,
    Contents,
    Measure,
    Release,
    RemoteFile,
    measure,
)
from skinmodel.data.download.unpack import BLOCK
from skinmodel.files import read_limited, write_text

NAME: Final = "download.json"
LICENCE: Final = "LICENCE_AND_CITATION.txt"
_MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file that was fetched.

    Attributes:
        url: where it was fetched.
        size: in bytes.
        hashes: hexadecimal, by algorithm; empty where none is published.
        files: how many data files were unpacked from it; None where it is no archive.
        bytes: their sizes together, or its own.
        finished: when, ISO 8601 in UTC.
    """

    url: str
    size: int
    hashes: dict[Algorithm, str]
    files: int | None
    bytes: int
    finished: str


@dataclass(frozen=True)
class Receipt:
    """What the file holds.

    Attributes:
        files: by name.
    """

    files: dict[str, Entry]


_VALIDATOR: Final = TypeAdapter(Receipt)


def read_receipt(root: Path) -> dict[str, Entry]:
    """Return the entries by file name; nothing where there is no receipt or it is damaged.

    Without its receipt a file is judged like one that was put there by hand.
    """
    try:
        return _VALIDATOR.validate_json(read_limited((root / NAME), _MAX_BYTES)).files
    except (OSError, ValidationError):
        return {}


def add_entry(
    root: Path, name: str, url: str, measured: Measure, unpacked: tuple[int, int] | None
) -> None:
    """Write down that a file is here, whole.

    Args:
        root: the data set's folder.
        name: of the file.
        url: where it came from.
        measured: of the file as it was fetched.
        unpacked: number of data files unpacked from it and their bytes together, or None.
    """
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    files, size = unpacked or (None, measured.size)
    entries = read_receipt(root)
    entries[name] = Entry(url, measured.size, measured.hashes, files, size, finished)
    write_text(root / NAME, json.dumps(asdict(Receipt(entries)), indent=2) + "\n")


def describe_licence(release: Release) -> str:
    """Return licence and citation in words."""
    cite = "\n".join(f"- {citation}" for citation in release.citations)
    return (
        f"{release.title}\n\nLicence: {release.licence}\nTerms: {release.terms}\n\nCite:\n{cite}\n"
    )


def write_licence(root: Path, release: Release) -> None:
    """Store licence and citation beside the data."""
    write_text(root / LICENCE, describe_licence(release))


class State(StrEnum):
    """What is there of a file of a release."""

    HERE = "here"
    MISSING = "missing"
    FETCHED = "fetched, to be unpacked"
    DAMAGED = "changed since it was fetched"
    FOREIGN = "not as released, and not from this command"


@dataclass(frozen=True)
class Step:
    """One file of a release and what is there of it.

    Attributes:
        file: the file.
        state: what is there.
        path: of what is there, or will be.
        have: bytes of it that need not be fetched again.
        found: what was found, in words, where it is not as released.
        measured: of an archive that is here and only has to be unpacked.
    """

    file: RemoteFile
    state: State
    path: Path
    have: int = 0
    found: str = ""
    measured: Measure | None = None


def find_root(data: Path, release: Release) -> Path:
    """Return the data set's folder: ``data`` itself where it holds a piece of it already."""
    names = {name for file in release.files for name in (file.name, file.target)}
    below = data / release.folder
    if not below.exists() and any((data / name).exists() for name in names):
        return data
    return below


def make_plan(root: Path, release: Release, *, test: bool) -> tuple[Step, ...]:
    """Decide for every file of the release, in order.

    Single files and archives that are here are read whole where a hash of them is known.

    Args:
        root: the data set's folder, which need not exist.
        release: what there should be.
        test: also the files of the test set.

    Raises:
        OSError: a file or a folder may not be read.
    """
    receipt = read_receipt(root)
    wanted = [file for file in release.files if test or file.subset != "test"]
    return tuple(_decide(root, release, file, receipt) for file in wanted)


def compute_need(steps: Iterable[Step], *, keep: bool) -> int:
    """Return the bytes that the disk must have free: the most that there is at any moment.

    An archive of pictures unpacks to about its own size, plus what each file's last block wastes.

    Args:
        steps: the plan.
        keep: archives stay after they were unpacked.
    """
    taken = most = 0
    for step in steps:
        if step.state is State.HERE:
            continue
        size = step.file.size or 0
        taken += size - min(step.have, size)
        most = max(most, taken)
        if step.file.unpack:
            taken += size + size // 20 + step.file.unpack.count * BLOCK
            most = max(most, taken)
            taken -= 0 if keep else size
    return max(most, 0)


def look_into(folder: Path, contents: Contents) -> tuple[int, int]:
    """Return how many data files a folder holds and their bytes together; opens none."""
    with os.scandir(folder) as entries:
        data = [e for e in entries if re.fullmatch(contents.members, e.name) and e.is_file()]
        return len(data), sum(entry.stat().st_size for entry in data)


def _decide(root: Path, release: Release, file: RemoteFile, receipt: Mapping[str, Entry]) -> Step:
    entry = receipt.get(file.name)
    if file.unpack is None:
        return _decide_file(root / file.name, file, entry)
    folder = root / file.unpack.folder
    if folder.is_dir() and any(folder.iterdir()):
        step = _decide_folder(folder, file, file.unpack, entry)
        if step.state is State.HERE:
            return step
        archive = _decide_file(root / file.name, file, None)  # one that was kept serves again
        return replace(step, have=archive.have, measured=archive.measured)
    if _is_merged(root, release, file):
        return Step(file, State.HERE, root / file.unpack.folder)
    step = _decide_file(root / file.name, file, None)
    return replace(step, state=State.FETCHED) if step.state is State.HERE else step


def _decide_file(path: Path, file: RemoteFile, entry: Entry | None) -> Step:
    if not path.is_file():
        return Step(file, State.MISSING, path, Partial.of(path).size)
    known = file.hashes or (entry.hashes if entry else {})
    found = measure(path, {*known, *file.hashes})
    if found.is_of(file) and all(found.hashes[name] == value for name, value in known.items()):
        return Step(file, State.HERE, path, found.size, measured=found)
    state = State.DAMAGED if entry else State.FOREIGN
    return Step(file, state, path, found=found.describe(file) or "another hash than when fetched")


def _decide_folder(folder: Path, file: RemoteFile, contents: Contents, entry: Entry | None) -> Step:
    count, size = look_into(folder, contents)
    text = f"{count:,} files, expected {contents.count:,}"
    if entry is None:
        state = State.HERE if count == contents.count else State.FOREIGN
        return Step(file, state, folder, found=text)
    if (count, size) == (entry.files, entry.bytes):
        return Step(file, State.HERE, folder)
    return Step(file, State.DAMAGED, folder, found=f"{text}; {size:,} bytes, {entry.bytes:,} put")


def _is_merged(root: Path, release: Release, file: RemoteFile) -> bool:
    merged = release.merged
    if merged is None or file.unpack is None or file.name not in merged.files:
        return False
    folder = root / merged.folder
    contents = Contents(merged.folder, file.unpack.members, merged.count)
    return folder.is_dir() and look_into(folder, contents)[0] == merged.count
