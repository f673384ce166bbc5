"""How many images each diagnosis has, how many are in both data sets, what imbalance does."""

from typing import Final

import pandas as pd
import streamlit as st

from app.datasets.bars import Scale, Series, build_bars, choose_scale, describe, measure_height
from app.datasets.presentation import explain, show_counted, show_heading, show_source, show_table
from app.datasets.report_tables import show_table_1
from app.datasets.wording import TITLES, count_and_share, label_diagnosis, share
from app.shared.content import read_sections
from app.shared.wording import join_words, name_diagnosis
from skinmodel.data.counts.tables import DATASETS, HAM10000, ISIC2019, Counts
from skinmodel.data.truth_tables import SCC, UNKNOWN
from skinmodel.diagnoses import CODES, get_diagnosis

_CODES: Final = DATASETS[ISIC2019]


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
    st.markdown("### How much of ISIC 2019 is HAM10000 itself", anchors=False)
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


_ALWAYS: Final = "nv"
_MISSED: Final = "mel"


def show_classes(counts: Counts) -> None:
    """Show the section."""
    show_heading("Images of each diagnosis")
    explain("classes")
    scale = choose_scale("classes-scale")
    rows = [label_diagnosis(code) for code in _CODES]
    series = [
        Series(f"{TITLES[name]}, n = {total:,}", tuple(found.get(c, 0) for c in _CODES), total)
        for name in DATASETS
        for found in [counts.by_class(name)]
        for total in [sum(found.values())]
    ]
    show_counted(
        build_bars(rows, series, scale),
        counts,
        "Images of each diagnosis in HAM10000 and ISIC 2019",
        describe("Images of each diagnosis", rows, series),
        "classes",
        height=measure_height(len(rows), len(series)),
        legend_rows=1,
    )
    show_table(
        _build_shown(counts),
        _build_saved(counts),
        counts,
        "classes",
        "Images and lesions of each diagnosis in HAM10000 and ISIC 2019, and how many images of "
        "ISIC 2019 are HAM10000's own.",
    )
    _show_imbalance(counts)
    show_overlap(counts)
    show_table_1(counts)
    show_source(counts)


def _build_saved(counts: Counts) -> pd.DataFrame:
    table = pd.DataFrame({"diagnosis": _CODES})
    for name in DATASETS:
        for what in ("images", "lesions"):
            found = counts.by_class(name, what)
            table[f"{name}_{what}"] = [found.get(code, 0) for code in _CODES]
    table["isic2019_in_ham10000"] = list(count_shared(counts).values())
    table["isic2019_outside_ham10000"] = table["isic2019_images"] - table["isic2019_in_ham10000"]
    return table


def _build_shown(counts: Counts) -> pd.DataFrame:
    table = _build_saved(counts).set_index("diagnosis")
    totals = table.sum()
    lines = {}
    for code, row in [*table.iterrows(), ("all", totals)]:
        name = "**All**" if code == "all" else label_diagnosis(str(code))
        lines[name] = {
            "HAM10000, images": count_and_share(row["ham10000_images"], totals["ham10000_images"]),
            "HAM10000, lesions": f"{row['ham10000_lesions']:,}",
            "ISIC 2019, images": count_and_share(row["isic2019_images"], totals["isic2019_images"]),
            "ISIC 2019, lesions": f"{row['isic2019_lesions']:,}",
            "ISIC 2019, HAM10000's own": count_and_share(
                row["isic2019_in_ham10000"], row["isic2019_images"]
            ),
            "ISIC 2019, others": f"{row['isic2019_outside_ham10000']:,}",
        }
        if code in (SCC, UNKNOWN):
            lines[name] |= dict.fromkeys(("HAM10000, images", "HAM10000, lesions"), "no such class")
    return pd.DataFrame.from_dict(lines, orient="index")


def _show_imbalance(counts: Counts) -> None:
    st.markdown("### Why the imbalance matters", anchors=False)
    rows, saved = {}, []
    for name in DATASETS:
        found = {code: n for code, n in counts.by_class(name).items() if n}
        total, least = sum(found.values()), min(found, key=found.__getitem__)
        right, classes = found[_ALWAYS], len(found)
        rows[TITLES[name]] = {
            "Accuracy": f"{share(right, total)} ({right:,} of {total:,})",
            "Balanced accuracy": f"{share(1, classes)} (1 of {classes} diagnoses)",
            "Melanomas found": f"0 of {found[_MISSED]:,}",
            "Most to least frequent": f"{right / found[least]:.0f} to 1 ({_ALWAYS} to {least})",
        }
        saved.append(
            {
                "dataset": name,
                "accuracy": right / total,
                "balanced_accuracy": 1 / classes,
                "melanomas": found[_MISSED],
                "most_to_least_frequent": right / found[least],
            }
        )
    st.markdown(f"What a program would reach that always says **{name_diagnosis(_ALWAYS)}**:")
    show_table(
        pd.DataFrame.from_dict(rows, orient="index"),
        pd.DataFrame(saved),
        counts,
        "always nevus",
        "Accuracy, balanced accuracy and melanomas found by a program that always says nevus.",
    )
    texts = read_sections("dermoscopy")
    st.markdown(texts["imbalance"])
    with st.expander("References", icon=":material/menu_book:"):
        st.markdown(texts["references"])
