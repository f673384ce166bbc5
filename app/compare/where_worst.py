"""The pictures on which a map lies worst, with the map and the lesion's outline."""

from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.compare.where_rows import MapRow
from app.services import evaluations, maps
from app.services.attempts import Problem
from app.services.photographs import Photographs, shrink
from app.shared import components
from app.shared.maps import describe_mark, list_claims
from app.shared.outline import outline
from app.shared.report import describe_overlay
from skinmodel.diagnoses import get_diagnosis
from skinmodel.explain import overlay
from skinmodel.explain.registry import METHODS

SHOWN: Final = 6
_OPACITY: Final = 0.6


@st.fragment
def show_worst(rows: list[MapRow]) -> None:
    """Show the pictures with the least mass on the lesion, of a map that the reader chooses."""
    components.run_guarded(lambda: _show(rows))


def find_worst(table: pd.DataFrame, method: str, number: int = SHOWN) -> pd.DataFrame:
    """Return the rows of a method with the least mass on the lesion, the worst first.

    Args:
        table: rows of a measurement, one a picture and method.
        method: whose maps.
        number: how many.
    """
    known = table[(table["method"] == method) & table["mass"].notna()]
    return known.sort_values(["mass", "image_id"], kind="stable").head(number)


def _show(rows: list[MapRow]) -> None:
    st.markdown("### One map's tests, and where it goes worst", anchors=False)
    labels = [row.label for row in rows]
    label = st.selectbox("Map", labels, key="where-map", persist_state="session")
    row = rows[labels.index(str(label))]
    if mark := describe_mark(row.report, row.measured.method):
        st.warning(mark, icon=":material/report:")
    st.markdown("\n".join(f"- {claim}" for claim in list_claims(row.measured)))
    method = METHODS.get(row.measured.method)
    if method is not None:
        st.caption(
            f"{method.title} ({method.source}) takes {method.cost}: "
            f"{1000 * row.measured.seconds:.0f} ms a map, in batches, where it was measured."
        )
    table = maps.read_rows(row.folder)
    if isinstance(table, Problem):
        components.show_problem(table)
        return
    worst = find_worst(table, row.measured.method)
    st.caption("The pictures on which least of the map's mass lies on the lesion.")
    photographs = _find_photographs(row)
    if photographs is None:
        st.table(_list(worst), border="horizontal", alt="The pictures with the least mass.")
        return
    wanted = st.toggle(
        "Show the maps",
        key="where-maps",
        persist_state="session",
        help="Loads TensorFlow and the network the first time, which takes a while.",
    )
    for start in range(0, len(worst), 3):
        for column, (_, picture) in zip(
            st.columns(3, gap="small"), worst.iloc[start : start + 3].iterrows(), strict=False
        ):
            with column:
                _show_picture(row, picture, photographs, wanted)


def _find_photographs(row: MapRow) -> Photographs | None:
    found = evaluations.list_photographs(row.report.dataset)
    if isinstance(found, Problem):
        components.show_problem(found, title="The pictures cannot be shown")
        st.button(
            "Look again",
            icon=":material/refresh:",
            key="where-again",
            on_click=evaluations.forget_photographs,
        )
        return None
    if found is None:
        st.caption(
            "The pictures appear where the server is started with SKINMODEL_DATA naming the folder "
            "that holds HAM10000."
        )
    return found


def _list(worst: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Image": list(worst["image_id"]),
            "Truth": [get_diagnosis(code).name for code in worst["truth"]],
            "Mass on the lesion": [f"{value:.2f}" for value in worst["mass"]],
            "Lesion's share of the picture": [f"{value:.2f}" for value in worst["area"]],
        }
    ).set_index("Image")


def _show_picture(
    row: MapRow, picture: "pd.Series[float]", photographs: Photographs, wanted: bool
) -> None:
    image_id = str(picture["image_id"])
    photograph = photographs.by_id.get(image_id)
    image = None if photograph is None else evaluations.read_photograph(photograph)
    if image is None or isinstance(image, Problem):
        st.caption("The data folder does not hold this picture." if image is None else "")
        if isinstance(image, Problem):
            components.show_problem(image)
        return
    shown, alt = shrink(image), f"Photograph {image_id}."
    if wanted:
        shown, alt = _lay_over(row, picture, image, shown, alt)
    mask = maps.find_mask(image_id)
    if mask is not None:
        shown, alt = outline(shown, mask), f"{alt} The lesion is outlined."
    st.image(
        shown,
        width="stretch",
        alt=alt,
        caption=f"{image_id}, {get_diagnosis(str(picture['truth'])).name}: mass "
        f"{picture['mass']:.2f} on the lesion, which takes {picture['area']:.2f} of the picture",
    )


def _lay_over(
    row: MapRow,
    picture: "pd.Series[float]",
    image: NDArray[np.uint8],
    shown: NDArray[np.uint8],
    alt: str,
) -> tuple[NDArray[np.uint8], str]:
    code, image_id = str(picture["prediction"]), str(picture["image_id"])
    with st.spinner("The network looks at it"):
        found = evaluations.explain_photograph(
            row.report.run_id, image_id, code, image, row.measured.method
        )
    if isinstance(found, Problem):
        st.caption(components.escape_markdown(found.sentence))
        return shown, alt
    return overlay.blend(shown, found, _OPACITY), describe_overlay(found, row.label)
