"""The session's pictures, one click back."""

from functools import partial
from typing import Final

import streamlit as st

from app import state
from app.services.pictures import Origin, Picture, fit_to_screen
from app.shared.charts import SYMBOLS
from app.shared.wording import percent
from skinmodel.diagnoses import Malignancy

_TILE: Final = 112
_OWN: Final = {Origin.UPLOAD: "Your file", Origin.CAMERA: "Photo"}
_SEVERITY: Final = tuple(Malignancy)


def show_history() -> None:
    """Show the session's pictures with their results so far, where there are several."""
    pictures = state.list_pictures()
    if len(pictures) < 2:
        return
    working = state.get_picture()
    with st.expander(
        f"Pictures of this session ({len(pictures)})",
        icon=":material/history:",
        expanded=working is None,
    ):
        with st.container(horizontal=True, gap="small", key="history"):
            for number, picture in enumerate(pictures, start=1):
                with st.container(width=_TILE, gap="xsmall"):
                    st.image(
                        fit_to_screen(picture.screen, 2 * _TILE),
                        width="stretch",
                        alt=f"Picture {number}: {name_tile(picture)}.",
                    )
                    st.button(
                        f"{number} · {name_tile(picture)}",
                        key=f"history-{picture.origin.name}-{picture.key}",
                        on_click=partial(state.choose, picture),
                        disabled=picture is working,
                        width="stretch",
                    )
                    st.caption(_describe(picture))
        st.button("Forget all pictures", icon=":material/delete_sweep:", on_click=state.clear_all)


def name_tile(picture: Picture) -> str:
    """Return what the row calls a picture; never the name of an uploaded file."""
    name = picture.title or _OWN.get(picture.origin, "Picture")
    return f"{name}, part" if picture.crop else name


def _describe(picture: Picture) -> str:
    """Return the worst first choice so far, or that no network was asked."""
    predictions = list(state.get_analysis(picture).predictions.values())
    if not predictions:
        return "not yet classified"
    worst = min(predictions, key=lambda p: (_SEVERITY.index(p.diagnosis.malignancy), -p.confidence))
    symbol = SYMBOLS[worst.diagnosis.malignancy]
    return f"{symbol} {worst.diagnosis.name}, {percent(worst.confidence)}"
