"""What a reader and the networks said of a picture, and a session's answers as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from skinmodel.quiz.cases import Case
from skinmodel.results import DISCLAIMER, Prediction


@dataclass(frozen=True)
class Answer:
    """One picture answered.

    Attributes:
        case: the picture.
        choice: the reader's diagnosis before any network was seen.
        confidence: the reader's own, in [0, 1], given with ``choice``.
        predictions: each network's answer by its registry name.
        second: the reader's diagnosis after the networks were seen; None without a second opinion.
    """

    case: Case
    choice: str
    confidence: float
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    second: str | None = None

    @property
    def is_right(self) -> bool:
        """Whether the first choice is the confirmed diagnosis."""
        return self.choice == self.case.code


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
