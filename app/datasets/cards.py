"""The data cards: where each set comes from, whom it leaves out, and what is wrong with it."""

import re

import streamlit as st

from app.content import read_content
from app.datasets.wording import TITLES
from skinmodel.data.counts import DATASETS


def show_cards() -> None:
    """Show the section."""
    dataset = str(
        st.segmented_control(
            "Data card of",
            list(DATASETS),
            format_func=TITLES.__getitem__,
            default=next(iter(DATASETS)),
            required=True,
            key="card-set",
            persist_state="session",
        )
    )
    st.markdown(demote_headings(read_content(f"card_{dataset}")), anchors=False)


def demote_headings(text: str) -> str:
    r"""Return Markdown whose first heading is two levels lower, below the page's own title.

    >>> demote_headings("# Card\n\n## What")
    '### Card\n\n#### What'
    """
    return re.sub(r"^(#+) ", r"##\1 ", text, flags=re.MULTILINE)
