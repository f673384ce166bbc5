"""The Datasets page: what the networks learned from and were measured on."""

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st

from app.datasets.augmentation import show_augmentation
from app.datasets.availability import show_availability
from app.datasets.classes import show_classes
from app.datasets.gallery import show_gallery
from app.datasets.lesions import show_lesions
from app.datasets.people import show_people
from app.datasets.splits import show_splits
from app.datasets.texts import show_cards, show_diagnoses
from app.services import datasets as service
from app.services.attempts import Problem
from app.shared import components
from app.shared.content import read_sections
from skinmodel.data.counts.tables import Counts
from skinmodel.results import DISCLAIMER

SECTIONS: Final[dict[str, Callable[[Counts], None]]] = {
    "Classes": show_classes,
    "Augmentation and weights": show_augmentation,
    "Splits": show_splits,
    "People and sites": show_people,
    "Lesions and gaps": show_lesions,
    "Pictures": lambda _: show_gallery(),
    "The diagnoses": show_diagnoses,
    "Data cards": lambda _: show_cards(),
}


def render() -> None:
    """Show the sections; only the open one is computed."""
    st.title("The data sets", anchor=False)
    st.markdown(f"{read_sections('datasets')['intro']} **{DISCLAIMER}**")
    show_availability()
    counts = service.read_counts()
    if isinstance(counts, Problem):
        components.show_problem(counts, title="The counts cannot be shown")
        return
    tabs = st.tabs(list(SECTIONS), key="datasets-section", on_change="rerun")
    for tab, show in zip(tabs, SECTIONS.values(), strict=True):
        if tab.open:
            with tab:
                components.run_guarded(partial(show, counts))


if __name__ == "__main__":
    render()
