"""What a session's answers are worth: the same figures for the reader and for every network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from skinmodel.diagnoses import CODES
from skinmodel.evaluation.measures.bootstrap import Interval, compute_intervals
from skinmodel.quiz.answers import Answer
from skinmodel.quiz.tasks import NO, YES, judge

READER = "you"
"""What the reader is called among the networks' names."""

_DRAWS = 1000
_MELANOMA = CODES.index("mel")


@dataclass(frozen=True)
class Score:
    """Figures of one answerer over the pictures of a session.

    Attributes:
        right: number of leading diagnoses that were the confirmed one.
        asked: number of pictures.
        balanced_accuracy: mean recall of the diagnoses that occurred, its interval by resampling.
        melanoma_sensitivity: share of melanomas called so; NaN where none was shown.
        melanoma_specificity: share of others not called melanoma; NaN where none was shown.
        confidence: mean confidence, in [0, 1]; above ``right / asked`` is overconfident.
        confusion: int64, (K, K), rows the truth, columns the answer, in class order.
    """

    right: int
    asked: int
    balanced_accuracy: Interval
    melanoma_sensitivity: Interval
    melanoma_specificity: Interval
    confidence: float
    confusion: NDArray[np.int64]


@dataclass(frozen=True)
class DecisionScore:
    """Figures of one answerer in a session that asked for a decision.

    Attributes:
        right: number of right decisions.
        asked: number of pictures.
        positives: number of pictures whose right answer was yes.
        sensitivity: share of these answered yes; NaN where none was shown.
        specificity: share of the others answered no; NaN where none was shown.
        confidence: mean confidence, in [0, 1].
        confusion: int64, (2, 2), rows the right answer, columns the one given, yes first.
    """

    right: int
    asked: int
    positives: int
    sensitivity: Interval
    specificity: Interval
    confidence: float
    confusion: NDArray[np.int64]


@dataclass(frozen=True)
class Level:
    """The reader's answers given with one confidence.

    Attributes:
        confidence: as given, in [0, 1].
        right: number of right answers.
        asked: number of answers.
        share: ``right / asked`` with Wilson's interval.
    """

    confidence: float
    right: int
    asked: int
    share: Interval


@dataclass(frozen=True)
class SecondOpinion:
    """What seeing the networks did to a reader's answers.

    Attributes:
        asked: answers given twice.
        to_right: changed from wrong to right.
        to_wrong: changed from right to wrong.
        among_wrong: changed from one wrong diagnosis to another.
    """

    asked: int
    to_right: int
    to_wrong: int
    among_wrong: int


def score(answers: Sequence[Answer], who: str = READER) -> Score:
    """Return one answerer's figures.

    Args:
        answers: of the session, at least one; each with a prediction of ``who``.
        who: ``READER``, or the registry name of a network.

    Raises:
        ValueError: there are no answers.
        KeyError: a network did not answer every picture.
    """
    if not answers:
        raise ValueError("There is no answer to score; answer at least one picture.")
    truth = np.array([CODES.index(answer.case.code) for answer in answers])
    lesions = np.array([answer.case.lesion for answer in answers])
    choices = np.array([CODES.index(_choice(answer, who)) for answer in answers])
    confusion = np.zeros((len(CODES), len(CODES)), np.int64)
    np.add.at(confusion, (truth, choices), 1)
    figures = compute_intervals(truth, np.eye(len(CODES))[choices], lesions, draws=_DRAWS)
    return Score(
        right=int((truth == choices).sum()),
        asked=len(answers),
        balanced_accuracy=figures["balanced_accuracy"],
        melanoma_sensitivity=_wilson(choices == _MELANOMA, truth == _MELANOMA),
        melanoma_specificity=_wilson(choices != _MELANOMA, truth != _MELANOMA),
        confidence=float(np.mean([_confidence(answer, who) for answer in answers])),
        confusion=confusion,
    )


def score_decisions(answers: Sequence[Answer], who: str = READER) -> DecisionScore:
    """Return one answerer's figures of a session that asked for a decision.

    Args:
        answers: of the session, at least one, none of them a diagnosis.
        who: ``READER``, or the registry name of a network.

    Raises:
        ValueError: there are no answers, or one names a diagnosis.
        KeyError: a network did not answer every picture.
    """
    if not answers or any(answer.task == "diagnosis" for answer in answers):
        raise ValueError(
            f"Decisions are to be scored, but of {len(answers)} answers some are none; give at "
            "least one, and score diagnoses with score()."
        )
    truth = np.array([(YES, NO).index(answer.truth) for answer in answers])
    choices = np.array([(YES, NO).index(_choice(answer, who)) for answer in answers])
    confusion = np.zeros((2, 2), np.int64)
    np.add.at(confusion, (truth, choices), 1)
    return DecisionScore(
        right=int((truth == choices).sum()),
        asked=len(answers),
        positives=int((truth == 0).sum()),
        sensitivity=_wilson(choices == 0, truth == 0),
        specificity=_wilson(choices == 1, truth == 1),
        confidence=float(np.mean([_confidence(answer, who) for answer in answers])),
        confusion=confusion,
    )


def group_by_confidence(answers: Sequence[Answer]) -> tuple[Level, ...]:
    """Return the reader's answers by the confidence they were given with, lowest first."""
    levels = []
    for confidence in sorted({answer.confidence for answer in answers}):
        hits = np.array([a.is_right for a in answers if a.confidence == confidence])
        share = _wilson(hits, np.ones_like(hits))
        levels.append(Level(confidence, int(hits.sum()), len(hits), share))
    return tuple(levels)


def tally_second_opinions(answers: Sequence[Answer]) -> SecondOpinion:
    """Return what the networks changed; answers without a second choice do not count."""
    twice = [answer for answer in answers if answer.second is not None]
    right = [(answer.is_right, answer.second == answer.truth) for answer in twice]
    moved = [a.second != a.choice and not a.is_right and a.second != a.truth for a in twice]
    return SecondOpinion(
        asked=len(twice),
        to_right=sum(not before and after for before, after in right),
        to_wrong=sum(before and not after for before, after in right),
        among_wrong=sum(moved),
    )


def _wilson(hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> Interval:
    """Return a share with Wilson's 95 % interval, which stays honest for a few pictures.

    Resampling would give a share of 1 or 0 an interval without width. In a quiz each picture is of
    a lesion of its own. One picture says nothing of a share: its interval is NaN.
    """
    count = int(among.sum())
    if not count:
        return Interval(float("nan"), float("nan"), float("nan"))
    found = int((hits & among).sum())
    if count == 1:
        return Interval(float(found), float("nan"), float("nan"))
    bounds = binomtest(found, count).proportion_ci(0.95, method="wilson")
    return Interval(found / count, float(bounds.low), float(bounds.high))


def _choice(answer: Answer, who: str) -> str:
    return answer.choice if who == READER else judge(answer.task, answer.predictions[who])[0]


def _confidence(answer: Answer, who: str) -> float:
    return answer.confidence if who == READER else judge(answer.task, answer.predictions[who])[1]
