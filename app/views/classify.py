"""The Classify page: one picture, some networks, where they looked and when not to trust them."""

import streamlit as st

from app import components, services, state
from app.charts import BAR_ORDER, SYMBOLS
from app.content import read_content, read_diagnosis_texts
from app.findings import show_findings, show_picture
from app.intake import choose_picture
from app.networks import choose_networks
from app.warmup import WarmUpState
from skinmodel.results import DISCLAIMER

# Typical time to load TensorFlow and the report's two networks; it only moves the progress bar.
EXPECTED_SECONDS = 10.0


def render() -> None:
    """Show the page in whatever state it is in; it never waits for TensorFlow."""
    warm_up = services.get_warm_up()
    st.title("Classify a lesion", anchor=False)
    st.markdown(
        "Give a dermoscopic picture of one lesion. Networks name the most likely of seven "
        f"diagnoses, say how sure they are and show where they looked. **{DISCLAIMER}**"
    )
    choose_picture()
    picture = state.get_picture()
    status = warm_up.status
    if status.state is WarmUpState.READY and picture is not None:
        models = choose_networks()
        if models:
            show_findings(picture, models)
        else:
            show_picture(picture)
            st.info("Choose at least one network to see a result.")
    elif picture is not None:
        first, second = st.columns([0.8, 2.0], gap="medium")
        with first:
            show_picture(picture)
        with second:
            _show_waiting()
    elif status.state is not WarmUpState.READY:
        _show_waiting()
    _show_background()
    warm_up.start()  # last, so that the page is out before TensorFlow takes the processor


def _show_waiting() -> None:
    status = services.get_warm_up().status
    if status.state is WarmUpState.FAILED:
        components.show_problem(
            services.explain_failure(status.error), title="The networks could not be loaded"
        )
        st.button("Try again", icon=":material/refresh:", on_click=services.get_warm_up().retry)
    else:
        _poll()


@st.fragment(run_every=1.0)
def _poll() -> None:
    """Show the loading once a second; when it has ended, run the whole page again."""
    status = services.get_warm_up().status
    if status.state not in (WarmUpState.COLD, WarmUpState.LOADING):
        st.rerun()
    waiting = state.get_picture() is not None
    then = "The result appears by itself." if waiting else "You can choose a picture meanwhile."
    st.progress(
        min(0.95, status.seconds / EXPECTED_SECONDS),
        text="Loading TensorFlow and the networks, about 10 s on the first visit to this server. "
        f"{status.seconds:.0f} s so far. {then}",
    )


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
