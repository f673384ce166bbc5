"""Whether probabilities can be taken at their word, before and after the temperature."""

from typing import Final

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.compare import wording
from app.compare.presentation import explain, show_figure, show_heading, show_sources, show_table
from app.services.pair import Measured, Pair
from app.shared.figures import LOOKS, NEUTRAL, Look
from skinmodel.evaluation.measures.calibration import Calibration

_HEIGHT: Final = 400
_WHEN: Final = ("before", "after")
_FIGURES: Final = {
    "ece": "Expected calibration error",
    "brier": "Brier score (0 to 2)",
    "log_loss": "Log loss (nats)",
}


def show_reliability(pair: Pair) -> None:
    """Show the section."""
    show_heading("Calibration", pair)
    explain("calibration")
    for measured, look, column in zip(pair.both, LOOKS, st.columns(2, gap="medium"), strict=True):
        with column:
            st.markdown(f"### {measured.label}", anchors=False)
            show_figure(
                build_diagram(measured, look),
                pair,
                f"Reliability of {measured.label}",
                describe_diagram(measured),
                f"reliability-{look.symbol}",
                height=_HEIGHT,
                legend_rows=2,
            )
    show_table(
        _build_shown(pair),
        _build_saved(pair),
        pair,
        "calibration",
        "Calibration error, Brier score and log loss before and after the temperature.",
    )
    explain("errors")
    show_sources(pair)


def build_diagram(measured: Measured, look: Look) -> go.Figure:
    """Return accuracy by confidence: before hollow and dotted, after filled and solid."""
    figure = go.Figure(
        go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": NEUTRAL, "width": 1, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    for when in _WHEN:
        calibration = measured.report.calibration[when]
        bins = [b for b in calibration.bins if b.images]
        after = when == "after"
        figure.add_scatter(
            x=[b.confidence for b in bins],
            y=[b.accuracy for b in bins],
            mode="lines+markers",
            name=f"{_name(measured, when)}: error {wording.figure(calibration.ece)}",
            line={"color": look.color if after else NEUTRAL, "dash": "solid" if after else "dash"},
            marker={
                "symbol": look.symbol if after else f"{look.symbol}-open",
                "size": [_size(b.images, measured.report.images) for b in bins],
                "opacity": 1,
            },
            customdata=[b.images for b in bins],
            hovertemplate="confidence %{x:.2f}, right %{y:.2f}<br>%{customdata} images"
            "<extra></extra>",
        )
    figure.update_xaxes(
        range=[0, 1.03], title={"text": "Confidence: leading probability"}, zeroline=False
    )
    figure.update_yaxes(range=[-0.02, 1.05], title={"text": "Share right"}, zeroline=False)
    return figure


def describe_diagram(measured: Measured) -> str:
    """Return the alternative text: confidence and accuracy of each bin, after the temperature."""
    bins = [b for b in measured.report.calibration["after"].bins if b.images]
    points = "; ".join(f"{b.confidence:.2f} said, {b.accuracy:.2f} right" for b in bins)
    errors = ", ".join(
        f"{when} {wording.figure(measured.report.calibration[when].ece)}" for when in _WHEN
    )
    return f"Reliability of {measured.label}. Calibration error: {errors}. After: {points}."


def _name(measured: Measured, when: str) -> str:
    return f"{when.capitalize()} temperature {measured.provenance.temperature:.2f}"


def _size(images: int, of: int) -> float:
    return 6 + 18 * (images / of) ** 0.5


def _calibrations(pair: Pair) -> list[tuple[Measured, str, Calibration]]:
    return [(m, when, m.report.calibration[when]) for m in pair.both for when in _WHEN]


def _build_shown(pair: Pair) -> pd.DataFrame:
    columns = {
        f"{measured.label}, {when}": {
            title: wording.figure(getattr(calibration, name)) for name, title in _FIGURES.items()
        }
        for measured, when, calibration in _calibrations(pair)
    }
    return pd.DataFrame(columns)


def _build_saved(pair: Pair) -> pd.DataFrame:
    lines = []
    for measured, when, calibration in _calibrations(pair):
        whole = {name: getattr(calibration, name) for name in _FIGURES}
        source = {
            "network": measured.label,
            "when": when,
            "temperature": measured.provenance.temperature,
        }
        lines.append({**source, "bin_low": 0.0, "bin_high": 1.0, **whole})
        lines += [
            {
                **source,
                "bin_low": b.low,
                "bin_high": b.high,
                "images": b.images,
                "confidence": b.confidence,
                "accuracy": b.accuracy,
            }
            for b in calibration.bins
        ]
    return pd.DataFrame(lines)
