"""Charts and tables of the Compare page, each saved with every digit and the runs it is of."""

import html
from functools import partial
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.services.pair import Measured, Pair, name_dataset
from app.shared import components, figures, saving
from app.shared.content import read_sections
from app.shared.saving import show_save_button
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.results import DISCLAIMER


def show_figure(
    figure: go.Figure,
    pair: Pair,
    subject: str,
    alt: str,
    key: str,
    *,
    height: int,
    images: str | None = None,
    **options: Any,
) -> Any:
    """Show a chart of two runs; see ``figures.show_chart``.

    Args:
        figure: the chart.
        pair: the two runs it shows.
        subject: what it shows, in a few words; the saved file is named by it.
        alt: alternative text.
        key: of the element.
        height: of the plot with its axes, in points.
        images: what the figures were measured on, where it is not the data set chosen.
        **options: passed on.
    """
    leaky = " LEAKY PROTOCOL: figures too good." if pair.leaks else ""
    sources = (
        f"{subject}. {html.escape(images or name_dataset(pair.dataset), quote=False)}.{leaky}",
        *(name_source(measured) for measured in pair.both),
    )
    file = name_file(pair, subject, "", of_dataset=images is None)
    return figures.show_chart(figure, sources, file, alt, key, height=height, **options)


def name_file(pair: Pair, subject: str, suffix: str, *, of_dataset: bool = True) -> str:
    """Return the name of a saved chart or table.

    Args:
        pair: the two runs.
        subject: what it shows.
        suffix: end of the name, such as ``.csv``.
        of_dataset: whether its figures are of the data set chosen, which then names it.
    """
    dataset = f"{pair.dataset.folder} " if of_dataset else ""
    return saving.name_file(f"{dataset}{subject}{' leaky' if pair.leaks else ''}", suffix)


def name_source(measured: Measured) -> str:
    """Return which run a network's figures come from."""
    return f"{measured.label}: run {measured.provenance.run_id}"


def show_heading(title: str, pair: Pair) -> None:
    """Show a section's title, with the badge of a leaky protocol where its numbers leak."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(title, anchor=False, width="content")
        if pair.leaks:
            components.show_leak()


def explain(section: str) -> None:
    """Show how to read a section."""
    st.caption(read_sections("compare")[section])


def show_sources(pair: Pair) -> None:
    """Show which runs a section's numbers come from, and what they are not."""
    runs = "; ".join(f"{m.label}, run `{m.provenance.run_id}`" for m in pair.both)
    st.caption(f"{runs}. **{DISCLAIMER}**")


def show_table(
    shown: pd.DataFrame, saved: pd.DataFrame, pair: Pair, subject: str, alt: str
) -> None:
    """Show a table and a button that saves it.

    Args:
        shown: texts; its index names the rows.
        saved: numbers, in columns for a program; the sources are added.
        pair: the two runs.
        subject: what the table holds, in a few words; the file is named by it.
        alt: alternative text.
    """
    # Named, so that a last column of words keeps its width where the table has to be scrolled.
    with st.container(key=f"table-{name_file(pair, subject, '')}"):
        st.table(shown, border="horizontal", alt=alt)
    show_download(saved, pair, subject)


def show_download(
    saved: pd.DataFrame,
    pair: Pair,
    subject: str,
    label: str = "Save the table (CSV)",
    *,
    of_dataset: bool = True,
) -> None:
    """Show a button that saves a table of the two runs as CSV.

    Args:
        saved: see ``render_csv``.
        pair: the two runs.
        subject: what the table holds.
        label: of the button.
        of_dataset: see ``name_file``.
    """
    file = name_file(pair, subject, ".csv", of_dataset=of_dataset)
    show_save_button(partial(render_csv, saved, pair), file, label)


def render_csv(table: pd.DataFrame, pair: Pair) -> bytes:
    """Return a table as CSV; each row says of which runs it is and whether their protocol leaks.

    Args:
        table: any columns; one that is named like an added one stays as it is.
        pair: the two runs.

    Returns:
        UTF-8, undefined figures as empty fields.
    """
    sources = {
        "data_set": pair.dataset.dataset,
        "views": pair.dataset.views,
        **{
            f"{slot}_{name}": value
            for slot, measured in zip(("first", "second"), pair.both, strict=True)
            for name, value in (
                ("network", measured.provenance.model),
                ("run", measured.provenance.run_id),
                ("leaks", measured.provenance.leaks),
            )
        },
        "disclaimer": DISCLAIMER,
    }
    added = {name: value for name, value in sources.items() if name not in table}
    return table.assign(**added).to_csv(index=False).encode()


def spread(name: str, interval: Interval) -> dict[str, float]:
    """Return a figure with its interval as three columns of a saved table."""
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
