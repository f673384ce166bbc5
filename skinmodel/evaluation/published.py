"""Published result tables: the numbers as printed, and what is known of how they came about.

Köfler's report (2023) is kept under ``assets/published``: one CSV a table, and ``source.toml`` with
the citation, each table's protocol in our words and what it says against itself. Nothing is
repaired here.
"""

import csv
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from skinmodel.diagnoses import CODES, DIAGNOSES
from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.paths import ASSETS

KOEFLER_2023: Final = ASSETS / "published" / "koefler2023"
FIGURES: Final = ("precision", "recall", "f1")
_CODE_OF: Final = {d.isic2019.lower(): d.code for d in DIAGNOSES} | {code: code for code in CODES}


@dataclass(frozen=True)
class About:
    """What is known of a table.

    Attributes:
        number: as in the publication: ``1``, ``4a``.
        title: in our words.
        dataset: what it counts or was measured on.
        protocol: how, in our words.
        model: the network measured; None where none was.
        leaks: whether its figures are too good; None where none was measured or it is not known.
        remarks: ours, on what the table does not say.
        contradictions: name of a row as printed, and what it cannot be by the table's own numbers.
    """

    number: str
    title: str
    dataset: str
    protocol: str
    model: str | None
    leaks: bool | None
    remarks: tuple[str, ...]
    contradictions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Row:
    """Figures of a class, or averages over the classes.

    Attributes:
        name: as printed.
        code: of the diagnosis; None for an average.
        precision: 0 to 1, printed with two digits, as the next two.
        recall: sensitivity.
        f1: harmonic mean of precision and recall, as printed.
        support: number of cases.
    """

    name: str
    code: str | None
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class ClassificationTable:
    """A classification report as scikit-learn prints it: seven classes, accuracy, two averages."""

    about: About
    rows: tuple[Row, ...]
    accuracy: float
    support: int
    macro: Row
    weighted: Row


@dataclass(frozen=True)
class CountTable:
    """Counts by diagnosis.

    Attributes:
        about: what is known of it.
        columns: names of the columns.
        rows: diagnosis as printed and its counts; None where the table has a dash.
        total: the last row as printed.
    """

    about: About
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int | None, ...]], ...]
    total: tuple[int | None, ...]


@dataclass(frozen=True)
class ConfusionLayout:
    """Names given to the cells of a two-class confusion matrix.

    Attributes:
        about: what is known of it.
        cells: (actual, predicted, name) of each cell.
    """

    about: About
    cells: tuple[tuple[bool, bool, str], ...]


Table = ClassificationTable | CountTable | ConfusionLayout


@dataclass(frozen=True)
class Publication:
    """A publication with its tables, in its own order."""

    author: str
    title: str
    institution: str
    year: int
    url: str
    tables: tuple[Table, ...]

    @property
    def citation(self) -> str:
        """Return one line that names the source."""
        return f"{self.author}, {self.title}, {self.institution}, {self.year}. {self.url}"

    def get(self, number: str) -> Table:
        """Return the table of that number; raises UnknownNameError where there is none."""
        for table in self.tables:
            if table.about.number == number:
                return table
        raise UnknownNameError("table", number, (table.about.number for table in self.tables))


def read_publication(folder: Path = KOEFLER_2023) -> Publication:
    """Return the tables of a folder with ``source.toml`` and a ``table_NUMBER.csv`` each.

    Raises:
        ConfigError: a file is missing or not of its form.
    """
    path = folder / "source.toml"
    try:
        source = tomllib.loads(path.read_text(encoding="utf-8"))
        described = source.pop("tables")
        tables = tuple(_read_table(folder, number, facts) for number, facts in described.items())
        return Publication(**source, tables=tables)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error


def _read_table(folder: Path, number: str, facts: dict[str, Any]) -> Table:
    path = folder / f"table_{number}.csv"
    try:
        read = _READERS[facts["kind"]]
        about = About(
            number=number,
            title=facts["title"],
            dataset=facts["dataset"],
            protocol=facts["protocol"],
            model=facts.get("model"),
            leaks=facts.get("leaks"),
            remarks=tuple(facts["remarks"]),
            contradictions=tuple((c["row"], c["text"]) for c in facts.get("contradictions", ())),
        )
        with path.open(encoding="utf-8", newline="") as stream:
            header, *lines = csv.reader(stream)
        return read(about, header, lines)
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(path, error) from error


def _to_classification(
    about: About, header: list[str], lines: list[list[str]]
) -> ClassificationTable:
    _expect("columns", header, ["class", *FIGURES, "support"])
    *classes, accuracy, macro, weighted = lines
    rows = tuple(_to_row(line, _CODE_OF[line[0]]) for line in classes)
    _expect("classes", [row.code for row in rows], list(CODES))
    last = [accuracy[0], macro[0], weighted[0]]
    _expect("last rows", last, ["Accuracy", "Macro Avg", "Weighted Avg"])
    return ClassificationTable(
        about,
        rows,
        accuracy=float(accuracy[3]),
        support=int(accuracy[4]),
        macro=_to_row(macro, None),
        weighted=_to_row(weighted, None),
    )


def _to_row(line: list[str], code: str | None) -> Row:
    name, precision, recall, f1, support = line
    return Row(name, code, float(precision), float(recall), float(f1), int(support))


def _to_counts(about: About, header: list[str], lines: list[list[str]]) -> CountTable:
    counts = [(line[0], tuple(int(v) if v else None for v in line[1:])) for line in lines]
    *rows, (last, total) = counts
    _expect("last row", last, "Total")
    _expect("number of columns", {len(values) for _, values in counts}, {len(header) - 1})
    return CountTable(about, tuple(header[1:]), tuple(rows), total)


def _to_layout(about: About, header: list[str], lines: list[list[str]]) -> ConfusionLayout:
    _expect("columns", header, ["actual", "predicted_true", "predicted_false"])
    truth = {"True": True, "False": False}
    cells = [
        (truth[actual], predicted, name)
        for actual, *names in lines
        for predicted, name in zip((True, False), names, strict=True)
    ]
    return ConfusionLayout(about, tuple(cells))


_READERS: Final[dict[str, Callable[[About, list[str], list[list[str]]], Table]]] = {
    "classification": _to_classification,
    "counts": _to_counts,
    "layout": _to_layout,
}


def _expect(what: str, received: Any, expected: Any) -> None:
    if received != expected:
        raise ValueError(f"{what} are {received}, expected {expected}")


def _damaged(path: Path, error: Exception) -> ConfigError:
    reason = f"{type(error).__name__}: {error}"
    return ConfigError(
        f"The published table '{path}' cannot be read ({reason}). Restore '{path.parent}' from "
        "the repository."
    )
