"""Each diagnosis in words: what it is, how it looks, and how often both data sets have it."""

import streamlit as st

from app import components
from app.content import read_sections
from app.datasets.tables import explain, show_heading, show_source
from app.datasets.wording import TITLES, count_and_share, label_diagnosis
from app.wording import find_malignancy
from skinmodel.data.counts import DATASETS, ISIC2019, Counts


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
    st.markdown("#### References", anchors=False)
    st.markdown(texts["references"])
    show_source(counts)


def _count(counts: Counts, dataset: str, code: str) -> str:
    found = counts.by_class(dataset)
    if code not in found:
        return f"{TITLES[dataset]}: no such class"
    images = count_and_share(found[code], sum(found.values()))
    lesions = counts.by_class(dataset, "lesions")[code]
    return f"{TITLES[dataset]}: {images} images of {lesions:,} lesions"
