"""The Classify page: one picture, some networks, where they looked and when not to trust them."""

import streamlit as st

from app import services, state
from app.charts import BAR_ORDER, SYMBOLS
from app.content import read_content, read_diagnosis_texts
from app.findings import show_findings, show_picture
from app.intake import choose_picture
from app.networks import choose_networks
from app.pictures import Picture
from app.waiting import wait_for_networks
from skinmodel.results import DISCLAIMER


def render() -> None:
    """Show the page in whatever state it is in; it never waits for TensorFlow."""
    st.title("Classify a lesion", anchor=False)
    st.markdown(
        "Give a dermoscopic picture of one lesion. Networks name the most likely of seven "
        f"diagnoses, say how sure they are and show where they looked. **{DISCLAIMER}**"
    )
    choose_picture()
    picture = state.get_picture()
    if picture is None:
        wait_for_networks("You can choose a picture meanwhile.")
    elif state.get_analysis(picture).predictions or services.is_ready():
        _show_result(picture)
    else:
        first, second = st.columns([0.8, 2.0], gap="medium")
        with first:
            show_picture(picture)
        with second:
            if wait_for_networks("The result appears by itself."):
                st.rerun()  # they became ready since the question above
    _show_background()


def _show_result(picture: Picture) -> None:
    """Show what the chosen networks say.

    A result stays while networks that were given up are loaded anew, which is begun here.
    """
    models = choose_networks()
    if models:
        show_findings(picture, models)
    else:
        show_picture(picture)
        st.info("Choose at least one network to see a result.")
    services.get_warm_up().start()


def _show_background() -> None:
    with st.expander("When not to trust a result", icon=":material/help:"):
        st.markdown(read_content("cautions"))
    with st.expander("The seven diagnoses", icon=":material/menu_book:"):
        texts = read_diagnosis_texts()
        st.markdown(
            "\n".join(
                f"- {SYMBOLS[d.malignancy]} **{d.name}** ({d.code}, {d.malignancy}). "
                f"{texts[d.code]}"
                for d in BAR_ORDER
            )
        )


if __name__ == "__main__":
    render()
