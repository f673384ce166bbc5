"""What both networks give at a threshold, as a table, as numbers and as a chart."""

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from app.comparison import wording
from app.comparison.curves import build_curves
from app.comparison.operating import Outcome
from app.comparison.pair import Pair
from app.comparison.tables import spread
from app.figures import LOOKS, Look
from app.wording import percent
from skinmodel.evaluation.thresholds import TARGETS, TITLES


def build_shown(pair: Pair, outcomes: list[Outcome], prevalence: float) -> pd.DataFrame:
    """Return the outcomes in words, one column a network."""
    columns = {}
    for measured, outcome in zip(pair.both, outcomes, strict=True):
        found, missed, alarms = (_count(n) for n in outcome.per_thousand(prevalence))
        columns[measured.label] = {
            "Threshold": percent(outcome.point.threshold),
            "Sensitivity": wording.interval(outcome.sensitivity),
            "Specificity": wording.interval(outcome.specificity),
            "PPV": wording.figure(outcome.ppv),
            "NPV": wording.figure(outcome.npv),
            "Of 1,000 patients: found": found,
            "missed": missed,
            "flagged without cause": alarms,
        }
    return pd.DataFrame(columns)


def _count(number: float) -> str:
    return wording.UNDEFINED if math.isnan(number) else f"{number:.0f}"


def build_saved(
    pair: Pair, outcomes: list[Outcome], target: str, prevalence: float
) -> pd.DataFrame:
    """Return the outcomes as numbers, one row a network."""
    lines: list[dict[str, Any]] = []
    for measured, outcome in zip(pair.both, outcomes, strict=True):
        point = outcome.point
        lines.append(
            {
                "network": measured.label,
                "target": target,
                "threshold": point.threshold,
                **{name: getattr(point, name) for name in ("tp", "fp", "tn", "fn")},
                **spread("sensitivity", outcome.sensitivity),
                **spread("specificity", outcome.specificity),
                "prevalence": prevalence,
                "ppv": outcome.ppv,
                "npv": outcome.npv,
            }
        )
    return pd.DataFrame(lines)


def build_chart(pair: Pair, outcomes: list[Outcome], target: str) -> go.Figure:
    """Return the ROC curves with the points in work and their intervals."""
    subject = target if len(TARGETS[target]) > 1 else TARGETS[target][0]
    figure = build_curves(pair, subject, "roc")
    for measured, outcome, look in zip(pair.both, outcomes, LOOKS, strict=True):
        sensitivity, specificity = outcome.sensitivity, outcome.specificity
        figure.add_scatter(
            x=[1 - specificity.value],
            y=[sensitivity.value],
            mode="markers",
            marker={"symbol": look.symbol, "size": 13, "color": look.color},
            error_x=_bars(1 - specificity.value, 1 - specificity.high, 1 - specificity.low, look),
            error_y=_bars(sensitivity.value, sensitivity.low, sensitivity.high, look),
            hovertemplate=f"{measured.label}<br>sensitivity %{{y:.3f}}<br>1 − specificity "
            "%{x:.3f}<extra></extra>",
            showlegend=False,
        )
    return figure


def _bars(value: float, low: float, high: float, look: Look) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value],
        "arrayminus": [value - low],
        "color": look.color,
        "thickness": 2,
        "width": 6,
    }


def describe_points(pair: Pair, outcomes: list[Outcome], target: str) -> str:
    """Return the chart's alternative text."""
    points = "; ".join(
        f"{m.label}: sensitivity {wording.interval(o.sensitivity)}, specificity "
        f"{wording.interval(o.specificity)}"
        for m, o in zip(pair.both, outcomes, strict=True)
    )
    return f"ROC curves of {TITLES[target]} with the chosen thresholds marked. {points}."
