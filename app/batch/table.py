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
    "At risk": lambda row: not row.problem and find_risk(row) >= NOTABLE,
    "Networks disagree": lambda row: not row.problem and not agree([*row.predictions.values()]),
    "Declined or unreadable": lambda row: bool(row.problem) or is_declined(row),
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


def sort_rows(rows: Sequence[Row], model: str) -> list[Row]:
    """Return rows by the risk that one network sees, the highest first; unreadable ones last."""
    return sorted(rows, key=lambda row: (row.problem is not None, -find_risk(row, model)))


def warn(row: Row, titles: Mapping[str, str]) -> tuple[str, ...]:
    """Return what speaks against trusting a row's answer, in sentences."""
    if row.problem:
        return (row.problem,)
    gates = [p.trust.gate for p in row.predictions.values() if p.trust is not None]
    found = compute_cautions([*row.predictions.values()], titles, (*row.size, 3))
    reasons = [reason for gate in gates for reason in gate.reasons]
    return tuple(dict.fromkeys((*reasons, *([row.note] if row.note else []), *found)))


def to_frame(rows: Sequence[Row], model: str, titles: Mapping[str, str]) -> pd.DataFrame:
    """Return what the page shows, one row a picture; NaN and empty where there is no answer."""
    return pd.DataFrame([_to_line(row, model, titles) for row in rows])


def _to_line(row: Row, model: str, titles: Mapping[str, str]) -> dict[str, Any]:
    picture = base64.b64encode(row.thumbnail).decode()
    answer = row.predictions.get(model)
    kinds = {p.diagnosis.malignancy is Malignancy.BENIGN for p in row.predictions.values()}
    agreement = "" if not row.predictions else "yes" if agree([*row.predictions.values()]) else "no"
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
    """Return every number of a batch, one line a picture and network."""
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
            values = [f"{value:.6f}" for value in p.probabilities]
            gate = "" if p.trust is None else str(p.trust.gate.outcome)
            told = " ".join(warn(row, titles))
            line = [name, row.sha256, p.model, p.run_id, p.code, *values]
            writer.writerow([*line, gate, told, "", DISCLAIMER])
    return text.getvalue().encode()


def render_submission(rows: Sequence[Row], model: str) -> bytes:
    """Return one network's answers in the columns of the ISIC 2018 challenge."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ISIC_COLUMNS["isic2018"]
    writer.writerow(["image", *columns])
    for row in rows:
        if model in row.predictions:
            shares = dict(zip(CODES, row.predictions[model].probabilities, strict=True))
            values = [f"{shares[COLUMN_CODES['isic2018'][name]]:.6f}" for name in columns]
            writer.writerow([to_cell(row.entry.name.rpartition(".")[0]), *values])
    return text.getvalue().encode()
