"""Both confusion matrices side by side; a chosen cell opens the list of its images."""

from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st

from app.compare.cases import show_cases
from app.compare.matrix_chart import (
    COUNTS,
    SHARES,
    Cell,
    build_matrix,
    compute_shares,
    describe_matrix,
)
from app.compare.presentation import explain, show_download, show_figure, show_heading, show_sources
from app.services.pair import SLOTS, Pair, Slot
from app.shared import components
from skinmodel.diagnoses import CODES, get_diagnosis

_KEYS: Final = {"slot": "cell-network", "truth": "cell-truth", "prediction": "cell-prediction"}
_ROUNDS: Final = "cell-rounds"
_HEIGHT: Final = 410


@st.fragment
def show_confusion(pair: Pair) -> None:
    """Show the section; choosing a cell draws nothing else anew."""
    components.run_guarded(lambda: _show(pair))


def _show(pair: Pair) -> None:
    show_heading("Confusion matrices", pair)
    mode = st.segmented_control(
        "Cells hold",
        [SHARES, COUNTS],
        default=SHARES,
        required=True,
        key="matrix-mode",
        persist_state="session",
    )
    slot, cell = get_choice()
    largest = max(int(np.max(m.report.confusion)) for m in pair.both)
    for which, column in zip(SLOTS, st.columns(2, gap="medium"), strict=True):
        with column:
            _show_matrix(which, pair, str(mode), largest, cell if which == slot else None)
    explain("confusion")
    _choose_cell(pair)
    if cell is not None:
        show_cases(pair, slot, cell)
    show_download(_to_frame(pair), pair, "confusion matrices", "Save both matrices (CSV)")
    show_sources(pair)


def get_choice() -> tuple[Slot, Cell | None]:
    """Return whose cell is chosen and which; None before one was."""
    slot, truth, prediction = (st.session_state.get(key) for key in _KEYS.values())
    chosen: Slot = "second" if slot == "second" else "first"
    return chosen, Cell(truth, prediction) if truth and prediction else None


def _show_matrix(slot: Slot, pair: Pair, mode: str, largest: int, chosen: Cell | None) -> None:
    measured = pair.of(slot)
    st.markdown(f"### {measured.label}", anchors=False)
    confusion = np.array(measured.report.confusion, dtype=np.int64)
    # A chart that keeps its own selection would swallow a second click on the same cell after
    # another was chosen elsewhere; it starts afresh then.
    key = f"matrix-{slot}-{_rounds()[slot]}"
    show_figure(
        build_matrix(confusion, mode, largest, chosen),
        pair,
        f"Confusion matrix of {measured.label}, {mode.lower()}",
        describe_matrix(confusion, measured.label),
        key,
        height=_HEIGHT,
        below=8,
        on_select=lambda: _receive(slot, key),
        selection_mode="points",
    )


def _receive(slot: Slot, key: str) -> None:
    """Put the cell that was clicked into the state that the boxes below the matrices share."""
    state: Any = st.session_state[key]
    points = state["selection"]["points"]
    if not points:  # a second click on the same cell: it stays chosen
        return
    index = points[0]["point_index"]
    truth, prediction = divmod(index, len(CODES))
    st.session_state[_KEYS["slot"]] = slot
    st.session_state[_KEYS["truth"]] = CODES[truth]
    st.session_state[_KEYS["prediction"]] = CODES[prediction]
    _start_afresh(*(other for other in SLOTS if other != slot))


def _rounds() -> dict[Slot, int]:
    rounds: dict[Slot, int] = st.session_state.setdefault(_ROUNDS, dict.fromkeys(SLOTS, 0))
    return rounds


def _start_afresh(*slots: Slot) -> None:
    for slot in slots:
        _rounds()[slot] += 1


def _choose_cell(pair: Pair) -> None:
    """Show the same choice as boxes, which a keyboard and a screen reader can use."""
    columns = st.columns(3)
    with columns[0]:
        st.selectbox(
            "Images by the answer of",
            SLOTS,
            format_func=lambda slot: pair.of(slot).label,
            key=_KEYS["slot"],
            on_change=_start_afresh,
            args=SLOTS,
            persist_state="session",
        )
    for column, label, key in (
        (columns[1], "True diagnosis", _KEYS["truth"]),
        (columns[2], "What the network says", _KEYS["prediction"]),
    ):
        with column:
            st.selectbox(
                label,
                CODES,
                index=None,
                placeholder="Choose",
                format_func=lambda code: f"{get_diagnosis(code).name} ({code})",
                key=key,
                on_change=_start_afresh,
                args=SLOTS,
                persist_state="session",
            )


def _to_frame(pair: Pair) -> pd.DataFrame:
    rows = []
    for slot in SLOTS:
        confusion = np.array(pair.of(slot).report.confusion, dtype=np.int64)
        shares = compute_shares(confusion)
        rows += [
            {
                "network": pair.of(slot).label,
                "truth": truth,
                "prediction": prediction,
                "images": confusion[i, j],
                "share_of_truth": shares[i, j],
            }
            for i, truth in enumerate(CODES)
            for j, prediction in enumerate(CODES)
        ]
    return pd.DataFrame(rows)
