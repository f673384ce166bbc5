"""The Classify page: one picture, some networks, where they looked and when not to trust them."""

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import services, state
from app.classify.answer import show_answer
from app.classify.crop import show_crop
from app.classify.history import show_history
from app.classify.networks import choose_networks
from app.classify.saving import Result, show_json, show_saving
from app.services.attempts import Problem
from app.services.pictures import Origin, Picture
from app.shared import components
from app.shared.cautions import warn_of_picture
from app.shared.charts import BAR_ORDER, SYMBOLS
from app.shared.content import read_content, read_diagnosis_texts
from app.shared.intake import choose_picture
from app.shared.waiting import wait_for_networks
from app.shared.wording import describe_confirmation, find_malignancy, name_diagnosis
from skinmodel.findings.cautions import compute_cautions
from skinmodel.findings.verdict import Kind, Verdict, compute_verdict
from skinmodel.models.registry import get_spec
from skinmodel.results import DISCLAIMER, Prediction, join_gates

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
_BESIDE: Final = 2
"""Networks that fit beside the picture; the columns of more would be too narrow for their bars."""
_BOXES: Final = {
    Kind.DECLINED: (st.warning, ":material/block:"),
    Kind.MALIGNANT: (st.error, ":material/priority_high:"),
    Kind.PREMALIGNANT: (st.warning, ":material/warning:"),
    Kind.UNCLEAR: (st.warning, ":material/call_split:"),
    Kind.BENIGN: (st.info, ":material/check_circle:"),
}


def show_findings(picture: Picture, models: Sequence[str], top: DeltaGenerator) -> None:
    """Show these networks' results for ``picture``; only when the warm-up is ready.

    Args:
        picture: the picture in work.
        models: registry names, at least one.
        top: where the verdict goes, above everything else.
    """
    analysis = state.get_analysis(picture)
    with st.spinner("The networks are looking at the picture", width="stretch"):
        predictions = services.predict(analysis, models)
    if isinstance(predictions, Problem):
        with top:
            components.show_problem(predictions)
        show_picture(picture)
        return
    titles = {name: get_spec(name).title for name in predictions}
    cautions = _collect_cautions(picture, predictions, titles)
    gate = join_gates(p.trust.gate for p in predictions.values() if p.trust is not None)
    declined = " ".join(gate.reasons) if gate is not None and gate.declined else ""
    verdict = compute_verdict(list(predictions.values()), titles, declined)
    shown = f"{_ORIGINS[picture.origin]}, {describe_size(picture)}"
    result = Result(analysis, titles, shown, verdict, cautions)
    with top:
        _show_verdict(verdict, cautions)
        if declined and not st.toggle(
            "Show what the networks would say", key=f"insist-{picture.key}"
        ):
            beside, _ = st.columns([0.8, 2.0], gap="medium")
            with beside:
                show_picture(picture)
                show_json(result)
            return
    few = len(predictions) <= _BESIDE
    first, *others = st.columns([0.8] + [1.0] * (len(predictions) if few else 1), gap="medium")
    with first:
        show_picture(picture)
    with first if few else others[0]:
        if declined:
            show_json(result)
        else:
            show_saving(result)
    columns = others if few else st.columns(len(predictions), gap="medium")
    for column, (name, prediction) in zip(columns, predictions.items(), strict=True):
        with column, st.container(border=True):
            show_answer(name, titles[name], prediction, analysis)


def show_picture(picture: Picture) -> None:
    """Show the original, what is known of it, and how to put it away."""
    with st.container(border=True, key="original"):
        st.subheader(_name_picture(picture), anchor=False)
        st.image(picture.screen, width="stretch", alt="The original picture, without any map.")
        st.caption(f"{_ORIGINS[picture.origin]}, {describe_size(picture)}.")
        if picture.truth is not None and st.toggle(
            "Show the confirmed diagnosis", key=f"truth-{picture.key}"
        ):
            how = components.escape_markdown(describe_confirmation(picture.truth.dx_type))
            st.info(f"**{name_diagnosis(picture.truth.code)}**, {how}.")
            if (kind := find_malignancy(picture.truth.code)) is not None:
                components.show_malignancy(kind)
        show_crop(picture)
        st.button("Clear picture", icon=":material/close:", on_click=state.clear, width="stretch")


def describe_size(picture: Picture) -> str:
    """Return the file's own size, and what of it the networks are given."""
    height, width = picture.image.shape[:2]
    whole = "{} x {} pixels".format(*(picture.size if picture.size != (0, 0) else (width, height)))
    if picture.crop is not None:
        return f"a part of {width} x {height} pixels of a file of {whole}"
    return (
        whole
        if picture.size in ((0, 0), (width, height))
        else (f"{whole}, reduced to {width} x {height}")
    )


def _name_picture(picture: Picture) -> str:
    if picture.origin is Origin.DRAWING:
        return f"Drawing: {picture.title}"
    return picture.title or "Original picture"


def _collect_cautions(
    picture: Picture, predictions: Mapping[str, Prediction], titles: Mapping[str, str]
) -> tuple[str, ...]:
    found = compute_cautions(list(predictions.values()), titles, picture.image.shape)
    gate = join_gates(p.trust.gate for p in predictions.values() if p.trust is not None)
    if gate is not None and gate.declined:
        return warn_of_picture(picture)
    return (*warn_of_picture(picture), *(() if gate is None else gate.reasons), *found)


def _show_verdict(verdict: Verdict, cautions: tuple[str, ...]) -> None:
    with st.container(key="verdict"):
        box, icon = _BOXES[verdict.kind]
        box(f"## {verdict.headline}\n{verdict.sentence}", icon=icon)
        bullets = "\n".join(f"- {components.escape_markdown(caution)}" for caution in cautions)
        if cautions:
            st.warning(bullets, title="Read this result with care", icon=":material/warning:")
        elif verdict.kind is not Kind.DECLINED:
            st.caption(
                "None of the page's warning signs applies here. That is no proof of anything."
            )


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
        show_history()
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
    """Show what the chosen networks say, the verdict first.

    A result stays while networks that were given up are loaded anew, which is begun here.
    """
    top = st.container()
    below = st.container()
    models = choose_networks()
    if models:
        show_findings(picture, models, top)
    else:
        show_picture(picture)
        st.info("Choose at least one network to see a result.")
    with below:
        show_history()
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
