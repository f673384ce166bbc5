"""The Learn page: how the networks see, in short chapters that compute what they show."""

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st

from app.learn.attention import show_attention
from app.learn.convolution import show_convolution
from app.learn.decision import show_decision
from app.learn.geometry import show_geometry
from app.learn.gradients import show_gradients
from app.learn.layers import show_layers
from app.learn.optimizers import show_optimizers
from app.learn.subject import choose_subject
from app.services.pictures import Picture
from app.shared import components
from skinmodel.results import DISCLAIMER

# In the order of the report's chapter 3; a further chapter is one line here.
CHAPTERS: Final[dict[str, Callable[[Picture], None]]] = {
    "Convolution": show_convolution,
    "Stride and padding": show_geometry,
    "Layers": show_layers,
    "Soft attention": show_attention,
    "Decision": show_decision,
    "Back-propagation": show_gradients,
    "Optimizers": show_optimizers,
}


def render() -> None:
    """Show the picture, the chapters' names and the open chapter; only that one is computed."""
    st.title("Learn how the networks see", anchor=False)
    st.markdown(
        "Each chapter computes what it shows from the picture you choose, with the same arithmetic "
        f"as the networks. Move a control and watch the numbers follow. **{DISCLAIMER}**"
    )
    picture = choose_subject()
    names = list(CHAPTERS)
    chapter = st.pills(
        "Chapter",
        names,
        format_func=lambda name: f"{names.index(name) + 1} {name}",
        default=names[0],
        required=True,
        key="learn-chapter",
        persist_state="session",
        wrap=True,
        label_visibility="collapsed",
    )
    if picture is None:
        st.info("Choose a picture above; the chapters work on it.")
        return
    st.header(str(chapter), anchor=False)
    _show(str(chapter), picture)


@st.fragment
def _show(chapter: str, picture: Picture) -> None:
    """Show one chapter; moving one of its controls runs nothing else of the page."""
    components.run_guarded(partial(CHAPTERS[chapter], picture))


if __name__ == "__main__":
    render()
