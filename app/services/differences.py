"""What two networks are known to differ by: saved paired differences, without loading a network."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import streamlit as st

from app.services.attempts import Problem, Stamps, attempt, stamp
from skinmodel import paths
from skinmodel.evaluation.comparison import (
    FOLDER,
    Comparison,
    McNemar,
    SavedComparison,
    read_comparison,
)
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.evaluation.report import FILE, Provenance, read_report
from skinmodel.weights.record import WeightsRecord


def read_either_way(root: Path, first: Provenance, second: Provenance) -> Comparison | None:
    """Return the saved difference of two evaluations, second minus first; None where none is saved.

    One kept with the two runs exchanged is turned around.

    Raises:
        ConfigError: the file is damaged.
    """
    kept = read_comparison(root, first, second)
    if kept is None and (other := read_comparison(root, second, first)) is not None:
        kept = turn_around(other)
    return None if kept is None else kept.comparison


def turn_around(saved: SavedComparison) -> SavedComparison:
    """Return the same comparison with first and second exchanged."""
    found = saved.comparison
    turned = Comparison(
        {name: _negate(interval) for name, interval in found.differences.items()},
        _exchange(found.images),
        _exchange(found.lesions),
    )
    return replace(saved, first=saved.second, second=saved.first, comparison=turned)


def _negate(interval: Interval) -> Interval:
    return Interval(-interval.value, -interval.high, -interval.low)


def _exchange(test: McNemar) -> McNemar:
    return McNemar(test.only_second, test.only_first, test.p)


SET: Final = "ham10000-test"
"""Evaluation that the records' figures ``test`` are of: one view of each picture."""

Differences = Mapping[tuple[str, str], Interval]
"""By the names of two networks: the second's figure minus the first's."""


def read_differences(records: Sequence[WeightsRecord], figure: str) -> Differences:
    """Return the saved paired differences of every two runs; empty where they cannot be read.

    Pairs of which nothing is saved are left out: two intervals alone tell nothing of a difference.

    Args:
        records: of the networks' weights.
        figure: one of ``measures.metrics.NAMES``.
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
