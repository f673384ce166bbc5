"""Chapter 3: ReLU, pooling and batch normalisation, on a small grid and on the real maps."""

import streamlit as st

from app.content import read_sections
from app.learning.feature_maps import show_feature_maps
from app.learning.layer_grids import show_grids
from app.pictures import Picture


def show_layers(picture: Picture) -> None:
    """Show what stands between convolutions: worked by hand, then as a trained network does it."""
    texts = read_sections("learn_layers")
    with st.container(width=860):
        st.markdown(texts["intro"])
    show_grids(picture)
    show_feature_maps(picture)
    st.caption(texts["sources"])
