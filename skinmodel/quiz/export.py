"""A session's answers as a table that says what it is."""

from collections.abc import Sequence

import pandas as pd

from skinmodel.quiz.answers import Answer
from skinmodel.results import DISCLAIMER


def to_csv(answers: Sequence[Answer]) -> bytes:
    """Return one row an answer, in order, as UTF-8 CSV; nothing in it names the reader."""
    return pd.DataFrame([_to_row(answer) for answer in answers]).to_csv(index=False).encode()


def _to_row(answer: Answer) -> dict[str, object]:
    case = answer.case
    row: dict[str, object] = {
        "image": case.image_id,
        "source": case.source,
        "truth": case.code,
        "confirmed_by": case.confirmed_by,
        "answer": answer.choice,
        "confidence": answer.confidence,
        "second_answer": answer.second or "",
    }
    for name, prediction in answer.predictions.items():
        row |= {
            f"{name}_answer": prediction.code,
            f"{name}_confidence": round(prediction.confidence, 6),
            f"{name}_run": prediction.run_id,
        }
    return row | {"disclaimer": DISCLAIMER}
