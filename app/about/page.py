"""The About page: what this is and is not, and how its numbers were obtained."""

from collections.abc import Mapping

import streamlit as st

from app import services
from app.services.attempts import Problem
from app.shared import components
from app.shared.content import read_content
from skinmodel.evaluation.report import TABLE_COLUMNS
from skinmodel.models.registry import get_spec
from skinmodel.results import DISCLAIMER
from skinmodel.weights.record import WeightsRecord

_MEASURED = {
    "test": "On the test folds, one look at each picture, as the Classify page does",
    "test_8_views": "Averaged over the eight flips and turns of each picture",
}


def render() -> None:
    """Show the prose and what the shipped weights' manifest says."""
    st.title("About", anchor=False)
    st.info(DISCLAIMER, icon=":material/science:")
    before, after = read_content("about").split("<!-- shipped networks -->")
    with st.container(width=860):
        st.markdown(before)
        _show_records()
        st.markdown(after)


def _show_records() -> None:
    records = services.read_records()
    if isinstance(records, Problem):
        components.show_problem(records)
        return
    for record in records:
        st.markdown(_describe(record))


def _describe(record: WeightsRecord) -> str:
    spec = get_spec(record.model)
    lines = [
        f"- **{spec.title}** ({spec.source}), {spec.parameters:,} parameters, "
        f"run `{record.run_id}`, split {record.split['name']} (no lesion on two sides).",
        *(
            f"  - {words}: {_list_figures(record.metrics[key])}."
            for key, words in _MEASURED.items()
            if key in record.metrics
        ),
    ]
    return "\n".join(lines if len(lines) > 1 else [*lines, "  - Not measured on the test folds."])


def _list_figures(figures: Mapping[str, Mapping[str, float]]) -> str:
    return ", ".join(
        f"{words} {interval['value']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"
        for key, words in TABLE_COLUMNS.items()
        if (interval := figures.get(key)) is not None
    )


if __name__ == "__main__":
    render()
