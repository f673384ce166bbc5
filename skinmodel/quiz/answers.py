"""What a reader and the networks said of a picture, and a session's answers as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from skinmodel.quiz.cases import Case
from skinmodel.quiz.tasks import Task, find_truth, judge
from skinmodel.results import DISCLAIMER, Prediction


@dataclass(frozen=True)
class Answer:
    """One picture answered.

    Attributes:
        case: the picture.
        choice: the reader's answer before any network was seen, one of ``list_choices(task)``.
        confidence: the reader's own, in [0, 1], given with ``choice``.
        predictions: each network's answer by its registry name.
        second: the reader's answer after the networks were seen; None without a second opinion.
        task: what was asked.
    """

    case: Case
    choice: str
    confidence: float
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    second: str | None = None
    task: Task = "diagnosis"

    @property
    def truth(self) -> str:
        """The right answer."""
        return find_truth(self.task, self.case.code)

    @property
    def is_right(self) -> bool:
        """Whether the first choice is the right answer."""
        return self.choice == self.truth


def to_csv(answers: Sequence[Answer], repeated: bool = False) -> bytes:
    """Return one row an answer, in order, as UTF-8 CSV; nothing in it names the reader.

    Args:
        answers: of a session.
        repeated: whether the reader had seen these pictures and their truth before.
    """
    rows = [_to_row(answer, repeated) for answer in answers]
    return pd.DataFrame(rows).to_csv(index=False).encode()


def _to_row(answer: Answer, repeated: bool) -> dict[str, object]:
    case = answer.case
    row: dict[str, object] = {
        "image": case.image_id,
        "source": case.source,
        "truth": case.code,
        "confirmed_by": case.confirmed_by,
        "task": answer.task,
        "seen_before": repeated,
        "answer": answer.choice,
        "confidence": answer.confidence,
        "second_answer": answer.second or "",
    }
    for name, prediction in answer.predictions.items():
        said, confidence = judge(answer.task, prediction)
        row |= {
            f"{name}_answer": said,
            f"{name}_confidence": round(confidence, 6),
            f"{name}_run": prediction.run_id,
        }
    return row | {"disclaimer": DISCLAIMER}
