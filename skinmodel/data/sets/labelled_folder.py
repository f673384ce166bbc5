"""Any folder of pictures with what each shows: a table beside or within it, or folders by class."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.data.diagnosis_words import KNOWN, NO_CLASS, SCC, UNKNOWN, to_code
from skinmodel.data.image_files import Walk, index_images, match_files, to_image_id, walk
from skinmodel.data.sets.evaluation_set import (
    IS_SCC,
    IS_UNKNOWN,
    MISSING,
    NOT_SCORED,
    Selection,
    select_rows,
)
from skinmodel.data.truth_tables import Unit, read_truth_table
from skinmodel.errors import DatasetError, escape, summarize_ids

METADATA: Final = "metadata.csv"
"""What the ISIC Archive's client calls the table that it puts beside the pictures."""
WITHOUT_ROW: Final = "image file without a row"
NO_FOLDER: Final = "picture in no folder that is called as a diagnosis"
_NAMED: Final = 30  # diagnoses without a class that are counted by name


@dataclass(frozen=True, eq=False)
class LabelledFolder:
    """What is left of a folder to be evaluated.

    Attributes:
        selection: the rows, and how many were dropped, by reason.
        layout: of a submission.
        unit: what the groups are.
        target: see ``TruthTable``.
        remarks: what a reader must know, in sentences.
    """

    selection: Selection = field(repr=False)
    layout: str
    unit: Unit
    target: str | None
    remarks: tuple[str, ...]


def read_labelled_folder(
    images: Path, truth: Path | None, *, allow_missing: bool = False, target: str | None = None
) -> LabelledFolder:
    """Select the images whose diagnosis the networks have a class for.

    Args:
        images: folder of pictures named by image id, in folders within it or not.
        truth: see ``read_truth_table``; None for ``metadata.csv`` in the folder, or, where there is
            none, for folders by class.
        allow_missing: leave out rows without a file, and files without a row, and count them.
        target: see ``read_truth_table``.

    Raises:
        DatasetError: the table is unsound; a row that is scored has no image, or an image no row;
            no row is left.
    """
    found = walk(images)
    if truth is None and (images / METADATA).is_file():
        truth = images / METADATA
    if truth is None:
        return _read_class_folders(images, found)
    return _read_with_table(images, truth, found, allow_missing, target)


def _read_with_table(
    images: Path, truth: Path, found: Walk, allow_missing: bool, target: str | None
) -> LabelledFolder:
    table = read_truth_table(truth, target)
    rows = table.rows.sort_values("image_id", ignore_index=True)
    rows, strangers = match_files(rows, index_images(images, found.files))
    homeless = rows["path"].isna() & rows["scored"]
    if not allow_missing:
        _check_matched(images, truth, list(rows.loc[homeless, "truth_id"]), strangers)
    reasons = {NOT_SCORED: ~rows["scored"]}
    if allow_missing:
        reasons[MISSING] = rows["path"].isna()
    reasons |= {IS_SCC: rows["truth"] == SCC, IS_UNKNOWN: rows["truth"] == UNKNOWN}
    selection = _select(rows, reasons, f"'{truth}'")
    if allow_missing:
        selection.dropped[WITHOUT_ROW] = len(strangers)
    unused = ", ".join(escape(name, 40) for name in table.unused[:20])
    remarks = (
        found.describe(),
        f"Columns of the table that are not used: {unused}." if unused else "",
    )
    return LabelledFolder(selection, table.layout, table.unit, table.target, remarks)


def _check_matched(
    images: Path, truth: Path, homeless: Sequence[str], strangers: Sequence[str]
) -> None:
    faults = []
    if len(homeless):
        faults.append(f"- rows without an image file: {summarize_ids(homeless)}")
    if strangers:
        faults.append(f"- image files without a row: {summarize_ids(strangers)}")
    if faults:
        lines = "\n".join(faults)
        raise DatasetError(
            f"The images in '{images}' are not those of the truth table '{truth}':\n{lines}\nAdd "
            "or remove images or rows until each has its counterpart, or leave these out with "
            "--allow-missing."
        )


def _select(rows: pd.DataFrame, reasons: dict[str, "pd.Series[bool]"], where: str) -> Selection:
    """Return the rows with a class; those without are counted by what they are called."""
    if (other := rows["truth"] == NO_CLASS).any():
        counts = rows.loc[other, "words"].value_counts()
        for words in counts.index[:_NAMED]:
            shown = escape(str(words), 60)
            reasons[f"no class of the networks: {shown}"] = other & (rows["words"] == words)
        reasons["no class of the networks: any other"] = other
        if len(counts) <= _NAMED:
            del reasons["no class of the networks: any other"]
    selection = select_rows(rows, reasons)
    if selection.index.empty:
        counted = "; ".join(
            f"{why}: {count:,}" for why, count in selection.dropped.items() if count
        )
        raise DatasetError(
            f"No row of {where} is left: {len(rows):,} rows, none of them scored and with one of "
            f"the seven diagnoses of HAM10000 ({counted})."
        )
    return selection


def _read_class_folders(images: Path, found: Walk) -> LabelledFolder:
    """Take the nearest folder that is called as a diagnosis for the truth."""
    root = images.resolve()
    truths = [_name_class(file.relative_to(images), root.name) for file in found.files]
    if not any(truths):
        folders = sorted({file.relative_to(images).parent.as_posix() for file in found.files})
        raise DatasetError(
            f"Nothing says what the {len(found.files):,} pictures in '{images}' show: no --truth "
            f"is given, '{METADATA}' is not there, and no folder is called as a diagnosis is, such "
            f"as mel, NV or basal_cell_carcinoma. Folders with pictures: "
            f"{summarize_ids(escape(name, 60) for name in folders) or 'none'}."
            + (f" {found.describe()}" if found.passed else "")
        )
    rows = pd.DataFrame(
        {
            "image_id": [to_image_id(file.stem) for file in found.files],
            "truth": [truth or "" for truth in truths],
            "path": [str(file) for file in found.files],
        }
    )
    _check_twice(images, rows)
    rows["truth_id"] = rows["group_id"] = rows["image_id"]
    rows = rows.assign(scored=True).sort_values("image_id", ignore_index=True)
    reasons = {
        NO_FOLDER: rows["truth"] == "",
        IS_SCC: rows["truth"] == SCC,
        IS_UNKNOWN: rows["truth"] == UNKNOWN,
    }
    remarks = ("The folders' names are the diagnoses.", found.describe())
    selection = _select(rows, reasons, f"'{images}'")
    return LabelledFolder(selection, "isic2018", "image", None, remarks)


def _name_class(place: Path, root: str) -> str | None:
    """Return the diagnosis of the nearest folder that is called as one, the root's own last."""
    names = [*reversed(place.parts[:-1]), root]
    codes = (to_code(name) for name in names)
    return next((code for code in codes if code in KNOWN and code != NO_CLASS), None)


def _check_twice(images: Path, rows: pd.DataFrame) -> None:
    twice = rows["image_id"][rows["image_id"].duplicated()]
    if len(twice):
        raise DatasetError(
            f"'{images}' holds more than one picture of a name in its folders: "
            f"{summarize_ids(twice)}. Keep one of each, or measure one folder at a time."
        )
