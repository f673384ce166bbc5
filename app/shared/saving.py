"""Saving what a page shows: how files are called, and the button."""

import re
from collections.abc import Callable

import streamlit as st


def name_file(words: str, suffix: str) -> str:
    """Return the name of a saved chart or table.

    >>> name_file("Report, Table 4a", ".csv")
    'skinmodel-report-table-4a.csv'
    """
    return f"skinmodel-{re.sub(r'[^a-z0-9]+', '-', words.lower()).strip('-')}{suffix}"


def show_save_button(
    render: Callable[[], bytes], file: str, label: str = "Save the table (CSV)"
) -> None:
    """Show a button that saves what ``render`` returns as a CSV file of this name."""
    st.download_button(
        label,
        data=render,
        file_name=file,
        mime="text/csv",
        icon=":material/download:",
        key=f"csv-{file}",
        on_click="ignore",
    )
