"""Lesions with several images, and what the metadata do not say."""

from typing import Final

import pandas as pd
import streamlit as st

from app.datasets.bars import Scale, Series, build_bars, choose_scale, describe, measure_height
from app.datasets.presentation import explain, show_counted, show_heading, show_source, show_table
from app.datasets.wording import TITLES, count_and_share, label_diagnosis
from skinmodel.data.counts.tables import DATASETS, Counts

_MANY: Final = 6
"""From this number of images on, lesions stand in one row."""
_FIELDS: Final = {
    "age": "Age",
    "sex": "Sex",
    "site": "Body site",
    "lesion_id": "Lesion id",
}


def show_lesions(counts: Counts) -> None:
    """Show the section."""
    show_heading("Lesions with several images")
    explain("lesions")
    _show_sizes(counts)
    show_heading("What is missing")
    explain("missing")
    _show_missing(counts)
    show_source(counts)


def _show_sizes(counts: Counts) -> None:
    scale = choose_scale("lesions-scale")
    rows = [f"{n} image{'' if n == 1 else 's'}" for n in range(1, _MANY)] + [f"{_MANY} or more"]
    series = []
    for name in DATASETS:
        table = counts.lesions[counts.lesions["dataset"] == name]
        sizes = table["images_per_lesion"].clip(upper=_MANY)
        found = table.groupby(sizes)["lesions"].sum().reindex(range(1, _MANY + 1), fill_value=0)
        total = int(found.sum())
        series.append(Series(f"{TITLES[name]}, n = {total:,}", tuple(found), total))
    show_counted(
        build_bars(rows, series, scale, "lesions"),
        counts,
        "Lesions by how many images each has",
        describe("Lesions by number of images", rows, series),
        "lesions",
        height=measure_height(len(rows), len(series)),
        legend_rows=1,
    )
    saved = summarize_lesions(counts)
    lines: dict[str, dict[str, str]] = {}
    for row in saved.to_dict("records"):
        title = TITLES[row["dataset"]]
        lines.setdefault(label_diagnosis(row["diagnosis"]), {}).update(
            {
                f"{title}, lesions": f"{row['lesions']:,}",
                f"{title}, with several": count_and_share(row["several"], row["lesions"]),
                f"{title}, images of these": count_and_share(
                    row["images_of_several"], row["images"]
                ),
                f"{title}, most": f"{row['most']:,}",
            }
        )
    show_table(
        pd.DataFrame.from_dict(lines, orient="index").fillna("–"),
        saved,
        counts,
        "lesions",
        "Lesions of each diagnosis, and how many have several images.",
    )


def summarize_lesions(counts: Counts) -> pd.DataFrame:
    """Return, by data set and diagnosis: lesions, those with several images, their images, most."""
    lines = []
    for (dataset, code), table in counts.lesions.groupby(["dataset", "diagnosis"]):
        several = table[table["images_per_lesion"] > 1]
        lines.append(
            {
                "dataset": dataset,
                "diagnosis": code,
                "images": int((table["images_per_lesion"] * table["lesions"]).sum()),
                "lesions": int(table["lesions"].sum()),
                "several": int(several["lesions"].sum()),
                "images_of_several": int((several["images_per_lesion"] * several["lesions"]).sum()),
                "most": int(table["images_per_lesion"].max()),
            }
        )
    order = {code: k for codes in DATASETS.values() for k, code in enumerate(codes)}
    found = pd.DataFrame(lines)
    return found.sort_values(
        ["dataset", "diagnosis"], key=lambda c: c.map(order) if c.name == "diagnosis" else c
    ).reset_index(drop=True)


def _show_missing(counts: Counts) -> None:
    rows = list(_FIELDS.values())
    totals = {name: sum(counts.by_class(name).values()) for name in DATASETS}
    series = []
    for name, total in totals.items():
        table = counts.missing[counts.missing["dataset"] == name]
        found = table.groupby("field")["images"].sum()
        series.append(
            Series(f"{TITLES[name]}, n = {total:,}", tuple(found[f] for f in _FIELDS), total)
        )
    show_counted(
        build_bars(rows, series, Scale.SHARE),
        counts,
        "Images without a value in the metadata",
        describe("Images without a value", rows, series),
        "missing",
        height=measure_height(len(rows), len(series)),
        legend_rows=1,
    )
    lines: dict[str, dict[str, str]] = {}
    for name in DATASETS:
        images = counts.by_class(name)
        table = counts.missing[counts.missing["dataset"] == name]
        for row in table.to_dict("records"):
            line = lines.setdefault(label_diagnosis(row["diagnosis"]), {})
            text = count_and_share(row["images"], images[row["diagnosis"]])
            line[f"{TITLES[name]}, {_FIELDS[row['field']].lower()}"] = text
    with st.expander("Missing values of each diagnosis", icon=":material/table:"):
        show_table(
            pd.DataFrame.from_dict(lines, orient="index").fillna("–"),
            counts.missing,
            counts,
            "missing",
            "Images without age, sex, site or lesion id, of each diagnosis.",
        )
