"""Saving a result: every number as JSON, and the case as a PDF."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from app.services.pictures import Analysis
from app.shared.report import render_json


def show_saving(analysis: Analysis, titles: Mapping[str, str], cautions: tuple[str, ...]) -> None:
    """Show the buttons that save what the page shows.

    Args:
        analysis: the picture and what the networks said of it.
        titles: what the page calls each network it shows, by registry name.
        cautions: the sentences shown beside the result.
    """
    st.download_button(
        "Save the result (JSON)",
        data=partial(_render_now, analysis, titles, cautions),
        file_name=f"skinmodel-{analysis.picture.sha256[:8]}.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
        help="Every number of this page, with model, run and the digest of your file; "
        "no picture and no file name.",
    )


def _render_now(analysis: Analysis, titles: Mapping[str, str], cautions: tuple[str, ...]) -> bytes:
    return render_json(analysis, titles, cautions, datetime.now(UTC))
