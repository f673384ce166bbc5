"""What the Compare page asks of skinmodel: saved evaluations, and explanations on demand."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import services
from app.comparison.differences import turn_around
from app.comparison.pair import Measured, Pair, read_pair
from app.comparison.photographs import Photograph, Photographs, find_photographs, open_photograph
from app.services import Problem, attempt
from app.services.stamps import Stamps, stamp
from skinmodel import paths
from skinmodel.evaluation import report as report_files
from skinmodel.evaluation.bootstrap import Interval
from skinmodel.evaluation.comparison import Comparison, compare
from skinmodel.evaluation.comparisons import read_comparison
from skinmodel.evaluation.leak import FILE as LEAK_TABLE
from skinmodel.evaluation.leak import LeakRow, from_frame
from skinmodel.evaluation.published import Publication, read_publication
from skinmodel.evaluation.report import (
    FILE,
    PREDICTIONS,
    Evaluation,
    EvaluationReport,
    find_evaluations,
)
from skinmodel.evaluation.thresholds import compute_operating_intervals, target_of
from skinmodel.results import Explanation
from skinmodel.training import history

if TYPE_CHECKING:  # at run time this loads TensorFlow
    from skinmodel.inference.classifier import Classifier


def list_shipped() -> tuple[Evaluation, ...] | Problem:
    """Return the evaluations that come with the program."""
    return _list(str(paths.RESULTS), stamp(paths.RESULTS.glob(f"*/*/{FILE}")))


def list_own() -> tuple[Evaluation, ...] | Problem:
    """Return the user's own evaluations; a damaged one takes none of the shipped ones down."""
    root = paths.evaluations()
    return _list(str(root), stamp(root.glob(f"*/*/{FILE}")))


def list_all() -> tuple[Evaluation, ...]:
    """Return all evaluations that can be read; of one run on one set the one that ships."""
    shipped, own = (
        () if isinstance(found, Problem) else found for found in (list_shipped(), list_own())
    )
    taken = {(e.provenance.run_id, e.provenance.folder) for e in shipped}
    return (*shipped, *(e for e in own if (e.provenance.run_id, e.provenance.folder) not in taken))


@st.cache_resource(show_spinner=False, max_entries=8)
def _list(root: str, stamps: Stamps) -> tuple[Evaluation, ...] | Problem:
    return attempt(lambda: find_evaluations(Path(root)))


def open_pair(first: Evaluation, second: Evaluation) -> Pair | Problem:
    """Return two runs with their predictions; files are read once, until one changes."""
    files = (e.folder / name for e in (first, second) for name in (FILE, PREDICTIONS))
    return _open_pair(str(first.folder), str(second.folder), stamp(files), first, second)


@st.cache_resource(show_spinner=False, max_entries=8)
def _open_pair(
    first: str,
    second: str,
    stamps: Stamps,
    _first: Evaluation,
    _second: Evaluation,
) -> Pair | Problem:
    return attempt(lambda: read_pair(_first, _second))


def read_report(evaluation: Evaluation) -> EvaluationReport | Problem:
    """Return every figure of one evaluation, read once until its file changes."""
    return _read_report(stamp([evaluation.folder / FILE]), evaluation)


@st.cache_resource(show_spinner=False, max_entries=64)
def _read_report(stamps: Stamps, _evaluation: Evaluation) -> EvaluationReport | Problem:
    return attempt(lambda: report_files.read_report(_evaluation.folder))


def read_difference(pair: Pair) -> Comparison | Problem | None:
    """Return the paired difference of two runs as kept on disk; None where it has to be computed.

    One kept with the two runs exchanged is turned around.
    """
    first, second = (measured.provenance for measured in pair.both)

    def read() -> Comparison | None:
        kept = read_comparison(paths.RESULTS, first, second)
        if kept is None and (other := read_comparison(paths.RESULTS, second, first)) is not None:
            kept = turn_around(other)
        return None if kept is None else kept.comparison

    return attempt(read)


def compute_difference(pair: Pair) -> Comparison | Problem:
    """Return the paired difference of two runs; takes seconds the first time."""
    stamps = tuple(stamp([measured.folder / PREDICTIONS])[0] for measured in pair.both)
    return attempt(lambda: _compute_difference(stamps, pair))


@st.cache_resource(show_spinner=False, max_entries=16)
def _compute_difference(stamps: Stamps, _pair: Pair) -> Comparison:
    truth, first, lesions = _pair.first.arrays
    return compare(truth, first, _pair.second.arrays[1], lesions)


def compute_operating_point(
    measured: Measured, target: str, threshold: float
) -> dict[str, Interval] | Problem:
    """Return sensitivity and specificity at a threshold, with their intervals."""
    stamps = stamp([measured.folder / PREDICTIONS])
    return attempt(lambda: _compute_operating_point(stamps, target, threshold, measured))


@st.cache_resource(show_spinner=False, max_entries=256)
def _compute_operating_point(
    stamps: Stamps,
    target: str,
    threshold: float,
    _measured: Measured,
) -> dict[str, Interval]:
    truth, probabilities, lesions = _measured.arrays
    positive, score = target_of(target, truth, probabilities)
    return compute_operating_intervals(positive, score, lesions, threshold)


def read_history(measured: Measured) -> pd.DataFrame | Problem | None:
    """Return the figures of every epoch of a run's training; None where they are not kept."""
    run_id = measured.provenance.run_id
    folders = (measured.folder.parent, paths.RESULTS / run_id)
    kept = [folder for folder in folders if (folder / history.FILE).is_file()]
    return attempt(lambda: pd.DataFrame(history.read_history(kept[0]))) if kept else None


@st.cache_resource(show_spinner=False)
def read_published() -> Publication | Problem:
    """Return the tables of the report, as printed."""
    return attempt(read_publication)


def read_leak_table() -> tuple[LeakRow, ...] | Problem | None:
    """Return what the leak of the report's protocol was worth; None where it was not measured."""
    file = paths.RESULTS / LEAK_TABLE
    return attempt(lambda: from_frame(pd.read_csv(file))) if file.is_file() else None


def list_photographs(dataset: str) -> Photographs | Problem | None:
    """Return where a data set's photographs are; None without a data folder or for other sets."""
    folder = paths.data_dir()
    return None if folder is None else _list_photographs(dataset, str(folder))


@st.cache_resource(show_spinner="Reading the data folder", max_entries=4)
def _list_photographs(dataset: str, folder: str) -> Photographs | Problem | None:
    return attempt(lambda: find_photographs(dataset, Path(folder)))


def forget_photographs() -> None:
    """Have the data folder read anew the next time its photographs are asked for."""
    _list_photographs.clear()


def read_photograph(photograph: Photograph) -> NDArray[np.uint8] | Problem:
    """Return one photograph as networks get it, or why it cannot be shown."""
    return attempt(lambda: open_photograph(photograph))


def explain_photograph(
    run_id: str, image_id: str, code: str, image: NDArray[np.uint8], method: str | None = None
) -> Explanation | Problem:
    """Return where a run's network looked on one photograph of a public data set.

    Loads TensorFlow and the network the first time, which takes seconds.

    Args:
        run_id: the run.
        image_id: of the photograph; results are kept under it.
        code: diagnosis the map is to speak for, where the method knows classes.
        image: uint8, (H, W, 3), RGB.
        method: of the network's; None for its first.
    """
    return attempt(lambda: _explain_photograph(run_id, image_id, image.shape, code, method, image))


@st.cache_resource(show_spinner=False, max_entries=512)
def _explain_photograph(
    run_id: str,
    image_id: str,
    shape: tuple[int, ...],
    code: str,
    method: str | None,
    _image: NDArray[np.uint8],
) -> Explanation:
    classifier = _get_classifier(run_id)
    return classifier.explain(_image, method or classifier.methods[0], code)


def _get_classifier(run_id: str) -> "Classifier":
    """Return the network of one run: the one the Classify page shares, or one of the store."""
    records = services.read_records()
    if not isinstance(records, Problem) and run_id in {record.run_id for record in records}:
        warm_up = services.get_warm_up()
        warm_up.start()
        for classifier in warm_up.result(timeout=None).values():
            if classifier.record is not None and classifier.record.run_id == run_id:
                return classifier
    return _load_run(run_id)


@st.cache_resource(show_spinner=False, max_entries=2)
def _load_run(run_id: str) -> "Classifier":
    return services.load_run(run_id)
