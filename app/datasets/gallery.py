"""The gallery of the Datasets page: real images a page at a time, where this server has them."""

import math
from dataclasses import replace
from functools import partial
from typing import Final

import pandas as pd
import streamlit as st

from app.datasets.gallery_filters import choose_filters, select
from app.datasets.gallery_tile import TileOptions, show_tile
from app.datasets.presentation import show_heading
from app.services import datasets as service
from app.services.attempts import Problem
from app.services.gallery_index import Gallery
from app.shared import components

PAGE: Final = 12
"""Images on one page; only these are read and decoded."""

_COLUMNS: Final = 4
_TITLES: Final = {"ham10000": "HAM10000", "isic2019": "ISIC 2019 outside HAM10000"}
_LICENCES: Final = {
    "ham10000": "Images: HAM10000, Tschandl, Rosendahl and Kittler 2018, ViDIR Group, Medical "
    "University of Vienna, CC BY-NC 4.0.",
    "isic2019": "Images: ISIC 2019, from BCN_20000 (Hospital Clínic de Barcelona) and MSK, "
    "CC BY-NC 4.0.",
}


def show_gallery() -> None:
    """Show a data set's images, or what is missing and how to get it."""
    show_heading("The pictures")
    name = str(
        st.segmented_control(
            "Data set",
            list(_TITLES),
            format_func=_TITLES.__getitem__,
            default="ham10000",
            required=True,
            key="gallery-set",
            persist_state="session",
        )
    )
    gallery = service.read_gallery(name)
    if gallery is None:
        _explain_how_to_get(name)
    elif isinstance(gallery, Problem):
        components.show_problem(gallery, title=f"{_TITLES[name]} cannot be shown")
        _explain_how_to_get(name)
        _offer_to_look_again()
    else:
        _name_what_is_missing(name, gallery)
        if len(gallery.table):
            _show_images(name, gallery)


def _explain_how_to_get(name: str) -> None:
    st.info(
        "Only this gallery needs the images themselves; the rest of the page does not. They come "
        f"with `python -m skinmodel data download {name} --data DIR`. Then start the server with "
        "the environment variable `SKINMODEL_DATA` naming the same folder.",
        title="How to get the images",
        icon=":material/download:",
    )


def _offer_to_look_again() -> None:
    st.button(
        "Look again",
        icon=":material/refresh:",
        on_click=service.forget_galleries,
        help="Reads the folder that SKINMODEL_DATA names anew.",
    )


def _name_what_is_missing(name: str, gallery: Gallery) -> None:
    if not gallery.missing:
        return
    sentences = (f"{clause[:1].upper()}{clause[1:]}." for clause in gallery.missing)
    lines = "\n".join(f"- {components.escape_markdown(sentence)}" for sentence in sentences)
    st.warning(
        f"{lines}\n\n`python -m skinmodel data download {name} --data DIR` fetches what is "
        "missing.",
        title=f"Not all of {_TITLES[name]} is here: {len(gallery.table):,} images",
        icon=":material/warning:",
    )
    _offer_to_look_again()


def _show_images(name: str, gallery: Gallery) -> None:
    filters = choose_filters(name, gallery.table)
    rows = select(gallery.table, filters)
    outline = name == "ham10000" and _choose_outline(gallery)
    if rows.empty:
        st.info("No image answers to all of these filters.", icon=":material/filter_alt_off:")
        return
    pages = math.ceil(len(rows) / PAGE)
    page = 1
    if pages > 1:
        page = st.pagination(
            pages,
            max_visible_pages=5,
            key=f"gallery-page-{name}-{filters.key}",
            persist_state="session",
        )
    first = (page - 1) * PAGE
    shown = rows.iloc[first : first + PAGE]
    st.caption(
        f"Images {first + 1:,} to {first + len(shown):,} of {len(rows):,}, of "
        f"{rows['group_id'].nunique():,} lesions, in the order of their ids."
    )
    options = TileOptions(
        place="gallery",
        outline=outline,
        is_networks_split=service.is_split_of_networks(gallery),
        show_lesion=None,
        images_of=gallery.table["group_id"].value_counts(),
    )
    opener = partial(_show_lesion, gallery, options)
    _show_tiles(shown, replace(options, show_lesion=opener))
    st.caption(" ".join(filter(None, (gallery.note, _LICENCES[name]))))


def _choose_outline(gallery: Gallery) -> bool:
    has_masks = bool(gallery.table["mask"].ne("").any())
    chosen = st.toggle(
        "Outline of the lesion",
        key="gallery-outline",
        persist_state="session",
        disabled=not has_masks,
        help="Drawn from the masks that come with HAM10000."
        if has_masks
        else "Needs HAM10000's masks, which are not here.",
    )
    return chosen and has_masks


def _show_tiles(rows: pd.DataFrame, options: TileOptions) -> None:
    for start in range(0, len(rows), _COLUMNS):
        row = rows.iloc[start : start + _COLUMNS]
        for column, (_, image) in zip(st.columns(_COLUMNS), row.iterrows(), strict=False):
            with column:
                show_tile(image, options)


@st.dialog("Every image of one lesion", width="large")
def _show_lesion(gallery: Gallery, options: TileOptions, group_id: str) -> None:
    rows = gallery.table[gallery.table["group_id"] == group_id]
    st.caption(
        f"Lesion {components.escape_markdown(group_id)}: {len(rows)} images. In a fair split all "
        "of them stand on one side."
    )
    _show_tiles(rows, replace(options, place="lesion"))
