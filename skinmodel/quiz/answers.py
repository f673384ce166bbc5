"""What a reader and the networks said of a picture."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from skinmodel.quiz.cases import Case
from skinmodel.results import Prediction


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
