"""The score so far: the reader and every network on the very same pictures."""

import math
from typing import Final

import pandas as pd
import streamlit as st

from app.quiz.session import Quiz, forget
from skinmodel.diagnoses import CODES
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.models.registry import get_spec
from skinmodel.quiz.answers import to_csv
from skinmodel.quiz.cases import PERHAPS_SEEN
from skinmodel.quiz.scoring import (
    READER,
    Level,
    Score,
    group_by_confidence,
    score,
    tally_second_opinions,
)
from skinmodel.results import DISCLAIMER

_ENOUGH: Final = 10
"""Pictures below which resampling says nothing of the balanced accuracy."""


def show_score(quiz: Quiz) -> None:
    """Show the figures of all answers given, their confusion matrix and the download."""
    if not quiz.answers:
        return
    st.header("Score", anchor=False)
    networks = list(quiz.answers[0].predictions)
    scores = {who: score(quiz.answers, who) for who in (READER, *networks)}
    st.dataframe(
        pd.DataFrame([_to_row(who, found) for who, found in scores.items()]),
        hide_index=True,
        width="stretch",
    )
    runs = ", ".join(
        f"{get_spec(name).title} `{prediction.run_id}`"
        for name, prediction in quiz.answers[0].predictions.items()
    )
    st.caption(
        f"{len(quiz.answers)} pictures; 95 % intervals, Wilson's for melanoma, by resampling for "
        f"balanced accuracy. With so few they are wide, and no network is a yardstick for a "
        "clinician. Your first answers count. "
        f"{runs}. {DISCLAIMER}"
    )
    if any(answer.case.source == PERHAPS_SEEN for answer in quiz.answers):
        st.caption(
            "The networks' scores may be too good: they may have been trained on these lesions."
        )
    _show_second_opinions(quiz)
    for who, found in scores.items():
        with st.expander(f"Confusion matrix: {_name(who)}"):
            matrix = pd.DataFrame(found.confusion, index=list(CODES), columns=list(CODES))
            st.dataframe(
                matrix.rename_axis("truth").reset_index(), hide_index=True, width="stretch"
            )
            st.caption("Rows: the truth. Columns: the answer.")
    with st.expander("How well you know how sure you are"):
        st.dataframe(
            pd.DataFrame([_to_level(level) for level in group_by_confidence(quiz.answers)]),
            hide_index=True,
            width="stretch",
        )
        st.caption(
            "Well calibrated is who is right about as often as sure: 8 of 10 answers given with "
            "80 %. Wilson's 95 % intervals."
        )
    with st.container(horizontal=True):
        st.download_button(
            "Save the answers (CSV)",
            to_csv(quiz.answers),
            "skinmodel-quiz.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button("Start another quiz", icon=":material/restart_alt:", on_click=forget)


def _show_second_opinions(quiz: Quiz) -> None:
    found = tally_second_opinions(quiz.answers)
    if found.asked:
        st.markdown(
            f"After seeing the networks you changed **{found.to_right}** wrong answers to right, "
            f"**{found.to_wrong}** right answers to wrong, and {found.among_wrong} from one wrong "
            f"diagnosis to another, of {found.asked}."
        )


def _to_row(who: str, found: Score) -> dict[str, str]:
    return {
        "": _name(who),
        "right": f"{found.right} of {found.asked}",
        "balanced accuracy": _write(found.balanced_accuracy, shown=found.asked >= _ENOUGH),
        "melanoma sensitivity": _write(found.melanoma_sensitivity),
        "melanoma specificity": _write(found.melanoma_specificity),
        "mean confidence": f"{100 * found.confidence:.0f} % sure, "
        f"{100 * found.right / found.asked:.0f} % right",
    }


def _to_level(level: Level) -> dict[str, str]:
    return {
        "sure": f"{100 * level.confidence:.0f} %",
        "right": f"{level.right} of {level.asked}",
        "share right": _write(level.share),
    }


def _name(who: str) -> str:
    return "You" if who == READER else get_spec(who).title


def _write(figure: Interval, *, shown: bool = True) -> str:
    if math.isnan(figure.value):
        return "not defined"
    if not shown:
        return f"{figure.value:.2f}, too few for an interval"
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"
