"""Which picture comes next: never one twice, and weak classes more often."""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from skinmodel.quiz.answers import Answer
from skinmodel.quiz.cases import Case

Mix = Literal["balanced", "natural"]

WEAKNESS: Final = 2.0
"""How many times as often a class never answered right comes as one always answered right."""


def choose_next(
    cases: Sequence[Case],
    answers: Sequence[Answer],
    mix: Mix,
    seed: int,
    questions: int | None = None,
) -> Case | None:
    """Return the next picture, or None when no lesion is left that was not shown.

    A class is drawn first, then a picture of it. Its chance is its share (the same for all in the
    ``balanced`` mix, that of its lesions in the ``natural`` one) times a weight: 1 plus
    ``WEAKNESS`` - 1 times the reader's share of wrong answers in it, smoothed by one right and one
    wrong answer. Lesions count, not pictures: a lesion photographed often does not come more often.
    In the balanced mix a quiz of enough questions holds every class: once no more questions are
    left than classes that have not come yet, only these are drawn from.

    Args:
        cases: all pictures of the quiz.
        answers: of this session so far.
        mix: how often each class comes.
        seed: of the session; the same seed and answers give the same picture.
        questions: of the whole session; None without end.
    """
    shown = {answer.case.lesion for answer in answers}
    left: dict[str, dict[str, list[Case]]] = {}
    totals: dict[str, set[str]] = {}
    for case in cases:
        totals.setdefault(case.code, set()).add(case.lesion)
        if case.lesion not in shown:
            left.setdefault(case.code, {}).setdefault(case.lesion, []).append(case)
    if not left:
        return None
    codes = sorted(left)
    missing = sorted(set(codes) - {answer.case.code for answer in answers})
    if mix == "balanced" and questions is not None and questions - len(answers) <= len(missing):
        codes = missing
    shares = [len(totals[code]) if mix == "natural" else 1.0 for code in codes]
    weights = np.array(
        [share * weigh(code, answers) for share, code in zip(shares, codes, strict=True)]
    )
    rng = np.random.default_rng([seed, len(answers)])
    code = codes[int(rng.choice(len(codes), p=weights / weights.sum()))]
    lesions = left[code]
    pictures = lesions[sorted(lesions)[int(rng.integers(len(lesions)))]]
    return pictures[int(rng.integers(len(pictures)))]


def weigh(code: str, answers: Sequence[Answer]) -> float:
    """Return the weight of a class, from 1 to ``WEAKNESS``, see ``choose_next``."""
    own = [answer.is_right for answer in answers if answer.case.code == code]
    wrong = (len(own) - sum(own) + 1) / (len(own) + 2)
    return 1.0 + (WEAKNESS - 1.0) * wrong
