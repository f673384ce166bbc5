"""How both networks learned: the figures of every epoch."""

from typing import Final

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.compare.presentation import explain, show_download, show_figure, show_heading, show_sources
from app.services import evaluations
from app.services.attempts import Problem
from app.services.pair import Measured, Pair
from app.shared import components
from app.shared.figures import LOOKS

_CURVES: Final = {
    "Loss": ("train_loss", "val_loss"),
    "Accuracy": ("train_accuracy", "val_accuracy"),
    "Balanced accuracy": ("val_balanced_accuracy",),
    "Macro AUC": ("val_macro_auc",),
    "Learning rate": ("learning_rate",),
}
_HEIGHT: Final = 400
_IMAGES: Final = "Training and validation parts of each run's own split"


@st.fragment
def show_training(pair: Pair) -> None:
    """Show the section."""
    components.run_guarded(lambda: _show(pair))


def _show(pair: Pair) -> None:
    show_heading("Training curves", pair)
    histories = [(m, look, _read(m)) for m, look in zip(pair.both, LOOKS, strict=True)]
    columns = {column for _, _, table in histories if table is not None for column in table}
    choices = [name for name, wanted in _CURVES.items() if columns & set(wanted)]
    if not choices:
        return
    name = str(
        st.segmented_control(
            "Figure",
            choices,
            default=choices[0],
            required=True,
            key="training-figure",
            persist_state="session",
        )
    )
    figure, ends = go.Figure(), []
    for measured, look, table in histories:
        for column in _CURVES[name]:
            if table is None or column not in table:
                continue
            side = "training" if column.startswith("train_") else "validation"
            label = measured.label if name == "Learning rate" else f"{measured.label}, {side}"
            figure.add_scatter(
                x=table["epoch"],
                y=table[column],
                mode="lines",
                name=label,
                line={
                    "color": look.color,
                    "dash": "dot" if column.startswith("train_") else "solid",
                    "width": 1.5 if column.startswith("train_") else 2.5,
                },
                hovertemplate="epoch %{x}: %{y:.4g}<extra>" + label + "</extra>",
            )
            ends.append(f"{label} {table[column].iloc[0]:.3g} to {table[column].iloc[-1]:.3g}")
    figure.update_xaxes(title={"text": "Epoch"}, zeroline=False, rangemode="tozero")
    figure.update_yaxes(title={"text": name}, zeroline=False)
    show_figure(
        figure,
        pair,
        f"Training curves, {name.lower()}",
        f"{name} by epoch, first to last: {'; '.join(ends)}.",
        "training",
        height=_HEIGHT,
        images=_IMAGES,
        legend_rows=4 if len(ends) > 2 else 2,
    )
    explain("training")
    kept = [
        t.assign(network=m.label, data_set=_IMAGES, views=1)
        for m, _, t in histories
        if t is not None
    ]
    table = pd.concat(kept, ignore_index=True)
    show_download(table, pair, "training curves", of_dataset=False)
    show_sources(pair)


def _read(measured: Measured) -> pd.DataFrame | None:
    found = evaluations.read_history(measured)
    if isinstance(found, Problem):
        components.show_problem(found)
        return None
    if found is None:
        st.info(
            f"The epochs of {measured.label}, run {measured.provenance.run_id}, are not kept "
            "beside its evaluation."
        )
    return found
