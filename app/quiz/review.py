"""The pictures that were answered wrong, once the quiz is over, and a quiz of only these."""

from typing import Final

import streamlit as st

from app.quiz.session import Quiz, begin
from app.quiz.wording import count, label, sure
from app.services.attempts import Problem
from app.services.pictures import fit_to_screen
from app.services.quiz import open_case
from app.shared import components
from app.shared.content import read_diagnosis_texts
from skinmodel.diagnoses import get_diagnosis
from skinmodel.quiz.answers import Answer

_COLUMNS: Final = 3
_SIDE: Final = 420  # pixels: two for each point of a column


def show_misses(quiz: Quiz) -> None:
    """Show each picture whose first answer was wrong, with its truth, and offer them again."""
    misses = quiz.misses
    if not quiz.answers:
        return
    if not misses:
        st.markdown("You missed none.")
        return
    st.header("What you missed", anchor=False)
    st.button(
        f"Again with {'this one' if len(misses) == 1 else f'these {len(misses)}'}",
        type="primary",
        icon=":material/replay:",
        on_click=lambda: begin(quiz.repeat_misses()),
        key="quiz-again",
    )
    for start in range(0, len(misses), _COLUMNS):
        row = misses[start : start + _COLUMNS]
        for place, answer in zip(st.columns(_COLUMNS, gap="medium"), row, strict=False):
            with place:
                _show_miss(answer)
    st.caption(f"{count(len(misses), 'picture')}; your first answers count.")


def _show_miss(answer: Answer) -> None:
    truth = get_diagnosis(answer.case.code)
    picture = open_case(answer.case)
    if isinstance(picture, Problem):
        components.show_problem(picture)
    else:
        shown = fit_to_screen(picture.screen, _SIDE)
        st.image(shown, width="stretch", alt=f"A picture you missed: {truth.name}.")
    said = label(answer.task, answer.choice)
    st.markdown(f"**{truth.name}**. You said {said}, {sure(answer.confidence)} sure.")
    components.show_malignancy(truth.malignancy)
    st.caption(read_diagnosis_texts()[truth.code])
