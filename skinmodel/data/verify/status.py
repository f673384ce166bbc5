"""What is there of each data set, where, how big, and whether it was verified; opens no image."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skinmodel.data.download.fetch import find_free
from skinmodel.data.verify import layout as layouts
from skinmodel.data.verify.layout import (
    FoundFile,
    Kind,
    Layout,
    compute_fingerprint,
    list_files,
    list_unfinished,
)
from skinmodel.data.verify.report import find_report, read_report
from skinmodel.errors import ConfigError
from skinmodel.paths import home

State = Literal["absent", "partial", "complete"]


@dataclass(frozen=True)
class PartStatus:
    """A folder of a release.

    Attributes:
        name: the folder's name; ``.`` for the data set's own.
        kind: ``images`` or ``masks``.
        expected: files the release has in it.
        found: files here.
        bytes: their sizes together.
        is_here: False where there is no such folder.
    """

    name: str
    kind: Kind
    expected: int
    found: int
    bytes: int
    is_here: bool


@dataclass(frozen=True)
class Verification:
    """The last report of ``data verify`` on a folder.

    Attributes:
        finished: when, ISO 8601 in UTC.
        defects: checks that found the set not as released.
        remarks: checks that found something to know all the same.
        has_changed: True where a file was added, removed or written since.
        file: the report.
    """

    finished: str
    defects: int
    remarks: int
    has_changed: bool
    file: Path


@dataclass(frozen=True)
class DatasetStatus:
    """A data set on this disk.

    Attributes:
        name: ``ham10000`` or ``isic2019``.
        title: in words.
        folder: where it is; None where nothing of it is there.
        missing_tables: names of the label and metadata files that are not there.
        parts: its folders; empty where nothing of it is there.
        bytes: what its tables, images and masks take.
        unfinished: files that a download in work, or broken off, has left so far.
        verification: None where it was never verified here.
        problem: why the last report cannot be read; empty where it can or there is none.
        how_to_get: what to do where it is missing.
    """

    name: str
    title: str
    folder: Path | None
    missing_tables: tuple[str, ...]
    parts: tuple[PartStatus, ...]
    bytes: int
    unfinished: tuple[Path, ...]
    verification: Verification | None
    problem: str
    how_to_get: str

    @property
    def images(self) -> int:
        """Image files here."""
        return sum(part.found for part in self.parts if part.kind == "images")

    @property
    def masks(self) -> int:
        """Mask files here."""
        return sum(part.found for part in self.parts if part.kind == "masks")

    @property
    def state(self) -> State:
        """``complete`` where every table and every image is here, by count; masks are an extra."""
        if self.folder is None:
            return "absent"
        expected = layouts.get_layout(self.name).image_count
        whole = not self.missing_tables and self.images >= expected
        return "complete" if whole else "partial"


@dataclass(frozen=True)
class CacheStatus:
    """An array of decoded images, kept so that training need not decode them again."""

    file: Path
    bytes: int


@dataclass(frozen=True)
class Status:
    """Everything that ``data status`` tells.

    Attributes:
        data: the folder asked about; None where none is named.
        is_here: False where there is no such folder.
        datasets: one each, in a fixed order, also for those that are absent.
        home: where caches and reports are kept.
        caches: decoded arrays, by name.
        free: bytes free on the disk of ``data``, or of ``home`` where there is no data folder.
    """

    data: Path | None
    is_here: bool
    datasets: tuple[DatasetStatus, ...]
    home: Path
    caches: tuple[CacheStatus, ...]
    free: int

    def of(self, name: str) -> DatasetStatus:
        """Return the status of one data set."""
        return next(dataset for dataset in self.datasets if dataset.name == name)


def read_status(data: Path | None) -> Status:
    """Look at the data folder, the caches and the last reports.

    Names and sizes are read, no image is opened: half a second for both sets.

    Args:
        data: folder that holds ``HAM10000`` and ``ISIC2019``, or one of these itself; None where
            no folder is named.

    Raises:
        DatasetError: a folder may not be read.
    """
    is_here = data is not None and data.is_dir()
    return Status(
        data=data,
        is_here=is_here,
        datasets=tuple(_read_dataset(data if is_here else None, name) for name in layouts.NAMES),
        home=home(),
        caches=_list_caches(home() / "decoded"),
        free=find_free(data if data is not None and is_here else home()),
    )


def _read_dataset(data: Path | None, name: str) -> DatasetStatus:
    layout = layouts.get_layout(name)
    unfinished = list_unfinished(data, layout) if data else ()
    folder = layouts.find_folder(data, layout) if data else None
    if folder is None:
        return DatasetStatus(
            name, layout.title, None, layout.tables, (), 0, unfinished, None, "", layout.how_to_get
        )
    files = list_files(folder, layout)
    here = {file.image_id for file in files if file.kind == "table"}
    verification, problem = _read_verification(name, folder, files)
    return DatasetStatus(
        name=name,
        title=layout.title,
        folder=folder,
        missing_tables=tuple(table for table in layout.tables if table not in here),
        parts=_count_parts(folder, layout, files),
        bytes=sum(file.bytes for file in files),
        unfinished=unfinished,
        verification=verification,
        problem=problem,
        how_to_get=layout.how_to_get,
    )


def _count_parts(
    folder: Path, layout: Layout, files: tuple[FoundFile, ...]
) -> tuple[PartStatus, ...]:
    parts = []
    for part in layouts.find_parts(folder, layout):
        sizes = [file.bytes for file in files if file.part == part.name]
        is_here = (folder / part.name).is_dir()
        size = sum(sizes)
        parts.append(PartStatus(part.name, part.kind, part.count, len(sizes), size, is_here))
    return tuple(parts)


def _read_verification(
    name: str, folder: Path, files: tuple[FoundFile, ...]
) -> tuple[Verification | None, str]:
    try:
        report = read_report(name, folder)
    except ConfigError as error:
        return None, str(error)
    if report is None:
        return None, ""
    has_changed = report.fingerprint != compute_fingerprint(folder, files)
    counts = len(report.defects), len(report.remarks)
    return Verification(report.finished, *counts, has_changed, find_report(name, folder)), ""


def _list_caches(folder: Path) -> tuple[CacheStatus, ...]:
    files = sorted(folder.glob("*.npy")) if folder.is_dir() else []
    return tuple(CacheStatus(file, file.stat().st_size) for file in files)
