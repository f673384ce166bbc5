"""Charts: built from results, coloured for colour-blind readers, the same in both themes."""

from collections.abc import Mapping
from typing import Final

import plotly.graph_objects as go

from app.shared.wording import percent
from skinmodel.diagnoses import CODES, DIAGNOSES, Malignancy
from skinmodel.diagnoses import SYMBOLS as SYMBOLS
from skinmodel.results import Prediction

_COLORS: Final = {  # after Okabe and Ito, darkened to a contrast of 3 on white and on black
    Malignancy.MALIGNANT: "#D55E00",
    Malignancy.PREMALIGNANT: "#B58300",
    Malignancy.BENIGN: "#3E8FC4",
}
_PATTERNS: Final = {
    Malignancy.MALIGNANT: "/",
    Malignancy.PREMALIGNANT: "x",
    Malignancy.BENIGN: "",
}
_SEVERITY: Final = tuple(Malignancy)
BAR_ORDER: Final = tuple(sorted(DIAGNOSES, key=lambda d: _SEVERITY.index(d.malignancy)))
"""Top to bottom: malignant, pre-malignant, benign; the same for every model and picture."""

_ROW_HEIGHT: Final = 46
_NOTE_HEIGHT: Final = 16
_NOTE_SIZE: Final = 12
_TEXT_SIZE: Final = 15
_LONG_LABEL: Final = 45  # characters; more would be cut off on a phone of 390 points


def build_confidence_bars(
    prediction: Prediction, notes: Mapping[str, str] | None = None
) -> go.Figure:
    """Return seven horizontal bars on one fixed scale of 0 to 100 %.

    Each has its name, code and symbol on the line above it, since the longest name would take
    most of a phone's width beside it.

    Args:
        prediction: whose probabilities are shown.
        notes: a few words to stand below a bar, by code.
    """
    notes = notes or {}
    row_height = _ROW_HEIGHT + (_NOTE_HEIGHT if notes else 0)
    shares = [prediction.probabilities[CODES.index(d.code)] for d in BAR_ORDER]
    rows = list(range(len(BAR_ORDER)))
    kinds = [d.malignancy for d in BAR_ORDER]
    figure = go.Figure(
        go.Bar(
            x=shares,
            y=rows,
            orientation="h",
            width=0.36 * _ROW_HEIGHT / row_height,
            text=[percent(share) for share in shares],
            textposition="outside",
            cliponaxis=False,
            marker={
                "color": [_COLORS[k] for k in kinds],
                "pattern": {
                    "shape": [_PATTERNS[k] for k in kinds],
                    "fillmode": "overlay",
                    "fgcolor": "white",
                    "fgopacity": 0.8,
                    "size": 8,
                    "solidity": 0.15,
                },
            },
            hoverinfo="skip",
        )
    )
    for row, diagnosis in zip(rows, BAR_ORDER, strict=True):
        is_leading = diagnosis.code == prediction.code
        label = f"{SYMBOLS[diagnosis.malignancy]} {diagnosis.name} · {diagnosis.code}"
        figure.add_annotation(
            x=0,
            y=row,
            xanchor="left",
            yanchor="bottom",
            yshift=8,
            text=f"<b>{label}</b>" if is_leading else label,
            showarrow=False,
            font={"size": _TEXT_SIZE if len(label) < _LONG_LABEL else _TEXT_SIZE - 2},
        )
        if diagnosis.code in notes:
            figure.add_annotation(
                x=0,
                y=row,
                xanchor="left",
                yanchor="top",
                yshift=-8,
                text=notes[diagnosis.code],
                showarrow=False,
                font={"size": _NOTE_SIZE},
            )
    figure.update_layout(
        height=row_height * len(rows) + 40,
        margin={"l": 2, "r": 4, "t": 4, "b": 28},
        showlegend=False,
        dragmode=False,
        font={"size": _TEXT_SIZE},
        uniformtext={"mode": "show", "minsize": _TEXT_SIZE},
    )
    # The room right of 100 % holds the figure of a full bar.
    figure.update_xaxes(
        range=[0, 1.22],
        tickvals=[0.25, 0.5, 0.75, 1],
        tickformat=".0%",
        tickfont={"size": 12},
        showgrid=True,
        zeroline=True,
        fixedrange=True,
        title=None,
    )
    figure.update_yaxes(
        visible=False, fixedrange=True, autorange=False, range=[len(rows) - 0.6, -0.75]
    )
    return figure


def describe_confidence_bars(prediction: Prediction, title: str) -> str:
    """Return the chart's alternative text: every figure, most probable first."""
    ranked = sorted(
        zip(DIAGNOSES, prediction.probabilities, strict=True), key=lambda pair: -pair[1]
    )
    figures = ", ".join(f"{d.name} ({d.malignancy}) {percent(p)}" for d, p in ranked)
    return f"Probabilities by {title}: {figures}."
