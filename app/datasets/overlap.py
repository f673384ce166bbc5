"""How much of ISIC 2019 is HAM10000 itself, and what it calls those images."""

import streamlit as st

from app.datasets.bars import build_bars, measure_height
from app.datasets.series import Scale, Series, describe
from app.datasets.tables import explain, show_counted
from app.datasets.wording import TITLES, label_diagnosis, share
from app.wording import join_words
from skinmodel.data.counts import DATASETS, HAM10000, ISIC2019, Counts
from skinmodel.diagnoses import CODES, get_diagnosis

_CODES = DATASETS[ISIC2019]


def count_shared(counts: Counts) -> dict[str, int]:
    """Return how many images of each ISIC 2019 diagnosis are HAM10000's own."""
    found = counts.overlap.groupby(ISIC2019)["images"].sum()
    return {code: int(found.get(code, 0)) for code in _CODES}


def describe_renamed(counts: Counts) -> str:
    """Return which diagnoses of HAM10000 ISIC 2019 gives other names; empty where none."""
    sentences = []
    for code, rows in counts.overlap.groupby(HAM10000):
        if set(rows[ISIC2019]) != {code}:
            parts = (f"{row.images:,} {_name(str(row.isic2019))}" for row in rows.itertuples())
            sentences.append(
                f"HAM10000's {rows['images'].sum():,} images of {code} are {join_words(parts)} in "
                "ISIC 2019."
            )
    return " ".join(sentences)


def show_overlap(counts: Counts) -> None:
    """Show the part of the section."""
    st.markdown("#### How much of ISIC 2019 is HAM10000 itself", anchors=False)
    found, shared = counts.by_class(ISIC2019), count_shared(counts)
    inside, total = sum(shared.values()), sum(found.values())
    st.markdown(
        f"**{inside:,} of {total:,} images ({share(inside, total)}).** {describe_renamed(counts)}"
    )
    explain("overlap")
    present = [code for code in _CODES if found[code]]
    rows = [label_diagnosis(code, ISIC2019) for code in present]
    sizes = tuple(found[code] for code in present)
    series = [Series(TITLES[HAM10000], tuple(shared[code] for code in present), sizes)]
    show_counted(
        build_bars(rows, series, Scale.SHARE, "diagnosis in ISIC 2019"),
        counts,
        "Images of ISIC 2019 that are HAM10000's own, of each diagnosis",
        describe("Images of ISIC 2019 that are HAM10000's own", rows, series),
        "overlap",
        height=measure_height(len(rows), len(series)),
    )


def _name(code: str) -> str:
    return get_diagnosis(code).isic2019 if code in CODES else code.upper()
