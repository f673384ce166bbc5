"""Which file holds which image: ids as data sets spell them, and the files below a folder."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.errors import DatasetError, escape, summarize_ids

SUFFIXES: Final = (
    *(".jpg", ".jpeg", ".jfif", ".jpe", ".png"),
    *(".heic", ".heif", ".tif", ".tiff", ".webp", ".bmp", ".dcm", ".dicom"),
)
"""Endings of pictures, in any case."""
_REDUCED: Final = "_downsampled"
_LEFTOVERS: Final = frozenset({"thumbs.db", "desktop.ini", "__macosx", "ehthumbs.db"})
_DEEPEST: Final = 32

LEFT_OVER: Final = "left over by a system (such as ._x, .DS_Store, Thumbs.db)"
OTHER_KINDS: Final = "that are no pictures by their names"
UNREADABLE: Final = "folders that may not be read, or are nested too deeply"


@dataclass(frozen=True)
class Walk:
    """What lies below a folder.

    Attributes:
        files: the pictures by their names, sorted by their place in the folder.
        passed: number of entries passed over, by reason; only reasons that apply.
    """

    files: tuple[Path, ...]
    passed: dict[str, int]

    def describe(self) -> str:
        """Return what was passed over in a sentence; empty where nothing was."""
        listed = "; ".join(f"{count:,} {reason}" for reason, count in self.passed.items())
        return f"Passed over: {listed}." if listed else ""


def walk(folder: Path) -> Walk:
    """Return every picture below a folder, and what else is there, without opening any.

    Folders are gone through to any depth a person makes, also through links, each once.

    Raises:
        DatasetError: there is no such folder.
    """
    if not folder.is_dir():
        raise DatasetError(f"There is no folder '{folder}'; a folder of images was expected there.")
    passed: Counter[str] = Counter()
    endings: Counter[str] = Counter()
    files = list(_walk(folder, passed, endings, set(), 0))
    if endings:
        shown = ", ".join(
            escape(ending, 12) or "without ending" for ending, _ in endings.most_common(5)
        )
        passed[f"{OTHER_KINDS} ({shown}{', ...' if len(endings) > 5 else ''})"] = endings.total()
    return Walk(tuple(files), dict(passed))


def _walk(
    folder: Path, passed: Counter[str], endings: Counter[str], seen: set[tuple[int, int]], deep: int
) -> Iterator[Path]:
    try:
        stat = folder.stat()
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        passed[UNREADABLE] += 1
        return
    if (stat.st_dev, stat.st_ino) in seen:  # a link to where we have been
        return
    seen.add((stat.st_dev, stat.st_ino))
    for entry in listed:
        path = folder / entry.name
        if is_left_over(entry.name):
            passed[LEFT_OVER] += 1
        elif entry.is_dir():
            if deep >= _DEEPEST:
                passed[UNREADABLE] += 1
            else:
                yield from _walk(path, passed, endings, seen, deep + 1)
        elif path.suffix.lower() in SUFFIXES and entry.is_file():
            yield path
        else:
            endings[path.suffix.lower()] += 1


def is_left_over(name: str) -> bool:
    """Return whether a file or folder is one that systems leave behind, or hidden."""
    return name.startswith(".") or name.lower() in _LEFTOVERS


def to_image_id(name: str) -> str:
    """Return the id that joins data sets: 2,074 names of ISIC 2019 end in ``_downsampled``.

    >>> to_image_id("ISIC_0000017_downsampled"), to_image_id("ISIC_0000017.JPG")
    ('ISIC_0000017', 'ISIC_0000017')
    """
    return drop_suffix(name).removesuffix(_REDUCED)


def drop_suffix(name: str) -> str:
    """Return an id without the ending of a picture that some tables give it."""
    stem, dot, suffix = name.rpartition(".")
    return stem if stem and f"{dot}{suffix}".lower() in SUFFIXES else name


def find_images(folder: Path) -> dict[str, str]:
    """Return the path of every picture below a folder, by image id; see ``walk``.

    Raises:
        DatasetError: there is no such folder, or an image stands below it twice.
    """
    return index_images(folder, walk(folder).files)


def index_images(folder: Path, files: tuple[Path, ...]) -> dict[str, str]:
    """Return files by image id.

    Raises:
        DatasetError: an image has two files.
    """
    found: dict[str, str] = {}
    twice = []
    for file in files:
        image_id = to_image_id(file.stem)
        if image_id in found:
            twice.append(image_id)
        found[image_id] = str(file)
    if twice:
        raise DatasetError(
            f"'{folder}' holds more than one file for an image: {summarize_ids(twice)}. Keep one "
            "of each."
        )
    return found


def match_images(rows: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return ``rows`` with a column path, NaN where there is no file, and what no row speaks of.

    Args:
        rows: with image_id.
        folder: see ``find_images``.

    Returns:
        The rows, and the ids of image files without a row, sorted.
    """
    return match_files(rows, find_images(folder))


def match_files(rows: pd.DataFrame, files: dict[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """Return what ``match_images`` does, of files that are already listed."""
    matched = rows.assign(path=rows["image_id"].map(files).astype("str"))
    return matched, sorted(files.keys() - set(rows["image_id"]))
