"""What the Learn page asks of a network's layers, for one picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.pictures import Picture
from app.services import Problem, attempt, get_classifier
from skinmodel.lessons.layers import Normalisation, read_normalisation
from skinmodel.weights import store
from skinmodel.weights.record import WeightsRecord

Outputs = dict[str, NDArray[np.float32]]

_READ: Final = "layer_outputs"
_KEPT: Final = 8  # readings a session keeps, of one picture; the largest takes about 3 MB


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
    if digest != picture.sha256:
        kept = {}
    key = (model, tuple(layers))
    if key not in kept:
        found = attempt(lambda: get_classifier(model).activations(picture.image, layers))
        if isinstance(found, Problem):
            return found
        kept = {**dict(list(kept.items())[1 - _KEPT :]), key: found}
        st.session_state[_READ] = (picture.sha256, kept)
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
