"""Precision, recall and F1 of each diagnosis, with the difference of F1 and what it allows."""

from typing import Final

import numpy as np
import pandas as pd

from app.compare import wording
from app.compare.forest import show_differences
from app.compare.headline import get_difference, offer_difference
from app.compare.presentation import explain, show_heading, show_sources, show_table, spread
from app.services.pair import Pair
from skinmodel.diagnoses import CODES, get_diagnosis
from skinmodel.evaluation.comparison import Comparison, describe_difference

_FIGURES: Final = ("precision", "recall", "f1")
_MEANS: Final = ("macro", "weighted")


def show_classes(pair: Pair) -> None:
    """Show the section."""
    show_heading("F1 of each diagnosis", pair)
    difference = get_difference(pair)
    show_table(
        _build_shown(pair, difference),
        _build_saved(pair, difference),
        pair,
        "F1 table",
        "Precision, recall, F1 and support of each diagnosis for both networks.",
    )
    explain("classes")
    if difference is None:
        offer_difference(pair)
    else:
        show_differences(
            {get_diagnosis(code).name: difference.differences[f"f1.{code}"] for code in CODES}
            | {"Macro F1": difference.differences["macro_f1"]},
            pair,
            "Difference of F1",
            key="f1",
        )
    show_sources(pair)


def _rows() -> dict[str, dict[str, str]]:
    """Return the names of the three figures in each row of the table, by the row's title."""
    of_class = {
        f"{get_diagnosis(code).name} ({code})": {f: f"{f}.{code}" for f in _FIGURES}
        for code in CODES
    }
    means = {
        f"{mean.capitalize()} average": {f: f"{mean}_{f}" for f in _FIGURES} for mean in _MEANS
    }
    return of_class | means


def _support(pair: Pair) -> list[int]:
    by_class = np.array(pair.first.report.confusion).sum(axis=1).tolist()
    return [*by_class, *[pair.first.report.images] * len(_MEANS)]


def _build_shown(pair: Pair, difference: Comparison | None) -> pd.DataFrame:
    lines = {}
    for (title, names), support in zip(_rows().items(), _support(pair), strict=True):
        line = {"Support": f"{support:,}"}
        for figure in _FIGURES:
            for measured in pair.both:
                column = f"{wording.TITLES[figure]} {measured.label}"
                line[column] = wording.interval(measured.report.metrics[names[figure]], 2)
        if difference is not None:
            line["F1, what may be claimed"] = describe_difference(
                difference.differences[names["f1"]],
                pair.first.label,
                pair.second.label,
                names["f1"],
            )
        lines[title] = line
    return pd.DataFrame.from_dict(lines, orient="index")


def _build_saved(pair: Pair, difference: Comparison | None) -> pd.DataFrame:
    lines = []
    for names, support, row in zip(
        _rows().values(), _support(pair), (*CODES, *_MEANS), strict=True
    ):
        line: dict[str, object] = {"row": row, "support": support}
        for figure in _FIGURES:
            for slot, measured in zip(("first", "second"), pair.both, strict=True):
                line |= spread(f"{slot}_{figure}", measured.report.metrics[names[figure]])
        if difference is not None:
            line |= spread("f1_difference", difference.differences[names["f1"]])
        lines.append(line)
    return pd.DataFrame(lines)
