"""One question: the picture and the reader's answer, then the networks, then the truth."""

from collections.abc import Mapping

import streamlit as st

from app import services, state
from app.quiz.session import Quiz
from app.services.attempts import Problem
from app.services.pictures import Picture
from app.services.quiz import open_case
from app.shared import charts, components
from app.shared.cautions import warn_of_picture
from app.shared.content import read_diagnosis_texts
from app.shared.explanation import show_explanation
from app.shared.waiting import wait_for_networks
from app.shared.wording import describe_confirmation, join_words, percent
from skinmodel.diagnoses import DIAGNOSES, get_diagnosis
from skinmodel.models.registry import get_spec
from skinmodel.quiz.answers import Answer
from skinmodel.quiz.cases import Case
from skinmodel.results import Prediction

_CONFIDENCE = tuple(range(10, 101, 10))


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
        _show_networks(quiz.answers[-1].predictions, picture)


def _describe(case: Case) -> str:
    age = "" if case.age is None else f"{case.age:.0f} years"
    return ", ".join(part for part in (age, case.sex, case.site) if part)


def _ask_first(quiz: Quiz, number: int) -> None:
    with st.form(f"quiz-answer-{number}"):
        code = _choose("Your diagnosis", f"quiz-choice-{number}")
        sure = st.select_slider(
            "How sure are you?",
            _CONFIDENCE,
            value=50,
            format_func=lambda share: f"{share} %",
            key=f"quiz-sure-{number}",
        )
        sent = st.form_submit_button("Answer", type="primary")
    if sent and code is None:
        st.warning("Choose a diagnosis first.")
    elif sent:
        quiz.choice = (str(code), int(sure) / 100)
        st.rerun()


def _choose(label: str, key: str) -> str | None:
    return st.radio(
        label,
        [d.code for d in DIAGNOSES],
        format_func=lambda code: get_diagnosis(code).name,
        index=None,
        key=key,
    )


def _predict(picture: Picture) -> Mapping[str, Prediction] | None:
    """Return the default networks' answers; None while they load or after a failure."""
    if not wait_for_networks():
        return None
    predictions = services.predict(state.get_analysis(picture), list(services.get_classifiers()))
    if isinstance(predictions, Problem):
        components.show_problem(predictions)
        return None
    return predictions


def _ask_second(quiz: Quiz, case: Case, picture: Picture, number: int) -> None:
    predictions = _predict(picture)
    if predictions is None:
        return
    assert quiz.choice is not None
    st.markdown(f"You said **{get_diagnosis(quiz.choice[0]).name}**. The networks say:")
    for name, prediction in predictions.items():
        st.markdown(
            f"- {get_spec(name).title}: **{prediction.diagnosis.name}** "
            f"({percent(prediction.confidence)}), run `{prediction.run_id}`"
        )
    with st.form(f"quiz-second-{number}"):
        code = _choose("Your diagnosis now", f"quiz-second-choice-{number}")
        sent = st.form_submit_button("Answer again", type="primary")
    if sent and code is None:
        st.warning("Choose a diagnosis first; it may be the same.")
    elif sent:
        _finish(quiz, case, picture, str(code))


def _finish(quiz: Quiz, case: Case, picture: Picture, second: str | None) -> None:
    predictions = _predict(picture)
    if predictions is None or quiz.choice is None:
        return
    choice, confidence = quiz.choice
    quiz.answers.append(Answer(case, choice, confidence, dict(predictions), second))
    quiz.choice = None
    st.rerun()


def _show_truth(quiz: Quiz, picture: Picture) -> None:
    answer = quiz.answers[-1]
    truth = get_diagnosis(answer.case.code)
    last = answer.second or answer.choice
    said = get_diagnosis(last).name
    text = f"**{truth.name}**. You said {said}, {percent(answer.confidence)} sure at first."
    if last == answer.case.code:
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
        f"{get_spec(name).title} {'right' if p.code == truth.code else 'wrong'}"
        for name, p in answer.predictions.items()
    )
    st.caption(f"The networks on this picture: {networks}.")
    if st.button("Next", type="primary", key=f"quiz-next-{quiz.reviewed}"):
        quiz.reviewed += 1
        st.rerun()


def _show_networks(predictions: Mapping[str, Prediction], picture: Picture) -> None:
    analysis = state.get_analysis(picture)
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
