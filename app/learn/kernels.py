"""What chapter 1 computes with: a kernel, chosen by hand or learned, and its input."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.services import lessons
from app.services.attempts import Problem
from app.services.pictures import Picture
from app.shared import components
from app.shared.content import read_sections
from skinmodel.imaging.preprocess import apply, resize
from skinmodel.lessons.convolution import KERNELS, Array, to_grey
from skinmodel.lessons.first_layer import FirstLayer
from skinmodel.models.registry import get_spec

COLUMNS: Final = 8
_WIDTH: Final = 620  # points, where the screen has them
_SCALE: Final = 12  # pixels a weight
_GAP: Final = 14
_LINE: Final = 30  # room for the number below a filter
_PAPER: Final = (255, 255, 255)
_INK: Final = (21, 35, 45)
_MARK: Final = (179, 38, 30)


def choose_filter(first: FirstLayer) -> int:
    """Show all filters and return the number of the chosen one, from 1."""
    count = first.kernels.shape[-1]
    number = st.slider("Filter", 1, count, 1, key="convolution-filter", persist_state="session")
    with st.expander(f"All {count} filters", icon=":material/grid_view:"):
        st.image(
            draw_filters(first.kernels, number),
            width=_WIDTH,
            alt=f"The {count} filters of the first layer as small colour pictures, numbered by "
            f"rows; number {number} is framed.",
            output_format="PNG",
        )
        st.caption(
            "Grey is a weight of 0; brighter is positive, darker negative, in each colour. Each "
            "filter is scaled to its own largest weight."
        )
    return number


def render_filter(kernel: Array) -> NDArray[np.uint8]:
    """Return a filter as a picture of its size: grey is 0, full brightness its largest weight.

    Args:
        kernel: float64, (m, m, 3), RGB.

    Returns:
        uint8, (m, m, 3), RGB, 0-255.
    """
    largest = float(np.abs(kernel).max()) or 1.0
    return np.rint(127.5 + 127.5 * kernel / largest).astype(np.uint8)


def draw_filters(kernels: Array, chosen: int) -> NDArray[np.uint8]:
    """Return all filters in rows of eight with their numbers, the chosen one framed.

    Args:
        kernels: float64, (m, m, 3, F), RGB.
        chosen: a number from 1 to F.

    Returns:
        uint8, (H, W, 3), RGB, 0-255.
    """
    side, count = kernels.shape[0] * _SCALE, kernels.shape[-1]
    rows = -(-count // COLUMNS)
    shape = (rows * (side + _GAP + _LINE) + _GAP, COLUMNS * (side + _GAP) + _GAP, 3)
    sheet = np.full(shape, _PAPER, dtype=np.uint8)
    for number in range(1, count + 1):
        row, column = divmod(number - 1, COLUMNS)
        top, left = _GAP + row * (side + _GAP + _LINE), _GAP + column * (side + _GAP)
        tile = render_filter(kernels[..., number - 1])
        sheet[top : top + side, left : left + side] = tile.repeat(_SCALE, 0).repeat(_SCALE, 1)
        is_chosen = number == chosen
        color, font = _MARK if is_chosen else _INK, cv2.FONT_HERSHEY_SIMPLEX
        (width, _), _ = cv2.getTextSize(str(number), font, 0.8, 2)
        place = (left + (side - width) // 2, top + side + 26)
        cv2.putText(sheet, str(number), place, font, 0.8, color, 2, cv2.LINE_AA)
        if is_chosen:
            cv2.rectangle(sheet, (left - 5, top - 5), (left + side + 4, top + side + 4), color, 4)
    return sheet


LEARNED: Final = "A filter that the CNN learned"
MODEL: Final = "cnn"
_COLORS: Final = {"R": "Red", "G": "Green", "B": "Blue"}


@dataclass(frozen=True, eq=False)
class Setting:
    """What the chapter computes with.

    Attributes:
        name: of the kernel.
        pixels: the input as it is shown: uint8, (H, W, 3), or float64, (H, W).
        image: the input as it is computed with, float64, (H, W) or (H, W, C).
        kernel: float64, (m, m) or (m, m, C).
        channels: names of the channels; none for grey.
        bias: added to the sum.
        stride: in cells.
        decimals: of weights and products; None for as many as they need.
        run_id: of the training; None for a kernel chosen by hand.
    """

    name: str
    pixels: NDArray[np.uint8] | Array
    image: Array
    kernel: Array
    channels: tuple[str, ...] = ()
    bias: float = 0.0
    stride: int = 1
    decimals: int | None = None
    run_id: str | None = None


def prepare(picture: Picture, name: str) -> Setting | None:
    """Return what the chapter computes with; None, and why, where the weights cannot be read.

    Args:
        picture: any picture.
        name: a kernel of ``KERNELS``, or ``LEARNED``.
    """
    return _set_learned(picture) if name == LEARNED else _set_by_hand(picture, name)


def _set_by_hand(picture: Picture, name: str) -> Setting:
    grey = to_grey(resize(picture.image, get_spec(MODEL).preprocessing))
    return Setting(name, grey, grey, KERNELS[name])


def _set_learned(picture: Picture) -> Setting | None:
    first = lessons.open_first_layer(MODEL)
    if isinstance(first, Problem):
        components.show_problem(first, title="The learned filters cannot be shown")
        return None
    with st.container(width=860):
        st.markdown(read_sections("learn_convolution")["learned"])
    number = choose_filter(first)
    [values] = apply([picture.image], first.preprocessing)
    return Setting(
        name=f"Filter {number}",
        pixels=resize(picture.image, first.preprocessing),
        image=values.astype(np.float64),
        kernel=first.kernels[..., number - 1],
        channels=tuple(_COLORS[letter] for letter in first.preprocessing.channels),
        bias=float(first.biases[number - 1]),
        stride=first.layer.stride,
        decimals=3,
        run_id=first.run_id,
    )
