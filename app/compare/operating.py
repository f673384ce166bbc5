"""What a threshold on melanoma, or on any malignancy, would find and miss; as table and chart."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from app.compare import wording
from app.compare.curves import build_curves
from app.compare.presentation import spread
from app.services.pair import Measured, Pair
from app.shared.figures import LOOKS, Look
from app.shared.wording import percent
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.evaluation.measures.thresholds import (
    TARGETS,
    TITLES,
    OperatingPoint,
    at_threshold,
    npv_at,
    ppv_at,
    target_of,
    threshold_for_sensitivity,
    threshold_for_specificity,
)

THRESHOLD, SENSITIVITY, SPECIFICITY = "Threshold", "Sensitivity", "Specificity"


@dataclass(frozen=True)
class Outcome:
    """One network at one threshold.

    Attributes:
        point: counts and shares on the data set.
        sensitivity: with its interval.
        specificity: likewise.
        ppv: share of flagged patients with the disease, at the prevalence asked for.
        npv: share of the others without it, likewise.
    """

    point: OperatingPoint
    sensitivity: Interval
    specificity: Interval
    ppv: float
    npv: float

    def per_thousand(self, prevalence: float) -> tuple[float, float, float]:
        """Return found, missed and falsely flagged of 1,000 patients; NaN where undefined."""
        ill, well = 1000 * prevalence, 1000 * (1 - prevalence)
        sensitivity, specificity = self.sensitivity.value, self.specificity.value
        return ill * sensitivity, ill * (1 - sensitivity), well * (1 - specificity)


def choose_threshold(measured: Measured, target: str, by: str, level: float) -> float:
    """Return the threshold that a reader's choice means for one network.

    Args:
        measured: the network.
        target: ``melanoma`` or ``malignant``.
        by: ``THRESHOLD``, or what the threshold is to reach on this data set.
        level: the threshold itself, or the share to reach; in [0, 1].

    Returns:
        NaN where the data set has no image to reach it with.
    """
    truth, probabilities, _ = measured.arrays
    positive, score = target_of(target, truth, probabilities)
    if by == SENSITIVITY:
        return threshold_for_sensitivity(positive, score, level)
    if by == SPECIFICITY:
        return threshold_for_specificity(positive, score, level)
    return level


def find_point(measured: Measured, target: str, threshold: float) -> OperatingPoint:
    """Return the counts and shares of one network at a threshold."""
    truth, probabilities, _ = measured.arrays
    return at_threshold(*target_of(target, truth, probabilities), threshold)


def project(point: OperatingPoint, intervals: dict[str, Interval], prevalence: float) -> Outcome:
    """Return what a point would mean among patients of another prevalence."""
    shares = (point.sensitivity, point.specificity)
    known = not any(map(math.isnan, shares))
    return Outcome(
        point,
        intervals["sensitivity"],
        intervals["specificity"],
        ppv_at(*shares, prevalence) if known else math.nan,
        npv_at(*shares, prevalence) if known else math.nan,
    )


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
