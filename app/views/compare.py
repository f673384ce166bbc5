"""The Compare page: two networks on the same images, measured side by side."""

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st

from app import components
from app.comparison.choice import choose_pair
from app.comparison.classes import show_classes
from app.comparison.confusion import show_confusion
from app.comparison.curves import show_curves
from app.comparison.headline import show_headline
from app.comparison.pair import Pair
from app.comparison.published import show_published
from app.comparison.reliability import show_reliability
from app.comparison.subgroups import show_subgroups
from app.comparison.thresholds import show_thresholds
from app.comparison.training import show_training
from app.comparison.where import show_where
from app.content import read_sections
from skinmodel.results import DISCLAIMER

SECTIONS: Final[dict[str, Callable[[Pair], None]]] = {
    "Headline": show_headline,
    "Confusion": show_confusion,
    "F1": show_classes,
    "Curves": show_curves,
    "Calibration": show_reliability,
    "Thresholds": show_thresholds,
    "Subgroups": show_subgroups,
    "Where they look": show_where,
    "Training": show_training,
    "The report": show_published,
}


def render() -> None:
    """Show the choice and the sections; only the open one is computed."""
    st.title("Compare two networks", anchor=False)
    st.markdown(f"{read_sections('compare')['intro']} **{DISCLAIMER}**")
    pair = choose_pair()
    if pair is None:
        return
    tabs = st.tabs(list(SECTIONS), key="compare-section", on_change="rerun")
    for tab, show in zip(tabs, SECTIONS.values(), strict=True):
        if tab.open:
            with tab:
                components.run_guarded(partial(show, pair))


if __name__ == "__main__":
    render()
