"""Cropping a picture to the lesion before it is classified."""

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.services import cut_picture
from app.services.attempts import Problem
from app.services.pictures import Box, Picture
from app.shared import components


def show_crop(picture: Picture) -> None:
    """Show two sliders, a preview and the button that makes the part a picture of its own."""
    with st.expander("Crop to the lesion", icon=":material/crop:"):
        if picture.crop is not None:
            st.caption("This is a part already. Choose the whole picture to cut another one.")
            return
        _show(picture)


@st.fragment
def _show(picture: Picture) -> None:
    across = _choose("From left to right", f"crop-x-{picture.key}")
    down = _choose("From top to bottom", f"crop-y-{picture.key}")
    box = find_box(picture.image.shape[:2], across, down)
    left, top, right, bottom = box
    is_whole = (across, down) == ((0, 100), (0, 100))
    if not is_whole:
        st.image(
            outline_part(picture, across, down),
            width="stretch",
            alt="The picture, darkened outside the part that would be classified.",
        )
        st.caption(f"The part is {right - left} x {bottom - top} pixels.")
    if st.button(
        "Classify this part",
        key="crop-take",
        icon=":material/crop:",
        disabled=is_whole,
        width="stretch",
    ):
        part = cut_picture(picture, box)
        if isinstance(part, Problem):
            components.show_problem(part)
            return
        state.accept(part)
        st.rerun()


def _choose(label: str, key: str) -> tuple[int, int]:
    low, high = st.slider(label, 0, 100, (0, 100), format="%d %%", key=key)
    return int(low), int(high)


def find_box(shape: tuple[int, ...], across: tuple[int, int], down: tuple[int, int]) -> Box:
    """Return the part in pixels that two ranges in hundredths name.

    >>> find_box((450, 600), (10, 50), (0, 100))
    (60, 0, 300, 450)
    """
    height, width = shape[:2]
    left, right = (round(width * share / 100) for share in across)
    top, bottom = (round(height * share / 100) for share in down)
    return left, top, right, bottom


def outline_part(
    picture: Picture, across: tuple[int, int], down: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return the picture for the screen with all but the part darkened, uint8, (H, W, 3), RGB."""
    shown = picture.screen
    left, top, right, bottom = find_box(shown.shape[:2], across, down)
    outlined = (shown * 0.35).astype(np.uint8)
    outlined[top:bottom, left:right] = shown[top:bottom, left:right]
    cv2.rectangle(outlined, (left, top), (right - 1, bottom - 1), (255, 255, 255), 2)
    return outlined
