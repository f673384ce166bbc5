"""Chapter 7: four rules go down the same surface, step by step."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.services.pictures import Picture
from app.shared.content import read_sections
from app.shared.figures import NEUTRAL
from skinmodel.lessons.optimizers import REPORT, RULES, SURFACES, Path, Settings, Surface, descend

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


_START: Final = {"rate": -1.5, "beta_1": 0.9, "beta_2": 0.999, "epsilon": -7.0}
_REPORT: Final = {"rate": -4.0, "beta_1": REPORT.beta_1, "beta_2": REPORT.beta_2, "epsilon": -3.0}
_STEPS: Final = 200
_WORDS: Final = {
    "rate": "η, learning rate, as a power of ten",
    "beta_1": "β₁, decay of the first moment (momentum, Adam)",
    "beta_2": "β₂, decay of the second moment (RMSProp, Adam)",
    "epsilon": "ε, as a power of ten (RMSProp, Adam)",
}
_LIMITS: Final = {  # least, greatest, step; the report's values are marked in the labels
    "rate": (-5.0, 0.0, 0.1),
    "beta_1": (0.0, 0.99, 0.01),
    "beta_2": (0.9, 0.999, 0.001),
    "epsilon": (-8.0, 0.0, 0.5),
}


def show_optimizers(_picture: Picture) -> None:
    """Show SGD, momentum, RMSProp and Adam on one surface; the picture plays no part here."""
    texts = read_sections("learn_optimizers")
    with st.container(width=860):
        st.markdown(texts["intro"])
    name, settings, steps, noise = _choose()
    surface = SURFACES[name]
    paths = {rule: descend(surface, step, settings, steps, noise) for rule, step in RULES.items()}
    first, second = st.columns(2, gap="medium")
    with first:
        st.plotly_chart(
            build_map(surface, paths),
            key="optimizers-map",
            alt=f"Contours of the loss '{name}' with the paths of four rules. {_describe(paths)}",
        )
    with second:
        st.plotly_chart(
            build_loss_chart(paths),
            key="optimizers-loss",
            alt=f"Loss of four rules over {steps} steps, on a logarithmic axis. {_describe(paths)}",
        )
    st.dataframe(tabulate(surface, paths), hide_index=True, width="stretch")
    with st.container(width=860):
        _warn_of_divergence(paths)
        st.caption(texts["reading"])
        st.caption(texts["sources"])


def _choose() -> tuple[str, Settings, int, float]:
    for name, value in _START.items():
        st.session_state.setdefault(_key(name), value)
    surface = st.segmented_control(
        "Surface",
        list(SURFACES),
        default=next(iter(SURFACES)),
        required=True,
        key=_key("surface"),
        persist_state="session",
    )
    places = dict(zip(_WORDS, st.columns(2, gap="medium") * 2, strict=True))
    chosen = {}
    for name, place in places.items():
        low, high, step = _LIMITS[name]
        with place:
            chosen[name] = float(
                st.slider(
                    f"{_WORDS[name]}; report {_REPORT[name]:g}",
                    low,
                    high,
                    step=step,
                    key=_key(name),
                    format="%.3f" if name == "beta_2" else "%.2f",
                    persist_state="session",
                )
            )
    first, second = st.columns(2, gap="medium")
    with first:
        steps = st.slider(
            "Steps", 10, 1000, _STEPS, step=10, key=_key("steps"), persist_state="session"
        )
    with second:
        noise = st.slider(
            "Noise of the gradient, as of mini-batches",
            0.0,
            2.0,
            0.0,
            step=0.1,
            key=_key("noise"),
            persist_state="session",
        )
    with st.container(horizontal=True):
        st.button("Set the report's values", icon=":material/article:", on_click=_set, args=(True,))
        st.button("Start again", icon=":material/restart_alt:", on_click=_set, args=(False,))
    settings = Settings(
        10 ** chosen["rate"], chosen["beta_1"], chosen["beta_2"], 10 ** chosen["epsilon"]
    )
    return str(surface), settings, int(steps), float(noise)


def _set(report: bool) -> None:
    for name, value in (_REPORT if report else _START).items():
        st.session_state[_key(name)] = value


def _key(name: str) -> str:
    return f"optimizers-{name}"


def tabulate(surface: Surface, paths: Mapping[str, Path]) -> pd.DataFrame:
    """Return where each rule ended: steps, weights, loss, and distance to the minimum."""
    rows = []
    for rule, path in paths.items():
        x, y = path.weights[-1]
        row = {
            "rule": rule,
            "steps": len(path.losses) - 1,
            "w₁": f"{x:.4g}",
            "w₂": f"{y:.4g}",
            "loss at the end": f"{path.losses[-1]:.4g}",
            "went": "diverged" if path.diverged else "stayed on the surface",
        }
        if surface.minimum is not None:
            gap = ((x - surface.minimum[0]) ** 2 + (y - surface.minimum[1]) ** 2) ** 0.5
            row["distance to the minimum"] = f"{gap:.4g}"
        rows.append(row)
    return pd.DataFrame(rows)


def _describe(paths: Mapping[str, Path]) -> str:
    ends = (
        f"{rule} {'diverges' if path.diverged else f'ends at a loss of {path.losses[-1]:.3g}'}"
        for rule, path in paths.items()
    )
    return "; ".join(ends) + "."


def _warn_of_divergence(paths: Mapping[str, Path]) -> None:
    lost = [rule for rule, path in paths.items() if path.diverged]
    if lost:
        st.warning(
            f"Diverged, its steps growing without end: {', '.join(lost)}. Lower the learning rate.",
            icon=":material/trending_up:",
        )
