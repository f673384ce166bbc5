"""How many images each diagnosis has in both data sets, and what that imbalance does."""

from typing import Final

import pandas as pd
import streamlit as st

from app.content import read_sections
from app.datasets.bars import build_bars, measure_height
from app.datasets.overlap import count_shared, show_overlap
from app.datasets.report_tables import show_table_1
from app.datasets.series import Series, choose_scale, describe
from app.datasets.tables import explain, show_counted, show_heading, show_source, show_table
from app.datasets.wording import TITLES, count_and_share, label_diagnosis, share
from app.wording import name_diagnosis
from skinmodel.data.counts import DATASETS, ISIC2019, Counts
from skinmodel.data.truth_tables import SCC, UNKNOWN

_ALWAYS: Final = "nv"
_MISSED: Final = "mel"
_CODES: Final = DATASETS[ISIC2019]


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
    st.markdown("#### Why the imbalance matters", anchors=False)
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
