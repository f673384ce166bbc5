"""Charts of the Compare page: what they show, of which two runs."""

import html
from typing import Any

import plotly.graph_objects as go

from app import figures, saving
from app.comparison.pair import Measured, Pair, name_dataset


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
