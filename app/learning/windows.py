"""The drawing of chapter 2: which input cells each output cell reads."""

from typing import Final

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from skinmodel.lessons.geometry import Geometry

# Told apart by lightness as well; padding stands outside the two lines besides.
_EMPTY, _INPUT, _ZERO, _CHOSEN = "#EDF1F3", "#6AA5D0", "#8A949B", "#C46A00"
_TEXT_SIZE: Final = 13
_NARROW: Final = 40  # cells; gaps between more would hide them


def build_windows(geometry: Geometry, chosen: int) -> go.Figure:
    """Return a staircase of windows over a count of how often each input cell is read.

    Args:
        geometry: of the one axis.
        chosen: the output cell to bring out, from 0.
    """
    cells = list(range(-geometry.before, geometry.n + geometry.after))
    kinds = np.zeros((geometry.size, len(cells)))
    for row in range(geometry.size):
        for i in geometry.reads(row):
            is_input = 0 <= i < geometry.n
            kinds[row, i + geometry.before] = 1 if is_input else 2
            if row == chosen:
                kinds[row, i + geometry.before] = 3
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.06
    )
    gap = 1 if max(kinds.shape) <= _NARROW else 0
    colors = (_EMPTY, _INPUT, _ZERO, _CHOSEN)
    scale = [[(kind + side) / 4, color] for kind, color in enumerate(colors) for side in (0, 1)]
    figure.add_trace(
        go.Heatmap(
            z=kinds,
            x=cells,
            y=list(range(geometry.size)),
            zmin=-0.5,
            zmax=3.5,
            colorscale=scale,
            showscale=False,
            xgap=gap,
            ygap=gap,
            hovertemplate="output cell %{y}, input cell %{x}<extra></extra>",
        ),
        row=1,
        col=1,
    )
    figure.add_trace(
        go.Bar(
            x=list(range(geometry.n)),
            y=geometry.counts,
            marker={"color": _INPUT, "line": {"width": 0}},
            hovertemplate="input cell %{x}: read by %{y}<extra></extra>",
            showlegend=False,
        ),
        row=2,
        col=1,
    )
    if geometry.before or geometry.after:
        for edge in (-0.5, geometry.n - 0.5):
            figure.add_vline(x=edge, line={"color": _CHOSEN, "width": 1, "dash": "dot"})
    figure.update_layout(
        height=420,
        bargap=0.08 if gap else 0,
        margin={"l": 8, "r": 8, "t": 8, "b": 44, "pad": 0},
        font={"size": _TEXT_SIZE},
        dragmode=False,
    )
    edges = [cells[0] - 0.5, cells[-1] + 0.5]
    figure.update_xaxes(range=edges, fixedrange=True, showgrid=False, zeroline=False)
    figure.update_xaxes(title={"text": "Input cell"}, row=2, col=1)
    figure.update_yaxes(fixedrange=True, showgrid=False, zeroline=False)
    figure.update_yaxes(
        title={"text": "Output cell"}, range=[geometry.size - 0.5, -0.5], row=1, col=1
    )
    figure.update_yaxes(title={"text": "Read by"}, rangemode="tozero", row=2, col=1)
    return figure


def describe_windows(geometry: Geometry, chosen: int) -> str:
    """Return the drawing's alternative text."""
    reads = geometry.reads(chosen)
    zeros = sum(not 0 <= i < geometry.n for i in reads)
    padding = f", of which {zeros} are padding" if zeros else ""
    counts = geometry.counts
    return (
        f"Staircase of {geometry.size} windows of {geometry.m} cells, each {geometry.s} further "
        f"to the right. Output cell {chosen} reads input cells {reads[0]} to {reads[-1]}{padding}. "
        f"An input cell is read by {min(counts)} to {max(counts)} output cells."
    )
