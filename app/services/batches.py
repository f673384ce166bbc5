"""Many pictures at once: what a session has sent for sorting, in memory only and within bounds.

The files stay as they were sent, so that a row can be opened again; pictures are decoded one at a
time. All sessions together hold at most ``MOST_BYTES``: where more comes, the oldest batch loses
its files, and keeps its results.
"""

import io
import threading
import weakref
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

import streamlit as st

from app import services
from app.services.attempts import Problem
from app.services.pictures import Analysis, Origin, Picture, fit_to_screen
from skinmodel.data.image_files import LEFT_OVER, OTHER_KINDS, SUFFIXES, is_left_over
from skinmodel.explain.overlay import encode_png
from skinmodel.imaging.images import MAX_BYTES
from skinmodel.results import Prediction

MOST: Final = 200
"""Pictures of a batch."""
MOST_BYTES: Final = 260 * 1024**2
"""Of all sessions' batches together: what one session may send at most."""
_DIRECTORY: Final = 2 * 1024**2  # bytes of a ZIP's list of its files, some 40,000 entries
_THUMBNAIL: Final = 96
_ZIP: Final = b"PK\x03\x04"
_GONE: Final = "The server no longer holds this file. Send the batch again."


@dataclass(frozen=True)
class Entry:
    """A picture of a batch, not opened yet.

    Attributes:
        name: as the person calls it, to tell the rows apart; it stays in the session.
        file: its place among the files that were sent.
        member: its name within a ZIP; None for a file that was sent by itself.
    """

    name: str
    file: int
    member: str | None = None


class Shelf:
    """The files of one batch; they may be taken away to make room for others'."""

    def __init__(self, files: Sequence[tuple[str, bytes]]):
        self.names = tuple(name for name, _ in files)
        self._data: tuple[bytes, ...] | None = tuple(data for _, data in files)
        self.size = sum(len(data) for _, data in files)

    def clear(self) -> None:
        """Forget the files."""
        self._data, self.size = None, 0

    def read(self, entry: Entry) -> bytes | Problem:
        """Return a picture's bytes; of one in a ZIP not more than a picture may have."""
        if self._data is None:
            return Problem(_GONE)
        data = self._data[entry.file]
        if entry.member is None:
            return data
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(entry.member) as file:
                return file.read(MAX_BYTES + 1)
        except RuntimeError:
            return Problem("This file in the ZIP is locked with a password. Pack it without one.")
        except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, ValueError, KeyError):
            return Problem("This file in the ZIP is damaged. Pack it anew.")


class _Shelves:
    """Every session's shelf, the oldest first; a session that ends takes its own along."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: list[weakref.ref[Shelf]] = []

    def add(self, shelf: Shelf) -> None:
        """Keep a shelf, and empty the oldest until all together fit."""
        with self._lock:
            here = [(known, held) for known in self._known if (held := known()) is not None]
            total = shelf.size + sum(held.size for _, held in here)
            for _, held in here:
                if total > MOST_BYTES:
                    total -= held.size
                    held.clear()
            self._known = [known for known, held in here if held.size]
            self._known.append(weakref.ref(shelf))


@st.cache_resource(show_spinner=False)
def _get_shelves() -> _Shelves:
    return _Shelves()


@dataclass
class Row:
    """What became of a picture.

    Attributes:
        entry: which.
        problem: why it has no answer; None where it has one.
        predictions: by network.
        sha256: of the file.
        size: (H, W) of the picture.
        note: how the file was read, if it is not as it should be.
        thumbnail: a small PNG; empty where there is no picture.
    """

    entry: Entry
    problem: str | None = None
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    sha256: str = ""
    size: tuple[int, int] = (0, 0)
    note: str = ""
    thumbnail: bytes = b""


@dataclass
class Batch:
    """A session's batch.

    Attributes:
        shelf: its files.
        entries: its pictures, in the order they were sent.
        passed: what was passed over, in sentences.
        models: the networks asked.
        rows: answers so far, in the order of the entries.
        is_stopped: whether somebody asked to stop.
    """

    shelf: Shelf
    entries: tuple[Entry, ...]
    passed: tuple[str, ...]
    models: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    is_stopped: bool = False

    @property
    def is_done(self) -> bool:
        """Whether every picture has its row."""
        return len(self.rows) == len(self.entries)


def open_batch(files: Sequence[tuple[str, bytes]], models: Sequence[str]) -> Batch | Problem:
    """Return a batch of what was sent, of which nothing is decoded yet.

    Args:
        files: names and bytes; each a picture, or a ZIP of pictures.
        models: networks to ask.
    """
    shelf = Shelf(files)
    counts: dict[str, int] = {}
    entries: list[Entry] = []
    for number, (name, data) in enumerate(files):
        if not data.startswith(_ZIP):
            entries.append(Entry(name, number))
            continue
        found = _list_zip(name, number, data, counts)
        if isinstance(found, Problem):
            return found
        entries += found
    if not entries:
        return Problem("There is no picture in what was sent. Send pictures, or a ZIP of them.")
    passed = [f"{count:,} {reason}" for reason, count in counts.items()]
    if len(entries) > MOST:
        passed.append(f"{len(entries) - MOST:,} pictures beyond the first {MOST}")
    _get_shelves().add(shelf)
    return Batch(shelf, tuple(entries[:MOST]), tuple(passed), tuple(models))


def _list_zip(name: str, number: int, data: bytes, counts: dict[str, int]) -> list[Entry] | Problem:
    end = data.rfind(b"PK\x05\x06")
    directory = int.from_bytes(data[end + 12 : end + 16], "little") if end >= 0 else 0
    if directory > _DIRECTORY:
        return Problem(f"The ZIP '{name}' lists far more files than {MOST}. Send fewer at a time.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return Problem(f"The ZIP '{name}' is damaged or incomplete. Pack it anew.")
    found = []
    for member in dict.fromkeys(members):
        place = PurePosixPath(member)
        if any(is_left_over(part) for part in place.parts):
            counts[LEFT_OVER] = counts.get(LEFT_OVER, 0) + 1
        elif place.suffix.lower() not in SUFFIXES:
            counts[OTHER_KINDS] = counts.get(OTHER_KINDS, 0) + 1
        else:
            found.append(Entry(place.name, number, member))
    return found


def score_next(batch: Batch) -> Row:
    """Answer the next picture; its sentence stands in its row where it cannot be."""
    entry = batch.entries[len(batch.rows)]
    row = _score(batch, entry)
    batch.rows.append(row)
    return row


def _score(batch: Batch, entry: Entry) -> Row:
    picture = open_entry(batch, entry)
    if isinstance(picture, Problem):
        return Row(entry, picture.sentence)
    predictions = services.predict(Analysis(picture), batch.models)
    if isinstance(predictions, Problem):
        return Row(entry, predictions.sentence)
    height, width = picture.image.shape[:2]
    return Row(
        entry,
        predictions=predictions,
        sha256=picture.sha256,
        size=(height, width),
        note=picture.note,
        thumbnail=encode_png(fit_to_screen(picture.image, _THUMBNAIL), {}),
    )


def open_entry(batch: Batch, entry: Entry) -> Picture | Problem:
    """Return a picture of a batch as if it had been sent by itself."""
    data = batch.shelf.read(entry)
    return data if isinstance(data, Problem) else services.open_bytes(data, Origin.UPLOAD)
