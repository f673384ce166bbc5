"""One confusion matrix: a heat map to read, with a mark to choose in each cell."""

import math
from typing import Final, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from skinmodel.diagnoses import CODES, get_diagnosis

COUNTS, SHARES = "Counts", "Shares of the true diagnosis"
# From nearly white to dark blue: one hue, so that only lightness counts; the same in both themes.
_SCALE: Final = [[0.0, "#EDF3F8"], [0.25, "#B4D0E7"], [0.5, "#6AA5D0"], [1.0, "#08306B"]]
_MARK: Final = "#E69F00"


class Cell(NamedTuple):
    """One cell: what the lesions are and what one network calls them."""

    truth: str
    prediction: str


def compute_shares(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each count as a share of its row, float64, (K, K); NaN in a row without images."""
    support = confusion.sum(axis=1, keepdims=True)
    return np.where(support > 0, confusion / np.maximum(support, 1), np.nan)


def build_matrix(
    confusion: NDArray[np.int64], mode: str, largest: int, chosen: Cell | None
) -> go.Figure:
    """Return a confusion matrix; rows are the truth, columns the prediction.

    Args:
        confusion: int64, (K, K), counts.
        mode: ``COUNTS`` or ``SHARES``.
        largest: the largest count of both matrices, so that both share one scale.
        chosen: the cell to frame.
    """
    shares = compute_shares(confusion)
    # Nevi are two of three images: on a straight scale all other counts would look like none.
    colors = shares if mode == SHARES else np.log1p(confusion) / math.log1p(max(largest, 1))
    texts = [
        [_write(int(confusion[i, j]), float(shares[i, j]), mode) for j in range(len(CODES))]
        for i in range(len(CODES))
    ]
    steps = list(range(len(CODES)))
    figure = go.Figure(
        go.Heatmap(
            z=np.where(np.isnan(colors), 0.0, colors),
            x=steps,
            y=steps,
            zmin=0,
            zmax=1,
            colorscale=_SCALE,
            showscale=False,
            xgap=2,
            ygap=2,
            text=texts,
            texttemplate="%{text}",
            textfont={"size": 13},
            hoverinfo="skip",
        )
    )
    cells = [Cell(t, p) for t in CODES for p in CODES]
    figure.add_scatter(
        x=[CODES.index(cell.prediction) for cell in cells],
        y=[CODES.index(cell.truth) for cell in cells],
        mode="markers",
        marker={"symbol": "square", "size": 34, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=cells,
        text=[_hover(cell, confusion, shares) for cell in cells],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    if chosen is not None:
        row, column = CODES.index(chosen.truth), CODES.index(chosen.prediction)
        figure.add_shape(
            type="rect",
            x0=column - 0.48,
            x1=column + 0.48,
            y0=row - 0.48,
            y1=row + 0.48,
            line={"color": _MARK, "width": 4},
        )
    ticks = {"tickvals": steps, "ticktext": list(CODES), "showgrid": False, "zeroline": False}
    figure.update_xaxes(**ticks, title={"text": "Prediction"}, side="top")
    figure.update_yaxes(**ticks, title={"text": "Truth"}, autorange="reversed")
    return figure


def describe_matrix(confusion: NDArray[np.int64], label: str) -> str:
    """Return the alternative text: of each diagnosis how many were found, and the main mistake."""
    parts = []
    for row, code in zip(confusion, CODES, strict=True):
        name, i = get_diagnosis(code).name, CODES.index(code)
        if not row.sum():
            parts.append(f"{name}: no image")
            continue
        wrong = np.where(np.arange(len(CODES)) == i, -1, row)
        main = int(wrong.argmax())
        mistake = f", most often mistaken for {CODES[main]} ({row[main]})" if row[main] else ""
        parts.append(f"{name}: {row[i]} of {row.sum()} found{mistake}")
    return f"Confusion matrix of {label}. {'; '.join(parts)}."


def _write(count: int, share: float, mode: str) -> str:
    if mode == COUNTS:
        return f"{count:,}"
    return "–" if math.isnan(share) else f"{100 * share:.0f}%"


def _hover(cell: Cell, confusion: NDArray[np.int64], shares: NDArray[np.float64]) -> str:
    row, column = CODES.index(cell.truth), CODES.index(cell.prediction)
    share = float(shares[row, column])
    of = "" if math.isnan(share) else f", {100 * share:.1f} % of them"
    return (
        f"{get_diagnosis(cell.truth).name}<br>called {get_diagnosis(cell.prediction).name}:<br>"
        f"{confusion[row, column]:,} images{of}"
    )
