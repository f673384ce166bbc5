"""The drawings of chapter 2: which input cells each output cell reads, and how often each is."""

from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from skinmodel.lessons.geometry import Geometry

# Told apart by lightness as well; padding stands outside the dotted lines besides.
_EMPTY, _INPUT, _ZERO, _CHOSEN = "#EDF1F3", "#6AA5D0", "#8A949B", "#C46A00"
_TEXT_SIZE: Final = 13
_LEFT: Final = 54  # points; the same in both drawings, so that their cells stand one on another
_NARROW: Final = 40  # cells; gaps between more would hide them
_TICKS: Final = 4


def build_windows(geometry: Geometry, chosen: int) -> go.Figure:
    """Return the windows as a staircase: one output cell a row, one input cell a column.

    Args:
        geometry: of the one axis.
        chosen: the output cell to bring out, from 0.
    """
    kinds = np.zeros((geometry.size, geometry.padded))
    for row in range(geometry.size):
        for i in geometry.reads(row):
            kind = 1 if 0 <= i < geometry.n else 2
            kinds[row, i + geometry.before] = 3 if row == chosen else kind
    gap = _gap(geometry)
    colors = (_EMPTY, _INPUT, _ZERO, _CHOSEN)
    figure = go.Figure(
        go.Heatmap(
            z=kinds,
            x0=-geometry.before,
            dx=1,
            zmin=-0.5,
            zmax=3.5,
            colorscale=[[(k + side) / 4, c] for k, c in enumerate(colors) for side in (0, 1)],
            showscale=False,
            xgap=gap,
            ygap=gap,
            hovertemplate="output cell %{y}, input cell %{x}<extra></extra>",
        )
    )
    if geometry.before or geometry.after:
        for edge in (-0.5, geometry.n - 0.5):
            figure.add_vline(x=edge, line={"color": _CHOSEN, "width": 1, "dash": "dot"})
    _lay_out(figure, geometry, 300, title="Output cell", side=geometry.size)
    figure.update_yaxes(range=[geometry.size - 0.5, -0.5])
    figure.update_xaxes(showticklabels=False)
    return figure


def build_counts(geometry: Geometry) -> go.Figure:
    """Return a bar for each input cell: how many output cells read it."""
    figure = go.Figure(
        go.Bar(
            x=list(range(geometry.n)),
            y=geometry.counts,
            marker={"color": _INPUT, "line": {"width": 0}},
            hovertemplate="input cell %{x}: read by %{y}<extra></extra>",
        )
    )
    _lay_out(figure, geometry, 170, title="Read by", side=max(geometry.counts))
    figure.update_layout(bargap=0.08 if _gap(geometry) else 0)
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(title={"text": "Input cell"})
    return figure


def describe_windows(geometry: Geometry, chosen: int) -> str:
    """Return the alternative text of ``build_windows``."""
    reads = geometry.reads(chosen)
    zeros = sum(not 0 <= i < geometry.n for i in reads)
    padding = f", of which {zeros} are padding" if zeros else ""
    return (
        f"Staircase of {geometry.size} windows of {geometry.m} cells, each {geometry.s} further "
        f"to the right. Output cell {chosen} reads input cells {reads[0]} to {reads[-1]}{padding}."
    )


def describe_counts(geometry: Geometry) -> str:
    """Return the alternative text of ``build_counts``."""
    counts = geometry.counts
    return (
        f"How often each of {geometry.n} input cells is read: the first by {counts[0]}, the middle "
        f"one by {counts[geometry.n // 2]}, the last by {counts[-1]} output cells."
    )


def _gap(geometry: Geometry) -> int:
    return 1 if max(geometry.size, geometry.padded) <= _NARROW else 0


def _lay_out(figure: go.Figure, geometry: Geometry, height: int, *, title: str, side: int) -> None:
    bottom = 44 if height < 200 else 8
    plain: dict[str, Any] = {"fixedrange": True, "showgrid": False, "zeroline": False}
    figure.update_layout(
        height=height,
        margin={"l": _LEFT, "r": 8, "t": 8, "b": bottom, "pad": 0},
        font={"size": _TEXT_SIZE},
        dragmode=False,
        showlegend=False,
    )
    edges = [-geometry.before - 0.5, geometry.n + geometry.after - 0.5]
    figure.update_xaxes(range=edges, **plain)
    figure.update_yaxes(
        title={"text": title}, automargin=False, dtick=max(1, round(side / _TICKS)), **plain
    )
