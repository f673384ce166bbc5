"""One reader's quiz, in the session's memory and nowhere else."""

import secrets
from dataclasses import dataclass, field
from typing import Final

import streamlit as st

from app.services.pictures import Analysis, Picture
from skinmodel.quiz.answers import Answer
from skinmodel.quiz.cases import Case
from skinmodel.quiz.selection import Mix, choose_next
from skinmodel.quiz.tasks import Task

_KEY: Final = "quiz"


@dataclass
class Quiz:
    """A quiz under way.

    Attributes:
        cases: all pictures.
        mix: how often each diagnosis comes.
        length: number of questions; None without end.
        show_details: show age, sex and site with the picture.
        second_opinion: let the reader answer again after the networks.
        seed: of the order.
        task: what is asked of each picture.
        is_repeat: the reader has seen these pictures before, and what they are.
        answers: given so far, whole ones only.
        choice: the reader's first answer to the picture at hand, with the confidence; None before.
        reviewed: number of answers whose truth was shown.
        stopped: the reader wants no more.
        analysis: what is known of the picture at hand; apart from the Classify page's pictures.
    """

    cases: tuple[Case, ...]
    mix: Mix
    length: int | None
    show_details: bool
    second_opinion: bool
    seed: int
    task: Task = "diagnosis"
    is_repeat: bool = False
    answers: list[Answer] = field(default_factory=list)
    choice: tuple[str, float] | None = None
    reviewed: int = 0
    stopped: bool = False
    analysis: Analysis | None = None

    @property
    def is_reviewing(self) -> bool:
        """Whether the last answer's truth is still to be shown."""
        return self.reviewed < len(self.answers)

    @property
    def case(self) -> Case | None:
        """The picture at hand; None where the quiz is over."""
        done = self.length is not None and len(self.answers) >= self.length
        if self.is_reviewing:
            return self.answers[-1].case
        if self.stopped or done:
            return None
        return choose_next(self.cases, self.answers, self.mix, self.seed, self.length)

    def analyse(self, picture: Picture) -> Analysis:
        """Return what is known of the picture at hand; the one before is forgotten."""
        if self.analysis is None or self.analysis.picture.sha256 != picture.sha256:
            self.analysis = Analysis(picture)
        return self.analysis

    @property
    def misses(self) -> list[Answer]:
        """The answers that were wrong at first, in the order given."""
        return [answer for answer in self.answers if not answer.is_right]

    def repeat_misses(self) -> "Quiz":
        """Return a quiz of the pictures that were answered wrong, asked as this one asks."""
        cases = tuple(answer.case for answer in self.misses)
        return Quiz(
            cases,
            "natural",
            len(cases),
            self.show_details,
            self.second_opinion,
            draw_seed(),
            self.task,
            is_repeat=True,
        )


def draw_seed() -> int:
    """Return a seed that no other quiz has."""
    return secrets.randbits(32)


def get_quiz() -> Quiz | None:
    """Return the quiz under way."""
    quiz: Quiz | None = st.session_state.get(_KEY)
    return quiz


def begin(quiz: Quiz) -> None:
    """Start a quiz, in place of any other."""
    st.session_state[_KEY] = quiz


def forget() -> None:
    """End the quiz and forget its answers."""
    st.session_state[_KEY] = None
