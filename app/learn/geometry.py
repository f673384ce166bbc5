"""Chapter 2: stride and padding, and what they make of the input's size."""

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.learn.grids import Box, show_map
from app.learn.subject import name_subject
from app.learn.windows import build_counts, build_windows, describe_counts, describe_windows
from app.services.attempts import Problem, attempt
from app.services.pictures import Picture
from app.shared import components
from app.shared.content import read_sections
from skinmodel.imaging.preprocess import resize
from skinmodel.lessons.convolution import correlate, pad, to_grey
from skinmodel.lessons.geometry import CNN_LAYERS, Geometry, Padding, apply_rule, trace_sizes
from skinmodel.models.registry import get_spec

MODEL: Final = "cnn"


def show_layer_sizes() -> None:
    """Show the sizes of the real CNN's layers, computed by the same function."""
    spec = get_spec(MODEL)
    side = spec.preprocessing.height
    st.subheader(f"Through the {spec.title}, layer by layer", anchor=False)
    with st.container(width=860):
        st.markdown(read_sections("learn_geometry")["network"])
    traced = trace_sizes(side, CNN_LAYERS)
    rows = [
        {
            "Layer": size.layer.name,
            "m": size.layer.kernel,
            "s": size.layer.stride,
            "Padding": str(size.layer.padding),
            "Output": f"{size.geometry.size} x {size.geometry.size} x {size.channels}",
            "Field": size.field,
            "Step": size.step,
        }
        for size in traced
    ]
    sizes = " to ".join(str(size.geometry.size) for size in traced)
    with st.container(width=760):
        st.table(
            pd.DataFrame(rows).set_index("Layer"),
            border="horizontal",
            alt=f"Sizes of the layers of the {spec.title} from an input of {side}: {sizes}.",
        )
    last = rows[-1]["Output"]
    st.caption(
        f"{spec.source}. Input {side} x {side} x 3; the dense layers take the last {last} cells. "
        "Field and step in pixels of the input."
    )


OWN: Final = "own p"
EXAMPLE: Final = {"n": 100, "m": 6, "p": 0, "s": 3}
"""The report's example."""

_RANGES: Final = {"n": (5, 100), "m": (1, 15), "p": (0, 15), "s": (1, 8)}
_WORDS: Final = {
    "n": "n, input cells",
    "m": "m, kernel cells",
    "p": "p, zeros on each side",
    "s": "s, stride",
}
_MODEL: Final = "cnn"
_SHOWN: Final = 12  # cells named one by one


def show_geometry(picture: Picture) -> None:
    """Show how large an output gets, which cells it reads, and the same layer by layer."""
    texts = read_sections("learn_geometry")
    with st.container(width=860):
        st.markdown(texts["intro"])
    geometry = _choose_geometry()
    if isinstance(geometry, Problem):
        st.warning(
            components.escape_markdown(geometry.sentence),
            title="No output",
            icon=":material/block:",
        )
    else:
        _show_size(geometry)
        chosen = _show_windows(geometry)
        _show_picture(picture, geometry, chosen)
    show_layer_sizes()
    st.caption(texts["sources"])


def _choose_geometry() -> Geometry | Problem:
    for name, value in {**EXAMPLE, "rule": OWN}.items():
        st.session_state.setdefault(_key(name), value)
    rule = st.segmented_control(
        "Padding",
        [OWN, *Padding],
        required=True,
        key=_key("rule"),
        persist_state="session",
    )
    places = [*st.columns(2, gap="medium"), *st.columns(2, gap="medium")]
    by_name = dict(zip(_RANGES, places, strict=True))
    chosen = {
        name: _choose_number(name, place)
        for name, place in by_name.items()
        if name != "p" or rule == OWN
    }
    st.button(
        "The report's example",
        icon=":material/restart_alt:",
        on_click=_take_example,
        key="geometry-example",
    )
    n, m, s = (chosen[name] for name in "nms")
    if rule == OWN:
        return attempt(lambda: Geometry(n, m, chosen["p"], chosen["p"], s))
    geometry = attempt(lambda: apply_rule(n, m, s, Padding(str(rule))))
    if isinstance(geometry, Geometry):
        by_name["p"].markdown(f"{_WORDS['p']}: **{_describe_zeros(geometry)}**")
    with st.container(width=860):
        st.caption(read_sections("learn_geometry")["rules"])
    return geometry


def _choose_number(name: str, place: DeltaGenerator) -> int:
    low, high = _RANGES[name]
    with place:
        return int(st.slider(_WORDS[name], low, high, key=_key(name), persist_state="session"))


def _describe_zeros(geometry: Geometry) -> str:
    if geometry.before == geometry.after:
        return str(geometry.before)
    return f"{geometry.before} before, {geometry.after} after"


def _take_example() -> None:
    values = {**EXAMPLE, "rule": OWN}
    st.session_state.update({_key(name): value for name, value in values.items()})


def _key(name: str) -> str:
    return f"geometry-{name}"


def _show_size(geometry: Geometry) -> None:
    """Show the formula with these numbers, and what is odd about them."""
    g = geometry
    zeros = f"2\\cdot {g.before}" if g.before == g.after else f"({g.before}+{g.after})"
    exact = (g.padded - g.m) / g.s + 1
    with st.container(width=860):
        st.latex(
            f"o=\\left\\lfloor\\frac{{{g.n}+{zeros}-{g.m}}}{{{g.s}}}+1\\right\\rfloor"
            f"=\\lfloor {exact:.4g}\\rfloor=\\mathbf{{{g.size}}}"
        )
    remarks = []
    if g.unread:
        remarks.append(
            f"Read by no output cell: {len(g.unread)} of {g.n} input cells ({_list(g.unread)})."
        )
    if g.blank:
        remarks.append(
            f"Reads zeros only: {len(g.blank)} of {g.size} output cells ({_list(g.blank)}). The "
            "padding is wider than it is of use."
        )
    for remark in remarks:
        st.caption(f":material/info: {remark}")


def _list(cells: tuple[int, ...]) -> str:
    return ", ".join(map(str, cells[:_SHOWN])) + (", ..." if len(cells) > _SHOWN else "")


def _show_windows(geometry: Geometry) -> int:
    """Show which cells each output cell reads; return the cell brought out."""
    st.subheader("Which cells are read", anchor=False)
    with st.container(width=860):
        st.markdown(read_sections("learn_geometry")["reads"])
    chosen = 0
    if geometry.size > 1:
        key = f"geometry-cell-{geometry.size}"
        st.session_state.setdefault(key, geometry.size // 3)
        chosen = st.slider("Output cell", 0, geometry.size - 1, key=key)
    reads = geometry.reads(chosen)
    st.plotly_chart(
        build_windows(geometry, chosen),
        key="geometry-windows",
        alt=describe_windows(geometry, chosen),
        config={"displayModeBar": False},
    )
    st.plotly_chart(
        build_counts(geometry),
        key="geometry-counts",
        alt=describe_counts(geometry),
        config={"displayModeBar": False},
    )
    zeros = sum(not 0 <= i < geometry.n for i in reads)
    outside = f" {zeros} of them are padding." if zeros else ""
    st.caption(
        f"Orange: output cell {chosen} reads input cells {components.escape_markdown(_span(reads))}"
        f".{outside} Blue: input cells read by the others; dark grey: padding."
    )
    return chosen


def _span(cells: range) -> str:
    """Return the first and last of some cells, with a true minus sign."""
    return f"{cells[0]} to {cells[-1]}".replace("-", "−")


def _show_picture(picture: Picture, geometry: Geometry, chosen: int) -> None:
    """Average the picture over the windows, with the chosen cell of the diagonal framed."""
    st.subheader("The same on the picture", anchor=False)
    with st.container(width=860):
        st.markdown(read_sections("learn_geometry")["picture"])
    spec = replace(get_spec(_MODEL).preprocessing, height=geometry.n, width=geometry.n)
    grey = to_grey(resize(picture.image, spec))
    zeros, name = (geometry.before, geometry.after), name_subject(picture)
    kernel = np.full((geometry.m, geometry.m), 1 / geometry.m**2)
    output = correlate(grey, kernel, geometry.s, zeros)
    start = chosen * geometry.s
    first, second = st.columns(2, gap="medium")
    with first:
        show_map(
            pad(grey, zeros),
            f"Input with its padding; framed is the window of row {chosen}, column {chosen}",
            f"{name} in grey with its padding.",
            signed=False,
            limit=255,
            mark=Box(start, start, geometry.m, geometry.m),
        )
    with second:
        show_map(
            output,
            "Output, that cell framed",
            f"The average of each window on {name}.",
            signed=False,
            limit=255,
            mark=Box(chosen, chosen),
        )
