"""The report's own tables as printed, beside the figures of the chosen runs."""

from functools import partial
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from app import components
from app.comparison import wording
from app.comparison.leak_table import show_leak_table
from app.comparison.pair import Measured, Pair, name_dataset, name_network
from app.comparison.published_tables import list_rows, show_alone, show_remarks
from app.comparison.tables import explain, show_heading, show_sources
from app.saving import show_save_button
from app.services import Problem, evaluations
from skinmodel.diagnoses import CODES
from skinmodel.evaluation.published import (
    FIGURES,
    ClassificationTable,
    Publication,
    Row,
)
from skinmodel.results import DISCLAIMER

_RESULTS: Final = {
    "4": "Table 4, HAM10000",
    "5": "Table 5, ISIC 2019",
}


def show_published(pair: Pair) -> None:
    """Show the section."""
    show_leak_table()
    publication = evaluations.read_published()
    if isinstance(publication, Problem):
        components.show_problem(publication)
        return
    st.divider()
    show_heading("The report's results beside ours", pair)
    st.markdown(components.escape_markdown(publication.citation))
    explain("published")
    number = str(
        st.segmented_control(
            "Table of the report",
            list(_RESULTS),
            default="5" if pair.dataset.dataset.startswith("isic2019") else "4",
            required=True,
            format_func=_RESULTS.__getitem__,
            key=f"published-{pair.dataset.folder}",
        )
    )
    for letter, position in (("a", pair.first), ("b", pair.second)):
        table = publication.get(number + letter)
        if isinstance(table, ClassificationTable):
            _show_beside(table, _match(table, pair, position), publication)
    with st.expander("The report's other tables", icon=":material/table:"):
        for table in publication.tables:
            if table.about.number[0] not in _RESULTS or table.about.number == "4c":
                show_alone(table, publication)
    show_sources(pair)


def _match(table: ClassificationTable, pair: Pair, otherwise: Measured) -> Measured:
    """Return the run of the table's own network, or the one in its place."""
    same = [m for m in pair.both if name_network(m.provenance) == table.about.model]
    return same[0] if len(same) == 1 else otherwise


def _show_beside(table: ClassificationTable, ours: Measured, publication: Publication) -> None:
    about = table.about
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"#### Table {about.number}: {about.title}", anchors=False, width="content")
        if about.leaks:
            components.show_leak("The report's figures leak")
    left, right = st.columns(2, gap="medium")
    with left:
        st.caption(
            f"**The report** · {about.dataset}. {components.escape_markdown(about.protocol)}"
        )
    with right:
        known = ours.provenance
        leaks = f" {components.escape_markdown(known.remark)}" if known.leaks else ""
        st.caption(
            f"**Ours** · {ours.label}, run `{known.run_id}`, on "
            f"{components.escape_markdown(name_dataset(known))}, "
            f"{ours.report.images:,} images of {ours.report.lesions:,} lesions.{leaks}"
        )
    st.table(
        pd.DataFrame.from_dict(_compare(table, ours), orient="index"),
        border="horizontal",
        alt=f"Table {about.number} of the report beside our figures for {ours.label}.",
    )
    show_save_button(
        partial(_render, table, ours, publication),
        f"skinmodel-report-table-{about.number}-{known.folder}.csv",
    )
    show_remarks(table)


def _compare(table: ClassificationTable, ours: Measured) -> dict[str, dict[str, str]]:
    """Return the rows of the report's table in its order, ours beside each figure."""
    support = np.array(ours.report.confusion).sum(axis=1)
    lines = {}
    for row in list_rows(table):
        line = {}
        for figure in FIGURES:
            title, measured = wording.TITLES[figure], ours.report.metrics[_key(row, figure)]
            line[f"{title}, report"] = f"{getattr(row, figure):.2f}"
            line[f"{title}, ours"] = wording.interval(measured, 2)
        line["Support, report"] = f"{row.support:,}"
        line["Support, ours"] = f"{support[CODES.index(row.code)] if row.code else support.sum():,}"
        lines[row.name] = line
    accuracy = dict.fromkeys(next(iter(lines.values())), "") | {
        "F1, report": f"{table.accuracy:.2f}",
        "F1, ours": wording.interval(ours.report.metrics["accuracy"], 2),
        "Support, report": f"{table.support:,}",
        "Support, ours": f"{support.sum():,}",
    }
    names = [row.name for row in table.rows]
    ordered = {name: lines[name] for name in names} | {"Accuracy": accuracy}
    doubted = {row for row, _ in table.about.contradictions}
    return {
        f"{name} †" if name in doubted else name: line for name, line in (ordered | lines).items()
    }


def _key(row: Row, figure: str) -> str:
    if row.code:
        return f"{figure}.{row.code}"
    return f"{'macro' if row.name.lower().startswith('macro') else 'weighted'}_{figure}"


def _render(table: ClassificationTable, ours: Measured, publication: Publication) -> bytes:
    lines = [
        {
            "row": row.name,
            **{f"report_{figure}": getattr(row, figure) for figure in FIGURES},
            "report_support": row.support,
            **{
                f"ours_{figure}{end}": getattr(ours.report.metrics[_key(row, figure)], part)
                for figure in FIGURES
                for end, part in (("", "value"), ("_low", "low"), ("_high", "high"))
            },
        }
        for row in list_rows(table)
    ]
    frame = pd.DataFrame(lines).assign(
        report_accuracy=table.accuracy,
        report_table=table.about.number,
        report_leaks=table.about.leaks,
        report_source=publication.citation,
        ours_data_set=ours.provenance.folder,
        ours_network=ours.provenance.model,
        ours_run=ours.provenance.run_id,
        ours_leaks=ours.provenance.leaks,
        disclaimer=DISCLAIMER,
    )
    return frame.to_csv(index=False).encode()
