"""Chapter 1: a window of the picture, its products with a kernel, their sum, the feature map."""

from dataclasses import replace

import numpy as np
import streamlit as st

from app.learn.grids import Box, show_map, show_number_grid, write_number, write_value
from app.learn.kernels import LEARNED, MODEL, Setting, prepare
from app.learn.subject import name_subject
from app.services.pictures import Picture
from app.shared import components
from app.shared.content import read_sections
from skinmodel.lessons.convolution import (
    KERNELS,
    Array,
    Step,
    convolve,
    correlate,
    flip,
    take_step,
)
from skinmodel.models.registry import get_spec


def show_convolution(picture: Picture) -> None:
    """Show what one position of a kernel computes, the map of all, and the kernel flipped."""
    texts = read_sections("learn_convolution")
    with st.container(width=860):
        st.markdown(texts["intro"])
    name = st.selectbox(
        "Kernel", [*KERNELS, LEARNED], index=1, key="convolution-kernel", persist_state="session"
    )
    setting = prepare(picture, name)
    if setting is None:
        return
    is_flipped = st.toggle(
        "Flip the kernel by 180° (convolution instead of cross-correlation)",
        key="convolution-flip",
        persist_state="session",
    )
    used = replace(setting, kernel=flip(setting.kernel)) if is_flipped else setting
    feature_map = correlate(used.image, used.kernel, used.stride) + used.bias
    row, column = _choose_position(feature_map)
    _show_maps(picture, used, feature_map, row, column)
    _show_step(used, row, column)
    _show_both(setting)
    if setting.run_id is not None:
        components.show_provenance(get_spec(MODEL).title, setting.run_id)
    st.caption(texts["sources"])


def _choose_position(feature_map: Array) -> tuple[int, int]:
    """Return a row and a column of the feature map, from sliders that fit its size."""
    height, width = feature_map.shape
    keys = [f"convolution-row-{height}", f"convolution-column-{width}"]
    peak = np.unravel_index(int(np.abs(feature_map).argmax()), feature_map.shape)

    def go_to_peak() -> None:
        st.session_state.update({k: int(i) for k, i in zip(keys, peak, strict=True)})

    # The middle row meets most lesions; a quarter of the way in, the kernel is near their border.
    starts = (height // 2, round(0.28 * width))
    places = st.columns(2, gap="medium")
    chosen = []
    named = zip(places, ("Row", "Column"), feature_map.shape, starts, keys, strict=True)
    for place, label, size, start, key in named:
        st.session_state.setdefault(key, start)
        with place:
            chosen.append(
                st.slider(
                    f"{label} of the feature map", 0, size - 1, key=key, persist_state="session"
                )
            )
    st.button(
        "Go to the largest response",
        icon=":material/my_location:",
        on_click=go_to_peak,
        key="convolution-peak",
        help="The cell of the feature map that is farthest from 0.",
    )
    return chosen[0], chosen[1]


def _show_maps(
    picture: Picture, setting: Setting, feature_map: Array, row: int, column: int
) -> None:
    side = setting.kernel.shape[0]
    name = name_subject(picture)
    first, second = st.columns(2, gap="medium")
    with first:
        show_map(
            setting.pixels,
            f"Input with the window of {side} x {side} cells framed",
            f"The input of the network: {name}, at network size.",
            signed=False,
            mark=Box(row * setting.stride, column * setting.stride, side, side),
        )
    with second:
        show_map(
            feature_map,
            "Feature map, this cell framed; blue negative, white 0, orange positive",
            f"The feature map of {setting.name} on {name}; the cell in row {row}, column {column} "
            f"is {write_value(float(feature_map[row, column]))}.",
            signed=True,
            mark=Box(row, column),
        )


def _show_step(setting: Setting, row: int, column: int) -> None:
    step = take_step(setting.image, setting.kernel, row, column, setting.stride)
    st.subheader("One cell of the feature map", anchor=False)
    window, kernel, products = step.window, setting.kernel, step.products
    suffix = ""
    if setting.channels:
        channel = st.segmented_control(
            "Colour whose numbers are shown",
            setting.channels,
            default=setting.channels[0],
            required=True,
            key="convolution-channel",
            persist_state="session",
        )
        k = setting.channels.index(str(channel))
        window, kernel, products = window[..., k], kernel[..., k], products[..., k]
        suffix = f", {str(channel).lower()}"
    grids = (
        (f"Window{suffix}", window, None if setting.decimals is None else 2),
        (f"× kernel{suffix}", kernel, setting.decimals),
        (f"= products{suffix}", products, setting.decimals),
    )
    for place, (title, values, decimals) in zip(st.columns(3), grids, strict=True):
        with place:
            key = f"convolution-grid-{title.split(',')[0]}"
            show_number_grid(values, title, key, decimals=decimals)
    st.markdown(_describe_sum(setting, step, row, column))


def _describe_sum(setting: Setting, step: Step, row: int, column: int) -> str:
    """Return how the products become the cell's value."""
    cell = f"the feature map in row {row}, column {column}"
    if not setting.channels:
        total = write_number(step.total)
        return f"The {step.products.size} products sum to **{total}**: {cell}."
    sums = step.products.sum(axis=(0, 1))
    terms = " + ".join(
        f"{name.lower()} ({write_number(float(part), 3)})"
        for name, part in zip(setting.channels, sums, strict=True)
    )
    value = write_number(step.total + setting.bias, 3)
    return (
        f"Sums of the products: {terms} + bias ({write_number(setting.bias, 3)}) = **{value}**: "
        f"{cell}. The network then applies ReLU, which keeps what is positive."
    )


def _show_both(setting: Setting) -> None:
    """Show cross-correlation and convolution on one scale, and how far they are apart."""
    st.subheader("Cross-correlation or convolution", anchor=False)
    with st.container(width=860):
        st.markdown(read_sections("learn_convolution")["flip"])
    straight = correlate(setting.image, setting.kernel, setting.stride)
    turned = convolve(setting.image, setting.kernel, setting.stride)
    limit = float(max(np.abs(straight).max(), np.abs(turned).max()))
    pairs = (("Cross-correlation", straight, setting.kernel), ("Convolution", turned, None))
    for place, (title, values, kernel) in zip(st.columns(2), pairs, strict=True):
        used = flip(setting.kernel) if kernel is None else kernel
        with place:
            _show_kernel(title, used, setting)
            show_map(
                values,
                f"{title}, without bias" if setting.bias else title,
                f"{title} of the picture with {setting.name}.",
                signed=True,
                limit=limit,
            )
    st.markdown(_describe_difference(setting.kernel, straight, turned))


def _show_kernel(title: str, kernel: Array, setting: Setting) -> None:
    if setting.channels:
        return
    show_number_grid(kernel, f"Kernel for {title.lower()}", f"convolution-{title.lower()}")


def _describe_difference(kernel: Array, straight: Array, turned: Array) -> str:
    """Return how far the two maps are apart, and why."""
    largest = float(np.abs(straight - turned).max())
    found = f"Largest difference of the two maps: **{write_value(largest)}**."
    if np.array_equal(flip(kernel), kernel):
        return f"{found} This kernel is the same after half a turn, so nothing changes."
    if np.array_equal(flip(kernel), -kernel):
        return f"{found} Half a turn changes the sign of this kernel, and with it that of the map."
    return found
