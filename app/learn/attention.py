"""Chapter 4: soft attention, step by step, on the features a trained network hands it."""

from dataclasses import replace
from typing import Final

import numpy as np
import streamlit as st

from app import services
from app.learn.grids import Box, render_map, show_map, show_number_grid
from app.learn.subject import name_subject
from app.services import maps
from app.services.attempts import Problem, attempt
from app.services.lessons import are_outputs_at_hand, layer_outputs, open_attention
from app.services.pictures import Analysis, Picture
from app.shared import components
from app.shared.content import read_sections
from app.shared.maps import describe_mark, describe_measured
from app.shared.outline import show_with_outline
from app.shared.waiting import wait_for_networks, wait_for_tensorflow
from skinmodel.explain.overlay import blend
from skinmodel.faithfulness.pictures import binarize
from skinmodel.faithfulness.scores import centred_gaussian, compute_hit, compute_mass
from skinmodel.imaging.placement import average_over_cells
from skinmodel.lessons.layers import rank_channels
from skinmodel.lessons.soft_attention import AttentionWeights, Steps, attend, read_fewer
from skinmodel.models.registry import get_spec
from skinmodel.results import Explanation


def show_measure(picture: Picture, explanation: Explanation) -> None:
    """Show how much of a map's mass lies on the lesion, and what was measured of many maps.

    Args:
        picture: the picture at hand.
        explanation: its map.
    """
    path = maps.find_mask_of(picture)
    if path is not None:
        mask = maps.open_mask(path)
        if isinstance(mask, Problem):
            components.show_problem(mask)
        elif not explanation.is_null:
            h, w = explanation.values.shape
            lesion = average_over_cells(binarize(mask), h, w, explanation.placement)
            st.markdown(
                describe_measure(
                    share=float(binarize(mask).mean()),
                    mass=compute_mass(explanation.values, lesion),
                    even=float(lesion.mean()),
                    centre=compute_mass(centred_gaussian(h, w, explanation.placement), lesion),
                    hit=compute_hit(explanation.values, lesion),
                )
            )
    report = maps.read_report(explanation.run_id)
    if mark := describe_mark(report, explanation.method):
        st.warning(mark, icon=":material/report:")
    st.caption(describe_measured(report, explanation.method))


def describe_measure(share: float, mass: float, even: float, centre: float, hit: float) -> str:
    """Return the measurement of one map in words.

    Args:
        share: of the picture that the lesion takes.
        mass: of the map on the lesion.
        even: what an even map over the same cells has there.
        centre: what a blob in the middle has there.
        hit: 1 where the strongest cell lies on the lesion, 0 where not, NaN without a lesion.
    """
    strongest = {1.0: " Its strongest cell lies on it.", 0.0: " Its strongest cell lies beside it."}
    return (
        f"The lesion takes {100 * share:.0f} % of this picture. Of the map's mass "
        f"**{100 * mass:.0f} %** lies on it; an even map over the same cells has "
        f"{100 * even:.0f} %, a blob in the middle {100 * centre:.0f} %."
        f"{strongest.get(hit, '')} The mask is averaged over each cell."
    )


_TILE: Final = 84  # points; twelve in a row at 1280, three on a phone
_SHOWN: Final = 4  # channels and heads of one row
_OPACITY: Final = 0.5
_METHOD: Final = "soft_attention"
_PUBLISHED: Final = 3  # channels the published layer reads


def show_attention(picture: Picture) -> None:
    """Show what enters the layer, its heads, their sum, and what leaves it."""
    texts = read_sections("learn_attention")
    with st.container(width=860):
        st.markdown(texts["intro"])
    if wait_for_networks():
        model = _choose_model()
        if model is not None:
            _show_network(picture, model, texts)
    st.caption(texts["sources"])


def _choose_model() -> str | None:
    models = attempt(services.list_models)
    if isinstance(models, Problem):
        components.show_problem(models)
        return None
    attentive = [name for name in models if get_spec(name).attention_layer]
    if not attentive:
        st.info("No network with soft attention ships with this copy of the program.")
        return None
    return str(
        st.segmented_control(
            "Network",
            attentive,
            default=attentive[0],
            format_func=lambda name: get_spec(name).title,
            required=True,
            key="attention-model",
        )
    )


def _show_network(picture: Picture, model: str, texts: dict[str, str]) -> None:
    layer = str(get_spec(model).attention_layer)
    entering = f"{layer}/input"
    if not are_outputs_at_hand(picture, model, [entering]) and not wait_for_tensorflow(model):
        return
    with st.spinner("The network is looking at the picture", width="stretch"):
        outputs = layer_outputs(picture, model, [entering])
    weights = open_attention(model, layer)
    for found in (outputs, weights):
        if isinstance(found, Problem):
            components.show_problem(found)
    if isinstance(outputs, Problem) or isinstance(weights, Problem):
        return
    steps = attend(outputs[entering], weights)
    subject = name_subject(picture)
    _show_features(steps, subject)
    position = _show_heads(steps, subject, texts["heads"])
    _show_sum(picture, model, steps, subject, texts["sum"])
    _show_leaving(steps, weights, position, texts["leaving"])
    _show_published(steps, weights, subject, texts["published"])
    network = services.get_classifier(model)
    components.show_provenance(network.spec.title, network.run_id)


def _show_features(steps: Steps, subject: str) -> None:
    st.subheader("1 What enters", anchor=False)
    channels = rank_channels(steps.features)[:_SHOWN]
    for column, channel in zip(st.columns(_SHOWN), channels, strict=False):
        with column:
            title = f"Channel {channel + 1} of {steps.features.shape[-1]}"
            show_map(steps.features[..., channel], title, f"{title} of the features of {subject}.")
    st.caption("The channels with the strongest values; every head reads all of them.")


def _show_heads(steps: Steps, subject: str, text: str) -> tuple[int, int]:
    st.subheader("2 Twelve heads", anchor=False)
    with st.container(width=860):
        st.markdown(text)
    height, width, heads = steps.maps.shape
    _show_all_heads(steps, subject)
    first, second, third = st.columns(3, gap="medium")
    head = int(first.number_input("Head", 1, heads, 1, key="attention-head")) - 1
    row = int(second.number_input("Row", 1, height, 1, key=f"attention-row-{height}")) - 1
    column = int(third.number_input("Column", 1, width, 1, key=f"attention-column-{width}")) - 1
    box = Box(row, column, 1, 1)
    shown = {
        "score": steps.scores[..., head],
        "after ReLU": steps.rectified[..., head],
        "softmax": steps.maps[..., head],
    }
    for place, (name, values) in zip(st.columns(3, gap="medium"), shown.items(), strict=True):
        with place:
            show_map(
                values,
                f"Head {head + 1}, {name}",
                f"{name} of head {head + 1} for {subject}; the chosen position is framed.",
                mark=box,
            )
    rectified, peak = steps.rectified[..., head], steps.rectified[..., head].max()
    whole = np.exp(rectified - peak).sum()
    st.markdown(
        f"At row {row + 1}, column {column + 1}: score {steps.scores[row, column, head]:.4f}, "
        f"after ReLU {rectified[row, column]:.4f}; exp({rectified[row, column]:.4f} − {peak:.4f}) "
        f"/ {whole:.4f} = **{steps.maps[row, column, head]:.3g}**. Even shares would be "
        f"1 / {height * width} = {1 / (height * width):.4f}."
    )
    return row, column


def _show_all_heads(steps: Steps, subject: str) -> None:
    heads = steps.maps.shape[-1]
    with st.container(horizontal=True):
        for head in range(heads):
            st.image(
                render_map(steps.maps[..., head], signed=False, limit=float(steps.maps.max())),
                width=_TILE,
                alt=f"Softmax of head {head + 1} of {heads} for {subject}.",
                caption=f"Head {head + 1}",
            )


def _show_sum(picture: Picture, model: str, steps: Steps, subject: str, text: str) -> None:
    st.subheader("3 Their sum, on the picture", anchor=False)
    network = services.get_classifier(model)
    found = services.explain(Analysis(picture), model, _METHOD, None)
    if isinstance(found, Problem):
        components.show_problem(found)
        return
    # The chapter's own sum, over the part of the picture where the layer's cells lie.
    explanation = replace(found, values=steps.total.astype(np.float32), heads=None)
    first, second = st.columns(2, gap="medium")
    with first:
        show_map(steps.total, "Sum of the heads", f"Sum of all heads' maps for {subject}.")
    with second:
        show_with_outline(
            picture,
            blend(picture.screen, explanation, _OPACITY),
            f"The sum of the heads laid over {subject}.",
            "attention",
        )
        st.caption(f"{network.spec.title}, run {network.run_id}. Research and teaching tool.")
        show_measure(picture, explanation)
    with st.container(width=860):
        st.markdown(text)


def _show_leaving(
    steps: Steps, weights: AttentionWeights, position: tuple[int, int], text: str
) -> None:
    st.subheader("4 What leaves", anchor=False)
    row, column = position
    with st.container(width=860):
        st.markdown(text)
        share = np.abs(steps.weighted).mean() / max(np.abs(steps.features).mean(), 1e-12)
        st.markdown(
            f"The learned γ is **{weights.gamma:.4f}** (it started at 0.01). On average the "
            f"weighted features are {share:.4f} times as large as the features beside them."
        )
    channels = rank_channels(steps.features)[:_SHOWN]
    values = np.stack(
        [steps.features[row, column, channels], steps.weighted[row, column, channels]]
    )
    show_number_grid(
        values,
        f"Row {row + 1}, column {column + 1}: the channels of step 1 as they are, and below "
        f"times γ times the sum of {steps.total[row, column]:.4f}",
        "attention-leaving",
    )


def _show_published(steps: Steps, weights: AttentionWeights, subject: str, text: str) -> None:
    st.subheader("5 The layer as published", anchor=False)
    with st.container(width=860):
        st.markdown(text)
    blind = attend(steps.features, read_fewer(weights, _PUBLISHED))
    first, second = st.columns(2, gap="medium")
    channels = steps.features.shape[-1]
    with first:
        name = f"Sum of the heads, reading all {channels:,} channels"
        show_map(steps.total, name, f"{name}, for {subject}.")
    with second:
        name = f"The same heads, reading the first {_PUBLISHED} channels only"
        show_map(blind.total, name, f"{name}, for {subject}.")
