"""The picture that all chapters work on; it leaves the one in work on the Classify page alone."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import streamlit as st

from app import services, state
from app.services import uploads
from app.services.attempts import Problem
from app.services.pictures import Origin, Picture, Truth
from app.shared import components
from app.shared.components import KINDS, TYPES
from app.shared.intake import draw_test_images
from app.shared.wording import lower_first
from skinmodel.imaging.images import MAX_BYTES

_FIRST: Final = "Melanoma"
_THUMBNAIL: Final = 104  # points
_WIDGET: Final = "learn-upload"
_UPLOADED: Final = "learn-uploaded"
_OPENED: Final = "learn-opened"
_DRAW: Final = "learn-draw"


class Source(StrEnum):
    """Where the picture of the lessons comes from."""

    DRAWING = "Drawing"
    UPLOAD = "Upload"
    TEST_IMAGE = "Test image"
    IN_WORK = "From Classify"


def choose_subject() -> Picture | None:
    """Show the picture of the lessons and how to take another; None while there is none."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="subject"):
        shown = st.container(width=_THUMBNAIL)
        with st.container(width="stretch", gap="xsmall"):
            words = st.container(gap=None)
            with st.popover("Another picture", icon=":material/add_photo_alternate:"):
                source = st.pills(
                    "Where it comes from",
                    list(Source),
                    default=Source.DRAWING,
                    required=True,
                    key="learn-source",
                    persist_state="session",
                )
                picture = _CHOOSE[Source(source)]()
    if isinstance(picture, Problem):
        components.show_refusals([picture])
        return None
    if picture is not None:
        height, width = picture.image.shape[:2]
        name = name_subject(picture)
        shown.image(picture.screen, width="stretch", alt=f"The picture of the lessons: {name}.")
        words.markdown(f"**{components.escape_markdown(name)}**, {width} x {height} pixels")
    return picture


def name_subject(picture: Picture) -> str:
    """Return what captions call a picture; never the name of an uploaded file."""
    if picture.origin is Origin.DRAWING:
        return f"Drawing of {lower_first(picture.title or 'a lesion')}, not a photograph"
    return f"{picture.title} ({picture.origin})" if picture.title else "Your picture"


def _choose_drawing() -> Picture | Problem | None:
    samples = services.read_samples()
    if isinstance(samples, Problem):
        return samples
    by_title = {sample.title: sample for sample in samples}
    titles = list(by_title)
    title = st.selectbox(
        "Drawing of",
        titles,
        index=titles.index(_FIRST) if _FIRST in titles else 0,
        key="learn-sample",
        persist_state="session",
    )
    return _open(by_title[title].path, Origin.DRAWING, title)


def _choose_upload() -> Picture | Problem | None:
    st.file_uploader(
        f"Dermoscopic picture, up to {MAX_BYTES // 1024**2} MB: {KINDS}",
        type=TYPES,
        max_upload_size=MAX_BYTES // 1024**2,
        key=_WIDGET,
        on_change=_receive,
        help="It stays in this server's memory until you give another one here or take it away, "
        f"and no longer than {uploads.FORGOTTEN}. It is not written to disk, and its name and "
        "metadata are not used.",
    )
    # The widget forgets its file when another page is opened; the session does not.
    uploaded: Picture | Problem | None = st.session_state.get(_UPLOADED)
    return uploaded


def _receive() -> None:
    if not uploads.was_taken(_WIDGET):
        st.session_state[_UPLOADED] = uploads.open_upload(_WIDGET, Origin.UPLOAD)


def _choose_test_image() -> Picture | Problem | None:
    images = services.read_test_images()
    if images is None:
        st.info(
            "Real pictures of HAM10000's test folds appear here when the server is started with "
            "SKINMODEL_DATA naming the folder that holds HAM10000."
        )
        return None
    if isinstance(images, Problem):
        return images
    rows = draw_test_images(images.table, st.session_state.setdefault(_DRAW, 0))
    names = list(map(str, rows["image_id"]))
    name = st.selectbox(
        "Image of the test folds, drawn at random", names, key=f"learn-image-{names[0]}"
    )
    st.button("Draw others", icon=":material/refresh:", on_click=_draw_again, key="learn-again")
    row = rows.iloc[names.index(name)]
    truth = Truth(str(row["truth"]), str(row["dx_type"]))
    return _open(str(row["path"]), services.find_test_origin(images), name, truth)


def _draw_again() -> None:
    st.session_state[_DRAW] += 1


def _choose_in_work() -> Picture | Problem | None:
    picture = state.get_picture()
    if picture is None:
        st.info("No picture is in work on the Classify page.")
    return picture


def _open(
    path: str, origin: Origin, title: str, truth: Truth | None = None
) -> Picture | Problem | None:
    """Return the picture in a file; the last one is kept, so that moving a slider reads nothing."""
    opened: tuple[str, Picture] | None = st.session_state.get(_OPENED)
    if opened is not None and opened[0] == path:
        return opened[1]
    picture = services.open_file(path, origin, title, truth)
    if isinstance(picture, Picture):
        st.session_state[_OPENED] = (path, picture)
    return picture


_CHOOSE: Final[dict[Source, Callable[[], Picture | Problem | None]]] = {
    Source.DRAWING: _choose_drawing,
    Source.UPLOAD: _choose_upload,
    Source.TEST_IMAGE: _choose_test_image,
    Source.IN_WORK: _choose_in_work,
}
