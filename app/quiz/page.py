"""The Quiz page: answer first, then see what the networks and the pathologist said."""

import streamlit as st

from app.quiz.question import show_question
from app.quiz.result import show_score
from app.quiz.review import show_misses
from app.quiz.session import get_quiz
from app.quiz.start import show_start
from skinmodel.results import DISCLAIMER


def render() -> None:
    """Show the start, the question at hand or the result."""
    st.title("Quiz", anchor=False)
    st.markdown(
        "Answer and say how sure you are; only then you see what the networks said and what was "
        f"confirmed. Your answers stay in this browser tab's session. **{DISCLAIMER}**"
    )
    quiz = get_quiz()
    if quiz is None:
        show_start()
        return
    case = quiz.case
    if case is None:
        st.success("The quiz is over.", icon=":material/flag:")
        show_misses(quiz)
    else:
        show_question(quiz, case)
        if quiz.answers and st.button("End the quiz", key="quiz-end"):
            quiz.reviewed, quiz.stopped, quiz.choice = len(quiz.answers), True, None
            st.rerun()
    show_score(quiz)


if __name__ == "__main__":
    render()
