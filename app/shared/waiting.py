"""Waiting for the networks: the one place that starts them, polls, and says how far they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app import services
from app.services.attempts import Problem, attempt
from app.services.warmup import WarmUp, WarmUpState
from app.shared import components
from app.shared.wording import join_words
from skinmodel.models.registry import get_spec


def wait_for_networks(then: str = "The figures appear by themselves.") -> bool:
    """Return whether the default networks are loaded; else start that and show how far it is.

    Args:
        then: a sentence on what comes when they are.
    """
    return _wait(services.get_warm_up(), then, "networks", _find_networks)


def wait_for_tensorflow(name: str, then: str = "The figures appear by themselves.") -> bool:
    """Return whether a network is loaded in TensorFlow; else start that and show for how long.

    Args:
        name: of a network that answers already.
        then: as in ``wait_for_networks``.
    """
    title = get_spec(name).title
    loading = Loading(f"TensorFlow for {title}")
    return _wait(services.get_tensorflow_warm_up(name), then, f"tensorflow-{name}", lambda: loading)


@dataclass(frozen=True)
class Loading:
    """What is being loaded.

    Attributes:
        subject: in words.
        steps: its parts in order, and whether each is there; none where it has no parts.
    """

    subject: str
    steps: Mapping[str, bool] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Which share of the parts is there."""
        return sum(self.steps.values()) / max(1, len(self.steps))

    def describe(self, seconds: float, then: str) -> str:
        """Return what is being loaded, for how long, and what of it is there.

        Args:
            seconds: since the loading began.
            then: a sentence on what comes afterwards.
        """
        there = [name for name, is_there in self.steps.items() if is_there]
        loaded = f"; loaded: {join_words(there)}" if there else ""
        return f"Loading {self.subject}, {seconds:.0f} s so far{loaded}. {then}"


def _wait(warm_up: WarmUp[Any], then: str, key: str, find_loading: Callable[[], Loading]) -> bool:
    status = warm_up.status
    if status.state is WarmUpState.READY:
        return True
    if status.state is WarmUpState.FAILED:
        components.show_problem(
            services.explain_failure(status.error), title="The networks could not be loaded"
        )
        st.button(
            "Try again", icon=":material/refresh:", on_click=warm_up.retry, key=f"{key}-retry"
        )
    else:
        _poll(warm_up, then, find_loading)
        warm_up.start()
    return False


@st.fragment(run_every=1.0)
def _poll(warm_up: WarmUp[Any], then: str, find_loading: Callable[[], Loading]) -> None:
    """Show the loading once a second; when it has ended, run the whole page again."""
    status = warm_up.status
    if status.state in (WarmUpState.READY, WarmUpState.FAILED):
        st.rerun()
    loading = find_loading()
    st.progress(loading.share, text=loading.describe(status.seconds, then))


def _find_networks() -> Loading:
    steps = attempt(services.list_steps)
    return Loading("the networks", {} if isinstance(steps, Problem) else steps)
