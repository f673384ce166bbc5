"""Saving a result: the case as a PDF, and every number as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import streamlit as st

from app.services.attempts import Problem
from app.services.case_report import check_notes, render_report
from app.services.pictures import Analysis
from app.shared import components
from app.shared.report import render_json
from skinmodel.case_report.case import LONGEST, PAPERS, Notes, Paper
from skinmodel.findings.verdict import Verdict

_FIELDS: Final = {
    "reference": "Reference",
    "age": "Age",
    "sex": "Sex",
    "site": "Site on the body",
}


@dataclass(frozen=True)
class Result:
    """What the page shows of one picture.

    Attributes:
        analysis: the picture and what the networks said of it.
        titles: what the page calls each network it shows, by registry name.
        picture: where the picture came from and its size, in words.
        verdict: the line the result begins with.
        cautions: the sentences shown beside it.
    """

    analysis: Analysis
    titles: Mapping[str, str]
    picture: str
    verdict: Verdict
    cautions: tuple[str, ...]


def show_saving(result: Result) -> None:
    """Show what saves the result."""
    with st.expander("Report for the file (PDF)", icon=":material/picture_as_pdf:"):
        _show_report(result)
    show_json(result)


def show_json(result: Result) -> None:
    """Show what saves every number; of a picture that is declined only that and why."""
    st.download_button(
        "Save the result (JSON)",
        data=partial(_render_json, result),
        file_name=f"skinmodel-{result.analysis.picture.sha256[:8]}.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
        help="Every number of this page, with model, run and the digest of your file; "
        "no picture and no file name.",
    )


@st.fragment
def _show_report(result: Result) -> None:
    st.caption("What you fill in is printed and kept nowhere. Every field may stay empty.")
    key = result.analysis.picture.key
    fields = {
        name: st.text_input(label, max_chars=LONGEST[name], key=f"report-{name}-{key}")
        for name, label in _FIELDS.items()
    }
    fields["remarks"] = st.text_area(
        "Remarks", max_chars=LONGEST["remarks"], key=f"report-remarks-{key}"
    )
    paper: Paper = st.segmented_control(
        "Paper", PAPERS, default="A4", required=True, key="report-paper", persist_state="session"
    )
    notes = check_notes(fields)
    if isinstance(notes, Problem):
        components.show_problem(notes)
    st.download_button(
        "Save the report (PDF)",
        data=partial(_render_pdf, result, notes if isinstance(notes, Notes) else Notes(), paper),
        file_name=f"skinmodel-{result.analysis.picture.sha256[:8]}.pdf",
        mime="application/pdf",
        icon=":material/picture_as_pdf:",
        on_click="ignore",
        type="primary",
        disabled=isinstance(notes, Problem),
        width="stretch",
    )


def _render_json(result: Result) -> bytes:
    return render_json(result.analysis, result.titles, result.cautions, datetime.now(UTC))


def _render_pdf(result: Result, notes: Notes, paper: Paper) -> bytes:
    return render_report(
        result.analysis,
        result.titles,
        result.picture,
        result.verdict,
        result.cautions,
        notes,
        paper,
        datetime.now(UTC),
    )
