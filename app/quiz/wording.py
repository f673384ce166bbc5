"""What the Quiz page calls its tasks and their answers."""

from typing import Final

from skinmodel.diagnoses import get_diagnosis
from skinmodel.quiz.tasks import NO, YES, Task

TASKS: Final[dict[Task, str]] = {
    "diagnosis": "Name the diagnosis",
    "malignant": "Benign or malignant? Actinic keratosis and Bowen's disease count as malignant",
    "excise": "Would you excise it? Melanoma and basal cell carcinoma should be; actinic keratosis "
    "and Bowen's disease are not asked, since most are treated otherwise",
}
QUESTIONS: Final[dict[Task, str]] = {
    "diagnosis": "Your diagnosis",
    "malignant": "Benign or malignant?",
    "excise": "Would you excise it?",
}
_DECISIONS: Final = {
    "malignant": {YES: "Malignant", NO: "Benign"},
    "excise": {YES: "Excise", NO: "Leave"},
}


def label(task: Task, answer: str) -> str:
    """Return an answer in words, as a button says it."""
    return get_diagnosis(answer).name if task == "diagnosis" else _DECISIONS[task][answer]


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    >>> count(1, "picture"), count(2, "picture"), count(2, "diagnosis", "diagnoses")
    ('1 picture', '2 pictures', '2 diagnoses')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def sure(confidence: float) -> str:
    """Return a reader's confidence as it was given: in whole per cent.

    >>> sure(0.5)
    '50 %'
    """
    return f"{100 * confidence:.0f} %"
