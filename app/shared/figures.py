"""What all charts share: looks, layout, where their figures come from, and how they are saved."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from skinmodel.results import DISCLAIMER


@dataclass(frozen=True)
class Look:
    """How one of two things compared is drawn: told apart by colour, dash and symbol alike.

    Attributes:
        color: of a contrast of 3 on both themes' backgrounds; safe for colour-blind readers.
        dash: of lines.
        symbol: of points.
    """

    color: str
    dash: str
    symbol: str


LOOKS: Final = (Look("#2B7BBA", "solid", "circle"), Look("#C46A00", "dash", "diamond"))
"""Of the first and the second, in every chart and in both themes."""
NEUTRAL: Final = "#7C8790"
"""Of what belongs to neither: chance, zero, perfect calibration."""

TEXT_SIZE: Final = 13
_NOTE_SIZE: Final = 11
_NOTE_WIDTH: Final = 54  # characters; what a phone of 390 points shows of this size
_NOTE_LINE: Final = 15
_TOP: Final = 34  # the button that saves the chart


def show_chart(
    figure: go.Figure,
    sources: Iterable[str],
    file: str,
    alt: str,
    key: str,
    *,
    height: int,
    legend_rows: int = 0,
    below: int = 52,
    **options: Any,
) -> Any:
    """Show a chart with its sources below it and a button that saves both as SVG.

    Args:
        figure: the chart; margins, fonts and footnote are set here.
        sources: what it shows and where its figures come from, a line each; the disclaimer is
            added.
        file: name of the saved file, without its end.
        alt: alternative text: what a person who cannot see it should know.
        key: of the element.
        height: of the plot with its axes, in points; the footnote comes on top of it.
        legend_rows: number of lines of the legend above the plot.
        below: room for the axis under the plot, in points.
        **options: passed to ``st.plotly_chart``.
    """
    note = _write_note((*sources, DISCLAIMER))
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
        config=_configure(file),
        **{"theme": "streamlit"} | options,
    )


def _write_note(parts: Iterable[str]) -> str:
    return "<br>".join(line for part in parts for line in textwrap.wrap(part, _NOTE_WIDTH))


def _configure(file: str) -> dict[str, Any]:
    return {
        "displayModeBar": True,
        "displaylogo": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"format": "svg", "filename": file},
        "locale": "en",
    }
