"""The report's own tables as printed, beside the chosen runs, and what its leak was worth."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from app.compare import wording
from app.compare.presentation import explain, show_heading, show_sources
from app.services import evaluations
from app.services.attempts import Problem
from app.services.pair import Measured, Pair, name_dataset, name_network
from app.shared import components
from app.shared.saving import show_save_button
from skinmodel.diagnoses import CODES
from skinmodel.evaluation.leak import DATASETS, LeakRow, to_frame
from skinmodel.evaluation.measures.metrics import HEADLINES
from skinmodel.evaluation.published import (
    FIGURES,
    ClassificationTable,
    ConfusionLayout,
    CountTable,
    Publication,
    Row,
    Table,
)
from skinmodel.results import DISCLAIMER


def list_rows(table: ClassificationTable) -> tuple[Row, ...]:
    """Return the rows of the diagnoses and both averages."""
    return (*table.rows, table.macro, table.weighted)


def show_remarks(table: Table) -> None:
    """Show what a table says against itself, and our remarks."""
    found = table.about.contradictions
    if found:
        lines = "\n".join(f"- **{row}**: {components.escape_markdown(text)}" for row, text in found)
        places = "one place" if len(found) == 1 else f"{len(found)} places"
        with st.expander(
            f"† Table {table.about.number} contradicts itself in {places}",
            icon=":material/report:",
        ):
            st.markdown(lines)
    for remark in table.about.remarks:
        st.caption(components.escape_markdown(remark))


def show_alone(table: Table, publication: Publication) -> None:
    """Show a table of the report by itself."""
    about = table.about
    st.markdown(f"### Table {about.number}: {about.title}", anchors=False)
    st.caption(components.escape_markdown(f"{about.dataset}. {about.protocol}"))
    frame = _to_frame(table)
    st.table(frame, border="horizontal", alt=f"Table {about.number} of the report: {about.title}.")
    show_save_button(
        lambda: frame.assign(source=publication.citation).to_csv().encode(),
        f"skinmodel-report-table-{about.number}.csv",
    )
    show_remarks(table)


def _to_frame(table: Table) -> pd.DataFrame:
    if isinstance(table, CountTable):
        rows = [*table.rows, ("Total", table.total)]
        return pd.DataFrame(
            {name: ["–" if c is None else f"{c:,}" for c in counts] for name, counts in rows},
            index=list(table.columns),
        ).T
    if isinstance(table, ConfusionLayout):
        return pd.DataFrame(
            [(f"actually {a}, predicted {p}".lower(), name) for a, p, name in table.cells],
            columns=["Cell", "Name"],
        ).set_index("Cell")
    lines = {
        row.name: {
            **{wording.TITLES[figure]: f"{getattr(row, figure):.2f}" for figure in FIGURES},
            "Support": f"{row.support:,}",
        }
        for row in list_rows(table)
    }
    lines["Accuracy"] = {"F1": f"{table.accuracy:.2f}", "Support": f"{table.support:,}"}
    return pd.DataFrame.from_dict(lines, orient="index").fillna("")


_FIGURES: Final = (*HEADLINES, "recall.nv")


def show_leak_table() -> None:
    """Show the table, or that it was not measured."""
    st.header("The report's protocol, where it leaks and where not", anchor=False)
    rows = evaluations.read_leak_table()
    if isinstance(rows, Problem):
        components.show_problem(rows)
        return
    if rows is None:
        st.info(
            "Not measured in this copy of the program: it takes networks trained by the report's "
            "recipe and their predictions."
        )
        return
    explain("leak")
    st.table(
        build_table(rows),
        border="horizontal",
        hide_index=True,
        alt="Figures of the report's weights and ours on leaky and on unseen lesions.",
    )
    for remark in dict.fromkeys(f"{DATASETS[r.dataset]}: {r.remark}" for r in rows if r.remark):
        st.caption(components.escape_markdown(remark))
    show_save_button(
        lambda: to_frame(rows).assign(disclaimer=DISCLAIMER).to_csv(index=False).encode(),
        "skinmodel-leak.csv",
    )
    st.caption(f"**{DISCLAIMER}**")


def build_table(rows: Sequence[LeakRow]) -> pd.DataFrame:
    """Return the rows in words; those that leak carry the badge."""
    return pd.DataFrame(
        [
            {
                "Weights": components.escape_markdown(row.weights),
                "Measured on": f"{DATASETS[row.dataset]}"
                + (" :red-badge[leaky: too good]" if row.leaks else ""),
                "Images": f"{row.images:,}",
                "Lesions": f"{row.lesions:,}",
                **{wording.name_figure(f): wording.interval(row.figures[f]) for f in _FIGURES},
            }
            for row in rows
        ]
    )


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
        st.markdown(f"### Table {about.number}: {about.title}", anchors=False, width="content")
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
