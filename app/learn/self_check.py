"""The questions at a chapter's end: an answer is judged at once, and explained."""

from functools import cache

import streamlit as st

from app.shared.content import read_sections
from skinmodel.lessons.checks import Check, parse_checks


def show_self_check(section: str) -> None:
    """Show the questions of one chapter.

    Args:
        section: what ``learn_checks.md`` calls the chapter.
    """
    st.subheader("Check yourself", anchor=False)
    with st.container(width=860):
        for number, check in enumerate(read_checks(section), start=1):
            _ask(check, f"check-{section}-{number}")


@cache
def read_checks(section: str) -> tuple[Check, ...]:
    """Return a chapter's questions."""
    return parse_checks(read_sections("learn_checks")[section])


def _ask(check: Check, key: str) -> None:
    chosen = st.radio(
        check.question,
        range(len(check.options)),
        format_func=check.options.__getitem__,
        index=None,
        key=key,
        persist_state="session",
    )
    if chosen is None:
        return
    if chosen == check.right:
        st.success(f"Right. {check.why}", icon=":material/check:")
    else:
        right = check.options[check.right]
        st.error(f"Not so. Right is: {right} {check.why}", icon=":material/close:")
