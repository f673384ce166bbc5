"""The manifest of a weights folder: ``manifest.json``, one record a weights file.

A folder of weights is its manifest: a file that no record names is never loaded.
"""

import json
import reprlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from skinmodel.errors import WeightsError
from skinmodel.files import read_json, write_text
from skinmodel.weights.record import WeightsRecord, check_keys

MANIFEST: Final = "manifest.json"
MAX_BYTES: Final = 16 * 1024 * 1024
"""Largest manifest that is read; one record takes about 4 kB."""
_LOCK: Final = ".manifest.lock"
_LOCK_SECONDS: Final = 60.0


def read_manifest(folder: Path) -> tuple[WeightsRecord, ...]:
    """Return the records of a weights folder; none where it has no manifest.

    Raises:
        WeightsError: the manifest cannot be read; it is named.
    """
    path = folder / MANIFEST
    try:
        content = read_json(path, MAX_BYTES)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"The weights manifest '{path}' cannot be read ({error}). Restore it from the "
            "repository or a backup, or remove it to start an empty store."
        ) from error
    try:
        if not isinstance(content, dict):
            raise WeightsError(f"It holds {reprlib.repr(content)}; expected an object.")
        check_keys("It", content, ("weights",))
        if not isinstance(content["weights"], list):
            raise WeightsError("Its 'weights' are no list.")
        records = tuple(WeightsRecord.from_dict(values) for values in content["weights"])
        _check_unique(records)
    except WeightsError as error:
        raise WeightsError(f"The weights manifest '{path}' cannot be used. {error}") from error
    return records


def write_manifest(folder: Path, records: Sequence[WeightsRecord]) -> None:
    """Write the manifest of a weights folder, whole or not at all.

    Two processes that read, change and write need ``lock_manifest`` around all three.

    Raises:
        WeightsError: two records of one run, or the file cannot be written; the old content
            stays.
    """
    _check_unique(records)
    ordered = sorted(records, key=lambda r: (r.model, r.created_at, r.run_id))
    content = {"weights": [record.to_dict() for record in ordered]}
    path = folder / MANIFEST
    try:
        write_text(path, json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    except OSError as error:
        raise WeightsError(
            f"The weights manifest '{path}' could not be written ({error}); what it held before "
            "is untouched. Free some space or choose a folder you may write to (SKINMODEL_HOME)."
        ) from error


def replace_record(
    records: Iterable[WeightsRecord], record: WeightsRecord
) -> tuple[WeightsRecord, ...]:
    """Return ``records`` with ``record`` in place of the one of the same model and run, if any."""
    key = (record.model, record.run_id)
    return (*(r for r in records if (r.model, r.run_id) != key), record)


@contextmanager
def lock_manifest(folder: Path) -> Iterator[None]:
    """Keep every other thread and process from changing the folder's manifest.

    Raises:
        WeightsError: it stays locked by another for a minute, or the folder cannot be written.
    """
    lock = FileLock(folder / _LOCK, timeout=_LOCK_SECONDS)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except (Timeout, OSError) as error:
        raise WeightsError(
            f"The weights folder '{folder}' cannot be locked for writing ({error}). Wait for the "
            "other process, or choose a folder you may write to (SKINMODEL_HOME)."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _check_unique(records: Sequence[WeightsRecord]) -> None:
    keys = Counter((r.model, r.run_id) for r in records)
    twice = sorted(f"{model}/{run}" for (model, run), count in keys.items() if count > 1)
    if twice:
        raise WeightsError(f"More than one record for {', '.join(twice)}; keep one of each.")
