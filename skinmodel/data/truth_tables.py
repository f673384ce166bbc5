"""What each image shows, from the tables that challenges, archives and people keep it in.

A table is used only if every row of it is sound; otherwise one error lists the rows at fault, and
what stands there. A diagnosis that no class of the networks fits is no fault: it is kept in words.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd

from skinmodel.data.diagnosis_words import NO_CLASS, SCC, UNKNOWN, to_code, to_code_of_terms
from skinmodel.data.image_files import drop_suffix, to_image_id
from skinmodel.data.label_columns import (
    WEIGHTS,
    Columns,
    find_columns,
)
from skinmodel.data.tables import EMPTY, read_table
from skinmodel.diagnoses import CODES, DIAGNOSES
from skinmodel.errors import DatasetError, escape, summarize_ids

COLUMN_CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "isic2018": {d.isic2018: d.code for d in DIAGNOSES},
    "isic2019": {d.isic2019: d.code for d in DIAGNOSES} | {"SCC": SCC, "UNK": UNKNOWN},
}
"""The diagnosis of each column of a submission."""
REST: Final = "rest"
"""The truth of an image that a table of two classes does not call positive."""

Unit = Literal["patient", "lesion", "image"]

# The public scorer of the challenge (isic-challenge-scoring) gives this image of the ISIC 2018
# test set no weight, and the release at Harvard Dataverse has a row but no image of it.
NEVER_SCORED: Final = frozenset({"ISIC_0035068"})
# What no file system, spreadsheet or page takes for anything but a name.
_PLAIN_ID: Final = re.compile(r"\w[\w .()+-]{0,99}")
_PLAIN_WORDS: Final = re.compile(r"\w[\w .,;:()&/+-]{0,99}")
_TRUE: Final = {"true": 1.0, "false": 0.0, "malignant": 1.0, "benign": 0.0}


@dataclass(frozen=True, eq=False)
class TruthTable:
    """A sound truth table.

    Attributes:
        layout: ``isic2018`` or ``isic2019``: the columns a submission for it has.
        rows: one row an image, in the file's order: image_id (without ``_downsampled`` and ending),
            truth_id (as the file spells it, without ending), truth (a code of ``CODES``, ``scc``,
            ``unk`` or ``-``; of two classes the target's name or ``rest``), words (the diagnosis as
            the file says it, only where truth may be ``-``), scored (False where the challenge
            gives the row no weight), group_id (what is resampled as one: the patient, else the
            lesion, else the image itself), and what else is known of ``label_columns.METADATA``:
            age float64 with NaN, lesion_id and patient_id with NaN, others ``unknown``.
        unused: columns that say nothing here, as they are spelled.
        target: what the two classes tell apart from the rest, a name of ``thresholds.TARGETS``;
            None where each row has a diagnosis.
    """

    layout: str
    rows: pd.DataFrame = field(repr=False)
    unused: tuple[str, ...] = ()
    target: str | None = None

    @property
    def unit(self) -> Unit:
        """What the groups of ``rows`` are, of those that are known."""
        for unit, column in (("patient", "patient_id"), ("lesion", "lesion_id")):
            if column in self.rows and self.rows[column].notna().any():
                return unit  # type: ignore[return-value]
        return "image"


def read_truth_table(path: Path, target: str | None = None) -> TruthTable:
    """Read a truth table; what it says is told by its columns, in any order and case.

    - one-hot, as ISIC 2018 Task 3 and ISIC 2019 have it, or with some of their classes only;
    - HAM10000's metadata, or any table with a column of diagnoses: codes in any case, or names;
    - the ISIC Archive's metadata, whose terms a table in ``assets/mappings`` puts into classes;
    - two classes: ``target`` or ``benign_malignant``, as ISIC 2020 and 2024 have them.

    Ids may have the ending of a picture. See ``label_columns`` for the columns that are known.

    Args:
        path: the file; see ``read_table`` for what is accepted as one.
        target: what two classes tell from the rest: ``melanoma`` or ``malignant``; None for what
            the table itself says: melanoma as in ISIC 2020 (``image_name``) or where all that it
            calls positive is melanoma, else malignant.

    Raises:
        DatasetError: no table, other columns, or rows that are not sound, listed by id and value.
    """
    table = read_table(path)
    columns = find_columns(path, list(table.columns))
    rows = pd.DataFrame({"truth_id": table[columns.image].map(drop_suffix)})
    rows.insert(0, "image_id", rows["truth_id"].map(to_image_id))
    faults = _check_ids(rows)
    rows["scored"] = ~rows["image_id"].isin(NEVER_SCORED)
    if columns.kind == "one-hot":
        faults += _read_one_hot(table, columns, rows)
    elif columns.kind == "binary":
        target = target or _find_target(table, columns)
        faults += _read_binary(table, columns, rows, target)
    else:
        faults += _read_words(table, columns, rows)
    faults += _read_metadata(table, columns, rows)
    if faults:
        lines = "\n".join(f"- {fault}" for fault in faults)
        raise DatasetError(
            f"The truth table '{path}' cannot be used:\n{lines}\nCorrect these rows."
        )
    rows["group_id"] = rows["image_id"]
    for name in ("lesion_id", "patient_id"):
        if name in rows:
            rows["group_id"] = rows[name].fillna(rows["group_id"])
    layout = _find_layout(columns)
    found = target if columns.kind == "binary" else None
    return TruthTable(layout, rows.reset_index(drop=True), columns.unused, found)


def _find_layout(columns: Columns) -> str:
    """Return the columns of a submission: those of ISIC 2019 where the table has its classes."""
    if columns.kind != "one-hot":
        return "isic2018"
    here = {name.upper() for name in columns.diagnosis}
    return "isic2019" if here & {"AK", "SCC", "UNK"} else "isic2018"


def _check_ids(rows: pd.DataFrame) -> list[str]:
    ids = rows["truth_id"]
    odd = ids[[_PLAIN_ID.fullmatch(i) is None for i in rows["image_id"]]]
    twice = rows.loc[~ids.isin(odd) & rows["image_id"].duplicated(), "truth_id"]
    shown = [f"{i[:40]!r} (line {line})" if i else f"none (line {line})" for line, i in odd.items()]
    faults = [f"ids that are missing or no plain names: {summarize_ids(shown)}"] if shown else []
    return faults + _fault("images that stand in more than one row", twice)


def _read_one_hot(table: pd.DataFrame, columns: Columns, rows: pd.DataFrame) -> list[str]:
    """Add ``truth`` and ``scored`` to ``rows``; return what is wrong with the values."""
    ids, cells = rows["truth_id"], table[list(columns.diagnosis)]
    values = cells.apply(_to_numbers).to_numpy(np.float64)
    unread = ~np.isfinite(values)
    one_hot = np.isin(values, (0.0, 1.0)).all(axis=1) & (values.sum(axis=1) == 1.0)
    codes = np.array([to_code(column) for column in columns.diagnosis])
    rows["truth"] = codes[np.nan_to_num(values).argmax(axis=1)]
    spoilt = unread.any(axis=1)
    first = cells.to_numpy()[np.arange(len(cells)), unread.argmax(axis=1)]
    faults = _fault("values that are no numbers", ids[spoilt], pd.Series(first, ids.index)[spoilt])
    faults += _fault("rows that are not one 1 and otherwise 0", ids[~spoilt & ~one_hot])
    if WEIGHTS[0] in table:
        weights = _to_numbers(table[WEIGHTS[0]])
        rows["scored"] &= weights != 0
        odd = ~weights.isin((0, 1))
        faults += _fault(f"{WEIGHTS[0]} other than 0 and 1", ids[odd], table[WEIGHTS[0]][odd])
    return faults


def _read_words(table: pd.DataFrame, columns: Columns, rows: pd.DataFrame) -> list[str]:
    """Add ``truth`` and ``words`` to ``rows``; return which words are unknown.

    The archive has hundreds of terms, most of which are no class here; in a column of classes a
    word that is none is more likely a slip.
    """
    cells = table[list(columns.diagnosis)]
    cells = cells.where(~cells.isin(EMPTY), "")
    records = cells.itertuples(index=False, name=None)
    known = {
        terms: to_code_of_terms(terms) for terms in set(cells.itertuples(index=False, name=None))
    }
    rows["truth"] = [known[terms] or "" for terms in records]
    rows["words"] = [
        next((term for term in terms if term), "none given")
        for terms in cells.itertuples(index=False, name=None)
    ]
    unknown = rows["truth"] == ""
    if columns.kind == "archive":
        rows.loc[unknown, "truth"] = NO_CLASS
        return []
    name = columns.diagnosis[0]
    what = f"{name} other than {', '.join(CODES)}, their names, scc and unk"
    return _fault(what, rows["truth_id"][unknown], cells[name][unknown])


def _read_binary(
    table: pd.DataFrame, columns: Columns, rows: pd.DataFrame, target: str
) -> list[str]:
    """Add ``truth`` and ``words`` to ``rows``; return which values are neither 0 nor 1."""
    name = columns.diagnosis[0]
    values = _to_numbers(table[name])
    rows["truth"] = np.where(values == 1, target, REST)
    rows["words"] = table[name]
    # The archive's third word beside benign and malignant, and no word, are no slip.
    open_ = table[name].str.lower().isin((*(e.lower() for e in EMPTY), "indeterminate"))
    rows.loc[open_, "truth"] = NO_CLASS
    rows.loc[open_ & table[name].isin(EMPTY), "words"] = "none given"
    odd = ~open_ & ~values.isin((0, 1))
    return _fault(f"{name} other than 0 and 1", rows["truth_id"][odd], table[name][odd])


def _find_target(table: pd.DataFrame, columns: Columns) -> str:
    positive = _to_numbers(table[columns.diagnosis[0]]) == 1
    named = next((name for name in table.columns if name.lower() == "diagnosis"), None)
    if named is not None and positive.any():
        codes = {to_code(words) for words in set(table.loc[positive, named])}
        return "melanoma" if codes == {"mel"} else "malignant"
    return "melanoma" if columns.image.lower() == "image_name" else "malignant"


def _read_metadata(table: pd.DataFrame, columns: Columns, rows: pd.DataFrame) -> list[str]:
    """Add what else is known to ``rows``; return what is wrong with the values."""
    faults = []
    for name, column in columns.metadata.items():
        rows[name] = table[column].where(~table[column].isin(EMPTY))
        odd = np.array([_PLAIN_WORDS.fullmatch(v) is None for v in rows[name].fillna("unknown")])
        what = f"{column} that is no plain name"
        faults += _fault(what, rows["truth_id"][odd], table[column][odd])
        if name not in ("lesion_id", "patient_id", "age"):
            rows[name] = rows[name].fillna("unknown")
    if "age" in rows:
        ages, said = _to_numbers(rows["age"]), rows["age"]
        wrong = said.notna() & ~ages.between(0, 150)
        what = "ages that are no years from 0 to 150"
        faults += _fault(what, rows["truth_id"][wrong], said[wrong])
        rows["age"] = ages.astype(np.float64)
    return faults


def _to_numbers(cells: "pd.Series[str]") -> "pd.Series[float]":
    """Return numbers as people write them: ``1``, ``1.0``, ``1,0``, ``True``; NaN for others."""
    words = cells.str.lower().map(_TRUE)
    return words.fillna(pd.to_numeric(cells.str.replace(",", "."), errors="coerce"))


def _fault(what: str, ids: "pd.Series[str]", values: "pd.Series[str] | None" = None) -> list[str]:
    shown = [i if _PLAIN_ID.fullmatch(i) else repr(i[:40]) for i in ids]
    if values is not None:
        said = [f" ('{escape(str(value), 40)}')" for value in values]
        shown = [f"{i}{value}" for i, value in zip(shown, said, strict=True)]
    return [f"{what}: {summarize_ids(shown)}"] if shown else []
