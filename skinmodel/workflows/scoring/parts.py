"""One part of the results: its rows, its unreadable pictures, and the files that hold them."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from skinmodel.data.label_columns import ISIC_COLUMNS
from skinmodel.data.tables import to_cell
from skinmodel.data.truth_tables import COLUMN_CODES
from skinmodel.diagnoses import CODES
from skinmodel.files import write_atomically, write_text
from skinmodel.results import DISCLAIMER, Prediction
from skinmodel.workflows.scoring.plan import Plan

ERRORS: Final = "errors"
ERRORS_FILE: Final = "errors.csv"
SUBMISSION: Final = "submission.csv"
FORMATS: Final = ("csv", "parquet", "isic")
COLUMNS: Final = (
    *("file", "model", "run_id", "prediction"),
    *(f"p_{code}" for code in CODES),
    *("gate", "gate_reasons", "note"),
)
_SUBMITTED: Final = ISIC_COLUMNS["isic2018"]


@dataclass(frozen=True)
class Fault:
    """A picture without a row, and why."""

    file: str
    reason: str


def find_part(out: Path, plan: Plan, number: int) -> Path:
    """Return the file of a part; where it is there, the part is done."""
    suffix = ".parquet" if plan.settings.format == "parquet" else ".csv"
    return out / f"part-{number:05d}{suffix}"


def write_part(
    out: Path,
    plan: Plan,
    number: int,
    rows: Sequence[tuple[str, Prediction]],
    faults: Sequence[Fault],
) -> None:
    """Write what became of a part's pictures; its rows last, since they say that it is done.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    errors = out / ERRORS / f"part-{number:05d}.csv"
    if faults:
        write_text(errors, _to_csv(["file", "reason"], ([f.file, f.reason] for f in faults)))
    else:
        errors.unlink(missing_ok=True)  # of a start that was stopped before its rows were written
    path = find_part(out, plan, number)
    if plan.settings.format == "isic":
        # Its columns have no place for a refusal, so what is withheld is left out.
        kept = [(f, p) for f, p in rows if plan.settings.force or not p.declined]
        lines = (_to_submission(file, prediction) for file, prediction in kept)
        write_text(path, _to_csv(["image", *_SUBMITTED], lines))
        return
    values = [to_values(file, prediction, plan.settings.force) for file, prediction in rows]
    if plan.settings.format == "csv":
        write_text(path, _to_csv(COLUMNS, map(_round, values)))
        return
    named = [[_to_name(value[0]), *value[1:]] for value in values]
    table = pd.DataFrame(named, columns=list(COLUMNS)).astype(_TYPES)
    write_atomically(path, lambda file: table.to_parquet(file, index=False))


def to_values(file: str, prediction: Prediction, force: bool) -> list[Any]:
    """Return a row as ``COLUMNS`` name it; an answer that the gate withholds is left empty."""
    gate = None if prediction.trust is None else prediction.trust.gate
    withheld = prediction.declined and not force
    probabilities: Iterable[float | None] = prediction.probabilities
    return [
        file,
        prediction.model,
        prediction.run_id,
        None if withheld else prediction.code,
        *([None] * len(CODES) if withheld else probabilities),
        None if gate is None else str(gate.outcome),
        None if gate is None else " ".join(gate.reasons),
        DISCLAIMER,
    ]


_TYPES: Final = {name: "float64" if name.startswith("p_") else "str" for name in COLUMNS}


def _round(values: list[Any]) -> list[Any]:
    return ["" if v is None else f"{v:.6f}" if isinstance(v, float) else v for v in values]


def _to_submission(file: str, prediction: Prediction) -> list[str]:
    by_code = dict(zip(CODES, prediction.probabilities, strict=True))
    columns = COLUMN_CODES["isic2018"]
    return [Path(file).stem, *(f"{by_code[columns[name]]:.6f}" for name in _SUBMITTED)]


def _to_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_to_text(row[0]), *row[1:]])
    return text.getvalue()


def _to_text(name: str) -> str:
    return to_cell(_to_name(name))


def _to_name(name: str) -> str:
    """Return a file's name as text that a table can hold: bytes that are none stand escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def join(files: Iterable[Path], target: Path) -> int:
    """Join CSV files of one header into one, row by row; returns the number of rows."""
    count = 0

    def write(path: Path) -> None:
        nonlocal count
        with path.open("w", encoding="utf-8", newline="") as out:
            for place, file in enumerate(files):
                with file.open(encoding="utf-8", newline="") as part:
                    header = next(part)  # our own: one line
                    if place == 0:
                        out.write(header)
                    for line in part:
                        out.write(line)
        with path.open(encoding="utf-8", newline="") as written:
            count = sum(1 for _ in csv.reader(written)) - 1

    write_atomically(target, write)
    return count


def iterate_errors(out: Path) -> Iterator[Path]:
    """Yield the lists of unreadable pictures, in the order of the parts."""
    yield from sorted((out / ERRORS).glob("part-*.csv"))
