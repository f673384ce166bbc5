"""Counts drawn as bars, one or two data sets side by side, so that small classes stay visible."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import plotly.graph_objects as go
import streamlit as st

from app.datasets.wording import count_and_share
from app.shared.figures import LOOKS, TEXT_SIZE


class Scale(StrEnum):
    """What a bar's length says."""

    COUNT = "Count"
    LOG = "Count, log scale"
    SHARE = "Share"


@dataclass(frozen=True)
class Series:
    """The counts of one data set or choice.

    Attributes:
        name: in the legend.
        counts: one a row.
        total: what shares are of: one number, or one a row.
    """

    name: str
    counts: tuple[int, ...]
    total: int | tuple[int, ...]

    @property
    def totals(self) -> tuple[int, ...]:
        """What each row's share is of."""
        one = self.total
        return one if isinstance(one, tuple) else (one,) * len(self.counts)

    def measure(self, scale: Scale) -> tuple[float, ...]:
        """Return how long the bars are, in the units of the axis."""
        if scale is not Scale.SHARE:
            return tuple(map(float, self.counts))
        return tuple(c / t if t else 0.0 for c, t in zip(self.counts, self.totals, strict=True))

    def write(self) -> tuple[str, ...]:
        """Return each row's count and share in words."""
        return tuple(map(count_and_share, self.counts, self.totals))


def choose_scale(key: str) -> Scale:
    """Show the choice of the scale and return it."""
    chosen = st.segmented_control(
        "Bars show",
        list(Scale),
        default=Scale.COUNT,
        required=True,
        key=key,
        persist_state="session",
        help="The log scale makes each step ten times the one before: small classes stay visible.",
    )
    return Scale(str(chosen))


def describe(title: str, rows: Sequence[str], series: Sequence[Series]) -> str:
    """Return a chart's alternative text: every count and share."""
    parts = [
        f"{one.name}: {', '.join(map(' '.join, zip(rows, one.write(), strict=True)))}"
        for one in series
    ]
    return f"{title}. {'. '.join(parts)}."


_PATTERNS: Final = ("", "/")
_LABEL: Final = 24  # points above each group for its name
_BAR: Final = 21  # points a bar
_GAP: Final = 8  # points between groups
_FOOT: Final = 0.7  # where a logarithmic axis starts, so that a bar of 1 is seen
_ROOM: Final = 0.42  # of the axis, right of the longest bar, for its figures


def build_bars(
    rows: Sequence[str], series: Sequence[Series], scale: Scale, unit: str = "images"
) -> go.Figure:
    """Return horizontal bars, each row's name on the line above them.

    Args:
        rows: names, top to bottom.
        series: one or two.
        scale: of the bars.
        unit: what is counted, for the axis.
    """
    band = _LABEL + _BAR * len(series) + _GAP
    figure = go.Figure()
    low, high = _span(series, scale)
    for k, one in enumerate(series):
        look = LOOKS[k]
        middle = (_LABEL + _BAR * (k + 0.5)) / band
        figure.add_bar(
            x=one.measure(scale),
            y=[row + middle for row in range(len(rows))],
            orientation="h",
            width=(_BAR - 3) / band,
            name=one.name,
            marker={
                "color": look.color,
                "pattern": {
                    "shape": _PATTERNS[k],
                    "fillmode": "overlay",
                    "fgcolor": "white",
                    "fgopacity": 0.8,
                    "size": 8,
                    "solidity": 0.2,
                },
            },
            hoverinfo="skip",
            showlegend=len(series) > 1,
        )
        for row, (length, text) in enumerate(zip(one.measure(scale), one.write(), strict=True)):
            # Not the bar's own text: a bar of 0 has no place on a logarithmic axis.
            figure.add_annotation(
                x=_place(length, scale, low),
                y=row + middle,
                xanchor="left",
                xshift=3,
                text=text,
                showarrow=False,
                font={"size": TEXT_SIZE},
            )
    for row, name in enumerate(rows):
        figure.add_annotation(
            x=0,
            xref="paper",
            xanchor="left",
            y=row + _LABEL / 2 / band,
            text=name,
            showarrow=False,
            font={"size": TEXT_SIZE},
        )
    figure.update_layout(bargap=0, barmode="overlay")
    figure.update_yaxes(visible=False, range=[len(rows), 0], autorange=False)
    figure.update_xaxes(
        type="log" if scale is Scale.LOG else "linear",
        range=[low, high],
        title={"text": _name_axis(scale, unit)},
        zeroline=scale is not Scale.LOG,
        tickformat=".0%" if scale is Scale.SHARE else ",d",
        dtick=1 if scale is Scale.LOG else None,
        nticks=5,
        ticklabeloverflow="allow",
    )
    return figure


def measure_height(rows: int, series: int) -> int:
    """Return how high the plot of such bars is, axis included, in points."""
    return rows * (_LABEL + _BAR * series + _GAP) + 86


def build_columns(
    names: Sequence[str], series: Sequence[Series], scale: Scale, title: str
) -> go.Figure:
    """Return upright bars for values with an order, such as ages.

    Args:
        names: of the columns, left to right.
        series: one, or two, of which the second is drawn as points over the bars of the first.
        scale: of the bars.
        title: of the axis below.
    """
    low, high = _span(series, scale, room=0.06)
    figure = go.Figure()
    for k, one in enumerate(series):
        look = LOOKS[k]
        drawn = {
            "x": list(names),
            "y": one.measure(scale),
            "name": one.name,
            "customdata": one.write(),
            "hovertemplate": "%{x}: %{customdata}<extra>" + one.name + "</extra>",
            "showlegend": len(series) > 1,
        }
        if k == 0:
            figure.add_bar(**drawn, marker={"color": look.color})
        else:
            marker = {"color": look.color, "symbol": look.symbol, "size": 9}
            figure.add_scatter(**drawn, mode="markers", marker=marker)
    figure.update_xaxes(type="category", title={"text": title}, tickangle=0, nticks=8)
    figure.update_yaxes(
        type="log" if scale is Scale.LOG else "linear",
        range=[low, high],
        title={"text": _name_axis(scale, "images")},
        tickformat=".0%" if scale is Scale.SHARE else ",d",
        dtick=1 if scale is Scale.LOG else None,
    )
    return figure


def _name_axis(scale: Scale, unit: str) -> str:
    if scale is Scale.SHARE:
        return f"share of the {unit}"
    return f"{unit}, log scale" if scale is Scale.LOG else unit


def _place(length: float, scale: Scale, low: float) -> float:
    """Return where a bar ends, in the axis's own units, which are decades on a log axis."""
    if scale is Scale.LOG:
        return math.log10(length) if length else low
    return length


def _span(series: Sequence[Series], scale: Scale, room: float = _ROOM) -> tuple[float, float]:
    top = max((length for one in series for length in one.measure(scale)), default=0.0)
    if scale is Scale.LOG:
        low, end = math.log10(_FOOT), math.log10(max(top, 1.0))
        return low, end + room * max(end - low, 1.0)
    return 0.0, (top or 1.0) * (1 + room)
