"""Which columns of a table say what: the image, its diagnosis and what is known of the patient.

Names are told apart in any case. What no name here fits is not used, and said so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from skinmodel.data.diagnosis_words import KNOWN, to_code
from skinmodel.data.tables import UNNAMED
from skinmodel.diagnoses import DIAGNOSES
from skinmodel.errors import DatasetError, escape

Kind = Literal["words", "one-hot", "archive", "binary"]

ISIC_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "isic2018": ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"),
    "isic2019": ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK"),
}
"""The columns of a submission, and of the truth tables that the challenges gave out."""

IDS: Final = (
    *("image_id", "image", "isic_id", "image_name", "img_id", "image id", "image name"),
    *("filename", "file_name", "file name", "file", "id"),
)
WORDS: Final = ("dx", "diagnosis_code", "label", "class", "diagnosis")
TERMS: Final = ("diagnosis_5", "diagnosis_4", "diagnosis_3", "diagnosis_2", "diagnosis_1")
"""The ISIC Archive's, the narrowest first."""
TARGETS: Final = ("target", "benign_malignant")
WEIGHTS: Final = ("score_weight", "validation_weight")
METADATA: Final[Mapping[str, str]] = {
    "lesion_id": "lesion_id",
    "patient_id": "patient_id",
    "sex": "sex",
    "age": "age",
    "age_approx": "age",
    "localization": "site",
    "anatom_site_general": "site",
    "anatom_site_general_challenge": "site",
    "dx_type": "dx_type",
    "diagnosis_confirm_type": "dx_type",
    "dataset": "source",
}
"""Columns that a table may have beside image and diagnosis, and their names in an index."""

_LAYOUTS: Final = {
    "ISIC 2018's truth": ("image", *ISIC_COLUMNS["isic2018"]),
    "ISIC 2019's truth": ("image", *ISIC_COLUMNS["isic2019"]),
    "HAM10000's metadata": ("image_id", "dx"),
    "the ISIC Archive's metadata": ("isic_id", "diagnosis_1"),
    "the truth of ISIC 2020 or 2024": ("image_name", "target"),
}


@dataclass(frozen=True)
class Columns:
    """What a table's columns say.

    Attributes:
        kind: ``words``: one column with the diagnosis; ``one-hot``: one for each class;
            ``archive``: the ISIC Archive's terms; ``binary``: malignant or not.
        image: the column with the image's id.
        diagnosis: the columns that ``kind`` speaks of, of terms the narrowest first.
        metadata: column by name in an index, see ``METADATA``.
        unused: the others, without those that have no name.
    """

    kind: Kind
    image: str
    diagnosis: tuple[str, ...]
    metadata: dict[str, str]
    unused: tuple[str, ...]


def find_columns(path: Path, names: Sequence[str]) -> Columns:
    """Return what the columns of a table say.

    Where several could say the diagnosis, the first of these does: ``dx``, one-hot classes,
    ``target``, the archive's terms, ``diagnosis``, ``benign_malignant``.

    Args:
        path: the table, for the message.
        names: of its columns.

    Raises:
        DatasetError: the image or the diagnosis stands in no column, or a class in two.
    """
    here: dict[str, str] = {}
    for name in names:
        here.setdefault(name.lower(), name)
    image = next((here[name] for name in IDS if name in here), None)
    found = _find_diagnosis(path, here)
    if image is None or found is None:
        raise DatasetError(_refuse(path, names, image, found is not None))
    kind, diagnosis = found
    metadata: dict[str, str] = {}
    for name, known in METADATA.items():
        if name in here and here[name] not in diagnosis:
            metadata.setdefault(known, here[name])
    used = {image, *diagnosis, *metadata.values(), *(here.get(w, "") for w in WEIGHTS)}
    unused = tuple(n for n in names if n not in used and not is_unnamed(n))
    return Columns(kind, image, diagnosis, metadata, unused)


def is_unnamed(name: str) -> bool:
    """Return whether a column has no name in its file, or the one that pandas gives such."""
    return name.startswith(UNNAMED) or name.lower() == "index"


def _find_diagnosis(path: Path, here: Mapping[str, str]) -> tuple[Kind, tuple[str, ...]] | None:
    if WORDS[0] in here:
        return "words", (here[WORDS[0]],)
    if (classes := _find_classes(path, here)) is not None:
        return "one-hot", classes
    if TARGETS[0] in here:
        return "binary", tuple(here[name] for name in TARGETS if name in here)
    if terms := tuple(here[name] for name in TERMS if name in here):
        return "archive", terms + ((here["diagnosis"],) if "diagnosis" in here else ())
    if "diagnosis" in here:
        return "archive", (here["diagnosis"],)
    if named := next((here[name] for name in WORDS if name in here), None):
        return "words", (named,)
    return ("binary", (here[TARGETS[1]],)) if TARGETS[1] in here else None


def _find_classes(path: Path, here: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the columns of a one-hot table: two or more that are called as a class is."""
    codes = {name: to_code(name) for name in here.values()}
    classes = {name: code for name, code in codes.items() if code in KNOWN[:-1]}
    if len(classes) < 2:
        return None
    twice = sorted({c for c in classes.values() if list(classes.values()).count(c) > 1})
    if twice:
        clash = ", ".join(name for name, code in classes.items() if code == twice[0])
        raise DatasetError(
            f"The columns {clash} of '{path}' are all of one class, {twice[0]}. Leave one of them."
        )
    return tuple(classes)


def _refuse(path: Path, names: Sequence[str], image: str | None, has_diagnosis: bool) -> str:
    found = ", ".join(escape(name, 40) for name in names[:20])
    more = f", ... ({len(names):,} in all)" if len(names) > 20 else ""
    lower = {name.lower() for name in names}
    title, columns = max(
        _LAYOUTS.items(), key=lambda item: len({c.lower() for c in item[1]} & lower)
    )
    lacks = []
    if image is None:
        lacks.append(f"no column names the image ({', '.join(IDS[:4])} would)")
    if not has_diagnosis:
        classes = ", ".join(d.isic2018 for d in DIAGNOSES)
        lacks.append(
            f"none its diagnosis (dx, diagnosis, diagnosis_1, target, or a column for each of "
            f"{classes} would)"
        )
    return (
        f"The columns of '{path}' are those of no known truth table: {found}{more}. In it "
        f"{' and '.join(lacks)}. The nearest known is {title}: {', '.join(columns)}."
    )
