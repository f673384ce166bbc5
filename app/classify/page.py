"""The Classify page: one picture, some networks, where they looked and when not to trust them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

import streamlit as st

from app import services, state
from app.classify.networks import choose_networks
from app.services.attempts import Problem
from app.services.pictures import Analysis, Origin, Picture
from app.shared import charts, components
from app.shared.cautions import agree, compute_cautions, describe_agreement, warn_of_picture
from app.shared.charts import BAR_ORDER, SYMBOLS
from app.shared.content import read_content, read_diagnosis_texts, read_sections
from app.shared.explanation import show_explanation
from app.shared.intake import choose_picture
from app.shared.report import render_json
from app.shared.waiting import wait_for_networks
from app.shared.wording import describe_confirmation, find_malignancy, name_diagnosis, percent
from skinmodel.models.registry import get_spec
from skinmodel.results import DISCLAIMER, Prediction

_ORIGINS: Final = {
    Origin.UPLOAD: "Your file",
    Origin.CAMERA: "Your camera",
    Origin.DRAWING: "Drawn by this program, not a photograph",
    Origin.HAM10000: "HAM10000, test folds",
    Origin.HAM10000_VAL: "HAM10000, validation fold",
    Origin.HAM10000_TRAIN: "HAM10000, training folds: the networks were trained on this lesion",
    Origin.HAM10000_UNPLACED: "HAM10000, perhaps seen in training",
    Origin.ISIC2019: "ISIC 2019, outside HAM10000",
}
_STATIC_CHART: Final = {"staticPlot": True, "displayModeBar": False}


def show_findings(picture: Picture, models: Sequence[str]) -> None:
    """Show these networks' results for ``picture``; only when the warm-up is ready."""
    analysis = state.get_analysis(picture)
    with st.spinner("The networks are looking at the picture", width="stretch"):
        predictions = services.predict(analysis, models)
    if isinstance(predictions, Problem):
        show_picture(picture)
        components.show_problem(predictions)
        return
    titles = {name: get_spec(name).title for name in predictions}
    cautions = _collect_cautions(picture, predictions, titles)
    _show_summary(predictions, titles, cautions)
    first, *others = st.columns([0.8] + [1.0] * len(predictions), gap="medium")
    with first:
        show_picture(picture)
        _show_saving(analysis, titles, cautions)
    for column, (name, prediction) in zip(others, predictions.items(), strict=True):
        with column, st.container(border=True):
            _show_model(name, titles[name], prediction, analysis)


def show_picture(picture: Picture) -> None:
    """Show the original, what is known of it, and how to put it away."""
    with st.container(border=True, key="original"):
        st.subheader(_name_picture(picture), anchor=False)
        height, width = picture.image.shape[:2]
        st.image(picture.screen, width="stretch", alt="The original picture, without any map.")
        st.caption(f"{_ORIGINS[picture.origin]}, {width} x {height} pixels.")
        if picture.truth is not None and st.toggle(
            "Show the confirmed diagnosis", key=f"truth-{picture.sha256}"
        ):
            how = components.escape_markdown(describe_confirmation(picture.truth.dx_type))
            st.info(f"**{name_diagnosis(picture.truth.code)}**, {how}.")
            if (kind := find_malignancy(picture.truth.code)) is not None:
                components.show_malignancy(kind)
        st.button("Clear picture", icon=":material/close:", on_click=state.clear, width="stretch")


def _name_picture(picture: Picture) -> str:
    if picture.origin is Origin.DRAWING:
        return f"Drawing: {picture.title}"
    return picture.title or "Original picture"


def _collect_cautions(
    picture: Picture, predictions: Mapping[str, Prediction], titles: Mapping[str, str]
) -> tuple[str, ...]:
    found = compute_cautions(list(predictions.values()), titles, picture.image.shape)
    return (*warn_of_picture(picture), *found)


def _show_summary(
    predictions: Mapping[str, Prediction], titles: Mapping[str, str], cautions: tuple[str, ...]
) -> None:
    results = list(predictions.values())
    sentence = describe_agreement(results, titles)
    bullets = "\n".join(f"- {components.escape_markdown(caution)}" for caution in cautions)
    if not agree(results):
        st.warning(bullets, title=sentence, icon=":material/call_split:")
        return
    st.info(sentence, icon=":material/compare_arrows:")
    if cautions:
        st.warning(bullets, title="Read this result with care", icon=":material/warning:")
    else:
        st.caption("None of the page's warning signs applies here. That is no proof of anything.")


def _show_model(name: str, title: str, prediction: Prediction, analysis: Analysis) -> None:
    diagnosis = prediction.diagnosis
    st.subheader(title, anchor=False)
    st.markdown(f"### {diagnosis.name}: {percent(prediction.confidence)}", anchors=False)
    components.show_malignancy(diagnosis.malignancy)
    st.caption(read_diagnosis_texts()[diagnosis.code])
    st.plotly_chart(
        charts.build_confidence_bars(prediction),
        key=f"bars-{name}",
        config=_STATIC_CHART,
        alt=charts.describe_confidence_bars(prediction, title),
    )
    components.show_key_to_bars()
    if prediction.temperature != 1:
        st.caption(
            f"Probabilities calibrated on HAM10000's validation lesions (temperature "
            f"{prediction.temperature:.2f}). {read_sections('findings')['elsewhere']}"
        )
    show_explanation(name, title, prediction, analysis)
    components.show_provenance(title, prediction.run_id)


def _show_saving(analysis: Analysis, titles: Mapping[str, str], cautions: tuple[str, ...]) -> None:
    st.download_button(
        "Save the result (JSON)",
        data=partial(_render_now, analysis, titles, cautions),
        file_name=f"skinmodel-{analysis.picture.sha256[:8]}.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
        help="Every number of this page, with model, run and the digest of your file; "
        "no picture and no file name.",
    )


def _render_now(analysis: Analysis, titles: Mapping[str, str], cautions: tuple[str, ...]) -> bytes:
    return render_json(analysis, titles, cautions, datetime.now(UTC))


def render() -> None:
    """Show the page in whatever state it is in; it never waits for TensorFlow."""
    st.title("Classify a lesion", anchor=False)
    st.markdown(
        "Give a dermoscopic picture of one lesion. Networks name the most likely of seven "
        f"diagnoses, say how sure they are and show where they looked. **{DISCLAIMER}**"
    )
    choose_picture()
    picture = state.get_picture()
    if picture is None:
        wait_for_networks("You can choose a picture meanwhile.")
    elif state.get_analysis(picture).predictions or services.is_ready():
        _show_result(picture)
    else:
        first, second = st.columns([0.8, 2.0], gap="medium")
        with first:
            show_picture(picture)
        with second:
            if wait_for_networks("The result appears by itself."):
                st.rerun()  # they became ready since the question above
    _show_background()


def _show_result(picture: Picture) -> None:
    """Show what the chosen networks say.

    A result stays while networks that were given up are loaded anew, which is begun here.
    """
    models = choose_networks()
    if models:
        show_findings(picture, models)
    else:
        show_picture(picture)
        st.info("Choose at least one network to see a result.")
    services.get_warm_up().start()


def _show_background() -> None:
    with st.expander("When not to trust a result", icon=":material/help:"):
        st.markdown(read_content("cautions"))
    with st.expander("The seven diagnoses", icon=":material/menu_book:"):
        texts = read_diagnosis_texts()
        st.markdown(
            "\n".join(
                f"- {SYMBOLS[d.malignancy]} **{d.name}** ({d.code}, {d.malignancy}). "
                f"{texts[d.code]}"
                for d in BAR_ORDER
            )
        )


if __name__ == "__main__":
    render()
