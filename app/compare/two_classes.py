"""Runs measured where the truth tells one target from the rest: only what two classes define."""

from typing import Final

import pandas as pd
import streamlit as st

from app.compare.wording import interval
from app.services import evaluations
from app.shared import components
from skinmodel.evaluation.two_classes import TwoClassReport
from skinmodel.models.registry import MODELS

_COLUMNS: Final = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
}


def show_two_classes() -> None:
    """Show one table of all such reports; nothing where there is none."""
    reports, damaged = evaluations.list_two_classes()
    for problem in damaged:
        components.show_problem(problem, title="An evaluation is left out")
    if not reports:
        return
    with st.expander("Measured on two classes", icon=":material/contrast:"):
        st.markdown(
            "The truth of these sets tells one target from the rest and names no diagnosis. There "
            "only these figures are defined: the ranking by the target's summed probability, and "
            "how often the leading diagnosis is one of the target's. Balanced accuracy, F1, the "
            "confusion matrix and calibration over seven diagnoses are not."
        )
        st.dataframe(build_table(reports), hide_index=True, width="stretch")
        for remark in dict.fromkeys(r.provenance.remark for r in reports if r.provenance.remark):
            st.caption(components.escape_markdown(remark))


def build_table(reports: tuple[TwoClassReport, ...]) -> pd.DataFrame:
    """Return one row a report: network, set, target and figures with their 95 % intervals."""
    return pd.DataFrame(
        [
            {
                "Network": _name_network(report),
                "Run": report.provenance.run_id,
                "Data set": report.provenance.dataset_title,
                "Target": f"{report.title} against the rest",
                "Images": f"{report.images:,}, {report.positives:,} of the target",
                "Resampled": f"{report.groups:,} {report.intervals['unit']}s",
                "Views": report.provenance.views,
                **{title: interval(report.figures[name]) for name, title in _COLUMNS.items()},
                "Leaks": "yes: too good" if report.provenance.leaks else "no",
            }
            for report in reports
        ]
    )


def _name_network(report: TwoClassReport) -> str:
    model = report.provenance.model
    return MODELS[model].title if model in MODELS else model
