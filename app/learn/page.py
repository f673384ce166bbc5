"""The Learn page: how the networks see, in short chapters that compute what they show."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import streamlit as st

from app.learn.attention import show_attention
from app.learn.convolution import show_convolution
from app.learn.decision import show_decision
from app.learn.dermoscopy import show_dermoscopy
from app.learn.geometry import show_geometry
from app.learn.gradients import show_gradients
from app.learn.layers import show_layers
from app.learn.optimizers import show_optimizers
from app.learn.self_check import show_self_check
from app.learn.subject import choose_subject
from app.services.pictures import Picture
from app.shared import components
from app.shared.focus import move_focus
from skinmodel.results import DISCLAIMER

_CHAPTER: Final = "learn-chapter"
_TURNED: Final = "learn-turned"


@dataclass(frozen=True)
class Chapter:
    """One chapter.

    Attributes:
        show: shows it for a picture.
        checks: what ``learn_checks.md`` calls it.
    """

    show: Callable[[Picture], None]
    checks: str


# In the order of the report's chapter 3, then dermoscopy; a further chapter is one line here and
# its questions in learn_checks.md.
CHAPTERS: Final[dict[str, Chapter]] = {
    "Convolution": Chapter(show_convolution, "convolution"),
    "Stride and padding": Chapter(show_geometry, "geometry"),
    "Layers": Chapter(show_layers, "layers"),
    "Soft attention": Chapter(show_attention, "attention"),
    "Decision": Chapter(show_decision, "decision"),
    "Back-propagation": Chapter(show_gradients, "gradients"),
    "Optimizers": Chapter(show_optimizers, "optimizers"),
    "Dermoscopy": Chapter(show_dermoscopy, "dermoscopy"),
}


def render() -> None:
    """Show the picture, the chapters' names and the open chapter; only that one is computed."""
    st.title("Learn how the networks see", anchor=False)
    st.markdown(
        "Each chapter computes what it shows from the picture you choose, with the same arithmetic "
        "as the networks. Move a control and watch the numbers follow. The last chapter is about "
        f"what doctors see: dermoscopy. **{DISCLAIMER}**"
    )
    picture = choose_subject()
    names = list(CHAPTERS)
    chapter = str(
        st.pills(
            "Chapter",
            names,
            format_func=lambda name: f"{names.index(name) + 1} {name}",
            default=names[0],
            required=True,
            key=_CHAPTER,
            persist_state="session",
            wrap=True,
            label_visibility="collapsed",
        )
    )
    if picture is None:
        st.info("Choose a picture above; the chapters work on it.")
        return
    number = names.index(chapter)
    with st.container(key=f"learn-heading-{number}"):
        st.header(chapter, anchor=False)
    _show(chapter, picture)
    _show_neighbours(names, number)
    if st.session_state.pop(_TURNED, False):
        move_focus(f"learn-heading-{number}")


@st.fragment
def _show(chapter: str, picture: Picture) -> None:
    """Show one chapter; moving one of its controls runs nothing else of the page."""
    components.run_guarded(partial(CHAPTERS[chapter].show, picture))
    show_self_check(CHAPTERS[chapter].checks)


def _show_neighbours(names: list[str], number: int) -> None:
    """Show the buttons that lead to the chapter before and the one after."""
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for step, arrow in ((-1, "arrow_back"), (1, "arrow_forward")):
            if not 0 <= number + step < len(names):
                continue
            name = names[number + step]
            st.button(
                f"{'Previous' if step < 0 else 'Next'}: {name}",
                icon=f":material/{arrow}:",
                icon_position="left" if step < 0 else "right",
                type="primary" if step > 0 else "secondary",
                on_click=_turn_to,
                args=(name,),
                key=f"learn-turn-{'back' if step < 0 else 'on'}",
            )


def _turn_to(name: str) -> None:
    st.session_state[_CHAPTER], st.session_state[_TURNED] = name, True


if __name__ == "__main__":
    render()
