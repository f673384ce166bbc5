"""The score so far: the reader and every network on the very same pictures."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.quiz.session import Quiz, forget
from app.quiz.wording import count, label, sure
from app.shared.wording import join_words
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.models.registry import get_spec
from skinmodel.quiz.answers import Answer, to_csv
from skinmodel.quiz.cases import PERHAPS_SEEN
from skinmodel.quiz.scoring import (
    READER,
    DecisionScore,
    Level,
    Score,
    group_by_confidence,
    score,
    score_decisions,
    tally_second_opinions,
)
from skinmodel.quiz.tasks import Task, list_choices
from skinmodel.results import DISCLAIMER

_ENOUGH: Final = 10
"""Pictures below which resampling says nothing of the balanced accuracy."""

_OF_A_DECISION: Final = {
    "malignant": "Sensitivity is the share of the malignant pictures called malignant, specificity "
    "that of the benign ones called benign.",
    "excise": "Sensitivity is the share of the melanomas and basal cell carcinomas to be excised, "
    "specificity that of the benign lesions to be left.",
}
_OF_THE_NETWORKS: Final = (
    "A network says yes where its probabilities of all malignant and pre-malignant diagnoses add "
    "up to a half or more."
)


def show_score(quiz: Quiz) -> None:
    """Show the figures of all answers given, their confusion matrix and the download."""
    if not quiz.answers:
        return
    st.header("Score", anchor=False)
    who = (READER, *quiz.answers[0].predictions)
    confusions = (
        _show_diagnoses(quiz.answers, who)
        if quiz.task == "diagnosis"
        else _show_decisions(quiz.answers, who, quiz.task)
    )
    _show_remarks(quiz)
    _show_second_opinions(quiz)
    choices = list_choices(quiz.task)
    names = [c if quiz.task == "diagnosis" else label(quiz.task, c) for c in choices]
    for name, confusion in confusions.items():
        with st.expander(f"Confusion matrix: {_name(name)}"):
            matrix = pd.DataFrame(confusion, index=names, columns=names)
            st.dataframe(
                matrix.rename_axis("truth").reset_index(), hide_index=True, width="stretch"
            )
            st.caption("Rows: the truth. Columns: the answer.")
    _show_levels(quiz.answers)
    with st.container(horizontal=True):
        st.download_button(
            "Save the answers (CSV)",
            to_csv(quiz.answers, quiz.is_repeat),
            "skinmodel-quiz.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button("Start another quiz", icon=":material/restart_alt:", on_click=forget)


def _show_diagnoses(answers: Sequence[Answer], who: Sequence[str]) -> Mapping[str, NDArray]:
    scores = {name: score(answers, name) for name in who}
    _show_table([_to_row(name, found) for name, found in scores.items()])
    st.caption(
        f"{count(len(answers), 'picture')}; 95 % intervals, Wilson's for melanoma, by resampling "
        "for balanced accuracy."
    )
    return {name: found.confusion for name, found in scores.items()}


def _show_decisions(
    answers: Sequence[Answer], who: Sequence[str], task: Task
) -> Mapping[str, NDArray]:
    scores = {name: score_decisions(answers, name) for name in who}
    _show_table([_to_decision_row(name, found) for name, found in scores.items()])
    positives = scores[READER].positives
    st.caption(
        f"{count(len(answers), 'picture')}, of which {positives} with the right answer "
        f'"{label(task, list_choices(task)[0])}"; 95 % intervals, Wilson\'s. '
        f"{_OF_A_DECISION[task]} {_OF_THE_NETWORKS}"
    )
    return {name: found.confusion for name, found in scores.items()}


def _show_table(rows: list[dict[str, str]]) -> None:
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


def _show_remarks(quiz: Quiz) -> None:
    runs = join_words(
        f"{get_spec(name).title} `{prediction.run_id}`"
        for name, prediction in quiz.answers[0].predictions.items()
    )
    st.caption(
        "With so few pictures the intervals are wide, and no network is a yardstick for a "
        f"clinician. Your first answers count. {runs}. {DISCLAIMER}"
    )
    if quiz.is_repeat:
        st.caption(
            "You had seen these pictures and what they are: the score is not one of new ones."
        )
    if any(answer.case.source == PERHAPS_SEEN for answer in quiz.answers):
        st.caption(
            "The networks' scores may be too good: they may have been trained on these lesions."
        )


def _show_second_opinions(quiz: Quiz) -> None:
    found = tally_second_opinions(quiz.answers)
    if found.asked:
        among = f", and {found.among_wrong} from one wrong diagnosis to another"
        st.markdown(
            f"After seeing the networks you changed **{count(found.to_right, 'wrong answer')}** to "
            f"right and **{count(found.to_wrong, 'right answer')}** to wrong"
            f"{among if quiz.task == 'diagnosis' else ''}, of {count(found.asked, 'answer')}."
        )


def _show_levels(answers: Sequence[Answer]) -> None:
    with st.expander("How well you know how sure you are"):
        _show_table([_to_level(level) for level in group_by_confidence(answers)])
        st.caption(
            "Well calibrated is who is right about as often as sure: 8 of 10 answers given with "
            "80 %. Wilson's 95 % intervals."
        )


def _to_row(who: str, found: Score) -> dict[str, str]:
    return {
        "": _name(who),
        "right": f"{found.right} of {found.asked}",
        "balanced accuracy": _write(found.balanced_accuracy, shown=found.asked >= _ENOUGH),
        "melanoma sensitivity": _write(found.melanoma_sensitivity),
        "melanoma specificity": _write(found.melanoma_specificity),
        "mean confidence": _to_confidence(found),
    }


def _to_decision_row(who: str, found: DecisionScore) -> dict[str, str]:
    return {
        "": _name(who),
        "right": f"{found.right} of {found.asked}",
        "sensitivity": _write(found.sensitivity),
        "specificity": _write(found.specificity),
        "mean confidence": _to_confidence(found),
    }


def _to_confidence(found: Score | DecisionScore) -> str:
    return f"{sure(found.confidence)} sure, {sure(found.right / found.asked)} right"


def _to_level(level: Level) -> dict[str, str]:
    return {
        "sure": sure(level.confidence),
        "right": f"{level.right} of {level.asked}",
        "share right": _write(level.share),
    }


def _name(who: str) -> str:
    return "You" if who == READER else get_spec(who).title


def _write(figure: Interval, *, shown: bool = True) -> str:
    if math.isnan(figure.value):
        return "not defined"
    if not shown or math.isnan(figure.low):
        return f"{figure.value:.2f}, too few for an interval"
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"
