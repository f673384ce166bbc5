"""Small tables of counts of both data sets, shipped so that nobody needs the data to read them.

``counting`` makes them from the released label tables; one CSV each under ``assets/counts``, whose
first lines say how, when and from which files. Read strictly: a table that does not fit the others
is refused rather than shown.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.data.truth_tables import SCC, UNKNOWN
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.files import write_text
from skinmodel.paths import ASSETS

FOLDER: Final = ASSETS / "counts"
COMMAND: Final = "python -m skinmodel data count --data DIR"
HAM10000: Final = "ham10000"
ISIC2019: Final = "isic2019"
DATASETS: Final[Mapping[str, tuple[str, ...]]] = {
    HAM10000: CODES,
    ISIC2019: (*CODES, SCC, UNKNOWN),
}
"""Diagnosis codes of each data set, in the order of every table and chart."""

ALL: Final = "all"
"""Stands for the diagnosis where a row is of all of them."""
_SETS, _CODES = tuple(DATASETS), DATASETS[ISIC2019]
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "dataset": _SETS,
    "diagnosis": (*_CODES, ALL),
    HAM10000: CODES,
    ISIC2019: _CODES,
    "field": ("age", "sex", "site", "lesion_id"),
    "split": ("grouped", "report"),
    "side": ("train", "val", "test"),
}
_FREE: Final = ("sex", "site", "origin", "fold")
_REAL: Final = ("age", "weight", "train_weight")
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "images": ("dataset", "diagnosis", "sex", "age", "site", "origin", "images", "lesions"),
    "overlap": (HAM10000, ISIC2019, "images"),
    "lesions": ("dataset", "diagnosis", "images_per_lesion", "lesions"),
    "missing": ("dataset", "diagnosis", "field", "images"),
    "splits": ("split", "fold", "side", "diagnosis", "pictures", "images", "lesions"),
    "leakage": (
        *("split", "diagnosis", "pictures", "turned_copy", "same_lesion", "either"),
        *("lesions_on_two_sides", "images_on_two_sides"),
    ),
    "augmentation": (
        *("diagnosis", "images", "pictures", "weight", "train_pictures", "train_weight"),
    ),
}
"""Columns of each table; all are counts except words, ages (years) and weights."""

_COMMENT: Final = re.compile(r"# ([^:]+): (.+)")


@dataclass(frozen=True, eq=False)
class Counts:
    """Everything counted.

    Attributes:
        images: images by diagnosis, sex, age (years, NaN where unknown), site and origin, which is
            how the diagnosis was confirmed (HAM10000) or the source (ISIC 2019). A lesion counts
            once, in the row of its first image by id: metadata of a few lesions differ between
            their images.
        overlap: HAM10000's images by their diagnosis there and in ISIC 2019.
        lesions: lesions by how many images each has; in ISIC 2019 an image without a lesion id
            counts as a lesion of its own.
        missing: images without a value, by field; fields that are nowhere missing included.
        splits: what each side of a split holds. Of the report's split pictures are turned copies
            too; a lesion there may count on both sides.
        leakage: what training gives away of the test side; see ``report_leakage``.
        augmentation: images, pictures after the report's copies, and class weights as
            scikit-learn's "balanced" has them; the same of its training side alone.
        facts: how it was counted, from which files and which splits: name -> text, in order.
    """

    images: pd.DataFrame = field(repr=False)
    overlap: pd.DataFrame = field(repr=False)
    lesions: pd.DataFrame = field(repr=False)
    missing: pd.DataFrame = field(repr=False)
    splits: pd.DataFrame = field(repr=False)
    leakage: pd.DataFrame = field(repr=False)
    augmentation: pd.DataFrame = field(repr=False)
    facts: Mapping[str, str]

    def of(self, dataset: str) -> pd.DataFrame:
        """Return the rows of ``images`` of one data set, without the column ``dataset``."""
        rows = self.images[self.images["dataset"] == dataset]
        return rows.drop(columns="dataset").reset_index(drop=True)

    def by_class(self, dataset: str, what: str = "images") -> dict[str, int]:
        """Return images (or lesions) by diagnosis, in class order; a code without any has 0."""
        found = self._totals[what]
        return {code: int(found.get((dataset, code), 0)) for code in DATASETS[dataset]}

    @cached_property
    def _totals(self) -> pd.DataFrame:
        return self.images.groupby(["dataset", "diagnosis"])[["images", "lesions"]].sum()


def write_counts(counts: Counts, folder: Path) -> tuple[Path, ...]:
    """Write one CSV a table and return the files."""
    head = "".join(f"# {name}: {text}\n" for name, text in counts.facts.items())
    files = tuple(folder / f"{name}.csv" for name in COLUMNS)
    for name, file in zip(COLUMNS, files, strict=True):
        table: pd.DataFrame = getattr(counts, name)
        rows = table.to_csv(index=False, float_format="%.8g", lineterminator="\n")
        write_text(file, head + rows)
    return files


def read_counts(folder: Path = FOLDER) -> Counts:
    """Read the tables.

    Raises:
        ConfigError: a file is missing, is not of its form, or does not fit the others.
    """
    read = {name: _read(folder / f"{name}.csv", columns) for name, columns in COLUMNS.items()}
    facts, *others = (head for head, _ in read.values())
    if any(other != facts for other in others):
        raise _damaged(folder, "the tables were not counted at once: their first lines differ")
    counts = Counts(**{name: table for name, (_, table) in read.items()}, facts=facts)
    _check_sums(counts, folder)
    return counts


def _read(path: Path, columns: tuple[str, ...]) -> tuple[dict[str, str], pd.DataFrame]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error
    found = [_COMMENT.fullmatch(line) for line in lines if line.startswith("#")]
    facts = {match[1]: match[2] for match in found if match}
    if not facts or None in found:
        raise _damaged(path, "its first lines do not say how it was counted")
    header, *rows = list(csv.reader(io.StringIO("\n".join(lines[len(found) :])))) or [[]]
    if tuple(header) != columns:
        raise _damaged(path, f"columns are {header}, expected {list(columns)}")
    if not rows or any(len(row) != len(columns) for row in rows):
        raise _damaged(path, f"it has no rows, or rows without {len(columns)} cells")
    table = pd.DataFrame(rows, columns=list(columns), dtype="str")
    return facts, table.apply(lambda column: _convert(path, column))


def _convert(path: Path, column: pd.Series) -> pd.Series:
    name = str(column.name)
    if name in _FREE:
        return column
    if name in _WORDS:
        wrong = column[~column.isin(_WORDS[name])]
    else:
        may_be_empty = name == "age"
        form = r"\d+(\.\d+)?" if name in _REAL else r"\d+"
        wrong = column[~(column.str.fullmatch(form) | (may_be_empty & (column == "")))]
    if len(wrong):
        raise _damaged(path, f"column {name} holds {wrong.iloc[0][:40]!r}")
    if name in _WORDS:
        return column
    return pd.to_numeric(column).astype("float64" if name in _REAL else "int64")


def _check_sums(counts: Counts, folder: Path) -> None:
    """Hold the tables to each other: a class has as many images wherever it is counted."""
    for dataset in DATASETS:
        expected = counts.by_class(dataset)
        rows = counts.lesions[counts.lesions["dataset"] == dataset]
        weighted = rows.assign(images=rows["images_per_lesion"] * rows["lesions"])
        _expect(folder, f"lesions, {dataset}", weighted, expected)
    ham = counts.by_class(HAM10000)
    grouped = counts.splits[counts.splits["split"] == "grouped"]
    _expect(folder, "splits", grouped, ham)
    _expect(folder, "augmentation", counts.augmentation, ham)
    _expect(folder, "overlap", counts.overlap.rename(columns={HAM10000: "diagnosis"}), ham)


def _expect(folder: Path, what: str, table: pd.DataFrame, expected: Mapping[str, int]) -> None:
    found = {str(k): int(v) for k, v in table.groupby("diagnosis")["images"].sum().items()}
    if found != {code: count for code, count in expected.items() if count}:
        raise _damaged(folder, f"{what}.csv has {found} images where images.csv has {expected}")


def _damaged(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"The counts in '{path}' cannot be used: {reason}. Restore assets/counts from the "
        f"repository, or count again with: {COMMAND}."
    )
