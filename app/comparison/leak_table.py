"""The report's protocol where it leaks and where it does not, in one table."""

from collections.abc import Sequence
from typing import Final

import pandas as pd
import streamlit as st

from app import components
from app.comparison import wording
from app.comparison.tables import explain
from app.saving import show_save_button
from app.services import Problem, evaluations
from skinmodel.evaluation.figures import HEADLINES
from skinmodel.evaluation.leak import DATASETS, LeakRow, to_frame
from skinmodel.results import DISCLAIMER

_FIGURES: Final = (*HEADLINES, "recall.nv")


def show_leak_table() -> None:
    """Show the table, or that it was not measured."""
    st.subheader("The report's protocol, where it leaks and where not", anchor=False)
    rows = evaluations.read_leak_table()
    if isinstance(rows, Problem):
        components.show_problem(rows)
        return
    if rows is None:
        st.info(
            "Not measured in this copy of the program: it takes networks trained by the report's "
            "recipe and their predictions."
        )
        return
    explain("leak")
    st.table(
        build_table(rows),
        border="horizontal",
        hide_index=True,
        alt="Figures of the report's weights and ours on leaky and on unseen lesions.",
    )
    for remark in dict.fromkeys(f"{DATASETS[r.dataset]}: {r.remark}" for r in rows if r.remark):
        st.caption(components.escape_markdown(remark))
    show_save_button(
        lambda: to_frame(rows).assign(disclaimer=DISCLAIMER).to_csv(index=False).encode(),
        "skinmodel-leak.csv",
    )
    st.caption(f"**{DISCLAIMER}**")


def build_table(rows: Sequence[LeakRow]) -> pd.DataFrame:
    """Return the rows in words; those that leak carry the badge."""
    return pd.DataFrame(
        [
            {
                "Weights": components.escape_markdown(row.weights),
                "Measured on": f"{DATASETS[row.dataset]}"
                + (" :red-badge[leaky: too good]" if row.leaks else ""),
                "Images": f"{row.images:,}",
                "Lesions": f"{row.lesions:,}",
                **{wording.name_figure(f): wording.interval(row.figures[f]) for f in _FIGURES},
            }
            for row in rows
        ]
    )
