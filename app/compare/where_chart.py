"""Mass on the lesion against what chance and the controls have there, one line a map."""

import math
from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go

from app.compare import wording
from app.compare.where_rows import MapRow
from app.shared import figures
from app.shared.figures import LOOKS, NEUTRAL
from app.shared.saving import name_file

_ROW: Final = 52
_CONTROLS: Final = {
    "mass_uniform": ("An even map (chance)", "line-ns-open", NEUTRAL),
    "mass_mean": ("Its own average", "diamond-open", LOOKS[1].color),
    "mass_gaussian": ("A blob in the middle", "square-open", NEUTRAL),
}


def show_masses(rows: Sequence[MapRow], off_centre: bool) -> None:
    """Show the chart; maps that have no mass on these pictures are left out."""
    defined = [row for row in rows if not math.isnan(row.part(off_centre)[0]["mass"].low)]
    if not defined:
        return
    where = "pictures whose lesion lies off centre" if off_centre else "all pictures measured"
    runs = dict.fromkeys(row.report.run_id for row in defined)
    figures.show_chart(
        build_masses(defined, off_centre),
        (f"Share of each map's mass on the lesion, {where}, 95 % intervals.", *runs),
        name_file(f"mass on the lesion{' off centre' if off_centre else ''}", ""),
        describe_masses(defined, off_centre),
        "where-masses",
        height=_ROW * len(defined) + 70,
        legend_rows=4,
    )


def build_masses(rows: Sequence[MapRow], off_centre: bool) -> go.Figure:
    """Return one point with its interval a map, and what its controls reach beside it."""
    figure = go.Figure()
    places = list(range(len(rows)))
    parts = [row.part(off_centre)[0] for row in rows]
    masses = [part["mass"] for part in parts]
    for place, mass in zip(places, masses, strict=True):
        figure.add_scatter(
            x=[mass.low, mass.high],
            y=[place, place],
            mode="lines",
            line={"color": LOOKS[0].color, "width": 3},
            hoverinfo="skip",
            showlegend=False,
        )
    figure.add_scatter(
        x=[mass.value for mass in masses],
        y=places,
        mode="markers",
        name="The map",
        marker={"color": LOOKS[0].color, "size": 11, "symbol": LOOKS[0].symbol},
        text=[row.label for row in rows],
        customdata=[wording.interval(mass, 2) for mass in masses],
        hovertemplate="%{text}: %{customdata}<extra></extra>",
    )
    for name, (title, symbol, color) in _CONTROLS.items():
        figure.add_scatter(
            x=[part[name].value for part in parts],
            y=places,
            mode="markers",
            name=title,
            marker={"color": color, "size": 12, "symbol": symbol, "line": {"width": 2}},
            hovertemplate=title + ": %{x:.2f}<extra></extra>",
        )
    for place, row in zip(places, rows, strict=True):
        figure.add_annotation(
            x=0, xref="paper", y=place, text=row.label, showarrow=False, xanchor="left", yshift=17
        )
    figure.update_xaxes(range=[0, 1], title={"text": "Share of the map's mass on the lesion"})
    figure.update_yaxes(visible=False, range=[len(rows) - 0.6, -0.9], autorange=False)
    return figure


def describe_masses(rows: Sequence[MapRow], off_centre: bool) -> str:
    """Return the chart in words."""
    texts = []
    for row in rows:
        part = row.part(off_centre)[0]
        controls = ", ".join(
            f"{title.lower()} {wording.figure(part[name].value, 2)}"
            for name, (title, _, _) in _CONTROLS.items()
        )
        texts.append(f"{row.label}: {wording.interval(part['mass'], 2)}; {controls}")
    return ". ".join(texts)
