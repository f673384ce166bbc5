"""Chapter 5: from the last layer's logits to one answer, and what training would make of it."""

from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import services
from app.learn.grids import show_number_grid
from app.services.attempts import Problem
from app.services.datasets import read_counts
from app.services.lessons import layer_outputs
from app.services.pictures import Analysis, Picture
from app.shared import components
from app.shared.content import read_sections
from app.shared.waiting import wait_for_networks
from app.shared.wording import lower_first, percent
from skinmodel.diagnoses import CODES, get_diagnosis
from skinmodel.lessons.decision import (
    cross_entropy,
    decide,
    drop,
    loss_gradient,
    sigmoid,
    softmax,
)
from skinmodel.results import Prediction

_ANALYSIS: Final = "decision-analysis"
_LOGITS: Final = "probabilities/linear"
_ROW: Final = np.array([[0.4, 1.2, 0.0, 2.5, 0.8, 1.6, 0.3, 3.0]])
_SPREAD: Final = 6.0  # how far a logit may be moved, either way


def show_decision(picture: Picture) -> None:
    """Show logits, softmax, the loss and its gradient on the picture at hand, and dropout."""
    texts = read_sections("learn_decision")
    with st.container(width=860):
        st.markdown(texts["intro"])
    if wait_for_networks():
        _show_network(picture, texts)
    _show_dropout(texts["dropout"])
    st.caption(texts["sources"])


def _show_network(picture: Picture, texts: dict[str, str]) -> None:
    names = list(services.get_classifiers())
    model = str(
        st.segmented_control(
            "Network",
            names,
            default=names[0],
            format_func=lambda name: services.get_classifier(name).spec.title,
            required=True,
            key="decision-model",
        )
    )
    outputs = layer_outputs(picture, model, [_LOGITS])
    predictions = services.predict(_analyse(picture), [model])
    for found in (outputs, predictions):
        if isinstance(found, Problem):
            components.show_problem(found)
    if isinstance(outputs, Problem) or isinstance(predictions, Problem):
        return
    logits = outputs[_LOGITS].astype(np.float64)
    prediction = predictions[model]
    moved = _move_one(logits, f"{model}-{picture.key}")
    st.dataframe(
        tabulate(moved, prediction.temperature),
        hide_index=True,
        width="stretch",
        column_config={
            name: st.column_config.NumberColumn(format="%.3f")
            for name in ("logit", "softmax", "calibrated", "sigmoid")
        },
    )
    with st.container(width=860):
        st.markdown(_describe(moved, prediction))
        st.caption(texts["reading"])
    _show_loss(softmax(moved), texts["loss"])
    network = services.get_classifier(model)
    components.show_provenance(network.spec.title, network.run_id)


def _analyse(picture: Picture) -> Analysis:
    """Return what is known of the lessons' picture, apart from those of the Classify page."""
    analysis: Analysis | None = st.session_state.get(_ANALYSIS)
    if analysis is None or analysis.picture.sha256 != picture.sha256:
        analysis = st.session_state[_ANALYSIS] = Analysis(picture)
    return analysis


def _move_one(logits: NDArray[np.float64], key: str) -> NDArray[np.float64]:
    first, second = st.columns(2, gap="medium")
    with first:
        code = str(
            st.selectbox("Move one logit: of", CODES, format_func=_name, key="decision-which")
        )
    with second:
        change = st.slider("by", -_SPREAD, _SPREAD, 0.0, step=0.1, key=f"decision-by-{key}-{code}")
    moved = logits.copy()
    moved[CODES.index(code)] += change
    return moved


def tabulate(logits: NDArray[np.float64], temperature: float) -> pd.DataFrame:
    """Return each diagnosis with its logit and what becomes of it, in class order."""
    return pd.DataFrame(
        {
            "diagnosis": [_name(code) for code in CODES],
            "logit": logits,
            "softmax": softmax(logits),
            "calibrated": softmax(logits / temperature),
            "sigmoid": sigmoid(logits),
        }
    )


def _describe(logits: NDArray[np.float64], prediction: Prediction) -> str:
    answer = decide(softmax(logits / prediction.temperature))
    first, second = (lower_first(_name(CODES[k])) for k in (answer.first, answer.second))
    return (
        f"The answer is **{first}**. It keeps to itself that {second} comes next, "
        f"{percent(answer.margin)} behind, and an entropy of {answer.entropy:.2f} of at most "
        f"{np.log2(len(CODES)):.2f} bits. The temperature {prediction.temperature:.3f} divides all "
        "logits: it changes how sure the network is, never which diagnosis leads. The sigmoids "
        f"add up to {sigmoid(logits).sum():.2f}, the softmax to 1."
    )


def _show_loss(probabilities: NDArray[np.float64], text: str) -> None:
    st.subheader("The loss, if the truth were known", anchor=False)
    with st.container(width=860):
        st.markdown(text)
    counts = read_counts()
    if isinstance(counts, Problem):
        components.show_problem(counts)
        return
    weights = counts.augmentation.set_index("diagnosis")["train_weight"]
    code = str(st.selectbox("Suppose the truth is", CODES, format_func=_name, key="decision-truth"))
    truth, weight = CODES.index(code), float(weights[code])
    plain, weighted = (cross_entropy(probabilities, truth, w) for w in (1.0, weight))
    first, second, third = st.columns(3)
    first.metric("Loss", f"{plain:.3f}", help="minus ln of the truth's softmax")
    second.metric(
        "Class weight", f"{weight:.3f}", help="the report's, counted on its training side"
    )
    third.metric("Weighted loss", f"{weighted:.3f}")
    show_number_grid(
        loss_gradient(probabilities, truth, weight)[None],
        "Slope of the weighted loss by each logit, in class order: " + ", ".join(CODES),
        "decision-gradient",
    )


def _show_dropout(text: str) -> None:
    st.subheader("Dropout", anchor=False)
    with st.container(width=860):
        st.markdown(text)
    first, second = st.columns(2, gap="medium")
    with first:
        rate = st.slider("Share dropped", 0.0, 0.9, 0.5, step=0.1, key="decision-rate")
    with second:
        draw = int(st.number_input("Draw", 1, 1000, 1, key="decision-draw"))
    show_number_grid(_ROW, "Eight activations", "decision-row")
    dropped = drop(_ROW, rate, draw)
    show_number_grid(dropped, "The same after dropout, in training", "decision-dropped")
    mean = np.mean([drop(_ROW, rate, seed) for seed in range(1, draw + 1)], axis=0)
    show_number_grid(mean, f"Mean of draws 1 to {draw}", "decision-mean")


def _name(code: str) -> str:
    return get_diagnosis(code).name
