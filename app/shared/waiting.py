"""Waiting for the networks: the one place that starts them, polls, and says how far they are."""

from collections.abc import Mapping

import streamlit as st

from app import services
from app.services.attempts import Problem, attempt
from app.services.warmup import WarmUpState
from app.shared import components
from app.shared.wording import join_words


def wait_for_networks(then: str = "The figures appear by themselves.") -> bool:
    """Return whether the default networks are loaded; else start that and show how far it is.

    Args:
        then: a sentence on what comes when they are.
    """
    warm_up = services.get_warm_up()
    status = warm_up.status
    if status.state is WarmUpState.READY:
        return True
    if status.state is WarmUpState.FAILED:
        components.show_problem(
            services.explain_failure(status.error), title="The networks could not be loaded"
        )
        st.button(
            "Try again", icon=":material/refresh:", on_click=warm_up.retry, key="networks-retry"
        )
    else:
        _poll(then)
        warm_up.start()
    return False


@st.fragment(run_every=1.0)
def _poll(then: str) -> None:
    """Show the loading once a second; when it has ended, run the whole page again."""
    status = services.get_warm_up().status
    if status.state in (WarmUpState.READY, WarmUpState.FAILED):
        st.rerun()
    steps = attempt(services.list_steps)
    there: Mapping[str, bool] = {} if isinstance(steps, Problem) else steps
    st.progress(
        sum(there.values()) / max(1, len(there)), text=describe(status.seconds, there, then)
    )


def describe(seconds: float, steps: Mapping[str, bool], then: str) -> str:
    """Return what is being loaded, for how long, and what of it is there.

    Args:
        seconds: since the loading began.
        steps: what is loaded in order, and whether each is there.
        then: a sentence on what comes afterwards.
    """
    there = [name for name, is_there in steps.items() if is_there]
    loaded = f"loaded: {join_words(there)}" if there else "nothing is loaded yet"
    return f"Loading TensorFlow and the networks, {seconds:.0f} s so far; {loaded}. {then}"
