"""Tables of the report as printed, each with what it says against itself."""

import pandas as pd
import streamlit as st

from app import components
from app.comparison import wording
from app.saving import show_save_button
from skinmodel.evaluation.published import (
    FIGURES,
    ClassificationTable,
    ConfusionLayout,
    CountTable,
    Publication,
    Row,
    Table,
)


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
    st.markdown(f"#### Table {about.number}: {about.title}", anchors=False)
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
