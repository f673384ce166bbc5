"""One file over HTTP: its unfinished part on disk, going on with it, and the room it needs."""

import json
import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import requests
from pydantic import TypeAdapter, ValidationError
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from skinmodel.data.download.answers import (
    BrokenError,
    check_status,
    explain_failure,
    read_total,
    read_validator,
    show_address,
)
from skinmodel.data.download.http import Patience, Session
from skinmodel.errors import DatasetError
from skinmodel.files import read_limited, write_text


def format_bytes(count: float) -> str:
    """Return bytes as a reader takes them in: ``690 kB``, ``1.4 GB`` (powers of 1,000)."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            digits = 1 if count < 10 * size else 0
            return f"{count / size:.{digits}f} {unit}"
    return f"{count:.0f} bytes"


def find_free(folder: Path) -> int:
    """Return the bytes free on the disk where ``folder`` is, or would be."""
    place = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    return shutil.disk_usage(place).free


SUFFIX: Final = ".part"
_NOTE: Final = ".json"
_MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Origin:
    """Which version of which file the bytes are of.

    Attributes:
        url: the configured address.
        validator: strong ETag, or Last-Modified, to be sent as If-Range; None where neither came.
        total: size of the whole file in bytes; None where the host does not tell.
    """

    url: str
    validator: str | None
    total: int | None

    def differs_from(self, other: "Origin") -> bool:
        """Return whether both tell their version or size, and not the same."""
        pairs = ((self.validator, other.validator), (self.total, other.total))
        return any(a is not None and b is not None and a != b for a, b in pairs)


_VALIDATOR: Final = TypeAdapter(Origin)


@dataclass(frozen=True)
class Partial:
    """The file ``NAME.part`` and the note ``NAME.part.json`` beside it.

    Attributes:
        path: of the bytes.
    """

    path: Path

    @classmethod
    def of(cls, target: Path) -> "Partial":
        """Return where ``target`` is while it is on its way."""
        return cls(target.with_name(target.name + SUFFIX))

    @property
    def _note(self) -> Path:
        return self.path.with_name(self.path.name + _NOTE)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def read_origin(self) -> Origin | None:
        """Return what the bytes are of; None where nobody knows."""
        try:
            return _VALIDATOR.validate_json(read_limited(self._note, _MAX_BYTES))
        except (OSError, ValidationError):
            return None

    def begin(self, origin: Origin) -> None:
        """Start anew, noting what the bytes to come are of before the first of them comes."""
        self.discard()
        write_text(self._note, json.dumps(asdict(origin)))
        self.path.touch()

    def discard(self) -> None:
        """Throw the bytes away."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def move_to(self, target: Path) -> None:
        """Put the whole file in its place."""
        self.path.replace(target)
        self._note.unlink(missing_ok=True)


log = logging.getLogger(__name__)

_CHUNK: Final = 1 << 16
_PROGRESS: Final = 1 << 20  # fewer new bytes do not count as getting on


def fetch(
    url: str,
    target: Path,
    session: Session,
    size: int | None = None,
    patience: Patience | None = None,
) -> Partial:
    """Bring ``target``'s partial file to its full length.

    The host's own length is checked; hashes are for the caller.

    Args:
        url: where.
        target: what it will be called in the end; it is not touched.
        session: see there.
        size: in bytes, which the whole file must have; None where it is not known.
        patience: how often to try again.

    Raises:
        DatasetError: the host does not give the file, or a file of another size.
        OSError: the disk is full or cannot be written; what has come is kept.
    """
    patience = patience or Patience()
    partial = Partial.of(target)
    failures, best = 0, partial.size
    while True:
        try:
            _receive(url, partial, session, size, patience)
        except BrokenError as broken:
            gained = partial.size - best
            failures = 1 if gained >= _PROGRESS else failures + 1
            best = max(best, partial.size)
            _wait(target.name, url, broken, failures, partial.size, patience)
        else:
            return partial


def _wait(
    name: str, url: str, broken: BrokenError, failures: int, size: int, patience: Patience
) -> None:
    wait = patience.wait_before(failures, broken.wait)
    kept = f"{format_bytes(size)} are kept. " if size else ""
    kept += "Give the same command again to go on."
    where = f"{name} could not be fetched from {show_address(url)}"
    if failures >= patience.tries:
        raise DatasetError(f"{where} in {failures} tries; the last: {broken}. {kept}") from broken
    if wait > patience.longest_asked:
        raise DatasetError(f"{where}: the host asks to wait {wait:,.0f} s. {kept}") from broken
    log.info("%s: %s; trying again in %.0f s", name, broken, wait)
    patience.sleep(wait)


def _receive(
    url: str,
    partial: Partial,
    session: Session,
    size: int | None,
    patience: Patience,
) -> None:
    """Make one request for what is missing and add it to the partial file."""
    origin, offset = partial.read_origin(), partial.size
    if origin and origin.url == url and offset and offset == origin.total:
        return
    if origin is None or origin.url != url or offset > (origin.total or offset):
        partial.discard()  # of another file, or longer than it can be
        origin, offset = None, 0
    headers = _ask_for(origin, offset)
    timeout = (patience.connect, patience.read)
    try:
        with session.get(url, headers=headers, stream=True, timeout=timeout) as response:
            if response.status_code == 416:
                partial.discard()  # the file there is another one now
            check_status(response)
            total = _decide(response, url, partial, origin, offset, size)
            _write(response, partial, total, patience)
    except (requests.RequestException, HTTPError) as error:
        raise explain_failure(error) from error


def _ask_for(origin: Origin | None, offset: int) -> dict[str, str]:
    if origin is None or offset == 0:
        return {}
    headers = {"Range": f"bytes={offset}-"}
    if origin.validator:
        headers["If-Range"] = origin.validator
    return headers


def _decide(
    response: requests.Response,
    url: str,
    partial: Partial,
    origin: Origin | None,
    offset: int,
    size: int | None,
) -> int:
    """Make the partial file ready for the answer's bytes and return the whole file's size."""
    try:
        total = read_total(response, offset)
    except BrokenError:
        partial.discard()
        raise
    if total is not None and size is not None and total != size:
        raise DatasetError(
            f"{show_address(url)} offers {total:,} bytes where the release has {size:,}. If the "
            "publisher has changed the file, name its new size and hash with --sources FILE."
        )
    whole = total if size is None else size
    if whole is None:
        raise DatasetError(
            f"{show_address(url)} does not tell how long the file is, so that a broken one would "
            "pass for whole. Name its size with --sources FILE."
        )
    _check_room(partial, whole)
    now = Origin(url, read_validator(response), total)
    if response.status_code == 200:  # the first answer, a changed file, or a host without ranges
        partial.begin(now)
    elif origin is None or now.differs_from(origin):
        partial.discard()
        raise BrokenError("the file there has changed since the download began")
    return whole


def _check_room(partial: Partial, total: int) -> None:
    """Refuse what does not fit on the disk; sizes that only the host tells are not planned for."""
    missing, free = total - partial.size, find_free(partial.path.parent)
    if missing > free:
        raise DatasetError(
            f"{partial.path.stem} needs {format_bytes(missing)} more in '{partial.path.parent}', "
            f"and {format_bytes(free)} are free. Make room, or name a folder on another disk."
        )


def _write(
    response: requests.Response,
    partial: Partial,
    total: int,
    patience: Patience,
) -> None:
    start = partial.size
    name = partial.path.stem
    bar = tqdm(
        total=total, initial=start, desc=name, unit="B", unit_scale=True, disable=None, leave=False
    )
    with bar, partial.path.open("ab") as file:
        for chunk in _read_steadily(response, patience):
            file.write(chunk)
            start += len(chunk)
            bar.update(len(chunk))
            if start > total:
                break
    if start > total:
        partial.discard()
        raise BrokenError(f"more than the {total:,} bytes that were announced came")
    if start < total:
        raise BrokenError(f"the answer ended at {start:,} of {total:,} bytes")


def _read_steadily(response: requests.Response, patience: Patience) -> Iterator[bytes]:
    """Yield an answer's body as it comes.

    Raises:
        BrokenError: it comes so slowly that it would never end.
    """
    began, came = time.monotonic(), 0
    # Whatever is there: to wait for a whole block would hide how slowly it comes.
    while chunk := response.raw.read1(_CHUNK, decode_content=False):
        yield chunk
        came += len(chunk)
        passed = time.monotonic() - began
        if passed >= patience.span:
            if came < patience.rate * passed:
                raise BrokenError(f"the host sends {came / passed:,.0f} bytes a second only")
            began, came = time.monotonic(), 0
