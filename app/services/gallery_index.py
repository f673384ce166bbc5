"""Which images of a data set this server can show, and what is known of each."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.data import masks
from skinmodel.data.image_files import find_images
from skinmodel.data.sets import ham10000, ham10000_files, isic2019
from skinmodel.data.sets.ham10000 import join_lesions
from skinmodel.data.splits import Split, split_grouped
from skinmodel.data.truth_tables import read_truth_table
from skinmodel.errors import summarize_ids

UNKNOWN: Final = "unknown"
COLUMNS: Final = (
    "image_id",
    "group_id",
    "truth",
    "dx_type",
    "age",
    "sex",
    "site",
    "source",
    "side",
    "path",
    "mask",
)


@dataclass(frozen=True, eq=False)
class Gallery:
    """The images of one data set that are present.

    Attributes:
        table: one row an image, sorted by image_id, with ``COLUMNS``: truth is a code of
            ``CODES`` or ``scc``; age in years, NaN where unknown; mask a path, empty where there is
            none; dx_type, sex, site, source and side (train, val, test) ``unknown`` where they are.
        missing: what is not there, one clause each; empty where the set is whole.
        note: what is left out on purpose; empty if nothing.
        split_fingerprint: of the split that ``side`` is from; None where there is none.
    """

    table: pd.DataFrame = field(repr=False)
    missing: tuple[str, ...] = ()
    note: str = ""
    split_fingerprint: str | None = None


def read_ham10000_split(data: Path) -> Split:
    """Return the grouped split of every lesion in the metadata, whether its image is present.

    The split of the images that are there would be another one, and would call lesions held out
    that the networks were trained on.

    Raises:
        DatasetError: the metadata is absent or not sound.
    """
    rows = read_truth_table(ham10000.find_metadata(data)).rows
    return split_grouped(join_lesions(rows))


def read_ham10000(data: Path, split: Split | None) -> Gallery:
    """Return HAM10000's images that are present.

    Args:
        data: folder that holds ``HAM10000``, or that folder itself.
        split: see ``read_ham10000_split``; None where it cannot be told.

    Raises:
        DatasetError: there is no metadata, or it lacks a column.
    """
    index, defects = ham10000.inspect(data)
    root = ham10000.find_root(data)
    found = masks.find_masks(root)
    side_of = {} if split is None else split.side.to_dict()
    table = index.rename(columns={"localization": "site"}).assign(
        source="HAM10000",
        side=[side_of.get(i, UNKNOWN) for i in index["image_id"]],
        mask=[found.get(i, "") for i in index["image_id"]],
    )
    table = table.fillna(dict.fromkeys(("dx_type", "sex", "site"), UNKNOWN))[list(COLUMNS)]
    missing = [*_name_missing_folders(root), *map(str, defects)]
    without = int((table["mask"] == "").sum())
    if found and without:
        missing.append(f"images without a mask, on which no outline can be drawn: {without:,}")
    if split is None:
        missing.append("this metadata does not tell which images the networks were trained on")
    ids, lesions = index["lesion_id"].nunique(), index["group_id"].nunique()
    note = f"Its {ids:,} lesion ids are {lesions:,} lesions: some stand under two ids."
    return Gallery(
        table,
        tuple(missing),
        note if ids != lesions else "",
        None if split is None else split.fingerprint,
    )


def _name_missing_folders(root: Path) -> list[str]:
    first, second, whole = ham10000.IMAGE_FOLDERS
    found = []
    here = {path.name.lower() for path in ham10000_files.find_parts(root)}
    if not here & {whole.lower(), "images"}:
        parts = [name for name in (first, second) if name.lower() not in here]
        found = [f"the folder {name} is not there" for name in parts]
    if not (root / masks.FOLDER).is_dir():
        found.append(f"the folder {masks.FOLDER} is not there, so that no outline can be drawn")
    return found


def read_isic2019(data: Path) -> Gallery:
    """Return the images of ISIC 2019 outside HAM10000 that are present, SCC among them.

    Raises:
        DatasetError: a table is absent or not sound, or an image stands in the folder twice.
    """
    rows = isic2019.read_rows(data)
    folder = isic2019.find_root(data) / isic2019.IMAGES
    missing = [] if folder.is_dir() else [f"the folder {folder.name} is not there"]
    files = find_images(folder) if folder.is_dir() else {}
    contradicted = rows["image_id"].isin(isic2019.CONTRADICTORY)
    wanted = rows[~rows["in_ham10000"] & ~contradicted]
    present = wanted["image_id"].isin(files.keys())
    if not present.all():
        ids = summarize_ids(wanted.loc[~present, "image_id"])
        missing.append(f"images named in {isic2019.TRUTH} are missing: {ids}")
    table = wanted[present].reset_index(drop=True)
    table = table.assign(
        dx_type=UNKNOWN, side=UNKNOWN, mask="", path=[files[i] for i in table["image_id"]]
    )
    note = (
        f"Left out: {int(rows['in_ham10000'].sum()):,} images that are HAM10000's own, and "
        f"{int(contradicted.sum()):,} that show one picture under two diagnoses."
    )
    return Gallery(table[list(COLUMNS)], tuple(missing), note)
