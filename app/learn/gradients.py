"""Chapter 6: the gradient of a weight that two paths share, and what pooling hands back."""

from typing import Final

import numpy as np
import streamlit as st

from app.learn.grids import Box, show_number_grid, write_value
from app.learn.path_graph import build_path_graph, describe_path_graph
from app.learn.subject import name_subject
from app.services.pictures import Picture
from app.shared.content import read_sections
from skinmodel.imaging.preprocess import resize
from skinmodel.lessons.convolution import to_grey
from skinmodel.lessons.gradients import (
    ACTIVATIONS,
    Backward,
    TwoPaths,
    measure_slope,
    pass_through_average,
    pass_through_max,
    run_backward,
    run_forward,
    update,
)
from skinmodel.models.registry import get_spec

_START: Final = {"x1": 1.0, "x2": -0.5, "w": 0.8, "v1": 1.5, "v2": 1.0, "y": 0.0, "rate": 0.5}
_WORDS: Final = {
    "x1": "x₁, first input",
    "x2": "x₂, second input",
    "w": "w, the shared weight",
    "v1": "v₁, weight of the first path",
    "v2": "v₂, weight of the second path",
    "y": "y, the truth",
    "rate": "η, learning rate",
}
_LIMITS: Final = {"rate": (0.0, 2.0)}
_WINDOW: Final = 2
_SIDE: Final = 4  # cells of the pooled example
_MODEL: Final = "cnn"


def show_gradients(picture: Picture) -> None:
    """Show the chain rule on two paths that share a weight, then pooling's gradients."""
    texts = read_sections("learn_gradients")
    with st.container(width=860):
        st.markdown(texts["intro"])
    paths, rate = _choose_numbers()
    forward, backward = run_forward(paths), run_backward(paths)
    st.plotly_chart(
        build_path_graph(paths, forward, backward),
        key="gradients-graph",
        alt=describe_path_graph(paths, forward, backward),
        config={"staticPlot": True, "displayModeBar": False},
    )
    with st.container(width=860):
        st.markdown(_describe_chain(backward))
        _compare_with_measurement(paths, backward)
        _show_update(paths, rate)
        st.caption(texts["reading"])
    _show_pooling(picture)
    st.caption(texts["sources"])


def _choose_numbers() -> tuple[TwoPaths, float]:
    for name, value in {**_START, "activation": "sigmoid"}.items():
        st.session_state.setdefault(_key(name), value)
    activation = st.segmented_control(
        "Activation",
        list(ACTIVATIONS),
        required=True,
        key=_key("activation"),
        persist_state="session",
    )
    first, second = st.columns(2, gap="medium")
    places = {"x1": first, "x2": first, "w": first, "y": first}
    places |= {"v1": second, "v2": second, "rate": second}
    chosen = {}
    for name, place in places.items():
        low, high = _LIMITS.get(name, (-3.0, 3.0))
        with place:
            chosen[name] = float(
                st.slider(
                    _WORDS[name], low, high, step=0.1, key=_key(name), persist_state="session"
                )
            )
    with second, st.container(horizontal=True):
        st.button(
            "Take the step",
            icon=":material/south_east:",
            on_click=_take_step,
            key="gradients-step",
            help="Moves w by minus η times its gradient, to one decimal of the slider's range.",
        )
        st.button(
            "Start again",
            icon=":material/restart_alt:",
            on_click=lambda: st.session_state.update(
                {_key(name): value for name, value in _START.items()}
            ),
            key="gradients-restart",
        )
    return _to_paths(chosen, str(activation)), chosen["rate"]


def _to_paths(numbers: dict[str, float], activation: str) -> TwoPaths:
    return TwoPaths(
        x=(numbers["x1"], numbers["x2"]),
        w=numbers["w"],
        v=(numbers["v1"], numbers["v2"]),
        y=numbers["y"],
        activation=activation,
    )


def _take_step() -> None:
    numbers = {name: float(st.session_state[_key(name)]) for name in _START}
    paths = _to_paths(numbers, str(st.session_state[_key("activation")]))
    moved = update(paths, numbers["rate"]).w
    st.session_state[_key("w")] = round(float(np.clip(moved, -3.0, 3.0)), 1)


def _key(name: str) -> str:
    return f"gradients-{name}"


def _describe_chain(backward: Backward) -> str:
    """Return equation 7 of the report with these numbers."""

    def path(k: int) -> str:
        factors = (backward.loss_by_o, backward.o_by_a[k], backward.a_by_w[k])
        return r"\cdot".join(f"({_write(value)})" for value in factors)

    return (
        "$$\n\\frac{\\partial L}{\\partial w}="
        f"\\underbrace{{{path(0)}}}_{{{_write(backward.by_path[0])}}}+"
        f"\\underbrace{{{path(1)}}}_{{{_write(backward.by_path[1])}}}="
        f"{_write(backward.loss_by_w)}\n$$"
    )


def _write(value: float) -> str:
    """Return a number for a formula, whose minus sign is the plain one."""
    return write_value(value).replace("−", "-")


def _compare_with_measurement(paths: TwoPaths, backward: Backward) -> None:
    measured = measure_slope(paths)
    st.markdown(
        f"Measured by moving $w$ a little both ways: **{write_value(measured)}**; difference "
        f"{write_value(abs(measured - backward.loss_by_w))}."
    )


def _show_update(paths: TwoPaths, rate: float) -> None:
    after = update(paths, rate)
    before_loss, after_loss = run_forward(paths).loss, run_forward(after).loss
    verdict = "falls" if after_loss < before_loss else "does not fall"
    st.markdown(
        f"One step with η = {write_value(rate)}: $w$ goes from {write_value(paths.w)} to "
        f"**{write_value(after.w)}**, on both paths at once, and the loss {verdict}: "
        f"{write_value(before_loss)} to **{write_value(after_loss)}**."
    )


def _show_pooling(picture: Picture) -> None:
    texts = read_sections("learn_gradients")
    st.subheader("Where pooling sends the gradient", anchor=False)
    with st.container(width=860):
        st.markdown(texts["pooling"])
    values = _cut(picture)
    pooled = values.reshape(_SIDE // _WINDOW, _WINDOW, _SIDE // _WINDOW, _WINDOW)
    upstream = np.array([[1.0, -2.0], [3.0, 0.5]])
    first, second = st.columns(2, gap="medium")
    with first:
        show_number_grid(values, f"Input: cells of {name_subject(picture)}", "gradients-pool-input")
        show_number_grid(
            pass_through_max(values, upstream, _WINDOW),
            "Gradient after max pooling",
            "gradients-pool-max",
            highlight=_find_winner(values),
        )
    with second:
        show_number_grid(
            pooled.max(axis=(1, 3)), "Largest of each window of 2 x 2", "gradients-pool-largest"
        )
        show_number_grid(upstream, "Gradient that arrives, one a window", "gradients-pool-arrives")
        show_number_grid(
            pass_through_average(values, upstream, _WINDOW),
            "Gradient after average pooling",
            "gradients-pool-average",
        )


def _cut(picture: Picture) -> np.ndarray:
    """Return a few grey values of the picture's middle, 0-255, at network size."""
    grey = to_grey(resize(picture.image, get_spec(_MODEL).preprocessing))
    top, left = ((side - 8 * _SIDE) // 2 for side in grey.shape)
    # Every eighth cell, so that neighbours differ enough to be told apart.
    cells = grey[top : top + 8 * _SIDE : 8, left : left + 8 * _SIDE : 8]
    return np.asarray(cells)


def _find_winner(values: np.ndarray) -> Box:
    """Return the largest cell of the first window."""
    row, column = np.unravel_index(int(values[:_WINDOW, :_WINDOW].argmax()), (_WINDOW, _WINDOW))
    return Box(int(row), int(column))
