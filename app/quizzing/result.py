"""The score so far: the reader and every network on the very same pictures."""

import math

import pandas as pd
import streamlit as st

from app.quizzing.session import Quiz, forget
from app.wording import percent
from skinmodel.diagnoses import CODES
from skinmodel.evaluation.bootstrap import Interval
from skinmodel.models.registry import get_spec
from skinmodel.quiz.export import to_csv
from skinmodel.quiz.scoring import READER, Score, score, tally_second_opinions
from skinmodel.results import DISCLAIMER


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
        f"95 % intervals by resampling the {len(quiz.answers)} pictures; with so few they are "
        f"wide, and no network is a yardstick for a clinician. Your first answers count. "
        f"{runs}. {DISCLAIMER}"
    )
    _show_second_opinions(quiz)
    with st.expander("Your confusion matrix"):
        st.dataframe(
            pd.DataFrame(scores[READER].confusion, index=list(CODES), columns=list(CODES))
            .rename_axis("truth")
            .reset_index(),
            hide_index=True,
            width="stretch",
        )
        st.caption("Rows: the truth. Columns: your answer.")
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
        "": "You" if who == READER else get_spec(who).title,
        "right": f"{found.right} of {found.asked}",
        "balanced accuracy": _write(found.balanced_accuracy),
        "melanoma sensitivity": _write(found.melanoma_sensitivity),
        "melanoma specificity": _write(found.melanoma_specificity),
        "mean confidence": f"{percent(found.confidence)} sure, "
        f"{percent(found.right / found.asked)} right",
    }


def _write(figure: Interval) -> str:
    if math.isnan(figure.value):
        return "not defined"
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"
