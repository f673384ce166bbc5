"""Small grids of numbers and small maps, as the chapters show them."""

from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

_MAP_SIDE: Final = 400  # pixels, about the longer side of a map sent to the browser
# From negative to positive for maps with a sign: blue over white to orange.
_SIGNED: Final = np.array([[33, 102, 172], [247, 247, 247], [196, 106, 0]], dtype=np.float64)


class Box(NamedTuple):
    """A rectangle of cells to mark.

    Attributes:
        row: of its first cell, from 0.
        column: of its first cell, from 0.
        height: in cells.
        width: in cells.
    """

    row: int
    column: int
    height: int = 1
    width: int = 1


def render_map(
    values: NDArray[Any],
    *,
    signed: bool | None = None,
    limit: float | None = None,
    mark: Box | None = None,
) -> NDArray[np.uint8]:
    """Return a map as a picture, each cell a square of whole pixels.

    Args:
        values: finite numbers, (h, w); or uint8, (h, w, 3), RGB, shown as it is.
        signed: blue for negative, white for 0, orange for positive; False for grey from the
            smallest value to the largest; None for signed where a value is negative.
        limit: of a signed map, the size that has the full colour, None for the largest in it; of
            a grey map, white, with black for 0, None for its own range.
        mark: cells to frame.

    Returns:
        uint8, (H, W, 3), RGB, 0-255.
    """
    rgb = values if values.ndim == 3 else _color(np.asarray(values, np.float64), signed, limit)
    factor = max(1, _MAP_SIDE // max(rgb.shape[:2]))
    picture = np.ascontiguousarray(np.repeat(np.repeat(rgb, factor, axis=0), factor, axis=1))
    if mark is not None:
        top, left = mark.row * factor, mark.column * factor
        corners = (
            (left - 3, top - 3),
            (left + mark.width * factor + 2, top + mark.height * factor + 2),
        )
        # White around red is seen on any ground.
        for color, thickness in (((255, 255, 255), 5), ((179, 38, 30), 2)):
            cv2.rectangle(picture, corners[0], corners[1], color, thickness)
    return np.asarray(picture, dtype=np.uint8)


def _color(
    values: NDArray[np.float64], signed: bool | None, limit: float | None
) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    if signed is None:
        signed = low < 0
    if signed:
        largest = limit or max(-low, high) or 1.0
        places = np.clip(values / largest, -1, 1)
        channels = [np.interp(places, (-1, 0, 1), _SIGNED[:, c]) for c in range(3)]
        return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    if limit is not None:
        low, high = 0.0, limit
    grey = np.clip(255 * (values - low) / ((high - low) or 1.0), 0, 255)
    return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)


# Pale at the ends, so that dark figures stay readable in every cell and in both themes; blue and
# orange are told apart by colour-blind readers, and the sign is printed in the cell besides.
_BELOW, _ZERO, _ABOVE = "#8FBFE3", "#FFFFFF", "#F2B880"
_INK: Final = "#15232D"
_MARK: Final = "#B3261E"
_CELL: Final = 38  # points, height of a cell
_LARGEST_ALT: Final = 100  # cells; more would be read out for minutes


def build_number_grid(
    values: NDArray[Any],
    title: str,
    highlight: Box | None = None,
    *,
    decimals: int | None = None,
    limit: float | None = None,
) -> go.Figure:
    """Return a grid of cells with their values printed in them, coloured by sign and size.

    Args:
        values: numbers, (h, w); at most 8 columns stay readable on a phone. A cell of NaN is
            left empty.
        title: stands above the grid.
        highlight: cells to frame.
        decimals: figures after the point; None for none where all values are whole, else 2.
        limit: the size that has the full colour; None for the largest in the grid.
    """
    values = np.asarray(values, dtype=np.float64)
    rows, columns = values.shape
    largest = limit or float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=values,
            zmin=-largest,
            zmax=largest,
            colorscale=[[0, _BELOW], [0.5, _ZERO], [1, _ABOVE]],
            showscale=False,
            xgap=1,
            ygap=1,
            text=write_numbers(values, decimals),
            texttemplate="%{text}",
            textfont={"size": 14 if columns <= 5 else 11, "color": _INK},
            hoverinfo="skip",
        )
    )
    if highlight is not None:
        figure.add_shape(
            type="rect",
            x0=highlight.column - 0.5,
            x1=highlight.column + highlight.width - 0.5,
            y0=highlight.row - 0.5,
            y1=highlight.row + highlight.height - 0.5,
            line={"color": _MARK, "width": 4},
        )
    figure.update_layout(
        title={"text": title, "font": {"size": 14}, "x": 0, "xanchor": "left", "y": 0.98},
        height=_CELL * rows + 40,
        margin={"l": 2, "r": 2, "t": 34, "b": 4, "pad": 0},
        dragmode=False,
        plot_bgcolor="#C9D4DA",
    )
    figure.update_xaxes(visible=False, fixedrange=True, range=[-0.5, columns - 0.5])
    figure.update_yaxes(visible=False, fixedrange=True, range=[rows - 0.5, -0.5])
    return figure


def show_number_grid(
    values: NDArray[Any],
    title: str,
    key: str,
    highlight: Box | None = None,
    *,
    decimals: int | None = None,
    limit: float | None = None,
) -> None:
    """Show ``build_number_grid`` with its numbers as alternative text; ``key`` names the chart."""
    st.plotly_chart(
        build_number_grid(values, title, highlight, decimals=decimals, limit=limit),
        key=key,
        alt=describe_grid(values, title, decimals),
        config={"staticPlot": True, "displayModeBar": False},
    )


def write_numbers(values: NDArray[Any], decimals: int | None = None) -> list[list[str]]:
    """Return each value as text, with a true minus sign; NaN becomes an empty text."""
    values = np.asarray(values, dtype=np.float64)
    if decimals is None:
        known = values[~np.isnan(values)]
        decimals = 0 if np.array_equal(known, np.rint(known)) else 2
    # Adding 0 turns a negative zero, which rounding makes, into a plain one.
    texts = [[f"{round(float(v), decimals) + 0.0:.{decimals}f}" for v in row] for row in values]
    return [["" if t == "nan" else t.replace("-", "−") for t in row] for row in texts]


def describe_grid(values: NDArray[Any], title: str, decimals: int | None = None) -> str:
    """Return a grid's alternative text: every number by rows, or the range of a large one."""
    values = np.asarray(values, dtype=np.float64)
    size = f"{title}, {values.shape[0]} rows, {values.shape[1]} columns"
    if values.size > _LARGEST_ALT:
        return f"{size}, values from {np.nanmin(values):.3g} to {np.nanmax(values):.3g}."
    rows = (", ".join(t or "empty" for t in row) for row in write_numbers(values, decimals))
    return f"{size}: {'; '.join(rows)}."


def show_map(
    values: NDArray[Any],
    caption: str,
    alt: str,
    *,
    signed: bool | None = None,
    limit: float | None = None,
    mark: Box | None = None,
) -> None:
    """Show a map of one channel with its size and range, or a small RGB picture.

    Args:
        values: as in ``render_map``.
        caption: what it is, without a full stop; size and range are added.
        alt: what a person who cannot see it should know.
        signed: as in ``render_map``.
        limit: as in ``render_map``.
        mark: as in ``render_map``.
    """
    st.image(
        render_map(values, signed=signed, limit=limit, mark=mark),
        width="stretch",
        alt=alt,
        output_format="PNG",
    )
    size = f"{values.shape[0]} x {values.shape[1]}"
    if values.ndim == 2:
        size += f", values from {write_value(values.min())} to {write_value(values.max())}"
    st.caption(f"{caption}, {size}.")


def write_number(value: float, decimals: int | None = None) -> str:
    """Return one number as a grid prints it."""
    return write_numbers(np.array([[value]]), decimals)[0][0]


def write_value(value: float) -> str:
    """Return a number with three significant figures and a true minus sign.

    >>> write_value(-1234.5), write_value(0.01234), write_value(12.0)
    ('−1,234', '0.0123', '12')
    """
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value + 0.0:.3g}"
    return text.replace("-", "−")
