"""Where a network looked on the pictures of a batch, as a ZIP of overlays to save."""

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from app import services
from app.batch import session
from app.batch.table import is_answered
from app.services import batches, maps
from app.services.attempts import Problem, attempt
from app.services.batches import Batch, Row
from app.services.pictures import Analysis, fit_to_screen
from app.shared import components
from app.shared.report import render_overlay_png
from skinmodel.faithfulness.verdict import describe_fault
from skinmodel.models.registry import get_spec

MOST: Final = 50
"""Overlays of one ZIP, those of the rows that stand first: 640 pixels each, some 30 MB in all."""
_SIDE: Final = 640
_OPACITY: Final = 0.6


def show_overlays(batch: Batch, rows: Sequence[Row], model: str) -> None:
    """Show the button that draws the overlays of the rows shown, then the one that saves them."""
    drawn = [row for row in rows if model in row.predictions and is_answered(row)][:MOST]
    wanted = st.button(
        f"Draw the overlays of the first {len(drawn)}",
        icon=":material/layers:",
        disabled=not drawn,
        help=f"By the map that was measured best for {get_spec(model).title}; at most {MOST}.",
    )
    if wanted:
        found = attempt(lambda: _draw(batch, drawn, model))
        if isinstance(found, Problem):
            components.show_problem(found)
        else:
            session.keep_overlays(found)
    if overlays := session.get_overlays():
        st.download_button(
            "Save the overlays (ZIP)",
            data=overlays,
            file_name=f"skinmodel-batch-overlays-{model}.zip",
            mime="application/zip",
            icon=":material/download:",
            on_click="ignore",
        )


def _draw(batch: Batch, rows: Sequence[Row], model: str) -> bytes:
    method = maps.choose_method(
        rows[0].predictions[model].run_id, services.get_classifier(model).methods
    )
    buffer = io.BytesIO()
    bar = st.progress(0.0)
    with zipfile.ZipFile(buffer, "w") as archive:
        for place, row in enumerate(rows):
            bar.progress(place / len(rows), text=f"{place} of {len(rows)} overlays drawn")
            picture = batches.open_entry(batch, row.entry)
            if isinstance(picture, Problem):
                continue
            prediction = row.predictions[model]
            found = services.explain(Analysis(picture), model, method, prediction.code)
            if isinstance(found, Problem):
                continue
            small = replace(picture, image=fit_to_screen(picture.image, _SIDE))
            remark = describe_fault(maps.read_report(prediction.run_id), method)
            title = get_spec(model).title
            png = render_overlay_png(small, found, _OPACITY, title, remark)
            archive.writestr(_name(place + 1, row.entry.name, model, method), png)
    bar.empty()
    return buffer.getvalue()


def _name(number: int, file: str, model: str, method: str) -> str:
    """Return a plain name; numbered, since two folders of a ZIP may hold one name."""
    stem = re.sub(r"[^\w.-]+", "_", file.rpartition(".")[0])[:80]
    return f"{number:03d}-{stem}-{model}-{method}.png"
