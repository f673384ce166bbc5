"""The first half of chapter 3: each operation on a small grid that the reader may rewrite."""

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import streamlit as st

from app.learn.grids import Box, show_number_grid, write_number, write_value
from app.services.attempts import Problem, attempt
from app.services.pictures import Picture
from app.shared import components
from app.shared.content import read_sections
from skinmodel.imaging.preprocess import resize
from skinmodel.lessons.convolution import Array, to_grey
from skinmodel.lessons.layers import (
    EPSILON,
    Normalisation,
    apply_relu,
    measure_batch,
    normalise,
    pool_average,
    pool_max,
    update_stored,
)
from skinmodel.models.registry import get_spec

_SIDE: Final = 5  # cells of the grid at first
_LARGEST_SIDE: Final = 8
_LARGEST: Final = 999.0
_MODEL: Final = "cnn"


def cut_grid(picture: Picture) -> str:
    """Return a few cells of the picture's middle as text, shifted and shrunk to have both signs."""
    grey = to_grey(resize(picture.image, get_spec(_MODEL).preprocessing))
    top, left = ((side - 8 * _SIDE) // 2 for side in grey.shape)
    # Every eighth cell, so that neighbours differ enough to be told apart.
    cells = grey[top : top + 8 * _SIDE : 8, left : left + 8 * _SIDE : 8]
    spread = np.rint((cells - cells.mean()) / (cells.std() or 1.0) * 4).astype(int)
    return "\n".join(" ".join(map(str, row)) for row in spread)


def parse_grid(text: str) -> Array | Problem:
    """Return the numbers that a reader wrote, (h, w) with 2 to 8 rows and columns, or why not."""
    rows = [line.replace("−", "-").split() for line in text.splitlines() if line.strip()]
    sides = {len(rows), *map(len, rows)}
    if not sides <= set(range(2, _LARGEST_SIDE + 1)) or len(set(map(len, rows))) != 1:
        found = ", ".join(str(len(row)) for row in rows[:12]) or "none"
        return Problem(
            f"Numbers found in each row: {found}. Write 2 to {_LARGEST_SIDE} rows of 2 to "
            f"{_LARGEST_SIDE} numbers, as many in each row, parted by spaces."
        )
    for word in (word for row in rows for word in row):
        if not _is_number(word):
            return Problem(
                f"'{word[:20]}' is no number from −{_LARGEST:.0f} to {_LARGEST:.0f}. Write "
                "numbers such as 3, −2 or 0.5, with a point for decimals."
            )
    return np.array([[float(word) for word in row] for row in rows])


def _is_number(word: str) -> bool:
    try:
        value = float(word)
    except ValueError:
        return False
    return math.isfinite(value) and abs(value) <= _LARGEST


_MOMENTUM: Final = 0.9


def show_grids(picture: Picture) -> None:
    """Show one operation on a small grid, cell by cell."""
    st.subheader("On a small grid", anchor=False)
    with st.container(width=860):
        st.markdown(read_sections("learn_layers")["grid"])
    operation = st.segmented_control(
        "Operation",
        list(_OPERATIONS),
        default=next(iter(_OPERATIONS)),
        required=True,
        key="layers-operation",
        persist_state="session",
    )
    text = st.text_area(
        "Numbers of the grid, one row a line",
        cut_grid(picture),
        key=f"layers-grid-{picture.key}",
        height=170,
        width=420,
        persist_state="session",
        help="Change any number; press Ctrl and Enter to apply.",
    )
    values = parse_grid(text)
    if isinstance(values, Problem):
        st.warning(
            components.escape_markdown(values.sentence),
            title="This is no grid of numbers",
            icon=":material/grid_off:",
        )
        return
    with st.container(width=860):
        st.markdown(read_sections("learn_layers")[_TEXTS[str(operation)]])
    _OPERATIONS[str(operation)](values)


def _show_relu(values: Array) -> None:
    after = apply_relu(values)
    first, second = st.columns(2, gap="medium")
    with first:
        show_number_grid(values, "Before ReLU", "layers-relu-before")
    with second:
        show_number_grid(after, "After ReLU", "layers-relu-after")
    off = int((after == 0).sum())
    st.markdown(
        f"**{off} of {values.size}** cells are 0 after ReLU and tell the next layer nothing."
    )


def _show_pooling(values: Array) -> None:
    sizes = st.columns(2, gap="medium")
    with sizes[0]:
        window = st.slider("Window", 1, 4, 3, key="layers-window", persist_state="session")
    with sizes[1]:
        stride = st.slider("Stride", 1, 4, 2, key="layers-stride", persist_state="session")
    largest = attempt(lambda: pool_max(values, window, stride))
    if isinstance(largest, Problem):
        st.warning(
            components.escape_markdown(largest.sentence),
            title="No output",
            icon=":material/block:",
        )
        return
    mean = pool_average(values, window, stride)
    cell = 0
    if largest.size > 1:
        key = f"layers-cell-{largest.shape[0]}-{largest.shape[1]}"
        cell = st.slider("Output cell, by rows", 0, largest.size - 1, key=key)
    row, column = divmod(cell, largest.shape[1])
    top, left = row * stride, column * stride
    first, second = st.columns(2, gap="medium")
    with first:
        frame = Box(top, left, window, window)
        show_number_grid(values, "Input, the window framed", "layers-pool-input", frame)
    with second:
        show_number_grid(largest, "Max pooling", "layers-pool-max", Box(row, column))
        show_number_grid(mean, "Average pooling", "layers-pool-average", Box(row, column))
    cells = [write_number(float(v)) for v in values[top : top + window, left : left + window].flat]
    st.markdown(
        f"The window holds {', '.join(cells)}: largest **{write_number(largest[row, column])}**, "
        f"mean {write_number(float(mean[row, column]) * window**2)} / {window**2} = "
        f"**{write_number(float(mean[row, column]), 2)}**."
    )


def _show_normalisation(values: Array) -> None:
    (mean,), (variance,) = measure_batch(values[..., None])
    gamma, beta, stored_mean, stored_variance = _choose_statistics()
    batch = Normalisation(mean, variance, gamma, beta)
    stored = Normalisation(stored_mean, stored_variance, gamma, beta)
    grids = (
        ("Input: one channel of a batch", values, "input"),
        ("In training: the batch's statistics", normalise(values, batch), "batch"),
        ("Afterwards: the stored ones", normalise(values, stored), "stored"),
    )
    for place, (title, grid, key) in zip(st.columns(3), grids, strict=True):
        with place:
            decimals = None if key == "input" else 2
            show_number_grid(grid, title, f"layers-norm-{key}", Box(0, 0), decimals=decimals)
    st.markdown(
        f"The framed cell, in training: {write_normalisation(float(values[0, 0]), batch)}.  \n"
        f"Afterwards: {write_normalisation(float(values[0, 0]), stored)}.  \n"
        f"One training step on this batch, with momentum {_MOMENTUM}, would move the stored mean "
        f"from {write_value(stored_mean)} to "
        f"**{write_value(float(update_stored(stored_mean, mean, _MOMENTUM)))}** and the stored "
        f"variance from {write_value(stored_variance)} to "
        f"**{write_value(float(update_stored(stored_variance, variance, _MOMENTUM)))}**."
    )


def write_normalisation(value: float, by: Normalisation) -> str:
    """Return how one value is normalised, with its numbers; ``by`` holds numbers."""
    mean, variance, gamma, beta = (
        float(number) for number in (by.mean, by.variance, by.gamma, by.beta)
    )
    result = write_value(float(normalise(np.array([value]), by)[0]))
    return (
        f"{write_value(gamma)} × ({write_value(value)}{_write_term(-mean)}) / "
        f"√({write_value(variance)} + {EPSILON}){_write_term(beta)} = **{result}**"
    )


def _write_term(value: float) -> str:
    """Return a number as a sum's next term, with its sign as the operator."""
    return f" {'−' if value < 0 else '+'} {write_value(abs(value))}"


def _choose_statistics() -> tuple[float, float, float, float]:
    fields = (
        ("γ, learned factor", 0.0, 3.0, 1.0),
        ("β, learned offset", -3.0, 3.0, 0.0),
        ("Stored mean", -10.0, 10.0, 1.0),
        ("Stored variance", 0.0, 40.0, 9.0),
    )
    chosen = []
    places = [*st.columns(2, gap="medium"), *st.columns(2, gap="medium")]
    for place, (label, low, high, start) in zip(places, fields, strict=True):
        with place:
            key = f"layers-{label.split(',')[0].lower()}"
            chosen.append(
                float(st.slider(label, low, high, start, 0.1, key=key, persist_state="session"))
            )
    gamma, beta, mean, variance = chosen
    return gamma, beta, mean, variance


_OPERATIONS: Final[Mapping[str, Callable[[Array], None]]] = {
    "ReLU": _show_relu,
    "Pooling": _show_pooling,
    "Batch normalisation": _show_normalisation,
}
_TEXTS: Final = {"ReLU": "relu", "Pooling": "pooling", "Batch normalisation": "normalisation"}
