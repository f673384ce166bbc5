"""The images behind one cell of a confusion matrix, with what both networks say of each."""

import math
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.compare.matrix_chart import Cell
from app.compare.presentation import show_download
from app.services import evaluations, maps
from app.services.attempts import Problem
from app.services.pair import Measured, Pair, Slot
from app.services.photographs import Photographs, can_be_found, shrink
from app.shared import components
from app.shared.report import describe_overlay
from app.shared.wording import lower_first
from skinmodel.diagnoses import CODES, class_index, get_diagnosis
from skinmodel.evaluation.predictions import PROBABILITIES
from skinmodel.explain import overlay
from skinmodel.faithfulness.verdict import describe_fault

PAGE: Final = 6
"""Images on one page of the list."""
_OPACITY: Final = 0.6


def find_rows(pair: Pair, slot: Slot, cell: Cell) -> NDArray[np.int64]:
    """Return the rows of the images in a cell, the surest answers first.

    Args:
        pair: the two runs.
        slot: whose matrix the cell is in.
        cell: truth and prediction.
    """
    measured = pair.of(slot)
    truth, probabilities, _ = measured.arrays
    column = class_index(cell.prediction)
    rows = np.flatnonzero((truth == class_index(cell.truth)) & (measured.leading == column))
    return rows[np.argsort(-probabilities[rows, column], kind="stable")]


def build_case_table(pair: Pair, rows: NDArray[np.int64]) -> pd.DataFrame:
    """Return the images with both networks' leading diagnosis and probabilities."""
    table = pair.first.predictions.iloc[rows][["image_id", "lesion_id", "truth"]]
    table = table.reset_index(drop=True)
    for name, measured in zip(("first", "second"), pair.both, strict=True):
        table[f"{name}_prediction"] = [CODES[k] for k in measured.leading[rows]]
        for code, column in zip(CODES, PROBABILITIES, strict=True):
            values = measured.predictions[column].to_numpy()[rows]
            table[f"{name}_p_{code}"] = values
    return table


def show_cases(pair: Pair, slot: Slot, cell: Cell) -> None:
    """Show the images of a cell, a page at a time."""
    rows = find_rows(pair, slot, cell)
    truth, prediction = get_diagnosis(cell.truth), get_diagnosis(cell.prediction)
    right = "rightly" if cell.truth == cell.prediction else "wrongly"
    with st.container(key="cases"):
        st.markdown(
            f"### {truth.name}, {right} called {lower_first(prediction.name)} by "
            f"{pair.of(slot).label}: {len(rows):,} image{'' if len(rows) == 1 else 's'}",
            anchors=False,
        )
        if not len(rows):
            st.caption("No image is in this cell.")
            return
        st.caption("The surest answers first. Probabilities are in percent, calibrated.")
        photographs = _find_photographs(pair)
        wanted = photographs is not None and st.toggle(
            "Show where each network looked",
            key="cases-overlays",
            persist_state="session",
            help="Loads TensorFlow and the two networks the first time, which takes a while.",
        )
        pages = math.ceil(len(rows) / PAGE)
        page = 1
        if pages > 1:
            page = st.pagination(pages, key=f"cases-page-{slot}-{'-'.join(cell)}")
        for row in rows[(page - 1) * PAGE : page * PAGE]:
            with st.container(border=True):
                _show_case(pair, int(row), photographs, wanted)
        subject = f"images {' called '.join(cell)} {slot}"
        show_download(build_case_table(pair, rows), pair, subject, "Save the whole list (CSV)")


def _find_photographs(pair: Pair) -> Photographs | None:
    found = evaluations.list_photographs(pair.dataset.dataset)
    if found is None:
        st.caption(
            "Probabilities only: the pictures appear where the server is started with "
            "SKINMODEL_DATA naming the folder that holds this data set."
            if can_be_found(pair.dataset.dataset)
            else "Probabilities only: the pictures are in a folder of your own, and where that is "
            "is not kept. Find them there by their ids."
        )
        return None
    if isinstance(found, Problem):
        components.show_problem(found, title="The pictures cannot be shown")
        st.button("Look again", icon=":material/refresh:", on_click=evaluations.forget_photographs)
        return None
    return found


def _show_case(pair: Pair, row: int, photographs: Photographs | None, overlays: bool) -> None:
    image_id = str(pair.first.predictions["image_id"].iloc[row])
    truth = str(pair.first.predictions["truth"].iloc[row])
    st.markdown(f"**{components.escape_markdown(image_id)}** · truth: {get_diagnosis(truth).name}")
    if photographs is None:
        _show_probabilities(pair, row, image_id)
        return
    first, *others = st.columns(3 if overlays else [1, 2], gap="small")
    with first:
        image = _show_photograph(photographs, image_id)
    if overlays and image is not None:
        for column, measured in zip(others, pair.both, strict=True):
            with column:
                _show_overlay(measured, row, image_id, image)
        _show_probabilities(pair, row, image_id)
    else:
        with others[0]:
            _show_probabilities(pair, row, image_id)


def _show_probabilities(pair: Pair, row: int, image_id: str) -> None:
    rows = {m.label: _list_probabilities(m, row) for m in pair.both}
    st.table(
        pd.DataFrame.from_dict(rows, orient="index"),
        border="horizontal",
        alt=f"Probabilities of both networks for {image_id}, in percent.",
    )


def _list_probabilities(measured: Measured, row: int) -> dict[str, str]:
    """Return the seven probabilities in percent, the leading one in bold."""
    probabilities = measured.arrays[1][row]
    leading = int(measured.leading[row])
    texts = [_write(100 * float(p)) for p in probabilities]
    return {
        code: f"**{text}**" if k == leading else text
        for k, (code, text) in enumerate(zip(CODES, texts, strict=True))
    }


def _write(percentage: float) -> str:
    """Return a percentage that fits a phone seven times in a row and never claims certainty."""
    if percentage < 1:
        return "<1"
    return ">99" if percentage > 99 else f"{percentage:.0f}"


def _show_photograph(photographs: Photographs, image_id: str) -> NDArray[np.uint8] | None:
    photograph = photographs.by_id.get(image_id)
    if photograph is None:
        st.caption("The data folder does not hold this picture.")
        return None
    image = evaluations.read_photograph(photograph)
    if isinstance(image, Problem):
        components.show_problem(image)
        return None
    st.image(shrink(image), width="stretch", alt=f"Photograph {image_id}.")
    return image


def _show_overlay(measured: Measured, row: int, image_id: str, image: NDArray[np.uint8]) -> None:
    code = CODES[int(measured.leading[row])]
    with st.spinner(f"{measured.label} looks at it"):
        found = evaluations.explain_photograph(measured.provenance.run_id, image_id, code, image)
    if isinstance(found, Problem):
        st.caption(components.escape_markdown(f"{measured.label}: {found.sentence}"))
        return
    remark = describe_fault(maps.read_report(found.run_id), found.method)
    st.image(
        overlay.blend(shrink(image), found, _OPACITY),
        width="stretch",
        caption=f"{measured.label}: {overlay.describe_map(found)}{f'. {remark}' if remark else ''}",
        alt=describe_overlay(found, measured.label),
    )
