"""Truth tables in the formats of ISIC 2018, ISIC 2019 and HAM10000, checked row by row.

A table is used only if every row of it is sound; otherwise one error lists the ids at fault.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from skinmodel.data.image_files import to_image_id
from skinmodel.data.tables import read_table
from skinmodel.diagnoses import CODES, DIAGNOSES
from skinmodel.errors import DatasetError, summarize_ids

SCC: Final = "scc"
UNKNOWN: Final = "unk"
"""Diagnoses of ISIC 2019 that the networks have no class for."""

ISIC_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "isic2018": ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"),
    "isic2019": ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK"),
}
COLUMN_CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "isic2018": {d.isic2018: d.code for d in DIAGNOSES},
    "isic2019": {d.isic2019: d.code for d in DIAGNOSES} | {"SCC": SCC, "UNK": UNKNOWN},
}
WEIGHTS: Final = ("score_weight", "validation_weight")
HAM_METADATA: Final[Mapping[str, str]] = {
    "lesion_id": "lesion_id",
    "sex": "sex",
    "age": "age",
    "localization": "site",
    "dx_type": "dx_type",
    "dataset": "source",
}
"""Columns that HAM10000's format may have beside image_id and dx, and their names in an index."""

# The public scorer of the challenge (isic-challenge-scoring) gives this image of the ISIC 2018
# test set no weight, and the release at Harvard Dataverse has a row but no image of it.
NEVER_SCORED: Final = frozenset({"ISIC_0035068"})
# What no file system, spreadsheet or page takes for anything but a name.
_PLAIN_ID: Final = re.compile(r"\w[\w .()+-]{0,99}")
_PLAIN_WORDS: Final = re.compile(r"\w[\w .,;:()&/+-]{0,99}")


@dataclass(frozen=True, eq=False)
class TruthTable:
    """A sound truth table.

    Attributes:
        layout: ``isic2018`` or ``isic2019``: the columns a submission for it has.
        rows: one row an image, in the file's order: image_id (without ``_downsampled``), truth_id
            (as the file spells it), truth (a code of ``CODES``, ``scc`` or ``unk``), scored (False
            where the challenge gives the row no weight), group_id (the lesion, or the image itself
            where no lesion id is known), and of HAM10000's format the columns of ``HAM_METADATA``
            that are there: age float64 with NaN, lesion_id with NaN, others ``unknown``.
    """

    layout: str
    rows: pd.DataFrame = field(repr=False)


def read_truth_table(path: Path) -> TruthTable:
    """Read a truth table; its format is told by its columns, which may stand in any order.

    - ISIC 2018 Task 3: image, MEL, NV, BCC, AKIEC, BKL, DF, VASC; one-hot.
    - ISIC 2019: image, MEL, NV, BCC, AK, BKL, DF, VASC, SCC, UNK; one-hot; perhaps score_weight
      (0 or 1) and validation_weight (of no use here).
    - HAM10000's metadata: image_id, dx, and any of ``HAM_METADATA``.

    Args:
        path: the file; see ``read_table`` for what is accepted as one.

    Raises:
        DatasetError: no table, other columns, or rows that are not sound, listed by id.
    """
    table = read_table(path)
    layout = _recognize(path, table)
    id_column = "image" if layout in ISIC_COLUMNS else "image_id"
    rows = pd.DataFrame({"truth_id": table[id_column]})
    rows.insert(0, "image_id", rows["truth_id"].map(to_image_id))
    faults = _check_ids(rows)
    rows["scored"] = ~rows["image_id"].isin(NEVER_SCORED)
    if layout in ISIC_COLUMNS:
        faults += _read_one_hot(table, layout, rows)
    else:
        faults += _read_metadata(table, rows)
    if faults:
        lines = "\n".join(f"- {fault}" for fault in faults)
        raise DatasetError(
            f"The truth table '{path}' cannot be used:\n{lines}\nCorrect these rows."
        )
    lesions = rows["lesion_id"] if "lesion_id" in rows else pd.Series(np.nan, rows.index, "str")
    rows["group_id"] = lesions.fillna(rows["image_id"])
    submission = layout if layout in ISIC_COLUMNS else "isic2018"
    return TruthTable(submission, rows.reset_index(drop=True))


def _recognize(path: Path, table: pd.DataFrame) -> str:
    names = set(table.columns)
    layout: str
    needed: tuple[str, ...]
    allowed: tuple[str, ...]
    if {"image_id", "dx"} <= names:
        layout, needed, allowed = "ham10000", ("image_id", "dx"), tuple(HAM_METADATA)
    elif "AKIEC" in names:
        layout, needed, allowed = "isic2018", ("image", *ISIC_COLUMNS["isic2018"]), ()
    else:
        layout, needed, allowed = "isic2019", ("image", *ISIC_COLUMNS["isic2019"]), WEIGHTS
    missing = [name for name in needed if name not in names]
    extra = [name for name in table.columns if name not in (*needed, *allowed)]
    if missing or extra:
        formats = "; or ".join(", ".join(("image", *c)) for c in ISIC_COLUMNS.values())
        found = ", ".join(name[:40] for name in table.columns[:20])
        lacks = f" It lacks {', '.join(missing)}." if missing else ""
        has = f" It has {', '.join(n[:40] for n in extra[:20])} besides." if extra else ""
        raise DatasetError(
            f"The columns of '{path}' are those of no known truth table: {found}.{lacks}{has} "
            f"Expected: {formats}; or image_id, dx."
        )
    return layout


def _check_ids(rows: pd.DataFrame) -> list[str]:
    ids = rows["truth_id"]
    odd = ids[[_PLAIN_ID.fullmatch(i) is None for i in rows["image_id"]]]
    twice = rows.loc[~ids.isin(odd) & rows["image_id"].duplicated(), "truth_id"]
    shown = [f"{i[:40]!r} (line {line})" if i else f"none (line {line})" for line, i in odd.items()]
    faults = [f"ids that are missing or no plain names: {summarize_ids(shown)}"] if shown else []
    return faults + _fault("images that stand in more than one row", twice)


def _read_one_hot(table: pd.DataFrame, layout: str, rows: pd.DataFrame) -> list[str]:
    """Add ``truth`` and ``scored`` to ``rows``; return what is wrong with the values."""
    ids, columns = rows["truth_id"], list(ISIC_COLUMNS[layout])
    values = table[columns].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    unread = ~np.isfinite(values).all(axis=1)
    one_hot = np.isin(values, (0.0, 1.0)).all(axis=1) & (values.sum(axis=1) == 1.0)
    codes = np.array([COLUMN_CODES[layout][column] for column in columns])
    rows["truth"] = codes[np.nan_to_num(values).argmax(axis=1)]
    faults = _fault("values that are no numbers", ids[unread])
    faults += _fault("rows that are not one 1 and otherwise 0", ids[~unread & ~one_hot])
    if WEIGHTS[0] in table:
        weights = pd.to_numeric(table[WEIGHTS[0]], errors="coerce")
        rows["scored"] &= weights != 0
        faults += _fault(f"{WEIGHTS[0]} other than 0 and 1", ids[~weights.isin((0, 1))])
    return faults


def _read_metadata(table: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    """Add ``truth`` and what else is known to ``rows``; return what is wrong with the values."""
    rows["truth"] = table["dx"]
    unknown = rows["truth_id"][~rows["truth"].isin(CODES)]
    faults = _fault(f"dx other than {', '.join(CODES)}", unknown)
    for column, name in HAM_METADATA.items():
        if column in table:
            rows[name] = table[column].where(~table[column].isin(("", "NA", "NaN", "nan")))
            odd = [_PLAIN_WORDS.fullmatch(v) is None for v in rows[name].fillna("unknown")]
            faults += _fault(f"{column} that is no plain name", rows["truth_id"][odd])
            if name not in ("lesion_id", "age"):
                rows[name] = rows[name].fillna("unknown")
    if "age" in rows:
        ages = pd.to_numeric(rows["age"], errors="coerce")
        wrong = rows["age"].notna() & ~ages.between(0, 150)
        faults += _fault("ages that are no years from 0 to 150", rows["truth_id"][wrong])
        rows["age"] = ages.astype(np.float64)
    return faults


def _fault(what: str, ids: "pd.Series[str]") -> list[str]:
    shown = [i if _PLAIN_ID.fullmatch(i) else repr(i[:40]) for i in ids]
    return [f"{what}: {summarize_ids(shown)}"] if shown else []
