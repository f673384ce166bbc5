"""What the Datasets page asks of skinmodel: the counts that ship, and what is on this server.

Of the images: which are present, and one at a time.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import services
from app.services.attempts import Problem, Stamps, attempt, attempt_once, forget_attempts, stamp
from app.services.gallery_index import Gallery, read_ham10000, read_ham10000_split, read_isic2019
from skinmodel import paths
from skinmodel.data.counts import tables
from skinmodel.data.counts.tables import Counts
from skinmodel.data.masks import compute_share, read_mask, trace_outline
from skinmodel.data.splits import Split
from skinmodel.data.verify.status import Status
from skinmodel.data.verify.status import read_status as look_at_disk
from skinmodel.imaging import images


def read_counts() -> Counts | Problem:
    """Return the counts, read once until one of their files changes."""
    return attempt(lambda: _read_counts(stamp(tables.FOLDER.glob("*.csv"))))


@st.cache_resource(show_spinner=False, max_entries=2)
def _read_counts(stamps: Stamps) -> Counts:
    return tables.read_counts(tables.FOLDER)


def read_status() -> Status | Problem:
    """Return what is on this server's disk of both data sets; takes up to a second."""
    return attempt(lambda: look_at_disk(paths.data_dir()))


Outline = tuple[tuple[NDArray[np.int32], ...], float]
"""Lines in pixels of the picture, and the lesion's share of it in [0, 1]."""


def read_gallery(name: str) -> Gallery | Problem | None:
    """Return a data set's images, or why there are none; None without a data folder.

    A sound folder is read once a server, a broken one once a session, until ``forget_galleries``.

    Args:
        name: ``ham10000`` or ``isic2019``.
    """
    folder = paths.data_dir()
    if folder is None:
        return None
    key = name, str(folder)
    return attempt_once(_GALLERIES, key, lambda: _READERS[name](str(folder)))


def forget_galleries() -> None:
    """Have the data folder read anew the next time its images are asked for."""
    for read in (_read_split, _read_ham10000, _read_isic2019):
        read.clear()
    forget_attempts(_GALLERIES)


def _read_ham10000_with_split(folder: str) -> Gallery:
    """Return HAM10000's images; without their sides where the split cannot be told."""
    split = attempt(lambda: _read_split(folder))
    if isinstance(split, Problem):
        return _read_ham10000(folder, None, None)
    return _read_ham10000(folder, split.fingerprint, split)


@st.cache_resource(show_spinner="Reading the data folder", max_entries=4)
def _read_split(folder: str) -> Split:
    return read_ham10000_split(Path(folder))


@st.cache_resource(show_spinner="Reading the data folder", max_entries=4)
def _read_ham10000(folder: str, fingerprint: str | None, _split: Split | None) -> Gallery:
    return read_ham10000(Path(folder), _split)


@st.cache_resource(show_spinner="Reading the data folder", max_entries=4)
def _read_isic2019(folder: str) -> Gallery:
    return read_isic2019(Path(folder))


_GALLERIES: Final = "galleries"
_READERS: Final[Mapping[str, Callable[[str], Gallery]]] = {
    "ham10000": _read_ham10000_with_split,
    "isic2019": _read_isic2019,
}


def is_split_of_networks(gallery: Gallery) -> bool:
    """Return whether every shipped network was trained on the split that the gallery names."""
    records = services.read_records()
    return not isinstance(records, Problem) and all(
        record.split["fingerprint"] == gallery.split_fingerprint for record in records
    )


def read_image(path: str) -> NDArray[np.uint8] | Problem:
    """Return an image, uint8, (H, W, 3), RGB, or why it cannot be shown."""
    return attempt(lambda: images.read(Path(path)))


def read_outline(path: str, height: int, width: int) -> Outline | Problem:
    """Return the outline in a mask's file for an image of this size, or why there is none.

    Args:
        path: of the mask.
        height: in pixels.
        width: in pixels.
    """

    def read() -> Outline:
        mask = read_mask(Path(path))
        return trace_outline(mask, height, width), compute_share(mask)

    return attempt(read)
