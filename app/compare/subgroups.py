"""The same figure for parts of the data set: whom a network serves worse, as far as can be told."""

import math
from collections.abc import Sequence
from typing import Final

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.compare import wording
from app.compare.presentation import (
    explain,
    show_figure,
    show_heading,
    show_sources,
    show_table,
    spread,
)
from app.services.pair import Measured, Pair
from app.shared import components
from app.shared.figures import LOOKS
from skinmodel.evaluation.subgroups import FIGURES, MIN_LESIONS, Subgroup

_ATTRIBUTES: Final = {
    "sex": "Sex",
    "age": "Age in years",
    "site": "Body site",
    "dx_type": "How the diagnosis was confirmed",
    "source": "Source of the images",
}
_ROW: Final = 54
_TOO_SMALL: Final = f"too small (under {MIN_LESIONS} lesions)"


@st.fragment
def show_subgroups(pair: Pair) -> None:
    """Show the section."""
    components.run_guarded(lambda: _show(pair))


def _show(pair: Pair) -> None:
    show_heading("Subgroups", pair)
    known = {subgroup.attribute for subgroup in pair.first.report.subgroups}
    attributes = [name for name in _ATTRIBUTES if name in known]
    if not attributes:
        st.info("Nothing is known of the patients, sites or sources of this data set.")
        return
    first, second = st.columns(2)
    with first:
        attribute = str(
            st.selectbox(
                "By",
                attributes,
                format_func=_ATTRIBUTES.__getitem__,
                key="subgroup-attribute",
                persist_state="session",
            )
        )
    with second:
        name = str(
            st.selectbox(
                "Figure",
                FIGURES,
                format_func=wording.name_figure,
                key="subgroup-figure",
                persist_state="session",
            )
        )
    groups = [_of(measured, attribute) for measured in pair.both]
    show_figure(
        build_chart(pair, groups, name),
        pair,
        f"{wording.name_figure(name)} by {_ATTRIBUTES[attribute].lower()}",
        _describe(pair, groups, name),
        "subgroups",
        height=_ROW * len(groups[0]) + 76,
        legend_rows=1,
    )
    show_table(
        _build_shown(pair, groups, name),
        _build_saved(pair, groups),
        pair,
        f"subgroups {attribute}",
        f"{wording.name_figure(name)} of both networks in each group.",
    )
    explain("subgroups")
    show_sources(pair)


def _of(measured: Measured, attribute: str) -> list[Subgroup]:
    return [s for s in measured.report.subgroups if s.attribute == attribute]


def build_chart(pair: Pair, groups: Sequence[Sequence[Subgroup]], name: str) -> go.Figure:
    """Return each group's figure with its interval, both networks one above the other."""
    figure = go.Figure()
    for measured, look, own, shift in zip(pair.both, LOOKS, groups, (-0.1, 0.1), strict=True):
        rows = [
            (row + 0.12 + shift, subgroup.value, subgroup.figures[name])
            for row, subgroup in enumerate(own)
            if subgroup.figures is not None and not math.isnan(subgroup.figures[name].value)
        ]
        figure.add_scatter(
            x=[i.value for _, _, i in rows],
            y=[y for y, _, _ in rows],
            mode="markers",
            name=measured.label,
            marker={"color": look.color, "symbol": look.symbol, "size": 10},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [i.high - i.value for _, _, i in rows],
                "arrayminus": [i.value - i.low for _, _, i in rows],
                "color": look.color,
                "thickness": 2,
                "width": 0,
            },
            text=[value for _, value, _ in rows],
            customdata=[wording.interval(i) for _, _, i in rows],
            hovertemplate="%{text}: %{customdata}<extra>" + measured.label + "</extra>",
        )
    for row, subgroup in enumerate(groups[0]):
        figure.add_annotation(
            x=0,
            xref="paper",
            xanchor="left",
            y=row,
            yshift=16,
            text=_name(subgroup, name),
            showarrow=False,
        )
    figure.update_xaxes(range=[0, 1.01], title={"text": wording.name_figure(name)}, zeroline=False)
    figure.update_yaxes(visible=False, range=[len(groups[0]) - 0.5, -0.75], autorange=False)
    return figure


def _name(subgroup: Subgroup, name: str) -> str:
    size = f"{subgroup.value}, {subgroup.lesions:,} lesions"
    if subgroup.figures is None:
        return f"{size}: {_TOO_SMALL}"
    return f"{size}: {wording.UNDEFINED}" if math.isnan(subgroup.figures[name].value) else size


def _describe(pair: Pair, groups: Sequence[Sequence[Subgroup]], name: str) -> str:
    parts = [
        f"{measured.label}: " + ", ".join(f"{s.value} {_write(s, name)}" for s in own)
        for measured, own in zip(pair.both, groups, strict=True)
    ]
    return f"{wording.name_figure(name)}. {'; '.join(parts)}."


def _write(subgroup: Subgroup, name: str) -> str:
    return _TOO_SMALL if subgroup.figures is None else wording.interval(subgroup.figures[name])


def _build_shown(pair: Pair, groups: Sequence[Sequence[Subgroup]], name: str) -> pd.DataFrame:
    lines = {
        first.value: {
            "Images": f"{first.images:,}",
            "Lesions": f"{first.lesions:,}",
            pair.first.label: _write(first, name),
            pair.second.label: _write(second, name),
        }
        for first, second in zip(*groups, strict=True)
    }
    return pd.DataFrame.from_dict(lines, orient="index")


def _build_saved(pair: Pair, groups: Sequence[Sequence[Subgroup]]) -> pd.DataFrame:
    lines = []
    for measured, own in zip(pair.both, groups, strict=True):
        for subgroup in own:
            line: dict[str, object] = {
                "network": measured.label,
                "attribute": subgroup.attribute,
                "value": subgroup.value,
                "images": subgroup.images,
                "lesions": subgroup.lesions,
                "too_small": subgroup.figures is None,
            }
            for figure, interval in (subgroup.figures or {}).items():
                line |= spread(figure, interval)
            lines.append(line)
    return pd.DataFrame(lines)
