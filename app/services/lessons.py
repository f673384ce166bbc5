"""What the Learn page asks of the trained networks without loading one."""

from pathlib import Path

import streamlit as st

from app.services import Problem, attempt
from skinmodel.lessons.first_layer import FirstLayer, read_first_layer
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
