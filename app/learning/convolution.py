"""Chapter 1: a window of the picture, its products with a kernel, their sum, the feature map."""

import streamlit as st

from app.learning.grids import Box, show_map, show_number_grid
from app.pictures import Picture
from skinmodel.lessons.convolution import KERNELS, correlate, take_step, to_grey
from skinmodel.models.registry import get_spec
from skinmodel.preprocess import resize


def show_convolution(picture: Picture) -> None:
    """Show what one position of a kernel computes, and the map of all positions."""
    name = st.selectbox("Kernel", list(KERNELS), index=1, key="convolution-kernel")
    kernel = KERNELS[name]
    grey = to_grey(resize(picture.image, get_spec("cnn").preprocessing))
    feature_map = correlate(grey, kernel)
    height, width = feature_map.shape
    row = st.slider("Row", 0, height - 1, height // 2, key="convolution-row")
    column = st.slider("Column", 0, width - 1, width // 2, key="convolution-column")
    step = take_step(grey, kernel, row, column)
    grids = (("Window", step.window), ("Kernel", kernel), ("Products", step.products))
    for place, (title, values) in zip(st.columns(3), grids, strict=True):
        with place:
            show_number_grid(values, title, f"convolution-grid-{title.lower()}")
    st.markdown(f"The products sum to **{step.total:g}**.")
    first, second = st.columns(2)
    with first:
        show_map(grey, "Input", "The picture in grey.", signed=False, mark=Box(row, column, 3, 3))
    with second:
        show_map(feature_map, "Feature map", "The feature map.", mark=Box(row, column))
