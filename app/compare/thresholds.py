"""A threshold to try: what it finds, misses and falsely flags, for both networks."""

import math
from typing import Final

import numpy as np
import streamlit as st

from app.compare.operating import (
    SENSITIVITY,
    SPECIFICITY,
    THRESHOLD,
    Outcome,
    build_chart,
    build_saved,
    build_shown,
    choose_threshold,
    describe_points,
    find_point,
    project,
)
from app.compare.presentation import show_figure, show_heading, show_sources, show_table
from app.services import evaluations
from app.services.attempts import Problem
from app.services.pair import Measured, Pair
from app.shared import components
from app.shared.wording import join_words, lower_first, percent
from skinmodel.diagnoses import CODES, get_diagnosis
from skinmodel.evaluation.measures.thresholds import TARGETS, TITLES

_HEIGHT: Final = 400
_HELP: Final = {
    THRESHOLD: "The same threshold for both networks.",
    SENSITIVITY: "Each network's own threshold that reaches this sensitivity on this data set.",
    SPECIFICITY: "Each network's own threshold that reaches this specificity on this data set.",
}


@st.fragment
def show_thresholds(pair: Pair) -> None:
    """Show the section; moving a slider computes nothing else anew."""
    components.run_guarded(lambda: _show(pair))


def _show(pair: Pair) -> None:
    show_heading("Thresholds", pair)
    target, by, level, prevalence = _choose(pair)
    outcomes = [_compute(measured, target, by, level, prevalence) for measured in pair.both]
    known = [o for o in outcomes if not isinstance(o, Problem)]
    for problem in outcomes:
        if isinstance(problem, Problem):
            components.show_problem(problem)
    if len(known) < 2:
        return
    left, right = st.columns(2, gap="medium")
    with left:
        show_table(
            build_shown(pair, known, prevalence),
            build_saved(pair, known, target, prevalence),
            pair,
            f"threshold {target}",
            "Sensitivity, specificity and predictive values of both networks at the threshold.",
        )
        chosen = (
            ""
            if by == THRESHOLD
            else (
                f" The thresholds were chosen on these very images to reach a {by.lower()}, which "
                "flatters them; on other images they give something else."
            )
        )
        st.caption(
            f"An image is flagged where {_name_score(target)} the threshold or more. Predictive "
            "values are computed from sensitivity and specificity for the prevalence you set; "
            f"that of this data set, {percent(_share(pair, target))}, is not that of a "
            f"clinic.{chosen}"
        )
    with right:
        show_figure(
            build_chart(pair, known, target),
            pair,
            f"Operating points, {TITLES[target]}",
            describe_points(pair, known, target),
            "operating",
            height=_HEIGHT,
            legend_rows=2,
        )
    show_sources(pair)


def _name_score(target: str) -> str:
    names = [lower_first(get_diagnosis(code).name) for code in TARGETS[target]]
    if len(names) == 1:
        return f"the probability of {names[0]} is"
    return f"the probabilities of {join_words(names)} add up to"


def _choose(pair: Pair) -> tuple[str, str, float, float]:
    first, second = st.columns(2)
    with first:
        target = str(
            st.segmented_control(
                "What is to be found",
                list(TARGETS),
                default="melanoma",
                required=True,
                format_func=TITLES.__getitem__,
                key="threshold-target",
                persist_state="session",
            )
        )
    with second:
        by = str(
            st.segmented_control(
                "Set the threshold by",
                list(_HELP),
                default=THRESHOLD,
                required=True,
                key="threshold-by",
                persist_state="session",
                help="\n\n".join(f"**{name}**: {words}" for name, words in _HELP.items()),
            )
        )
    with first:
        level = st.slider(
            "Flag from a probability of" if by == THRESHOLD else f"{by} to reach",
            min_value=1 if by == THRESHOLD else 50,
            max_value=99,
            value=30 if by == THRESHOLD else 90,
            format="%d %%",
            key=f"threshold-level-{by}",
            persist_state="session",
        )
    with second:
        prevalence = st.number_input(
            "Prevalence among your patients, in percent",
            min_value=0.1,
            max_value=99.9,
            value=round(100 * min(max(_share(pair, target), 0.001), 0.999), 1),
            step=0.5,
            format="%.1f",
            key=f"threshold-prevalence-{target}-{pair.dataset.folder}",
            persist_state="session",
        )
    return target, by, int(level) / 100, float(prevalence) / 100


def _share(pair: Pair, target: str) -> float:
    truth = pair.first.arrays[0]
    columns = [CODES.index(code) for code in TARGETS[target]]
    return float(np.isin(truth, columns).mean())


def _compute(
    measured: Measured, target: str, by: str, level: float, prevalence: float
) -> Outcome | Problem:
    threshold = choose_threshold(measured, target, by, level)
    if math.isnan(threshold):
        return Problem(f"{measured.label}: not defined, for this data set has no such images.")
    intervals = evaluations.compute_operating_point(measured, target, threshold)
    if isinstance(intervals, Problem):
        return intervals
    return project(find_point(measured, target, threshold), intervals, prevalence)
