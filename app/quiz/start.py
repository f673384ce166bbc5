"""The quiz's first screen: what is asked, and how."""

from typing import Final, cast

import streamlit as st

from app import services
from app.quiz.session import Quiz, begin, draw_seed
from app.quiz.wording import TASKS
from app.services.quiz import list_cases
from app.shared import components
from skinmodel.quiz.cases import DRAWING, UNSEEN
from skinmodel.quiz.selection import Mix
from skinmodel.quiz.tasks import select_cases

_LENGTHS: Final = {"10": 10, "20": 20, "50": 50, "Endless": None}
_MIXES: Final = {
    "balanced": "Balanced: every diagnosis as often; ten questions hold each at least once",
    "natural": "Natural: as often as among HAM10000's lesions",
}


def show_start() -> None:
    """Show the choices and the button that starts."""
    cases, problem = list_cases()
    if problem is not None:
        components.show_problem(problem, title="The test pictures cannot be read")
    if cases[0].source == DRAWING:
        st.info(
            "No data set is set up on this server, so the quiz asks about drawings made by this "
            "program. They show textbook signs and teach how the quiz works, no more.",
            icon=":material/draw:",
        )
    else:
        known = (
            "lesions none of the networks was trained on"
            if cases[0].source == UNSEEN
            else "the networks may have been trained on some of these lesions, since their weights "
            "come from another split, so that their score may be too good"
        )
        st.markdown(
            f"{len(cases):,} photographs of HAM10000's test folds: {known}. No lesion comes twice; "
            "what you get wrong comes more often."
        )
    with st.form("quiz-start"):
        task = st.radio("Task", list(TASKS), format_func=lambda name: TASKS[name])
        mix = st.radio("Mix", list(_MIXES), format_func=lambda name: _MIXES[name])
        length = st.radio("Questions", list(_LENGTHS), horizontal=True)
        details = st.checkbox("Show age, sex and body site where known", value=True)
        second = st.checkbox(
            "Second opinion: answer, see the networks, answer again, then see the truth"
        )
        if st.form_submit_button("Start", type="primary"):
            begin(
                Quiz(
                    select_cases(task, cases),
                    cast(Mix, mix),
                    _LENGTHS[str(length)],
                    details,
                    second,
                    draw_seed(),
                    task,
                )
            )
            st.rerun()
    st.caption(
        "By keyboard: the keys 1 to 7 answer (1 and 2 where there are two answers), Enter goes on."
    )
    services.get_warm_up().start()  # the networks are ready when the first answer is given
