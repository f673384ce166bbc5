"""The two paths of chapter 6, drawn as a graph with its numbers."""

from typing import Final

import plotly.graph_objects as go

from app.learn.grids import write_value
from app.shared.figures import LOOKS, NEUTRAL
from skinmodel.lessons.gradients import Backward, Forward, TwoPaths

# Where each value stands: the upper path, the lower path, and what follows both.
_PLACES: Final = {
    "x1": (0.0, 1.0),
    "x2": (0.0, 0.0),
    "a1": (1.0, 1.0),
    "a2": (1.0, 0.0),
    "o": (2.0, 0.5),
    "L": (3.0, 0.5),
}
_EDGES: Final = (("x1", "a1"), ("x2", "a2"), ("a1", "o"), ("a2", "o"), ("o", "L"))
_HEIGHT: Final = 330


def build_path_graph(paths: TwoPaths, forward: Forward, backward: Backward) -> go.Figure:
    """Return the graph: values in the nodes, derivatives on the edges.

    The weight stands on both edges of its own; it is one number.
    """
    values = {
        "x1": paths.x[0],
        "x2": paths.x[1],
        "a1": forward.a[0],
        "a2": forward.a[1],
        "o": forward.o,
        "L": forward.loss,
    }
    above = {
        ("x1", "a1"): f"w = {write_value(paths.w)}",
        ("x2", "a2"): f"w = {write_value(paths.w)}",
        ("a1", "o"): f"v₁ = {write_value(paths.v[0])}",
        ("a2", "o"): f"v₂ = {write_value(paths.v[1])}",
        ("o", "L"): "",
    }
    below = {
        ("x1", "a1"): f"∂a₁/∂w = {write_value(backward.a_by_w[0])}",
        ("x2", "a2"): f"∂a₂/∂w = {write_value(backward.a_by_w[1])}",
        ("a1", "o"): f"∂o/∂a₁ = {write_value(backward.o_by_a[0])}",
        ("a2", "o"): f"∂o/∂a₂ = {write_value(backward.o_by_a[1])}",
        ("o", "L"): f"∂L/∂o = {write_value(backward.loss_by_o)}",
    }
    figure = go.Figure()
    for edge in _EDGES:
        _draw_edge(figure, edge, above[edge], below[edge])
    names = {"x1": "x₁", "x2": "x₂", "a1": "a₁", "a2": "a₂", "o": "o", "L": "L"}
    figure.add_trace(
        go.Scatter(
            x=[_PLACES[n][0] for n in names],
            y=[_PLACES[n][1] for n in names],
            mode="markers+text",
            marker={"size": 50, "color": "#FFFFFF", "line": {"color": LOOKS[0].color, "width": 3}},
            text=[f"{title}<br>{write_value(values[n])}" for n, title in names.items()],
            textfont={"size": 13, "color": "#15232D"},
            hoverinfo="skip",
        )
    )
    figure.update_layout(
        height=_HEIGHT,
        margin={"l": 2, "r": 2, "t": 8, "b": 8},
        showlegend=False,
        dragmode=False,
        plot_bgcolor="rgba(0,0,0,0)",
    )
    figure.update_xaxes(visible=False, fixedrange=True, range=[-0.32, 3.32])
    figure.update_yaxes(visible=False, fixedrange=True, range=[-0.4, 1.4])
    return figure


def _draw_edge(figure: go.Figure, edge: tuple[str, str], above: str, below: str) -> None:
    (x0, y0), (x1, y1) = (_PLACES[node] for node in edge)
    figure.add_annotation(
        x=x1,
        y=y1,
        ax=x0,
        ay=y0,
        xref="x",
        yref="y",
        axref="x",
        ayref="y",
        arrowcolor=NEUTRAL,
        arrowwidth=2,
        arrowhead=2,
        standoff=26,
        startstandoff=26,
        text="",
    )
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    # On the outer side of the paths, so that the two never write over each other.
    side = 1 if middle[1] >= 0.5 else -1
    for text, shift, color in (
        (above, 30 * side + 7, None),
        (below, 30 * side - 9, LOOKS[1].color),
    ):
        figure.add_annotation(
            x=middle[0],
            y=middle[1],
            text=text,
            showarrow=False,
            yshift=shift,
            font={"size": 13} if color is None else {"size": 13, "color": color},
        )


def describe_path_graph(paths: TwoPaths, forward: Forward, backward: Backward) -> str:
    """Return the graph's alternative text: every number on it."""
    lines = [
        f"path {k + 1}: x {write_value(paths.x[k])}, w {write_value(paths.w)}, a "
        f"{write_value(forward.a[k])}, v {write_value(paths.v[k])}; derivatives of a by w "
        f"{write_value(backward.a_by_w[k])}, of o by a {write_value(backward.o_by_a[k])}"
        for k in (0, 1)
    ]
    return (
        f"Two paths through one weight. {'; '.join(lines)}. Output {write_value(forward.o)}, loss "
        f"{write_value(forward.loss)}, derivative of the loss by the output "
        f"{write_value(backward.loss_by_o)}."
    )
