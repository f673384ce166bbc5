"""The report's answers to the imbalance: five copies of all but nevi, and class weights."""

import pandas as pd
import streamlit as st

from app.datasets.bars import Series, build_bars, choose_scale, describe, measure_height
from app.datasets.presentation import explain, show_counted, show_heading, show_source, show_table
from app.datasets.report_tables import show_table_2
from app.datasets.wording import count_and_share, label_diagnosis
from app.shared.wording import join_words
from skinmodel.data.counts.tables import HAM10000, Counts
from skinmodel.data.report.protocol import CLASS_WEIGHTS


def show_augmentation(counts: Counts) -> None:
    """Show the section."""
    show_heading("The report's copies and class weights", leaks=True)
    explain("augmentation")
    table = counts.augmentation
    before, after = int(table["images"].sum()), int(table["pictures"].sum())
    scale = choose_scale("augmentation-scale")
    rows = [label_diagnosis(code, HAM10000) for code in table["diagnosis"]]
    series = [
        Series(f"before, n = {before:,}", tuple(table["images"]), before),
        Series(f"after, n = {after:,}", tuple(table["pictures"]), after),
    ]
    show_counted(
        build_bars(rows, series, scale, "pictures"),
        counts,
        "Pictures of each diagnosis before and after the report's copies",
        describe("Pictures before and after copying", rows, series),
        "augmentation",
        height=measure_height(len(rows), len(series)),
        legend_rows=1,
        leaks=True,
    )
    show_table(
        _build_shown(table, before, after),
        table.assign(weight_printed=table["diagnosis"].map(CLASS_WEIGHTS)),
        counts,
        "augmentation leaky",
        "Images, pictures after copying and class weights of each diagnosis.",
    )
    explain("weights")
    st.markdown(_describe_weights(table))
    show_table_2(counts)
    show_source(counts)


def _build_shown(table: pd.DataFrame, before: int, after: int) -> pd.DataFrame:
    lines = {}
    for row in table.to_dict("records"):
        code = str(row["diagnosis"])
        lines[label_diagnosis(code, HAM10000)] = {
            "Images": count_and_share(row["images"], before),
            "Factor": f"×{row['pictures'] / row['images']:g}",
            "Pictures": count_and_share(row["pictures"], after),
            "Class weight": f"{row['weight']:.2f}",
            "as printed": f"{CLASS_WEIGHTS[code]:.2f}",
            "of its training part": f"{row['train_weight']:.2f}",
        }
    total = {
        "Images": f"{before:,}",
        "Factor": f"×{after / before:.2f}",
        "Pictures": f"{after:,}",
        **dict.fromkeys(("Class weight", "as printed", "of its training part"), ""),
    }
    return pd.DataFrame.from_dict(lines | {"**All**": total}, orient="index")


def _describe_weights(table: pd.DataFrame) -> str:
    """Return whether the weights printed in the report are the ones computed here."""
    computed = dict(zip(table["diagnosis"], table["weight"].round(2), strict=True))
    different = [
        f"{code} {CLASS_WEIGHTS[code]:.2f} printed, {weight:.2f} computed"
        for code, weight in computed.items()
        if weight != CLASS_WEIGHTS[code]
    ]
    if different:
        return f"Weights that differ from those printed: {join_words(different)}."
    return f"All {len(table)} weights printed in the report equal the computed ones to two digits."
