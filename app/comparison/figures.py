"""What all charts of the Compare page share: looks, layout, and where their figures come from."""

import re
import textwrap
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from app.comparison.pair import Measured, Pair, name_dataset
from skinmodel.results import DISCLAIMER


@dataclass(frozen=True)
class Look:
    """How one network is drawn: told apart by colour, dash and symbol alike.

    Attributes:
        color: of a contrast of 3 on both themes' backgrounds; safe for colour-blind readers.
        dash: of lines.
        symbol: of points.
    """

    color: str
    dash: str
    symbol: str


LOOKS: Final = (Look("#2B7BBA", "solid", "circle"), Look("#C46A00", "dash", "diamond"))
"""Of the first network and the second, in every chart and in both themes."""
NEUTRAL: Final = "#7C8790"
"""Of lines that belong to neither: chance, zero, perfect calibration."""

TEXT_SIZE: Final = 13
_NOTE_SIZE: Final = 11
_NOTE_WIDTH: Final = 54  # characters; what a phone of 390 points shows of this size
_NOTE_LINE: Final = 15
_TOP: Final = 34  # the button that saves the chart


def show_figure(
    figure: go.Figure,
    pair: Pair,
    subject: str,
    alt: str,
    key: str,
    *,
    height: int,
    legend_rows: int = 0,
    below: int = 52,
    **options: Any,
) -> Any:
    """Show a chart with its source below it and a button that saves both as SVG.

    Args:
        figure: the chart; margins, fonts and footnote are set here.
        pair: the two runs it shows.
        subject: what it shows, in a few words; the saved file is named by it.
        alt: alternative text: what a person who cannot see it should know.
        key: of the element.
        height: of the plot with its axes, in points; the footnote comes on top of it.
        legend_rows: number of lines of the legend above the plot.
        below: room for the axis under the plot, in points.
        **options: passed to ``st.plotly_chart``.
    """
    note = _write_note(pair, subject)
    room = _NOTE_LINE * (note.count("<br>") + 1) + 6
    top = _TOP + 22 * legend_rows
    whole = height + room + 22 * legend_rows
    figure.update_layout(
        height=whole,
        margin={"l": 8, "r": 12, "t": top, "b": below + room, "pad": 0},
        font={"size": TEXT_SIZE},
        dragmode=False,
        hoverlabel={"font": {"size": TEXT_SIZE}},
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1,
            "xanchor": "left",
            "yanchor": "bottom",
            "font": {"size": TEXT_SIZE},
            "itemclick": False,
            "itemdoubleclick": False,
        },
        modebar={"orientation": "h", "bgcolor": "rgba(0,0,0,0)"},
    )
    # Not the chart's title, which the theme would print in bold.
    figure.add_annotation(
        text=note,
        x=0,
        xref="paper",
        xanchor="left",
        y=0,
        yref="paper",
        yanchor="top",
        yshift=-below,
        align="left",
        showarrow=False,
        font={"size": _NOTE_SIZE},
    )
    figure.update_xaxes(fixedrange=True, automargin=True, title_standoff=8)
    figure.update_yaxes(fixedrange=True, automargin=True)
    return st.plotly_chart(
        figure,
        key=key,
        alt=alt,
        config=_configure(pair, subject),
        **{"theme": "streamlit"} | options,
    )


def name_file(pair: Pair, subject: str, suffix: str) -> str:
    """Return the name of a saved chart or table."""
    words = f"{pair.dataset.folder} {subject}{' leaky' if pair.leaks else ''}"
    return f"skinmodel-{re.sub(r'[^a-z0-9]+', '-', words.lower()).strip('-')}{suffix}"


def _write_note(pair: Pair, subject: str) -> str:
    leaky = " LEAKY PROTOCOL: figures too good." if pair.leaks else ""
    parts = (
        f"{subject}. {name_dataset(pair.dataset)}.{leaky}",
        *(name_source(measured) for measured in pair.both),
        DISCLAIMER,
    )
    return "<br>".join(line for part in parts for line in textwrap.wrap(part, _NOTE_WIDTH))


def name_source(measured: Measured) -> str:
    """Return which run a network's figures come from."""
    return f"{measured.label}: run {measured.provenance.run_id}"


def _configure(pair: Pair, subject: str) -> dict[str, Any]:
    return {
        "displayModeBar": True,
        "displaylogo": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {
            "format": "svg",
            "filename": name_file(pair, subject, ""),
        },
        "locale": "en",
    }
