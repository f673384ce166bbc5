"""The sections that are read: each diagnosis in words, and the data cards."""

import re

import streamlit as st

from app.datasets.presentation import explain, show_heading, show_source
from app.datasets.wording import TITLES, count_and_share, label_diagnosis
from app.shared import components
from app.shared.content import read_content, read_sections
from app.shared.wording import find_malignancy
from skinmodel.data.counts.tables import DATASETS, ISIC2019, Counts


def show_diagnoses(counts: Counts) -> None:
    """Show the section."""
    show_heading("The diagnoses")
    explain("diagnoses")
    texts = read_sections("dermoscopy")
    for code in DATASETS[ISIC2019]:
        with st.expander(label_diagnosis(code), expanded=code == "nv"):
            malignancy = find_malignancy(code)
            if malignancy is not None:
                components.show_malignancy(malignancy)
            st.markdown(texts[code])
            st.caption(". ".join(_count(counts, name, code) for name in DATASETS) + ".")
    st.markdown("### References", anchors=False)
    st.markdown(texts["references"])
    show_source(counts)


def _count(counts: Counts, dataset: str, code: str) -> str:
    found = counts.by_class(dataset)
    if code not in found:
        return f"{TITLES[dataset]}: no such class"
    images = count_and_share(found[code], sum(found.values()))
    lesions = counts.by_class(dataset, "lesions")[code]
    return f"{TITLES[dataset]}: {images} images of {lesions:,} lesions"


def show_cards() -> None:
    """Show the section."""
    dataset = str(
        st.segmented_control(
            "Data card of",
            list(DATASETS),
            format_func=TITLES.__getitem__,
            default=next(iter(DATASETS)),
            required=True,
            key="card-set",
            persist_state="session",
        )
    )
    st.markdown(demote_headings(read_content(f"card_{dataset}")), anchors=False)


def demote_headings(text: str) -> str:
    r"""Return Markdown whose first heading is two levels lower, below the page's own title.

    >>> demote_headings("# Card\n\n## What")
    '### Card\n\n#### What'
    """
    return re.sub(r"^(#+) ", r"##\1 ", text, flags=re.MULTILINE)
