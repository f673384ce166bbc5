"""What the networks are known to differ by: saved paired differences, without loading a network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from app.comparison.differences import read_either_way
from app.services import Problem, attempt
from app.services.stamps import Stamps, stamp
from skinmodel import paths
from skinmodel.evaluation.bootstrap import Interval
from skinmodel.evaluation.comparisons import FOLDER
from skinmodel.evaluation.report import FILE, read_report
from skinmodel.weights.record import WeightsRecord

SET: Final = "ham10000-test"
"""Evaluation that the records' figures ``test`` are of: one view of each picture."""

Differences = Mapping[tuple[str, str], Interval]
"""By the names of two networks: the second's figure minus the first's."""


def read_differences(records: Sequence[WeightsRecord], figure: str) -> Differences:
    """Return the saved paired differences of every two runs; empty where they cannot be read.

    Pairs of which nothing is saved are left out: two intervals alone tell nothing of a difference.

    Args:
        records: of the networks' weights.
        figure: one of ``evaluation.figures.NAMES``.
    """
    runs = tuple((record.model, record.run_id) for record in records)
    root = paths.RESULTS
    files = [root / run_id / SET / FILE for _, run_id in runs]
    stamps = stamp([*files, *(root / FOLDER).glob(f"{SET}--*.json")])
    found = attempt(lambda: _read_differences(str(root), stamps, runs, figure))
    return {} if isinstance(found, Problem) else found


@st.cache_resource(show_spinner=False, max_entries=4)
def _read_differences(
    root: str, stamps: Stamps, runs: tuple[tuple[str, str], ...], figure: str
) -> Differences:
    folder = Path(root)
    known = {
        model: read_report(folder / run_id / SET).provenance
        for model, run_id in runs
        if (folder / run_id / SET / FILE).is_file()
    }
    found = {}
    for first in known:
        for second in known:
            if first == second:
                continue
            kept = read_either_way(folder, known[first], known[second])
            if kept is not None:
                found[first, second] = kept.differences[figure]
    return found
