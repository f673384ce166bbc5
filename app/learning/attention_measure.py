"""Does the attention of the picture at hand lie on its lesion? Worked out where a mask exists."""

import streamlit as st

from app import components
from app.maps import describe_mark, describe_measured
from app.pictures import Picture
from app.services import Problem, maps
from skinmodel.explain.placement import average_over_cells
from skinmodel.faithfulness.localisation import centred_gaussian, compute_hit, compute_mass
from skinmodel.faithfulness.pictures import binarize
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
