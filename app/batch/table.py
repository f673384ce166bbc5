"""The rows of a batch: sorted by risk, filtered, and as files to save."""

import base64
import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from app.services.batches import Row
from skinmodel.data.label_columns import ISIC_COLUMNS
from skinmodel.data.tables import to_cell
from skinmodel.data.truth_tables import COLUMN_CODES
from skinmodel.diagnoses import CODES, Malignancy
from skinmodel.findings.cautions import agree, compute_cautions, compute_risk
from skinmodel.results import DISCLAIMER

NOTABLE: Final = 0.10
"""Summed malignant probability from which a row counts as a risk, as on the Classify page."""

FILTERS: Final[Mapping[str, Callable[[Row], bool]]] = {
    "All": lambda _: True,
    "At risk": lambda row: is_answered(row) and find_risk(row) >= NOTABLE,
    "Networks disagree": lambda row: is_answered(row) and not agree([*row.predictions.values()]),
    "Declined or unreadable": lambda row: not is_answered(row),
}


def find_risk(row: Row, model: str | None = None) -> float:
    """Return the summed malignant and pre-malignant probability, in [0, 1].

    Args:
        row: with an answer.
        model: network; None for the highest of all.
    """
    chosen = [p for name, p in row.predictions.items() if model in (None, name)]
    return max((compute_risk(p) for p in chosen), default=0.0)


def is_declined(row: Row) -> bool:
    """Return whether some network cannot judge this picture."""
    return any(p.declined for p in row.predictions.values())


def is_answered(row: Row) -> bool:
    """Return whether a row's answer is shown: readable, and no network declines the picture."""
    return row.problem is None and not is_declined(row)


def sort_rows(rows: Sequence[Row], model: str) -> list[Row]:
    """Return rows by the risk that one network sees, the highest first.

    Declined ones come after them, with no order of risk, and unreadable ones last.
    """

    def place(row: Row) -> tuple[bool, bool, float]:
        risk = find_risk(row, model) if is_answered(row) else 0.0
        return row.problem is not None, is_declined(row), -risk

    return sorted(rows, key=place)


def warn(row: Row, titles: Mapping[str, str]) -> tuple[str, ...]:
    """Return what speaks against trusting a row's answer, in sentences."""
    if row.problem:
        return (row.problem,)
    gates = [p.trust.gate for p in row.predictions.values() if p.trust is not None]
    found: Sequence[str] = ()
    if is_answered(row):
        found = compute_cautions([*row.predictions.values()], titles, (*row.size, 3))
    reasons = [reason for gate in gates for reason in gate.reasons]
    return tuple(dict.fromkeys((*reasons, *([row.note] if row.note else []), *found)))


def to_frame(rows: Sequence[Row], model: str, titles: Mapping[str, str]) -> pd.DataFrame:
    """Return what the page shows, one row a picture; NaN and empty where there is no answer."""
    return pd.DataFrame([_to_line(row, model, titles) for row in rows])


def _to_line(row: Row, model: str, titles: Mapping[str, str]) -> dict[str, Any]:
    picture = base64.b64encode(row.thumbnail).decode()
    shown = row.predictions if is_answered(row) else {}
    answer = shown.get(model)
    kinds = {p.diagnosis.malignancy is Malignancy.BENIGN for p in shown.values()}
    agreement = "" if not shown else "yes" if agree([*shown.values()]) else "no"
    return {
        "Picture": f"data:image/png;base64,{picture}" if picture else None,
        "File": row.entry.name,
        "Risk": None if answer is None else 100 * find_risk(row, model),
        "Leading diagnosis": "" if answer is None else answer.diagnosis.name,
        "Probability": None if answer is None else 100 * answer.confidence,
        "Networks agree": agreement + (", nor on benign or not" if len(kinds) == 2 else ""),
        "Read with care": " ".join(warn(row, titles)),
    }


def render_csv(rows: Sequence[Row], titles: Mapping[str, str]) -> bytes:
    """Return every number of a batch, one line a picture and network; none that is withheld."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["file", "sha256", "model", "run_id", "prediction", *(f"p_{code}" for code in CODES)]
    writer.writerow([*head, "gate", "read_with_care", "error", "note"])
    for row in rows:
        name = to_cell(row.entry.name)
        if row.problem:
            blank = [""] * (len(head) - 2)
            writer.writerow([name, row.sha256, *blank, "", "", row.problem, DISCLAIMER])
        for p in row.predictions.values():
            shown = is_answered(row)
            values = [f"{value:.6f}" if shown else "" for value in p.probabilities]
            gate = "" if p.trust is None else str(p.trust.gate.outcome)
            told = " ".join(warn(row, titles))
            line = [name, row.sha256, p.model, p.run_id, p.code if shown else "", *values]
            writer.writerow([*line, gate, told, "", DISCLAIMER])
    return text.getvalue().encode()


def render_submission(rows: Sequence[Row], model: str) -> bytes:
    """Return one network's answers in the columns of the ISIC 2018 challenge; none withheld."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ISIC_COLUMNS["isic2018"]
    writer.writerow(["image", *columns])
    for row in rows:
        if model in row.predictions and is_answered(row):
            shares = dict(zip(CODES, row.predictions[model].probabilities, strict=True))
            values = [f"{shares[COLUMN_CODES['isic2018'][name]]:.6f}" for name in columns]
            writer.writerow([to_cell(row.entry.name.rpartition(".")[0]), *values])
    return text.getvalue().encode()
