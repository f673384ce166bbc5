"""What chapter 1 computes with: a kernel, chosen by hand or learned, and its input."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import components
from app.content import read_sections
from app.learning.filters import choose_filter
from app.pictures import Picture
from app.services import Problem, lessons
from skinmodel.lessons.convolution import KERNELS, Array, to_grey
from skinmodel.models.registry import get_spec
from skinmodel.preprocess import apply, resize

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
