"""What one network says of the picture: its answer, what that was worth, and where it looked."""

from typing import Final

import streamlit as st

from app.services.pictures import Analysis, Origin
from app.services.worth import find_worth
from app.shared import charts, components
from app.shared.content import read_diagnosis_texts, read_sections
from app.shared.explanation import show_explanation
from app.shared.wording import percent
from skinmodel.diagnoses import CODES
from skinmodel.findings.worth import LIMITS, describe_worth, note_worth
from skinmodel.results import Prediction, Trust
from skinmodel.trust import wording

_STATIC_CHART: Final = {"staticPlot": True, "displayModeBar": False}


def show_answer(name: str, title: str, prediction: Prediction, analysis: Analysis) -> None:
    """Show one network's answer.

    Args:
        name: registry name of the network.
        title: what the page calls it.
        prediction: its prediction of the picture.
        analysis: the picture and what is already known of it.
    """
    diagnosis = prediction.diagnosis
    st.subheader(title, anchor=False)
    st.markdown(f"### {diagnosis.name}: {percent(prediction.confidence)}", anchors=False)
    components.show_malignancy(diagnosis.malignancy)
    # A drawing is no lesion: nothing counted on lesions holds for it.
    worth = () if analysis.picture.origin is Origin.DRAWING else find_worth(prediction)
    found = worth[CODES.index(prediction.code)] if worth else None
    if found is not None:
        st.markdown(f"**{describe_worth(found)}**")
    st.caption(read_diagnosis_texts()[diagnosis.code])
    notes = {CODES[one.code_index]: note_worth(one) for one in worth if one is not None}
    st.plotly_chart(
        charts.build_confidence_bars(prediction, notes),
        key=f"bars-{name}",
        config=_STATIC_CHART,
        alt=charts.describe_confidence_bars(prediction, title),
    )
    components.show_key_to_bars()
    if notes:
        st.caption(LIMITS)
    if prediction.trust is not None:
        _show_trust(prediction.trust)
    if prediction.temperature != 1:
        st.caption(
            "Probabilities calibrated on HAM10000's validation lesions. "
            f"{read_sections('findings')['elsewhere']}"
        )
    show_explanation(name, title, prediction, analysis)
    components.show_provenance(
        title, prediction.run_id, f"Probabilities at temperature {prediction.temperature:.2f}."
    )


def _show_trust(trust: Trust) -> None:
    """Show the threshold the answer is beside, and the diagnoses that it leaves open."""
    for threshold in trust.thresholds:
        if (threshold.target, threshold.level) == ("melanoma", wording.SHOWN_SENSITIVITY):
            sentence = wording.describe_threshold(threshold)
            st.markdown(f"**{sentence}**" if threshold.above else sentence)
    for labels in trust.sets:
        if labels.level == wording.SHOWN_LEVEL:
            st.caption(wording.describe_set(labels))
    if not trust.calibrated:
        st.caption(wording.RAW)
