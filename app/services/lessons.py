"""What the Learn page asks of the trained networks: stored numbers, and layers' outputs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.services import get_classifier
from app.services.attempts import Problem, attempt
from app.services.pictures import Picture
from skinmodel.drawings import draw
from skinmodel.lessons.first_layer import FirstLayer, read_first_layer
from skinmodel.lessons.layers import Normalisation, read_normalisation
from skinmodel.lessons.soft_attention import AttentionWeights, read_attention
from skinmodel.weights import store
from skinmodel.weights.record import WeightsRecord


def open_first_layer(name: str) -> FirstLayer | Problem:
    """Return the first layer of a shipped network, read once a server; or why it cannot be."""
    return attempt(lambda: _read_first_layer(*store.find(name, "shipped")))


# An error is not cached: once the file is restored, the chapter finds it.
@st.cache_resource(
    show_spinner="Reading the network's first layer",
    hash_funcs={WeightsRecord: lambda record: record.sha256},
)
def _read_first_layer(record: WeightsRecord, folder: Path) -> FirstLayer:
    return read_first_layer(record, folder)


def open_attention(name: str, layer: str) -> AttentionWeights | Problem:
    """Return a shipped network's soft attention, read once a server; or why it cannot be."""
    return attempt(lambda: _read_attention(*store.find(name, "shipped"), layer))


@st.cache_resource(
    show_spinner="Reading the attention's kernels",
    hash_funcs={WeightsRecord: lambda record: record.sha256},
)
def _read_attention(record: WeightsRecord, folder: Path, layer: str) -> AttentionWeights:
    return read_attention(record, folder, layer)


Outputs = dict[str, NDArray[np.float32]]

_READ: Final = "layer_outputs"
_KEPT: Final = 8  # readings a session keeps, of one picture; the largest takes about 3 MB


def are_outputs_at_hand(picture: Picture, model: str, layers: Sequence[str]) -> bool:
    """Return whether ``layer_outputs`` answers without TensorFlow being loaded first."""
    digest, kept = st.session_state.get(_READ, ("", {}))
    known = digest == picture.sha256 and (model, tuple(layers)) in kept
    return known or get_classifier(model).can_read(layers)


def layer_outputs(picture: Picture, model: str, layers: Sequence[str]) -> Outputs | Problem:
    """Return what some layers of a network hand on for a picture, or why that is not known.

    Read once a session for the picture at hand; sessions share nothing, and another picture's
    readings are forgotten.

    Args:
        picture: any picture.
        model: registry name; its network must be loaded.
        layers: as in ``Classifier.activations``.

    Returns:
        float32 by name, without the batch axis; not to be changed.
    """
    digest, kept = st.session_state.get(_READ, ("", {}))
    if digest != picture.key:
        kept = {}
    key = (model, tuple(layers))
    if key not in kept:
        found = attempt(lambda: get_classifier(model).activations(picture.image, layers))
        if isinstance(found, Problem):
            return found
        kept = {**dict(list(kept.items())[1 - _KEPT :]), key: found}
        st.session_state[_READ] = (picture.key, kept)
    outputs: Outputs = kept[key]
    return outputs


def open_normalisation(model: str, layer: str) -> Normalisation | Problem:
    """Return a shipped network's stored batch normalisation, read once a server, or why not."""
    return attempt(lambda: _read_normalisation(*store.find(model, "shipped"), layer))


# An error is not cached: once the file is restored, the chapter finds it.
@st.cache_resource(
    show_spinner="Reading the stored statistics",
    hash_funcs={WeightsRecord: lambda record: record.sha256},
)
def _read_normalisation(record: WeightsRecord, folder: Path, layer: str) -> Normalisation:
    return read_normalisation(record, folder, layer)


Pixels = NDArray[np.uint8]


def draw_sign(name: str) -> Pixels | Problem:
    """Return the drawing of a dermoscopic sign, drawn once a server; or why there is none.

    Args:
        name: of ``skinmodel.drawings.signs.SIGNS``.
    """
    return attempt(lambda: _draw_sign(name))


# Shared by all sessions: the Learn page only shows them.
@st.cache_resource(show_spinner="Drawing the signs")
def _draw_sign(name: str) -> Pixels:
    return draw.draw_sign(name)


def draw_diagnosis(code: str) -> Pixels | Problem:
    """Return the drawing of a diagnosis, drawn once a server; or why there is none."""
    return attempt(lambda: _draw_diagnosis(code))


@st.cache_resource(show_spinner="Drawing the lesion")
def _draw_diagnosis(code: str) -> Pixels:
    return draw.draw_lesion(code, draw.SEEDS[code], 300, 400)
