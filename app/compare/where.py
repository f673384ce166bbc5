"""Where the networks look: their maps measured on test lesions, beside controls that know none."""

from typing import Final

import pandas as pd
import streamlit as st

from app.compare import wording
from app.compare.presentation import explain, spread
from app.compare.where_chart import show_masses
from app.compare.where_rows import MapRow, collect_rows
from app.compare.where_worst import show_worst
from app.services import maps
from app.services.attempts import Problem
from app.services.pair import Pair
from app.shared import components
from app.shared.maps import GUIDED, describe_claim, points
from app.shared.saving import name_file, show_save_button
from skinmodel.faithfulness.report import FaithfulnessReport
from skinmodel.faithfulness.summary import describe_controls
from skinmodel.faithfulness.verdict import judge
from skinmodel.results import DISCLAIMER

_ALL, _OFF_CENTRE = "All pictures", "Lesion off centre"
_SAVED: Final = ("figures", "differences", "figures_off_centre", "differences_off_centre")


def show_where(pair: Pair) -> None:
    """Show the section: every network measured, those of the pair first."""
    st.header("Where they look", anchor=False)
    rows = _read(pair)
    if not rows:
        st.info(
            "No network's maps were measured. With HAM10000 and its masks at hand: "
            "python -m skinmodel faithfulness --model NAME --data DIR."
        )
        return
    explain("where")
    chosen = st.segmented_control(
        "Pictures",
        (_ALL, _OFF_CENTRE),
        default=_ALL,
        required=True,
        key="where-pictures",
        persist_state="session",
        help="Lesions lie in the middle of most pictures, so a map that knows only that does "
        "well on them, and fails where the lesion lies off centre.",
    )
    off_centre = chosen == _OFF_CENTRE
    show_masses(rows, off_centre)
    _show_table(rows, off_centre)
    _show_sources(rows)
    show_worst(rows)


def _read(pair: Pair) -> list[MapRow]:
    """Return a row a network and method; a report that cannot be read is said and left out."""
    of_pair = [measured.provenance.run_id for measured in pair.both]
    found = maps.list_measured(of_pair)
    for problem in found:
        if isinstance(problem, Problem):
            components.show_problem(problem, title="Measurements of maps are left out")
    return collect_rows([one for one in found if not isinstance(one, Problem)])


def _show_table(rows: list[MapRow], off_centre: bool) -> None:
    shown = pd.DataFrame.from_dict(
        {row.label: _write(row, off_centre) for row in rows}, orient="index"
    )
    with st.container(key="where-table"):
        st.table(
            shown,
            border="horizontal",
            alt="Mass on the lesion and its controls, faithfulness and following of every "
            "network's maps, with what may be claimed.",
        )
    show_save_button(
        lambda: render_csv(rows), name_file("maps measured", ".csv"), "Save the table (CSV)"
    )


def _write(row: MapRow, off_centre: bool) -> dict[str, str]:
    figures, differences = row.part(off_centre)
    mark = "" if not judge(row.measured).unbeaten else " :orange-badge[no better than controls]"
    text = {
        "Pictures": f"{row.measured.off_centre if off_centre else row.measured.masked:,}",
        "Mass on the lesion": wording.interval(figures["mass"], 2) + mark,
        "Its own average": wording.figure(figures["mass_mean"].value, 2),
        "Blob in the middle": wording.figure(figures["mass_gaussian"].value, 2),
        "Times an even map": wording.figure(figures["mass_ratio_uniform"].value, 2),
        "Strongest cell on it": wording.interval(figures["hit"], 2),
        "Blanking costs, beyond chance": points(differences["drop_over_random"]),
        "Moves, stays": f"{wording.figure(figures['follow'].value, 2)}, "
        f"{wording.figure(figures['stay'].value, 2)}",
    }
    if not off_centre:
        text["What may be claimed"] = describe_claim(row.measured)
    return text


def _show_sources(rows: list[MapRow]) -> None:
    reports = {row.report.run_id: row.report for row in rows}
    lines = [_describe(report) for report in reports.values()]
    st.caption(f"The controls are {describe_controls()}. {' '.join(lines)} **{DISCLAIMER}**")


def _describe(report: FaithfulnessReport) -> str:
    drawn = ", as many of each diagnosis as there are" if report.balanced else ""
    leaks = " It was trained on pictures of these lesions." if report.leaks else ""
    guided = f" Its soft attention: {GUIDED}" if report.guided else ""
    return (
        f"Run `{report.run_id}`: {report.images:,} pictures of {report.lesions:,} lesions, "
        f"{report.dataset_title}{drawn}.{leaks}{guided}"
    )


def render_csv(rows: list[MapRow]) -> bytes:
    """Return every figure with its interval as CSV, one row a network, method and figure."""
    lines = []
    for row in rows:
        for part in _SAVED:
            for name, interval in getattr(row.measured, part).items():
                lines.append(
                    {
                        "network": row.report.model,
                        "run": row.report.run_id,
                        "leaks": row.report.leaks,
                        "method": row.measured.method,
                        "data_set": row.report.dataset,
                        "part": part,
                        "figure": name,
                        **spread("value", interval),
                        "disclaimer": DISCLAIMER,
                    }
                )
    return pd.DataFrame(lines).to_csv(index=False).encode()
