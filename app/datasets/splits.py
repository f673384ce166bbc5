"""What each side of our split and of the report's holds, and what training gives away."""

import pandas as pd
import streamlit as st

from app import services
from app.datasets.bars import Scale, Series, build_bars, describe, measure_height
from app.datasets.presentation import explain, show_counted, show_heading, show_source, show_table
from app.datasets.wording import count_and_share, label_diagnosis, share
from app.services.attempts import Problem
from skinmodel.data.counts.tables import ALL, HAM10000, Counts
from skinmodel.diagnoses import CODES

_SIDES = {"train": "Training", "val": "Validation", "test": "Test"}
_GIVEN = {
    "turned_copy": "a copy of it, turned or not,",
    "same_lesion": "another photograph of its lesion",
    "either": "at least one of the two",
}


def show_splits(counts: Counts) -> None:
    """Show the section."""
    show_heading("Our split: by lesion")
    explain("splits")
    _show_crossing(counts, "grouped")
    _show_sides(counts, "grouped")
    _show_folds(counts)
    show_heading("The report's split: by picture", leaks=True)
    explain("report_split")
    _show_crossing(counts, "report")
    _show_sides(counts, "report")
    st.markdown("### What training gives away of the test", anchors=False)
    _show_leakage(counts)
    show_source(counts)


def _get_leakage(counts: Counts, split: str) -> dict[str, dict[str, int]]:
    """Return the columns of ``Counts.leakage`` by diagnosis, ``all`` included."""
    rows = counts.leakage[counts.leakage["split"] == split]
    return {
        str(row["diagnosis"]): {str(name): value for name, value in row.items()}
        for row in rows.to_dict("records")
    }


def _show_crossing(counts: Counts, split: str) -> None:
    found = _get_leakage(counts, split)[ALL]
    lesions, images = found["lesions_on_two_sides"], found["images_on_two_sides"]
    text = f"On two sides: **{lesions:,} lesions, {images:,} images.**"
    if split == "grouped":
        records = services.read_records()
        fingerprint = counts.facts["split grouped"].split()[-1]
        trained = [] if isinstance(records, Problem) else [r.split for r in records]
        if trained and all(known["fingerprint"] == fingerprint for known in trained):
            text += " Every network of this program was trained on this very split."
    if lesions or images:
        st.warning(text, icon=":material/water_drop:")
    else:
        st.success(text, icon=":material/check:")
    st.caption(f"{counts.facts[f'split {split}'].replace('sha256', 'fingerprint')}".capitalize())


def _show_sides(counts: Counts, split: str) -> None:
    rows = counts.splits[counts.splits["split"] == split]
    by_side = {side: _sum_by_class(rows[rows["side"] == side]) for side in _SIDES}
    unit = "images" if split == "grouped" else "pictures"
    lines = {}
    for code in (*CODES, ALL):
        line = {}
        for side, (pictures, lesions) in by_side.items():
            if pictures[ALL]:
                text = count_and_share(pictures[code], pictures[ALL])
                line[f"{_SIDES[side]}, {unit}"] = text
                line[f"{_SIDES[side]}, lesions"] = f"{lesions[code]:,}"
        lines["**All**" if code == ALL else label_diagnosis(code, HAM10000)] = line
    show_table(
        pd.DataFrame.from_dict(lines, orient="index"),
        rows,
        counts,
        f"split {split}{'' if split == 'grouped' else ' leaky'}",
        f"Pictures and lesions of each diagnosis on each side of the {split} split.",
    )


def _sum_by_class(rows: pd.DataFrame) -> tuple[dict[str, int], dict[str, int]]:
    """Return pictures and lesions by diagnosis code, and of all."""

    def add(name: str) -> dict[str, int]:
        found = {c: int(rows.loc[rows["diagnosis"] == c, name].sum()) for c in CODES}
        return found | {ALL: sum(found.values())}

    return add("pictures"), add("lesions")


def _show_folds(counts: Counts) -> None:
    rows = counts.splits[counts.splits["split"] == "grouped"]
    with st.expander("The ten folds", icon=":material/view_week:"):
        lines = {}
        for (fold, side), of_fold in rows.groupby(["fold", "side"]):
            found = of_fold.set_index("diagnosis")["images"]
            lines[f"Fold {fold}"] = {
                "Side": _SIDES[str(side)].lower(),
                "Images": f"{of_fold['images'].sum():,}",
                "Lesions": f"{of_fold['lesions'].sum():,}",
                **{code: f"{found.get(code, 0):,}" for code in CODES},
            }
        st.table(
            pd.DataFrame.from_dict(lines, orient="index"),
            border="horizontal",
            alt="Images and lesions of each of the ten folds, and images of each diagnosis.",
        )


def _show_leakage(counts: Counts) -> None:
    found = _get_leakage(counts, "report")
    total = found[ALL]["pictures"]
    parts = [
        f"- {count_and_share(found[ALL][name], total)} have {text} in training"
        for name, text in _GIVEN.items()
    ]
    st.markdown(f"Of {total:,} test pictures of the report's split\n" + "\n".join(parts))
    names = [label_diagnosis(code, HAM10000) for code in CODES]
    series = []
    for split, title in (("grouped", "our split"), ("report", "the report's")):
        rows = [_get_leakage(counts, split)[code] for code in CODES]
        given, sizes = (tuple(row[name] for row in rows) for name in ("either", "pictures"))
        series.append(Series(title, given, sizes))
    show_counted(
        build_bars(names, series, Scale.SHARE, "test pictures"),
        counts,
        "Test pictures of which training holds a copy or another photograph of the lesion",
        describe("Test pictures given away", names, series),
        "leakage",
        height=measure_height(len(names), len(series)),
        legend_rows=1,
        leaks=True,
    )
    lines = {}
    for code in (*CODES, ALL):
        row = found[code]
        lines["**All**" if code == ALL else label_diagnosis(code, HAM10000)] = {
            "Test pictures": f"{row['pictures']:,}",
            **{
                text.strip(",").capitalize(): count_and_share(row[name], row["pictures"])
                for name, text in _GIVEN.items()
            },
            "Lesions on two sides": f"{row['lesions_on_two_sides']:,}",
        }
    show_table(
        pd.DataFrame.from_dict(lines, orient="index"),
        counts.leakage,
        counts,
        "leakage leaky",
        "What the training part of the report's split gives away of its test, by diagnosis.",
    )
    ours = _get_leakage(counts, "grouped")[ALL]
    st.caption(
        f"The same measure on our {ours['pictures']:,} test images: "
        f"{share(ours['either'], ours['pictures'])}."
    )
