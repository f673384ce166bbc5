"""Waiting for the networks in a chapter that needs them; the other chapters load none."""

from typing import Final

import streamlit as st

from app import components, services
from app.warmup import WarmUpState

# Typical time to load TensorFlow and the default networks; it only moves the progress bar.
_EXPECTED_SECONDS: Final = 10.0


def wait_for_networks() -> bool:
    """Return whether the networks are loaded; else start that and show how far it has come."""
    warm_up = services.get_warm_up()
    status = warm_up.status
    if status.state is WarmUpState.READY:
        return True
    if status.state is WarmUpState.FAILED:
        components.show_problem(
            services.explain_failure(status.error), title="The networks could not be loaded"
        )
        st.button("Try again", icon=":material/refresh:", on_click=warm_up.retry, key="learn-retry")
    else:
        _poll()
        warm_up.start()
    return False


@st.fragment(run_every=1.0)
def _poll() -> None:
    """Show the loading once a second; when it has ended, run the whole page again."""
    status = services.get_warm_up().status
    if status.state not in (WarmUpState.COLD, WarmUpState.LOADING):
        st.rerun()
    st.progress(
        min(0.95, status.seconds / _EXPECTED_SECONDS),
        text="Loading TensorFlow and the networks, about 10 s on the first visit to this server. "
        f"{status.seconds:.0f} s so far. The figures appear by themselves.",
    )
