"""What the sections of the Datasets page share: texts, tables, charts and their source."""

from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.shared import components
from app.shared.content import read_sections
from app.shared.figures import show_chart
from app.shared.saving import name_file, show_save_button
from skinmodel.data.counts.tables import Counts
from skinmodel.results import DISCLAIMER


def explain(section: str) -> None:
    """Show how to read a section."""
    st.markdown(read_sections("datasets")[section])


def show_heading(title: str, *, leaks: bool = False) -> None:
    """Show a section's title, with the badge of a leaky protocol where its numbers leak."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(title, anchor=False, width="content")
        if leaks:
            components.show_leak()


def name_source(counts: Counts) -> str:
    """Return where the numbers come from, in one line."""
    return (
        f"Counted {counts.facts['counted']} from the label tables of HAM10000 (Tschandl et al. "
        "2018) and ISIC 2019, CC BY-NC 4.0."
    )


def show_source(counts: Counts) -> None:
    """Show where a section's numbers come from, how to count anew, and what they are not."""
    command = counts.facts["command"]
    st.caption(f"{name_source(counts)} Counted anew by `{command}`. **{DISCLAIMER}**")


def show_table(
    shown: pd.DataFrame, saved: pd.DataFrame, counts: Counts, subject: str, alt: str
) -> None:
    """Show a table and a button that saves it.

    Args:
        shown: texts; its index names the rows.
        saved: numbers, in columns for a program; the source is added.
        counts: where the numbers come from.
        subject: what the table holds, in a few words; the file is named by it.
        alt: alternative text.
    """
    st.table(shown, border="horizontal", alt=alt)
    show_save_button(partial(render_csv, saved, counts), name_file(f"data {subject}", ".csv"))


def render_csv(table: pd.DataFrame, counts: Counts) -> bytes:
    """Return a table as CSV, UTF-8; each row says where its numbers come from."""
    added = {
        "counted": counts.facts["counted"],
        "command": counts.facts["command"],
        "source": name_source(counts),
        "disclaimer": DISCLAIMER,
    }
    return table.assign(**added).to_csv(index=False).encode()


def show_counted(
    figure: go.Figure,
    counts: Counts,
    subject: str,
    alt: str,
    key: str,
    *,
    height: int,
    legend_rows: int = 0,
    leaks: bool = False,
) -> None:
    """Show a chart with its source; see ``figures.show_chart``.

    Args:
        figure: the chart.
        counts: where its numbers come from.
        subject: what it shows; the file is named by it.
        alt: alternative text.
        key: of the element.
        height: of the plot with its axes, in points.
        legend_rows: number of lines of the legend.
        leaks: its numbers come from the report's leaky protocol.
    """
    leaky = " LEAKY PROTOCOL." if leaks else ""
    show_chart(
        figure,
        (f"{subject}.{leaky}", name_source(counts)),
        name_file(f"data {subject}", ""),
        alt,
        key,
        height=height,
        legend_rows=legend_rows,
    )
