"""What the quiz asks of a picture: its diagnosis, or one of two decisions about it."""

from collections.abc import Sequence
from typing import Final, Literal

from skinmodel.diagnoses import CODES, DIAGNOSES, Malignancy, get_diagnosis
from skinmodel.quiz.cases import Case
from skinmodel.results import Prediction

Task = Literal["diagnosis", "malignant", "excise"]

YES: Final = "yes"
NO: Final = "no"
HALF: Final = 0.5
"""Summed probability of the diagnoses that are not benign from which a network's answer is yes."""

_SUSPECT: Final = tuple(d.code for d in DIAGNOSES if d.malignancy is not Malignancy.BENIGN)


def list_choices(task: Task) -> tuple[str, ...]:
    """Return the answers that a reader can give, in the order of the keys."""
    return CODES if task == "diagnosis" else (YES, NO)


def select_cases(task: Task, cases: Sequence[Case]) -> tuple[Case, ...]:
    """Return the pictures that a task has a right answer for.

    Whether to excise has none for a pre-malignant lesion: most are treated without a knife.
    """
    if task != "excise":
        return tuple(cases)
    return tuple(
        case for case in cases if get_diagnosis(case.code).malignancy is not Malignancy.PREMALIGNANT
    )


def find_truth(task: Task, code: str) -> str:
    """Return the right answer for a picture of a confirmed diagnosis.

    ``malignant`` counts pre-malignant lesions as malignant; ``excise`` is asked of the others only.
    """
    if task == "diagnosis":
        return code
    return YES if code in _SUSPECT else NO


def judge(task: Task, prediction: Prediction) -> tuple[str, float]:
    """Return a network's answer and how sure it is of that answer, in [0, 1].

    Of a decision it says yes where the probabilities of all malignant and pre-malignant diagnoses
    add up to ``HALF`` or more.
    """
    if task == "diagnosis":
        return prediction.code, prediction.confidence
    suspect = sum(prediction.probabilities[CODES.index(code)] for code in _SUSPECT)
    return (YES, suspect) if suspect >= HALF else (NO, 1 - suspect)
