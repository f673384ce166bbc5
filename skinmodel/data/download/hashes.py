"""What a file is, by size and hash, and whether it is the one that was published."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tqdm import tqdm

from skinmodel.data.download.sources import Algorithm, RemoteFile

_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Measure:
    """Size and hashes of a file on the disk.

    Attributes:
        size: in bytes.
        hashes: hexadecimal, by algorithm.
    """

    size: int
    hashes: dict[Algorithm, str]

    def is_of(self, file: RemoteFile) -> bool:
        """Return whether nothing that is known of ``file`` speaks against it."""
        size_fits = file.size is None or file.size == self.size
        return size_fits and all(self.hashes[a] == value for a, value in file.hashes.items())

    def describe(self, file: RemoteFile) -> str:
        """Return received and expected, for an error message."""
        pairs = [("bytes", f"{self.size:,}", f"{file.size:,}")] if file.size else []
        pairs += [(a, self.hashes[a], value) for a, value in file.hashes.items()]
        return "; ".join(
            f"{name} {found}, expected {value}" for name, found, value in pairs if found != value
        )


def measure(path: Path, algorithms: Collection[Algorithm]) -> Measure:
    """Read a whole file once and return its size and hashes.

    Args:
        path: of the file.
        algorithms: of the hashes; none: the file is not read.
    """
    size = path.stat().st_size
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in sorted(algorithms)}
    if digests:
        name = f"checking {path.name}"
        bar = tqdm(total=size, desc=name, unit="B", unit_scale=True, disable=None, leave=False)
        with bar, path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                for digest in digests.values():
                    digest.update(chunk)
                bar.update(len(chunk))
    return Measure(size, {name: digest.hexdigest() for name, digest in digests.items()})
