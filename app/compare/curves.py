"""ROC and precision-recall curves of one diagnosis against the rest."""

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from app.compare import wording
from app.compare.presentation import explain, show_download, show_figure, show_heading, show_sources
from app.services.pair import Measured, Pair
from app.shared import components
from app.shared.figures import LOOKS, NEUTRAL
from skinmodel.diagnoses import CODES, class_index, get_diagnosis
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.evaluation.measures.thresholds import (
    TARGETS,
    TITLES,
    compute_precision_recall,
    compute_roc,
    target_of,
)

_HEIGHT: Final = 400
_STEPS: Final = 1000  # no screen shows more, and 13,000 images would make as many points


@st.fragment
def show_curves(pair: Pair) -> None:
    """Show the section."""
    components.run_guarded(lambda: _show(pair))


def _show(pair: Pair) -> None:
    show_heading("ROC and precision-recall curves", pair)
    choices = [*CODES, *(name for name, codes in TARGETS.items() if len(codes) > 1)]
    subject = str(
        st.selectbox(
            "Diagnosis against the rest",
            choices,
            index=choices.index("mel"),
            format_func=name_subject,
            key="curve-class",
            persist_state="session",
            width=420,
        )
    )
    positive, _ = get_scores(pair.first, subject)
    if positive.all() or not positive.any():
        st.info(f"{name_subject(subject)}: the curves are not defined on this data set.")
        return
    for column, kind in zip(st.columns(2, gap="medium"), ("roc", "precision-recall"), strict=True):
        with column:
            st.markdown(f"### {'ROC' if kind == 'roc' else 'Precision and recall'}", anchors=False)
            show_figure(
                build_curves(pair, subject, kind),
                pair,
                f"{'ROC' if kind == 'roc' else 'Precision-recall'} curve, {name_subject(subject)}",
                describe_curves(pair, subject, kind),
                f"curve-{kind}",
                height=_HEIGHT,
                legend_rows=2,
            )
    st.caption(f"{int(positive.sum()):,} of {len(positive):,} images have the diagnosis.")
    explain("curves")
    show_download(_to_frame(pair, subject), pair, f"curves {subject}")
    show_sources(pair)


def name_subject(subject: str) -> str:
    """Return a diagnosis or a target in words."""
    return TITLES[subject] if subject in TARGETS else f"{get_diagnosis(subject).name} ({subject})"


def get_scores(measured: Measured, subject: str) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which images are positive, bool (N,), and their scores, float64 (N,)."""
    truth, probabilities, _ = measured.arrays
    if subject in TARGETS:
        return target_of(subject, truth, probabilities)
    column = class_index(subject)
    return truth == column, probabilities[:, column].astype(np.float64)


def build_curves(pair: Pair, subject: str, kind: str) -> go.Figure:
    """Return both networks' curves; ``kind`` is ``roc`` or ``precision-recall``."""
    figure = go.Figure()
    positive, _ = get_scores(pair.first, subject)
    chance = float(positive.mean())
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1] if kind == "roc" else [chance, chance],
        mode="lines",
        line={"color": NEUTRAL, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
    for measured, look in zip(pair.both, LOOKS, strict=True):
        across, up = thin(*_get_points(measured, subject, kind))
        figure.add_scatter(
            x=across,
            y=up,
            mode="lines",
            name=f"{measured.label}, {_summarize(measured, subject, kind)}",
            line={"color": look.color, "dash": look.dash, "width": 2.5},
            hovertemplate=f"{measured.label}<br>%{{x:.2f}}, %{{y:.2f}}<extra></extra>",
        )
    titles = ("1 − specificity", "Sensitivity") if kind == "roc" else ("Recall", "Precision")
    figure.update_xaxes(range=[-0.01, 1.01], title={"text": titles[0]}, zeroline=False)
    figure.update_yaxes(range=[-0.01, 1.02], title={"text": titles[1]}, zeroline=False)
    return figure


def describe_curves(pair: Pair, subject: str, kind: str) -> str:
    """Return the alternative text: the areas under the curves."""
    areas = "; ".join(f"{m.label}, {_summarize(m, subject, kind)}" for m in pair.both)
    return f"{kind} curves of {name_subject(subject)}. {areas}."


def thin(
    across: NDArray[np.float64], up: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a curve without points that no screen could tell from their neighbours."""
    steps = np.round(np.stack([across, up], axis=1) * _STEPS)
    kept = np.ones(len(steps), dtype=bool)
    kept[1:-1] = (steps[1:-1] != steps[:-2]).any(axis=1)
    return across[kept], up[kept]


def _get_points(
    measured: Measured, subject: str, kind: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    positive, score = get_scores(measured, subject)
    if kind == "roc":
        roc = compute_roc(positive, score)
        return 1 - roc.specificity, roc.sensitivity
    curve = compute_precision_recall(positive, score)
    return curve.recall, curve.precision


def _summarize(measured: Measured, subject: str, kind: str) -> str:
    report = measured.report
    if kind == "roc":
        area = (
            report.targets[subject].auc if subject in TARGETS else report.metrics[f"auc.{subject}"]
        )
        return f"AUC {wording.interval(area)}"
    known: Interval | None = report.metrics.get(f"average_precision.{subject}")
    return f"average precision {wording.interval(known)}" if known else "average precision not kept"


def _to_frame(pair: Pair, subject: str) -> pd.DataFrame:
    parts = []
    for measured in pair.both:
        positive, score = get_scores(measured, subject)
        roc = compute_roc(positive, score)
        curve = compute_precision_recall(positive, score)
        for kind, columns in (
            ("roc", (roc.thresholds, roc.sensitivity, roc.specificity)),
            ("precision-recall", (curve.thresholds, curve.recall, curve.precision)),
        ):
            names = (
                ("threshold", "sensitivity", "specificity")
                if kind == "roc"
                else ("threshold", "sensitivity", "precision")
            )
            part = pd.DataFrame(dict(zip(names, columns, strict=True)))
            parts.append(part.assign(network=measured.label, curve=kind, positive=subject))
    return pd.concat(parts, ignore_index=True)
