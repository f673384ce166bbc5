"""Where a picture comes in: file, camera, drawn sample or a real test image."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st

from app import services, state
from app.services import uploads
from app.services.attempts import Problem
from app.services.datasets import read_image
from app.services.pictures import Origin, Truth, fit_to_screen
from app.services.samples import Sample
from app.shared import components
from app.shared.components import KINDS, TYPES
from skinmodel.imaging.images import MAX_BYTES

DRAWN_AT_ONCE: Final = 6
_TILE: Final = 136  # seven in a row at 1280 points, two on a phone
_TILE_PIXELS: Final = 2 * _TILE


class Source(StrEnum):
    """The ways to give a picture."""

    UPLOAD = "Upload"
    CAMERA = "Camera"
    SAMPLES = "Drawings"
    TEST_IMAGES = "Test images"


_ICONS: Final = {
    Source.UPLOAD: ":material/upload_file:",
    Source.CAMERA: ":material/photo_camera:",
    Source.SAMPLES: ":material/draw:",
    Source.TEST_IMAGES: ":material/image_search:",
}


_BOX: Final = "intake"
_REFUSED: Final = "intake-refused"


def choose_picture() -> None:
    """Show the ways to give a picture; what is given is put into the session's state.

    The box stands open until a picture is there. It is the same box before and after: a browser
    that draws it anew drops whatever is on its way to the server.
    """
    picture = state.get_picture()
    if state.has_changed(_BOX, picture and picture.key) or _BOX not in st.session_state:
        st.session_state[_BOX] = picture is None
    with st.expander(
        "Choose a picture", icon=":material/add_photo_alternate:", key=_BOX, on_change="rerun"
    ):
        source = st.segmented_control(
            "Where the picture comes from",
            list(Source),
            format_func=lambda s: f"{_ICONS[s]} {s}",
            default=Source.UPLOAD,
            required=True,
            key="source",
            on_change=state.dismiss_problems,
            persist_state="session",
            label_visibility="collapsed",
        )
        _SHOW[Source(source)]()
        if problems := state.get_problems():
            components.show_refusals(problems)


def _show_upload() -> None:
    key = f"upload-{state.get_round()}"
    st.file_uploader(
        f"Dermoscopic picture, up to {MAX_BYTES // 1024**2} MB: {KINDS}",
        type=TYPES,
        max_upload_size=MAX_BYTES // 1024**2,
        key=key,
        on_change=_receive,
        args=(key, Origin.UPLOAD),
        help="One picture at a time; the Batch page takes many. It stays in this server's memory "
        "until you press 'Clear picture' below the picture, until later ones take its place "
        f"({state.REMEMBERED} are kept, fewer of large ones), and no longer than "
        f"{uploads.FORGOTTEN}. It is not written to disk, and its name and metadata are not used.",
    )


def _show_camera() -> None:
    key = f"camera-{state.get_round()}"
    st.camera_input(
        "Take a picture through a dermatoscope",
        key=key,
        on_change=_receive_photo,
        args=(key,),
        help="Browsers allow the camera only on https or on this same machine.",
        resolution="1080p",
        width=560,
    )
    st.caption(
        "The networks know dermoscopic pictures only. A plain close-up of skin gets an answer too, "
        "but a meaningless one."
    )


def _receive(key: str, origin: Origin) -> None:
    if uploads.was_taken(key):
        _keep_problems_of(uploads.list_named(key))
        return
    opened = uploads.open_uploads(key, origin)
    if opened:
        st.session_state[_REFUSED] = {
            file: one for file, one in opened.items() if isinstance(one, Problem)
        }
        state.accept(*opened.values())
    else:
        # The browser takes a file away before it sends the next, and while that is on its way the
        # widget must stay as it is. Whether another one follows cannot be told here.
        state.dismiss_problems()


def _keep_problems_of(files: Sequence[str]) -> None:
    """Let the error of a file that the browser no longer names go."""
    refused: dict[str, Problem] = st.session_state.get(_REFUSED, {})
    left = [problem for file, problem in refused.items() if file in files]
    if len(left) < len(refused):
        state.set_problems([problem for problem in state.get_problems() if problem in left])


def _receive_photo(key: str) -> None:
    if uploads.was_taken(key):
        return
    offered = uploads.open_upload(key, Origin.CAMERA)
    if offered is None:
        state.forget_picture()  # "Clear photo": a camera never sends this of itself
    else:
        state.accept(offered)


def _show_samples() -> None:
    samples = services.read_samples()
    if isinstance(samples, Problem):
        components.show_problem(samples)
        return
    st.caption(
        "Drawn by this program to show how the page works. They are not photographs of skin, and "
        "what the networks say of them means nothing."
    )
    _show_gallery(
        [(s.title, f"Drawing of {s.title}", s.path, partial(_take_sample, s)) for s in samples]
    )


def _take_sample(sample: Sample) -> None:
    state.accept(services.open_file(sample.path, Origin.DRAWING, sample.title))


def _show_test_images() -> None:
    images = services.read_test_images()
    if images is None:
        st.info(
            "Real pictures of HAM10000's test folds appear here when the server is started with "
            "SKINMODEL_DATA naming the folder that holds HAM10000. Everything else works without."
        )
        return
    if isinstance(images, Problem):
        components.show_problem(images, title="The test images cannot be offered")
        st.button(
            "Look again",
            icon=":material/refresh:",
            on_click=services.forget_test_images,
            help="Reads the folder that SKINMODEL_DATA names anew. Everything else works without.",
        )
        return
    origin = services.find_test_origin(images)
    known = (
        "that the networks were neither trained nor tuned on"
        if origin is Origin.HAM10000
        else "some of which the networks may have been trained on, since their weights come from "
        "another split"
    )
    st.caption(
        f"Real lesions of HAM10000 {known}. Every diagnosis is equally likely to be drawn. The "
        "confirmed diagnosis stays hidden until you ask for it."
    )
    rows = draw_test_images(images.table, state.get_draw())
    _show_gallery(
        [
            (name, f"Test image {name}", str(row["path"]), partial(_take_test_image, row, origin))
            for row in rows.to_dict("records")
            for name in [str(row["image_id"])]
        ]
    )
    st.button("Draw others", icon=":material/refresh:", on_click=state.draw_again)


def draw_test_images(table: pd.DataFrame, draw: int) -> pd.DataFrame:
    """Return a few test images at random, every diagnosis equally likely.

    Drawn in proportion, two of three would be nevi; drawn one a diagnosis, the last ones could be
    told by exclusion.

    Args:
        table: image_id, truth, dx_type and path of the test folds.
        draw: number of the draw; the same number gives the same images.
    """
    weights = 1.0 / table["truth"].map(table["truth"].value_counts())
    count = min(DRAWN_AT_ONCE, len(table))
    return table.sample(count, weights=weights, random_state=draw)


def _take_test_image(row: Mapping[Hashable, Any], origin: Origin) -> None:
    truth = Truth(str(row["truth"]), str(row["dx_type"]))
    state.accept(services.open_file(str(row["path"]), origin, str(row["image_id"]), truth))


def _show_gallery(entries: list[tuple[str, str, str, Callable[[], None]]]) -> None:
    """Show pictures to choose from: label, alternative text, path and what a click does."""
    with st.container(horizontal=True, gap="small"):
        for label, alt, path, take in entries:
            with st.container(width=_TILE, gap="xsmall"):
                picture = read_image(path)
                if isinstance(picture, Problem):
                    components.show_problem(picture, title=f"{label} cannot be shown")
                    continue
                st.image(fit_to_screen(picture, _TILE_PIXELS), width="stretch", alt=alt)
                st.button(label, key=f"take-{label}", on_click=take, width="stretch")


_SHOW: Final[dict[Source, Callable[[], None]]] = {
    Source.UPLOAD: _show_upload,
    Source.CAMERA: _show_camera,
    Source.SAMPLES: _show_samples,
    Source.TEST_IMAGES: _show_test_images,
}
