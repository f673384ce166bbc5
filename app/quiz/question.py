"""One question: the picture and the reader's answer, then the networks, then the truth."""

from collections.abc import Mapping
from typing import Final

import streamlit as st

from app import services
from app.quiz.session import Quiz
from app.quiz.wording import QUESTIONS, label, sure
from app.services.attempts import Problem
from app.services.pictures import Analysis, Picture
from app.services.quiz import open_case
from app.shared import charts, components
from app.shared.cautions import warn_of_picture
from app.shared.content import read_diagnosis_texts
from app.shared.explanation import show_explanation
from app.shared.focus import move_focus
from app.shared.waiting import wait_for_networks
from app.shared.wording import describe_confirmation, join_words, percent
from skinmodel.diagnoses import get_diagnosis
from skinmodel.models.registry import get_spec
from skinmodel.quiz.answers import Answer
from skinmodel.quiz.cases import Case
from skinmodel.quiz.tasks import judge, list_choices
from skinmodel.results import Prediction

_CONFIDENCE: Final = tuple(range(10, 101, 10))
_CONFIDENCE_OF_TWO: Final = tuple(range(50, 101, 10))  # less would be the other answer


def show_question(quiz: Quiz, case: Case) -> None:
    """Show the picture at hand in whatever state its answer is."""
    number = quiz.reviewed + 1
    of = f" of {quiz.length}" if quiz.length else ""
    st.header(f"Question {number}{of}", anchor=False)
    picture = open_case(case)
    if isinstance(picture, Problem):
        components.show_problem(picture)
        return
    first, second = st.columns(2, gap="medium")
    with first:
        st.image(picture.screen, width="stretch", alt=f"The picture of question {number}.")
        if quiz.show_details and (details := _describe(case)):
            st.caption(details)
    with second:
        if quiz.is_reviewing:
            _show_truth(quiz, picture)
        elif quiz.choice is None:
            _ask_first(quiz, number)
        elif quiz.second_opinion:
            _ask_second(quiz, case, picture, number)
        else:
            _finish(quiz, case, picture, None)
    if quiz.is_reviewing:
        _show_networks(quiz.answers[-1].predictions, quiz.analyse(picture))


def _describe(case: Case) -> str:
    age = "" if case.age is None else f"{case.age:.0f} years"
    return ", ".join(part for part in (age, case.sex, case.site) if part)


def _ask_first(quiz: Quiz, number: int) -> None:
    key = f"quiz-answer-{number}"
    with st.container(key=key), st.form(f"{key}-form"):
        shares = _CONFIDENCE if quiz.task == "diagnosis" else _CONFIDENCE_OF_TWO
        confidence = st.segmented_control(
            "How sure are you, in %?",
            shares,
            default=shares[len(shares) // 2 - 1],
            required=True,
            key=f"quiz-sure-{number}",
        )
        choice = _choose(quiz, QUESTIONS[quiz.task], key)
    if choice is not None:
        quiz.choice = (choice, int(confidence) / 100)
        st.rerun()
    move_focus(key)


def _choose(quiz: Quiz, question: str, key: str) -> str | None:
    """Return the answer whose button or key was pressed."""
    with st.container(gap="xsmall"):
        st.markdown(f"**{question}**")
        pressed = [
            choice
            for shortcut, choice in enumerate(list_choices(quiz.task), start=1)
            if st.form_submit_button(
                label(quiz.task, choice),
                shortcut=str(shortcut),
                width="stretch",
                key=f"{key}-{choice}",
            )
        ]
    return pressed[0] if pressed else None


def _predict(quiz: Quiz, picture: Picture) -> Mapping[str, Prediction] | None:
    """Return the default networks' answers; None while they load or after a failure."""
    if not wait_for_networks():
        return None
    predictions = services.predict(quiz.analyse(picture), list(services.get_classifiers()))
    if isinstance(predictions, Problem):
        components.show_problem(predictions)
        return None
    return predictions


def _ask_second(quiz: Quiz, case: Case, picture: Picture, number: int) -> None:
    predictions = _predict(quiz, picture)
    if predictions is None:
        return
    assert quiz.choice is not None
    st.markdown(f"You said **{label(quiz.task, quiz.choice[0])}**. The networks say:")
    for name, prediction in predictions.items():
        said, confidence = judge(quiz.task, prediction)
        st.markdown(
            f"- {get_spec(name).title}: **{label(quiz.task, said)}** "
            f"({percent(confidence)}), run `{prediction.run_id}`"
        )
    key = f"quiz-second-{number}"
    with st.container(key=key), st.form(f"{key}-form"):
        choice = _choose(quiz, f"{QUESTIONS[quiz.task]} now", key)
    if choice is not None:
        _finish(quiz, case, picture, choice)
    move_focus(key)


def _finish(quiz: Quiz, case: Case, picture: Picture, second: str | None) -> None:
    predictions = _predict(quiz, picture)
    if predictions is None or quiz.choice is None:
        return
    choice, confidence = quiz.choice
    answer = Answer(case, choice, confidence, dict(predictions), second, quiz.task)
    quiz.answers.append(answer)
    quiz.choice = None
    st.rerun()


def _show_truth(quiz: Quiz, picture: Picture) -> None:
    answer = quiz.answers[-1]
    truth = get_diagnosis(answer.case.code)
    last = answer.second or answer.choice
    said = label(answer.task, last)
    text = f"**{truth.name}**. You said {said}, {sure(answer.confidence)} sure at first."
    if last == answer.truth:
        st.success(f"Right: {text}", icon=":material/check:")
    else:
        st.error(f"Wrong. It is {text}", icon=":material/close:")
    if answer.case.confirmed_by:
        how = components.escape_markdown(describe_confirmation(answer.case.confirmed_by))
        st.caption(f"{answer.case.image_id}, {how}.")
        for caution in warn_of_picture(picture):
            st.caption(caution)
    else:
        st.caption("A drawing made by this program, not a photograph.")
    components.show_malignancy(truth.malignancy)
    st.markdown(read_diagnosis_texts()[truth.code])
    networks = join_words(
        f"{get_spec(name).title} {'right' if judge(answer.task, p)[0] == answer.truth else 'wrong'}"
        for name, p in answer.predictions.items()
    )
    st.caption(f"The networks on this picture: {networks}.")
    key = f"quiz-next-{quiz.reviewed}"
    if st.button("Next", type="primary", key=key):
        quiz.reviewed += 1
        st.rerun()
    move_focus(key, "button")  # Enter goes on


def _show_networks(predictions: Mapping[str, Prediction], analysis: Analysis) -> None:
    columns = st.columns(len(predictions), gap="medium")
    for column, (name, prediction) in zip(columns, predictions.items(), strict=True):
        title = get_spec(name).title
        with column, st.container(border=True):
            st.subheader(title, anchor=False)
            st.plotly_chart(
                charts.build_confidence_bars(prediction),
                key=f"quiz-bars-{name}",
                config={"staticPlot": True, "displayModeBar": False},
                alt=charts.describe_confidence_bars(prediction, title),
            )
            show_explanation(name, title, prediction, analysis)
            components.show_provenance(title, prediction.run_id)
