"""The report's own counts beside ours, and where they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
import streamlit as st

from app.datasets.presentation import show_table
from app.datasets.wording import label_diagnosis
from app.services import evaluations
from app.services.attempts import Problem
from app.shared import components
from app.shared.wording import join_words
from skinmodel.data.counts.tables import HAM10000, ISIC2019, Counts
from skinmodel.evaluation.published import CountTable

# Table 1 and Table 2 word some diagnoses differently; the first words tell them apart.
_CODE_OF: Final = {
    "melanocytic": "nv",
    "melanoma": "mel",
    "benign": "bkl",
    "basal": "bcc",
    "actinic": "akiec",
    "vascular": "vasc",
    "dermatofibroma": "df",
    "squamous": "scc",
    "other": "unk",
    "total": "total",
}


@dataclass(frozen=True)
class Cell:
    """One number of the report beside ours.

    Attributes:
        row: diagnosis code, or ``total``.
        column: as the table calls it.
        printed: None where the table has a dash.
        ours: as counted; 0 where the data set has no such class.
    """

    row: str
    column: str
    printed: int | None
    ours: int

    @property
    def differs(self) -> bool:
        """A dash stands for nothing, and agrees with 0."""
        return (self.printed or 0) != self.ours


def compare_counts(table: CountTable, ours: Mapping[str, Mapping[str, int]]) -> list[Cell]:
    """Return every number of the report's table beside ours.

    Args:
        table: of the report.
        ours: by column of the table and diagnosis code; other columns are passed over. A column's
            total is its sum.
    """
    cells = []
    for name, printed in (*table.rows, ("Total", table.total)):
        code = _CODE_OF[name.split()[0].lower()]
        for column, number in zip(table.columns, printed, strict=True):
            if column in ours:
                found = ours[column]
                count = sum(found.values()) if code == "total" else found.get(code, 0)
                cells.append(Cell(code, column, number, count))
    return cells


def describe_differences(cells: Sequence[Cell], number: str) -> str:
    """Return one sentence on whether the numbers agree."""
    different = [cell for cell in cells if cell.differs]
    if not different:
        return f"All {len(cells)} numbers of the report's Table {number} equal ours."
    named = join_words(
        f"{cell.row}, {cell.column}: {_write(cell.printed)} printed, {cell.ours:,} counted"
        for cell in different
    )
    return f"{len(different)} of {len(cells)} numbers differ from ours: {named}."


def show_table_1(counts: Counts) -> None:
    """Show the report's class counts of both sets beside ours."""
    ours = {"isic_2018": counts.by_class(HAM10000), "isic_2019": counts.by_class(ISIC2019)}
    _show("1", ours, counts)


def show_table_2(counts: Counts) -> None:
    """Show the report's counts before and after copying beside ours."""
    table = counts.augmentation
    ours = {
        printed: dict(zip(table["diagnosis"], table[name].tolist(), strict=True))
        for printed, name in (("observations", "images"), ("total", "pictures"))
    }
    _show("2", ours, counts)


def _show(number: str, ours: Mapping[str, Mapping[str, int]], counts: Counts) -> None:
    publication = evaluations.read_published()
    if isinstance(publication, Problem):
        components.show_problem(publication)
        return
    table = publication.get(number)
    if not isinstance(table, CountTable):
        return
    cells = compare_counts(table, ours)
    st.markdown(f"### The report's Table {number} beside these counts", anchors=False)
    st.markdown(describe_differences(cells, number))
    with st.expander(f"Table {number}: {table.about.title}", icon=":material/table:"):
        st.caption(components.escape_markdown(f"{publication.citation} {table.about.protocol}"))
        show_table(
            _build_shown(cells),
            pd.DataFrame([{**cell.__dict__, "differs": cell.differs} for cell in cells]),
            counts,
            f"report table {number}",
            f"Table {number} of the report beside our counts.",
        )
        for remark in table.about.remarks:
            st.caption(components.escape_markdown(remark))


def _build_shown(cells: Sequence[Cell]) -> pd.DataFrame:
    lines: dict[str, dict[str, str]] = {}
    for cell in cells:
        name = "**Total**" if cell.row == "total" else label_diagnosis(cell.row)
        mark = " **≠**" if cell.differs else ""
        title = cell.column.replace("_", " ").replace("isic", "ISIC")
        line = lines.setdefault(name, {})
        line[f"{title}, report"] = _write(cell.printed)
        line[f"{title}, ours"] = f"{cell.ours:,}{mark}"
    return pd.DataFrame.from_dict(lines, orient="index")


def _write(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"
