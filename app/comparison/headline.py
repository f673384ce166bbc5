"""The headline figures of both runs, and what may be claimed of their difference."""

from typing import Final

import pandas as pd
import streamlit as st

from app import components
from app.comparison import wording
from app.comparison.forest import show_differences
from app.comparison.overview import show_overview
from app.comparison.pair import Pair
from app.comparison.runs import show_runs
from app.comparison.tables import explain, show_heading, show_sources, show_table, spread
from app.services import Problem, evaluations
from skinmodel.evaluation.comparison import Comparison, describe_difference
from skinmodel.evaluation.figures import PRINTED

FIGURES: Final = (*PRINTED, "macro_average_precision", "recall.mel")
_SECONDS_AN_IMAGE: Final = 1 / 200  # a rough figure for the paired comparison on two cores


def show_headline(pair: Pair) -> None:
    """Show the section."""
    show_heading("Headline figures", pair)
    difference = get_difference(pair)
    rows, saved = {}, []
    for name in FIGURES:
        first, second = (measured.report.metrics[name] for measured in pair.both)
        row = {
            pair.first.label: wording.interval(first),
            pair.second.label: wording.interval(second),
        }
        line = {"figure": name, **spread("first", first), **spread("second", second)}
        if difference is not None:
            gap = difference.differences[name]
            row |= {
                "Difference in points": wording.gap(gap),
                "What may be claimed": describe_difference(
                    gap, pair.first.label, pair.second.label, name
                ),
            }
            line |= spread("difference", gap)
        rows[wording.name_figure(name)] = row
        saved.append(line)
    show_table(
        pd.DataFrame.from_dict(rows, orient="index"),
        pd.DataFrame(saved),
        pair,
        "headline figures",
        "Headline figures of both networks with 95 % intervals and their difference.",
    )
    explain("headline")
    if difference is None:
        offer_difference(pair)
    else:
        tests = wording.describe_tests(difference, pair.first.label, pair.second.label)
        st.markdown(f"**Right answers, by McNemar's exact test.** {tests}")
        show_differences(
            {wording.name_figure(name): difference.differences[name] for name in FIGURES},
            pair,
            "Difference of headline figures",
            key="headline",
        )
    show_overview(pair)
    show_runs(pair)
    show_sources(pair)


def get_difference(pair: Pair) -> Comparison | None:
    """Return the paired difference where it is kept or was asked for; shows what went wrong."""
    found = evaluations.read_difference(pair)
    if found is None and _key(pair) in st.session_state:
        with st.spinner("Resampling the lesions of both runs"):
            found = evaluations.compute_difference(pair)
    if isinstance(found, Problem):
        components.show_problem(found, title="The two runs cannot be compared")
        return None
    return found


def offer_difference(pair: Pair) -> None:
    """Show a button that computes the paired difference; it takes too long to do so unasked."""
    seconds = max(5, round(pair.first.report.images * _SECONDS_AN_IMAGE, -1))
    st.info("The paired difference of these two runs is not kept on disk.")
    if st.button(f"Compute the difference (about {seconds:.0f} s)", icon=":material/calculate:"):
        st.session_state[_key(pair)] = True
        st.rerun()


def _key(pair: Pair) -> str:
    return "difference-" + "-".join(str(measured.folder) for measured in pair.both)
