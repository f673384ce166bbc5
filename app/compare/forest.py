"""Differences with their intervals around zero, one row a figure."""

import math
from collections.abc import Mapping

import plotly.graph_objects as go

from app.compare import wording
from app.compare.presentation import show_figure
from app.services.pair import Pair
from app.shared.figures import LOOKS, NEUTRAL
from skinmodel.evaluation.measures.bootstrap import Interval

_ROW: int = 44


def show_differences(
    differences: Mapping[str, Interval], pair: Pair, subject: str, key: str
) -> None:
    """Show differences, second minus first, in points.

    Args:
        differences: by name, in shares; those not defined are left out of the drawing.
        pair: the two runs.
        subject: what is shown, in a few words.
        key: of the element.
    """
    defined = {n: d for n, d in differences.items() if not math.isnan(d.value + d.low + d.high)}
    if not defined:
        return
    show_figure(
        build_differences(defined, pair),
        pair,
        f"{subject}, {pair.second.label} minus {pair.first.label}, 95 % intervals",
        "; ".join(f"{name}: {wording.points(d)} points" for name, d in differences.items()),
        f"forest-{key}",
        height=_ROW * len(defined) + 96,
    )


def build_differences(differences: Mapping[str, Interval], pair: Pair) -> go.Figure:
    """Return one point with its interval for each difference, the first on top."""
    names = list(differences)
    rows = list(range(len(names)))
    gaps = [differences[name] for name in names]
    colors = [_color(gap) for gap in gaps]
    figure = go.Figure()
    for row, gap, color in zip(rows, gaps, colors, strict=True):
        figure.add_scatter(
            x=[100 * gap.low, 100 * gap.high],
            y=[row, row],
            mode="lines",
            line={"color": color, "width": 3},
            hoverinfo="skip",
            showlegend=False,
        )
    figure.add_scatter(
        x=[100 * gap.value for gap in gaps],
        y=rows,
        mode="markers",
        marker={"color": colors, "size": 11, "symbol": [_symbol(gap) for gap in gaps]},
        customdata=[wording.points(gap) for gap in gaps],
        text=names,
        hovertemplate="%{text}: %{customdata} points<extra></extra>",
        showlegend=False,
    )
    for row, name in zip(rows, names, strict=True):
        figure.add_annotation(
            x=0, xref="paper", y=row, text=name, showarrow=False, xanchor="left", yshift=15
        )
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 2})
    reach = max(max(abs(gap.low), abs(gap.high)) for gap in gaps) * 108
    figure.update_xaxes(
        range=[-reach, reach],
        title={"text": f"points   ◄ {pair.first.label} better | {pair.second.label} better ►"},
        zeroline=False,
    )
    figure.update_yaxes(visible=False, range=[len(names) - 0.6, -0.9], autorange=False)
    return figure


def _color(gap: Interval) -> str:
    if gap.high < 0:
        return LOOKS[0].color
    return LOOKS[1].color if gap.low > 0 else NEUTRAL


def _symbol(gap: Interval) -> str:
    if gap.high < 0:
        return LOOKS[0].symbol
    return LOOKS[1].symbol if gap.low > 0 else "circle-open"
