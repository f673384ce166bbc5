"""Which file holds which image: ids as data sets spell them, and the files of a folder."""

from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.errors import DatasetError, summarize_ids

SUFFIXES: Final = (".jpg", ".jpeg", ".png")
_REDUCED: Final = "_downsampled"


def to_image_id(name: str) -> str:
    """Return the id that joins data sets: 2,074 names of ISIC 2019 end in ``_downsampled``."""
    return name.removesuffix(_REDUCED)


def find_images(folder: Path) -> dict[str, str]:
    """Return the path of every JPEG and PNG file of a folder, by image id.

    Other files, hidden files and sub-folders are passed over.

    Raises:
        DatasetError: there is no such folder, or an image stands in it twice.
    """
    if not folder.is_dir():
        raise DatasetError(f"There is no folder '{folder}'; a folder of images was expected there.")
    found: dict[str, str] = {}
    twice = []
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file():
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
    files = find_images(folder)
    matched = rows.assign(path=rows["image_id"].map(files).astype("str"))
    return matched, sorted(files.keys() - set(rows["image_id"]))
