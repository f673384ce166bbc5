"""A picture with its lesion's outline, where a mask of the lesion exists."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.services import datasets, maps
from app.services.attempts import Problem
from app.services.pictures import Picture
from app.shared import components
from skinmodel.explain.overlay import draw_outline


def show_with_outline(
    picture: Picture, shown: NDArray[np.uint8], alt: str, key: str, caption: str | None = None
) -> None:
    """Show an image and, where the picture has a mask, a switch that outlines the lesion.

    Args:
        picture: what the image was made of.
        shown: uint8, (H, W, 3), RGB, in the picture's aspect.
        alt: alternative text of the image.
        key: tells the switch from others on the page.
        caption: of the image.
    """
    path = maps.find_mask_of(picture)
    place = st.container()
    if path is not None and st.toggle(
        "Outline the lesion",
        key=f"outline-{key}",
        persist_state="session",
        help="Drawn from the mask that comes with HAM10000; no network has seen it.",
    ):
        shown, alt = outline(shown, path), f"{alt} The lesion is outlined."
    with place:
        st.image(shown, width="stretch", alt=alt, caption=caption)


def outline(shown: NDArray[np.uint8], mask: str) -> NDArray[np.uint8]:
    """Return an image with the outline in a mask's file, or as it is with the reason why not.

    Args:
        shown: uint8, (H, W, 3), RGB.
        mask: path of the mask.
    """
    found = datasets.read_outline(mask, *shown.shape[:2])
    if isinstance(found, Problem):
        components.show_problem(found)
        return shown
    return draw_outline(shown, found[0])
