"""Where one network looked: the overlay, its controls and what the map is."""

from datetime import UTC, datetime
from typing import Final

import numpy as np
import streamlit as st

from app import services
from app.services import maps
from app.services.attempts import Problem
from app.services.pictures import Analysis
from app.shared import components
from app.shared.maps import describe_mark, describe_measured
from app.shared.outline import show_with_outline
from app.shared.report import describe_overlay, render_overlay_png
from app.shared.waiting import wait_for_tensorflow
from skinmodel.diagnoses import CODES, get_diagnosis
from skinmodel.explain import overlay
from skinmodel.explain.registry import (
    FASTER_SCORE_CAM,
    GRAD_CAM,
    GRAD_CAM_PLUS_PLUS,
    LAYER_CAM,
    METHODS,
    SMOOTH_GRAD,
    SOFT_ATTENTION,
)
from skinmodel.faithfulness.verdict import describe_fault
from skinmodel.results import Explanation, Prediction

FLAT_RATIO: Final = 1.5
"""A maximum below this many times the mean is nearly even, whatever the colours suggest."""

_HELP: Final = {
    SOFT_ATTENTION: "The weight that the network's attention gives each place, for "
    "all diagnoses alike. Each of its heads spreads a total of 1 over the picture.",
    GRAD_CAM: "Where the last convolution speaks for the chosen diagnosis, by the gradient of "
    "its score. It shows what counts for the network, not where the disease is.",
    GRAD_CAM_PLUS_PLUS: "As Grad-CAM, weighed so that several places count alike.",
    LAYER_CAM: "As Grad-CAM, with a gradient of its own at each cell.",
    FASTER_SCORE_CAM: "Without gradients: what is left of the diagnosis where one channel alone "
    "lets the picture through.",
    SMOOTH_GRAD: "How much a small change of the picture moves the score, averaged over noise.",
}


@st.fragment
def show_explanation(name: str, title: str, prediction: Prediction, analysis: Analysis) -> None:
    """Show one network's overlay; moving its slider computes nothing but the blend.

    Args:
        name: registry name of the network.
        title: what the page calls it.
        prediction: its prediction of the picture.
        analysis: the picture and what is already known of it.
    """
    components.run_guarded(lambda: _show(name, title, prediction, analysis))


def _show(name: str, title: str, prediction: Prediction, analysis: Analysis) -> None:
    st.markdown("#### Where it looked", anchors=False)
    method = _choose_method(name, prediction.run_id)
    code = _choose_code(name, method, prediction, analysis)
    if not services.is_map_at_hand(analysis, name, method, code) and not wait_for_tensorflow(
        name, "The map appears by itself."
    ):
        return
    with st.spinner("Computing the map"):
        computed = services.explain(analysis, name, method, code)
    if isinstance(computed, Problem):
        components.show_problem(computed)
        return
    explanation = _choose_head(name, computed)
    analysis.shown[name] = explanation
    opacity = _choose_opacity(name)
    report = maps.read_report(prediction.run_id)
    remark = describe_fault(report, method)
    picture, head = analysis.picture, f"-head{explanation.head}" if explanation.head else ""
    show_with_outline(
        picture,
        overlay.blend(picture.screen, explanation, opacity),
        describe_overlay(explanation, title),
        name,
    )
    _describe(explanation)
    if mark := describe_mark(report, method):
        st.warning(mark, icon=":material/report:")
    st.caption(describe_measured(report, method))
    st.download_button(
        "Save the overlay (PNG)",
        data=lambda: render_overlay_png(
            picture,
            explanation,
            opacity,
            title,
            remark,
            prediction=prediction,
            now=datetime.now(UTC),
        ),
        file_name=f"skinmodel-{picture.sha256[:8]}-{name}-{method}{head}.png",
        mime="image/png",
        icon=":material/download:",
        key=f"png-{name}",
        on_click="ignore",
        width="stretch",
    )


def _choose_method(name: str, run_id: str) -> str:
    methods = services.get_classifier(name).methods
    chosen = st.segmented_control(
        "Map",
        methods,
        default=maps.choose_method(run_id, methods),
        required=True,
        format_func=lambda m: METHODS[m].title,
        key=f"method-{name}",
        persist_state="session",
        help="\n\n".join(
            f"**{METHODS[m].title}**: {_HELP[m]} It takes {METHODS[m].cost}." for m in methods
        ),
    )
    return str(chosen)


def _choose_code(name: str, method: str, prediction: Prediction, analysis: Analysis) -> str | None:
    per_class = METHODS[method].per_class
    chosen = st.selectbox(
        "Diagnosis the map speaks for",
        CODES,
        index=CODES.index(prediction.code),
        format_func=lambda c: f"{get_diagnosis(c).name} ({c})",
        # A new picture starts from its own leading diagnosis.
        key=f"code-{name}-{analysis.picture.key}",
        disabled=not per_class,
        help="Soft attention is one map for all diagnoses; the other methods have one for each.",
    )
    return str(chosen) if per_class else None


def _choose_head(name: str, explanation: Explanation) -> Explanation:
    """Return the map of the head chosen, or the map as it is where all or none are to be had."""
    if explanation.heads is None:
        return explanation
    count = explanation.heads.shape[-1]
    chosen = st.selectbox(
        "Attention head",
        range(count + 1),
        format_func=lambda n: f"Head {n}" if n else f"All {count} heads (sum)",
        key=f"head-{name}",
        persist_state="session",
        help="The network learned several attention maps and uses their sum. A single head shows "
        "one of them; its colours are scaled to its own maximum.",
    )
    return explanation.of_head(chosen) if chosen else explanation


def _choose_opacity(name: str) -> float:
    value = st.slider(
        "Opacity of the map",
        min_value=0,
        max_value=100,
        value=60,
        step=5,
        format="%d %%",
        key=f"opacity-{name}",
        persist_state="session",
    )
    return int(value) / 100


def _describe(explanation: Explanation) -> None:
    """Say what the map is, and when it shows nothing."""
    drawn = overlay.describe_map(explanation)
    if explanation.is_null:
        subject = f" for {get_diagnosis(explanation.code).name}" if explanation.code else ""
        st.info(f"No positive evidence{subject}: the map is zero everywhere, so nothing is drawn.")
        _show_details(f"{drawn}, layer `{explanation.layer}`, raw maximum 0.")
        return
    maximum, mean = explanation.raw_maximum, float(explanation.values.mean())
    st.image(
        np.ascontiguousarray(overlay.colorbar(600, 12)),
        width="stretch",
        alt=f"Colour scale from 0 to the map's maximum, {maximum:.3g}.",
    )
    st.caption(
        f"Dark is 0, yellow the map's maximum. {drawn}. "
        f"{overlay.describe_place(explanation)}".rstrip()
    )
    if maximum < FLAT_RATIO * mean:
        st.caption("The map is almost even: it says little about where the network looked.")
    h, w = explanation.values.shape
    _show_details(
        f"{drawn}, layer `{explanation.layer}`, {h} x {w} cells; raw maximum {maximum:.3g}, mean "
        f"{mean:.3g}."
    )


def _show_details(text: str) -> None:
    with st.expander("Details of the map", icon=":material/data_object:", type="compact"):
        st.caption(text)
