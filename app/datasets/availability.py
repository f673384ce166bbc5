"""What of both data sets is on this server, and how to get the rest."""

import pandas as pd
import streamlit as st

from app.datasets.presentation import explain
from app.services import datasets as service
from app.services.attempts import Problem
from app.shared import components
from skinmodel.data.verify.status import DatasetStatus

_STATES = {"absent": "not here", "partial": "in part", "complete": "complete"}


def show_availability() -> None:
    """Show a closed box; the disk is looked at only once it is opened."""
    box = st.expander(
        "Images on this server",
        icon=":material/hard_drive:",
        key="datasets-availability",
        on_change="rerun",
    )
    if not box.open:
        return
    with box:
        components.run_guarded(_show)


def _show() -> None:
    status = service.read_status()
    if isinstance(status, Problem):
        components.show_problem(status)
        return
    explain("availability")
    rows = {dataset.title: _describe(dataset) for dataset in status.datasets}
    st.table(
        pd.DataFrame.from_dict(rows, orient="index"),
        border="horizontal",
        alt="What of each data set is on this server.",
    )
    for dataset in status.datasets:
        if dataset.problem:
            st.caption(components.escape_markdown(dataset.problem))
        if dataset.state != "complete":
            command = f"python -m skinmodel data download {dataset.name} --data DIR"
            st.markdown(f"{dataset.title}: `{command}`")


def _describe(dataset: DatasetStatus) -> dict[str, str]:
    short = [part for part in dataset.parts if part.found < part.expected]
    lacking = [f"{part.name}: {part.found:,} of {part.expected:,} {part.kind}" for part in short]
    lacking += dataset.missing_tables
    absent = dataset.state == "absent"
    has_masks = any(part.kind == "masks" for part in dataset.parts)
    return {
        "State": _STATES[dataset.state],
        "Images": f"{dataset.images:,}",
        "Masks": f"{dataset.masks:,}" if has_masks else "–",
        "Missing": "all of it" if absent else components.escape_markdown("; ".join(lacking)) or "–",
        "Verified": _describe_verification(dataset),
    }


def _describe_verification(dataset: DatasetStatus) -> str:
    found = dataset.verification
    if found is None:
        return "no"
    changed = ", files changed since" if found.has_changed else ""
    defects = f"{found.defects} defect{'' if found.defects == 1 else 's'}"
    return f"{found.finished[:10]}: {defects}{changed}"
