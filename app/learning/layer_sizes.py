"""The end of chapter 2: the sizes of the real CNN's layers."""

from typing import Final

import pandas as pd
import streamlit as st

from app.content import read_sections
from skinmodel.lessons.geometry import CNN_LAYERS, trace_sizes
from skinmodel.models.registry import get_spec

MODEL: Final = "cnn"


def show_layer_sizes() -> None:
    """Show the sizes of the real CNN's layers, computed by the same function."""
    spec = get_spec(MODEL)
    side = spec.preprocessing.height
    st.subheader(f"Through the {spec.title}, layer by layer", anchor=False)
    with st.container(width=860):
        st.markdown(read_sections("learn_geometry")["network"])
    traced = trace_sizes(side, CNN_LAYERS)
    rows = [
        {
            "Layer": size.layer.name,
            "m": size.layer.kernel,
            "s": size.layer.stride,
            "Padding": str(size.layer.padding),
            "Output": f"{size.geometry.size} x {size.geometry.size} x {size.channels}",
            "Field": size.field,
            "Step": size.step,
        }
        for size in traced
    ]
    sizes = " to ".join(str(size.geometry.size) for size in traced)
    with st.container(width=760):
        st.table(
            pd.DataFrame(rows).set_index("Layer"),
            border="horizontal",
            alt=f"Sizes of the layers of the {spec.title} from an input of {side}: {sizes}.",
        )
    last = rows[-1]["Output"]
    st.caption(
        f"{spec.source}. Input {side} x {side} x 3; the dense layers take the last {last} cells. "
        "Field and step in pixels of the input."
    )
