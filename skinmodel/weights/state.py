"""Whether a record's weights file can be used: one decision, apart from the reading it needs."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from skinmodel.errors import WeightsError
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.models.registry import ModelSpec
from skinmodel.weights.record import WeightsRecord


class WeightsState(StrEnum):
    """What a record's weights file is good for.

    MISSING: there is no such file.
    CORRUPT: there is one, but not of the size and SHA-256 of the record.
    STALE: it is the recorded one, but this program no longer has the network it was trained for:
        the registry does not know the model, or gives it another input size.
    OK: it is the recorded one and fits.
    """

    MISSING = "missing"
    CORRUPT = "corrupt"
    STALE = "stale"
    OK = "ok"


@dataclass(frozen=True)
class FileFacts:
    """What is known of a file.

    Attributes:
        exists: whether there is a regular file.
        size: in bytes; 0 without a file.
        sha256: 64 lower-case hexadecimal digits; empty without a file.
    """

    exists: bool
    size: int = 0
    sha256: str = ""


def decide(record: WeightsRecord, facts: FileFacts, spec: ModelSpec | None) -> WeightsState:
    """Return what a weights file is good for; reads nothing.

    Args:
        record: what the manifest says.
        facts: what was found.
        spec: the network of the record's model as the program has it now; None if it has none.
    """
    if not facts.exists:
        return WeightsState.MISSING
    if (facts.size, facts.sha256) != (record.bytes, record.sha256):
        return WeightsState.CORRUPT
    if spec is None or _input_size(spec.preprocessing) != _input_size(record.preprocessing):
        return WeightsState.STALE
    return WeightsState.OK


def read_facts(path: Path) -> FileFacts:
    """Return size and hash of a file.

    Raises:
        WeightsError: the file is there but cannot be read.
    """
    if not path.is_file():
        return FileFacts(exists=False)
    try:
        return FileFacts(True, path.stat().st_size, sha256_of(path))
    except OSError as error:
        raise WeightsError(
            f"The weights file '{path}' cannot be read ({error}). Give yourself the right to read "
            "it, or restore it from the repository."
        ) from error


def facts_of(data: bytes) -> FileFacts:
    """Return size and hash of a file's content that is already read."""
    return FileFacts(True, len(data), hashlib.sha256(data).hexdigest())


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file of any size, as 64 lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _input_size(preprocessing: Preprocessing) -> tuple[int, int]:
    return preprocessing.height, preprocessing.width
