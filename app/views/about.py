"""The About page: what this is and is not, and how its numbers were obtained."""

import streamlit as st

from app import components, services
from app.content import read_content
from app.services import Problem
from skinmodel.models.registry import get_spec
from skinmodel.results import DISCLAIMER
from skinmodel.weights.record import WeightsRecord


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
    if not records:
        st.caption("No weights are shipped with this copy of the program.")
        return
    for record in records:
        st.markdown(_describe(record))


def _describe(record: WeightsRecord) -> str:
    spec = get_spec(record.model)
    leaks = "leaks: its figures are too good" if record.leaks else "no lesion on two sides"
    figures = _list_figures(record) or "not measured"
    return (
        f"- **{spec.title}** ({spec.source}), {spec.parameters:,} parameters, "
        f"run `{record.run_id}`, split {record.split['name']} ({leaks}). "
        f"On the test folds: {figures}."
    )


def _list_figures(record: WeightsRecord) -> str:
    test = record.metrics.get("test", {})
    names = {
        "balanced_accuracy": "balanced accuracy",
        "macro_auc": "macro AUC",
        "accuracy": "accuracy",
    }
    return ", ".join(f"{words} {test[key]:.3f}" for key, words in names.items() if key in test)


if __name__ == "__main__":
    render()
