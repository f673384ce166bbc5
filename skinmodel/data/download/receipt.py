"""The list, beside the data, of what this command has put there."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from skinmodel.data.download.hashes import Measure
from skinmodel.data.download.sources import Algorithm, Release
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
