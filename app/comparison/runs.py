"""Every run measured on the images at hand, so that more than two can be set side by side."""

from typing import Final

import pandas as pd
import streamlit as st

from app import components
from app.comparison import wording
from app.comparison.pair import Pair, name_network, sort_datasets
from app.comparison.tables import show_table, spread
from app.services import Problem, evaluations
from skinmodel.evaluation.figures import HEADLINES

_FIGURES: Final = (*HEADLINES, "recall.mel")


def show_runs(pair: Pair) -> None:
    """Show the headline figures of all runs on the chosen data set, one line each."""
    measured = sort_datasets(evaluations.list_all()).get(pair.dataset.folder, ())
    if len(measured) <= len(pair.both):
        return
    st.markdown("#### Every run on these images", anchors=False)
    rows, lines = {}, []
    for evaluation in measured:
        report = evaluations.read_report(evaluation)
        if isinstance(report, Problem):
            components.show_problem(report)
            continue
        known = report.provenance
        badge = " :red-badge[leaky: too good]" if known.leaks else ""
        title = components.escape_markdown(name_network(known))
        rows[f"{title}, `{known.run_id}`{badge}"] = {
            wording.name_figure(name): wording.interval(report.metrics[name]) for name in _FIGURES
        }
        line: dict[str, object] = {"run": known.run_id, "run_leaks": known.leaks}
        for name in _FIGURES:
            line |= spread(name, report.metrics[name])
        lines.append(line)
    show_table(
        pd.DataFrame.from_dict(rows, orient="index"),
        pd.DataFrame(lines),
        pair,
        "every run",
        "Headline figures of every run measured on this data set, with 95 % intervals.",
    )
    st.caption(
        "Each interval is of one run alone: whether two runs differ cannot be read from the two. "
        "Choose them above for their paired difference."
    )
