"""One reader's batch, in the session's memory and nowhere else."""

from typing import Final

import streamlit as st

from app.services.attempts import Problem
from app.services.batches import Batch

_KEY: Final = "batch"
_PROBLEM: Final = "batch-problem"
_OVERLAYS: Final = "batch-overlays"
_ROUND: Final = "batch-round"


def get_batch() -> Batch | None:
    """Return the batch in work."""
    batch: Batch | None = st.session_state.get(_KEY)
    return batch


def get_problem() -> Problem | None:
    """Return why what was sent last is no batch."""
    problem: Problem | None = st.session_state.get(_PROBLEM)
    return problem


def get_round() -> int:
    """Return a number that changes when the widgets are to start afresh."""
    number: int = st.session_state.setdefault(_ROUND, 0)
    return number


def get_overlays() -> bytes | None:
    """Return the ZIP of overlays that was drawn last."""
    overlays: bytes | None = st.session_state.get(_OVERLAYS)
    return overlays


def keep_overlays(overlays: bytes) -> None:
    """Remember a ZIP of overlays until the batch is cleared or others are drawn."""
    st.session_state[_OVERLAYS] = overlays


def keep(offered: Batch | Problem) -> None:
    """Put a batch to work, or remember why there is none; either takes the place of the last."""
    forget()
    st.session_state[_KEY] = offered if isinstance(offered, Batch) else None
    st.session_state[_PROBLEM] = offered if isinstance(offered, Problem) else None


def forget() -> None:
    """Forget the batch, its files and its rows, and start with empty widgets."""
    batch = get_batch()
    if batch is not None:
        batch.shelf.clear()
    st.session_state[_KEY] = st.session_state[_PROBLEM] = None
    st.session_state[_OVERLAYS] = None
    st.session_state[_ROUND] = get_round() + 1
