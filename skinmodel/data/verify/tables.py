"""The tables of a release against what it says: columns, rows, ids, labels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.data.sets import ham10000, isic2019
from skinmodel.data.sets.ham10000 import join_lesions
from skinmodel.data.sets.isic2019 import in_ham10000_range
from skinmodel.data.tables import read_table
from skinmodel.data.truth_tables import COLUMN_CODES, read_truth_table
from skinmodel.data.verify.layout import HAM10000
from skinmodel.data.verify.report import Check, to_remark, to_verdict
from skinmodel.errors import DatasetError, escape, summarize_ids

LESION_COUNT: Final = 7_470
"""Lesions of HAM10000 (Tschandl, Rosendahl, Kittler, Sci. Data 5:180161, 2018)."""

ISIC2019_CLASS_COUNTS: Final[Mapping[str, int]] = {
    "mel": 4_522,
    "nv": 12_875,
    "bcc": 3_323,
    "akiec": 867,
    "bkl": 2_624,
    "df": 239,
    "vasc": 253,
    "scc": 628,
    "unk": 0,
}
"""Images by diagnosis in the training set's truth table (challenge.isic-archive.com/data/#2019)."""

DOWNSAMPLED_COUNT: Final = 2_074
"""Names of ISIC 2019's training set that end in ``_downsampled``, in the same truth table."""

_TITLES: Final = {code: column for column, code in COLUMN_CODES["isic2019"].items()}
_AGAIN: Final = "Restore the table from the release."


def read_labels(root: Path, dataset: str) -> tuple[pd.DataFrame | None, list[Check]]:
    """Read what is known of each image, and compare it with the release.

    Args:
        root: the data set's folder.
        dataset: ``ham10000`` or ``isic2019``.

    Returns:
        The rows, indexed by image id: truth_id (the file's name in the release, without ending),
        truth, lesion_id (NaN where none is known), group_id (the lesion it is split with) and
        label (the diagnosis as the release spells it); None where a table cannot be used. And the
        checks.
    """
    return _read_ham10000(root) if dataset == HAM10000 else _read_isic2019(root)


def _read_ham10000(root: Path) -> tuple[pd.DataFrame | None, list[Check]]:
    try:
        path = ham10000.find_metadata(root)
        name = path.name
        _check_columns(path, ham10000.COLUMNS)
        rows = read_truth_table(path).rows
        if rows["lesion_id"].isna().any():
            homeless = rows.loc[rows["lesion_id"].isna(), "image_id"]
            raise DatasetError(f"'{name}' has images without a lesion: {summarize_ids(homeless)}.")
    except DatasetError as error:
        return None, [_refuse("metadata", error)]
    rows = join_lesions(rows).assign(label=rows["truth"])
    strange = [i for i in rows["image_id"] if not in_ham10000_range(i)]
    lesions = rows["lesion_id"].nunique()
    return rows.set_index("image_id"), [
        Check("metadata", "ok", "every row sound", f"{len(rows):,} sound rows"),
        _count("rows", len(rows), ham10000.IMAGE_COUNT),
        _count("lesions", lesions, LESION_COUNT),
        _compare_classes(rows, ham10000.CLASS_COUNTS, {}),
        Check(
            "ids",
            to_verdict(bool(strange)),
            "ids from ISIC_0024306 to ISIC_0034320",
            f"{len(strange):,} other ids" if strange else "all of HAM10000",
            tuple(strange),
        ),
        _name_unused(ham10000.read_unused_columns(root)),
    ]


def _read_isic2019(root: Path) -> tuple[pd.DataFrame | None, list[Check]]:
    try:
        rows = isic2019.read_rows(root)
    except DatasetError as error:
        return None, [_refuse("tables", error)]
    reduced = int((rows["truth_id"] != rows["image_id"]).sum())
    known = f"{len(rows):,} sound rows, {int(rows['lesion_id'].notna().sum()):,} with a lesion"
    checks = [
        Check("tables", "ok", "both sound, on the same images", known),
        _count("rows", len(rows), isic2019.ROW_COUNT),
        _compare_classes(rows, ISIC2019_CLASS_COUNTS, _TITLES),
        _count("_downsampled", reduced, DOWNSAMPLED_COUNT),
        _count("of HAM10000", int(rows["in_ham10000"].sum()), ham10000.IMAGE_COUNT),
    ]
    return rows.assign(label=rows["truth"].map(_TITLES)).set_index("image_id"), checks


def _check_columns(path: Path, needed: tuple[str, ...]) -> None:
    columns = list(read_table(path).columns)
    known = {name.lower() for name in columns}
    missing = [name for name in needed if name not in known]
    if missing:
        found = ", ".join(escape(name, 40) for name in columns[:20])
        raise DatasetError(f"'{path}' lacks the columns {', '.join(missing)}; it has {found}.")


def _name_unused(columns: tuple[str, ...]) -> Check:
    words = ", ".join(escape(name, 40) for name in columns[:20])
    return Check("columns", to_remark(bool(columns)), "those of the release", words or "no others")


def _refuse(name: str, error: DatasetError) -> Check:
    return Check(name, "defect", "a table that can be read", str(error), advice=_AGAIN)


def _count(name: str, found: int, expected: int) -> Check:
    return Check(name, to_verdict(found != expected), f"{expected:,}", f"{found:,}")


def _compare_classes(
    rows: pd.DataFrame, expected: Mapping[str, int], titles: Mapping[str, str]
) -> Check:
    counts = rows["truth"].value_counts()
    names = {code: titles.get(code, code) for code in expected}
    found = {names[code]: int(counts.get(code, 0)) for code in expected}
    wanted = {names[code]: count for code, count in expected.items()}
    verdict = to_verdict(found != wanted)
    return Check("classes", verdict, _list_counts(wanted), _list_counts(found))


def _list_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
