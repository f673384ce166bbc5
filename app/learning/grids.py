"""Small grids of numbers and small maps, as the chapters show them."""

from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from app.learning.rendering import Box, render_map

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
