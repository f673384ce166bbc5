"""The Compare page: two networks on the same images, measured side by side."""

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st

from app.compare.choice import choose_pair
from app.compare.classes import show_classes
from app.compare.confusion import show_confusion
from app.compare.curves import show_curves
from app.compare.headline import show_headline
from app.compare.published import show_published
from app.compare.reliability import show_reliability
from app.compare.subgroups import show_subgroups
from app.compare.thresholds import show_thresholds
from app.compare.training import show_training
from app.compare.two_classes import show_two_classes
from app.compare.where import show_where
from app.services.pair import Pair
from app.shared import components
from app.shared.content import read_sections
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
    show_two_classes()
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
