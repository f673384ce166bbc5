"""One image of the gallery: the picture, what is known of it, and what can be done with it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import services, state
from app.navigation import PAGES
from app.services import datasets as service
from app.services.attempts import Problem
from app.services.gallery_index import UNKNOWN
from app.services.pictures import Origin, Picture, Truth, fit_to_screen
from app.shared import components
from app.shared.wording import describe_confirmation, find_malignancy, name_diagnosis, percent
from skinmodel.explain.overlay import draw_outline

LONGEST_SIDE: Final = 560
"""Pixels sent to the browser: two for each point of a quarter of the page."""

_JPEG_QUALITY: Final = 85
_SMALL: Final = 200  # pixels; below, a tile is visibly blurred, and says why
_ORIGINS: Final = {
    "train": Origin.HAM10000_TRAIN,
    "val": Origin.HAM10000_VAL,
    "test": Origin.HAM10000,
}
_MEANINGS: Final = {
    "train": "Training side: the networks learned from this lesion.",
    "val": "Validation side: epoch and calibration were chosen on this lesion.",
    "test": "Test side: held out, the networks have never seen this lesion.",
}


@dataclass(frozen=True)
class TileOptions:
    """What holds for every tile shown at once.

    Attributes:
        place: tells the tiles of one lesion from those of the gallery.
        outline: whether outlines are drawn.
        is_networks_split: whether the networks were trained on the split that the sides are of.
        show_lesion: opens every image of a lesion; None where that is what is shown.
        images_of: number of images by group_id.
    """

    place: str
    outline: bool
    is_networks_split: bool
    show_lesion: Callable[[str], None] | None
    images_of: "pd.Series[int]"


def show_tile(row: "pd.Series[Any]", options: TileOptions) -> None:
    """Show one image of a gallery's table; what is damaged says so in its place."""
    image_id = str(row["image_id"])
    with st.container(border=True, height="stretch", gap="xsmall"):
        _show_picture(row, options.outline)
        st.markdown(f"**{name_diagnosis(row['truth'])}**")
        if (kind := find_malignancy(row["truth"])) is not None:
            components.show_malignancy(kind)
        st.caption(components.escape_markdown(describe(row)))
        if row["source"] == "HAM10000":
            st.caption(describe_side(row["side"], options.is_networks_split))
        if st.button(
            f"Classify {components.escape_markdown(image_id)}",
            key=f"classify-{options.place}-{image_id}",
            icon=":material/biotech:",
            width="stretch",
        ):
            _classify(row, options.is_networks_split)
        count = int(options.images_of[row["group_id"]])
        if options.show_lesion is not None and count > 1:
            _offer_lesion(str(row["group_id"]), image_id, count, options.show_lesion)


def describe(row: "pd.Series[Any]") -> str:
    """Return what is known of an image's diagnosis and patient, in one line."""
    age = "age not known" if math.isnan(row["age"]) else f"{row['age']:.0f} years"
    sex, site = (
        f"{what} not known" if row[what] == UNKNOWN else str(row[what]) for what in ("sex", "site")
    )
    how = describe_confirmation(row["dx_type"])
    return f"{how[:1].upper()}{how[1:]}. {age[:1].upper()}{age[1:]}, {sex}, {site}."


def describe_side(side: str, is_networks_split: bool) -> str:
    """Return on which side of the split an image of HAM10000 is, and what that means."""
    if side not in _MEANINGS:
        return "Side of the split not known."
    if is_networks_split:
        return _MEANINGS[side]
    return f"{_MEANINGS[side].split(':')[0]} of our split; the networks come from another one."


def find_origin(row: "pd.Series[Any]", is_networks_split: bool) -> Origin:
    """Return the provenance an image carries to the Classify page: never better than it is."""
    if row["source"] != "HAM10000":
        return Origin.ISIC2019
    if not is_networks_split:
        return Origin.HAM10000_UNPLACED
    return _ORIGINS.get(row["side"], Origin.HAM10000_UNPLACED)


def _show_picture(row: "pd.Series[Any]", outline: bool) -> None:
    image_id = str(row["image_id"])
    picture = service.read_image(str(row["path"]))
    if isinstance(picture, Problem):
        components.show_problem(picture, title=f"{image_id} cannot be shown")
        return
    height, width = picture.shape[:2]
    shown = fit_to_screen(picture, LONGEST_SIDE)
    alt = f"Image {image_id}, {name_diagnosis(row['truth'])}."
    if outline:
        shown, remark = _add_outline(shown, str(row["mask"]))
        alt = f"{alt} {remark}"
    st.image(_encode(shown), width="stretch", alt=alt)
    if outline:
        st.caption(components.escape_markdown(remark))
    if max(height, width) < _SMALL:
        st.caption(f"A small copy of {width} x {height} pixels.")


def _add_outline(picture: NDArray[np.uint8], mask: str) -> tuple[NDArray[np.uint8], str]:
    """Return the picture with its outline, or as it is, and a sentence on that."""
    if not mask:
        return picture, "No mask of this image is there."
    found = service.read_outline(mask, *picture.shape[:2])
    if isinstance(found, Problem):
        return picture, f"The outline cannot be drawn. {found.sentence}"
    lines, share = found
    if not lines:
        return picture, "The mask marks no lesion."
    return draw_outline(picture, lines), f"Outlined: {percent(share)} of the picture."


def _encode(picture: NDArray[np.uint8]) -> bytes:
    """Return a JPEG; Streamlit's own would be of the highest quality and several times larger."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return data.tobytes()


def _classify(row: "pd.Series[Any]", is_networks_split: bool) -> None:
    origin = find_origin(row, is_networks_split)
    truth = Truth(str(row["truth"]), str(row["dx_type"]))
    offered = services.open_file(str(row["path"]), origin, str(row["image_id"]), truth)
    if not isinstance(offered, Picture):
        components.show_problem(offered)
        return
    state.accept(offered)
    st.switch_page(PAGES[0].path)


def _offer_lesion(group_id: str, image_id: str, count: int, show: Callable[[str], None]) -> None:
    others = count - 1
    if st.button(
        f"{others} other image{'' if others == 1 else 's'} of this lesion",
        key=f"lesion-{image_id}",
        icon=":material/photo_library:",
        width="stretch",
        help=f"Every image of lesion {components.escape_markdown(group_id)}.",
    ):
        show(group_id)
