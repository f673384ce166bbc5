"""The charts of chapter 7: paths on contours of the loss, and the loss over steps."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import plotly.graph_objects as go

from app.figures import NEUTRAL
from skinmodel.lessons.optimizers import Path, Surface

# After Okabe and Ito; dash and marker tell the rules apart without colour.
_STYLES: Final = {
    "SGD": ("#D55E00", "solid", "circle"),
    "Momentum": ("#3E8FC4", "dash", "square"),
    "RMSProp": ("#B58300", "dot", "diamond"),
    "Adam": ("#C05A94", "dashdot", "x"),
}
_CELLS: Final = 80
_HEIGHT: Final = 430
_LEAST: Final = 1e-12  # a logarithmic axis has no 0


def build_map(surface: Surface, paths: Mapping[str, Path]) -> go.Figure:
    """Return the surface's contours, evenly spaced in the logarithm of the loss, with the paths."""
    left, right, bottom, top = surface.window
    xs, ys = np.linspace(left, right, _CELLS), np.linspace(bottom, top, _CELLS)
    losses = surface.loss(np.stack(np.meshgrid(xs, ys), axis=-1))
    figure = go.Figure(
        go.Contour(
            x=xs,
            y=ys,
            z=np.log10(losses - losses.min() + 0.01),
            contours={"coloring": "lines"},
            ncontours=18,
            colorscale=[[0, NEUTRAL], [1, NEUTRAL]],
            line={"width": 1},
            showscale=False,
            hoverinfo="skip",
        )
    )
    for rule, path in paths.items():
        color, dash, symbol = _STYLES[rule]
        figure.add_scatter(
            x=path.weights[:, 0],
            y=path.weights[:, 1],
            mode="lines+markers",
            name=rule,
            line={"color": color, "dash": dash, "width": 2},
            marker={"symbol": symbol, "size": [0] * (len(path.weights) - 1) + [11], "color": color},
        )
    figure.add_scatter(
        x=[surface.start[0]],
        y=[surface.start[1]],
        mode="markers",
        name="start",
        marker={"symbol": "star", "size": 13, "color": NEUTRAL},
    )
    figure.update_xaxes(range=[left, right], title="w₁")
    figure.update_yaxes(range=[bottom, top], title="w₂")
    return _lay_out(figure)


def build_loss_chart(paths: Mapping[str, Path]) -> go.Figure:
    """Return the loss of every rule over its steps, on a logarithmic axis."""
    least = min(float(path.losses.min()) for path in paths.values())
    figure = go.Figure()
    for rule, path in paths.items():
        color, dash, _ = _STYLES[rule]
        figure.add_scatter(
            y=np.maximum(path.losses - min(least, 0.0), _LEAST),
            mode="lines",
            name=rule,
            line={"color": color, "dash": dash, "width": 2},
        )
    figure.update_xaxes(title="step")
    title = "loss" if least >= 0 else f"loss above {least:.3g}"
    figure.update_yaxes(type="log", title=title, exponentformat="power")
    return _lay_out(figure)


def _lay_out(figure: go.Figure) -> go.Figure:
    return figure.update_layout(
        height=_HEIGHT,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": -0.2},
    )
