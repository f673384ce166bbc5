"""What the Compare page asks of skinmodel: saved evaluations, and explanations on demand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import services
from app.services.attempts import Problem, Stamps, attempt, attempt_once, forget_attempts, stamp
from app.services.differences import read_either_way
from app.services.pair import Measured, Pair, read_pair
from app.services.photographs import Photograph, Photographs, find_photographs, open_photograph
from skinmodel import paths
from skinmodel.errors import SkinModelError
from skinmodel.evaluation import leak
from skinmodel.evaluation import report as report_files
from skinmodel.evaluation.comparison import Comparison, compare
from skinmodel.evaluation.leak import FILE as LEAK_TABLE
from skinmodel.evaluation.leak import LeakRow
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.evaluation.measures.thresholds import compute_operating_intervals, target_of
from skinmodel.evaluation.published import Publication, read_publication
from skinmodel.evaluation.report import (
    FILE,
    PREDICTIONS,
    Evaluation,
    EvaluationReport,
    survey_evaluations,
)
from skinmodel.evaluation.two_classes import TwoClassReport, survey_two_class_reports
from skinmodel.results import Explanation
from skinmodel.training import run_folder

_PHOTOGRAPHS: Final = "photographs"


def list_all() -> tuple[Evaluation, ...]:
    """Return all evaluations that can be read; of one run on one set the one that ships."""
    (shipped, _), (own, _) = _survey_all()
    taken = {(e.provenance.run_id, e.provenance.folder) for e in shipped}
    return (*shipped, *(e for e in own if (e.provenance.run_id, e.provenance.folder) not in taken))


def list_damaged() -> tuple[Problem, ...]:
    """Return why evaluations are left out, one sentence each; the others do not suffer for them."""
    return tuple(problem for _, problems in _survey_all() for problem in problems)


Survey = tuple[tuple[Evaluation, ...], tuple[Problem, ...]]


class _DamagedError(Exception):
    """Keeps a survey with damaged evaluations out of the cache: the next visit looks again."""

    def __init__(self, evaluations: tuple[Evaluation, ...], errors: Sequence[SkinModelError]):
        super().__init__("some evaluations cannot be read")
        self.evaluations = evaluations
        self.errors = errors


def _survey_all() -> tuple[Survey, Survey]:
    """Return the evaluations that come with the program, and the user's own."""
    return _survey(paths.RESULTS), _survey(paths.evaluations())


def _survey(root: Path) -> Survey:
    def look() -> Survey:
        try:
            return _list(str(root), stamp(root.glob(f"*/*/{FILE}"))), ()
        except _DamagedError as partial:
            return partial.evaluations, tuple(map(Problem.of, partial.errors))

    found = attempt(look)
    return ((), (found,)) if isinstance(found, Problem) else found


@st.cache_resource(show_spinner=False, max_entries=8)
def _list(root: str, stamps: Stamps) -> tuple[Evaluation, ...]:
    evaluations, errors = survey_evaluations(Path(root))
    if errors:
        raise _DamagedError(evaluations, errors)
    return evaluations


def list_two_classes() -> tuple[tuple[TwoClassReport, ...], tuple[Problem, ...]]:
    """Return every report of two classes, and why others are left out; they are small."""
    roots = (paths.RESULTS, paths.evaluations())
    found = attempt(lambda: survey_two_class_reports(roots))
    if isinstance(found, Problem):
        return (), (found,)
    reports, damaged = found
    return reports, tuple(map(Problem.of, damaged))


def open_pair(first: Evaluation, second: Evaluation) -> Pair | Problem:
    """Return two runs with their predictions; files are read once, until one changes."""
    files = (e.folder / name for e in (first, second) for name in (FILE, PREDICTIONS))
    folders = str(first.folder), str(second.folder)
    return attempt(lambda: _open_pair(*folders, stamp(files), first, second))


@st.cache_resource(show_spinner=False, max_entries=8)
def _open_pair(
    first: str,
    second: str,
    stamps: Stamps,
    _first: Evaluation,
    _second: Evaluation,
) -> Pair:
    return read_pair(_first, _second)


def read_report(evaluation: Evaluation) -> EvaluationReport | Problem:
    """Return every figure of one evaluation, read once until its file changes."""
    return attempt(lambda: _read_report(stamp([evaluation.folder / FILE]), evaluation))


@st.cache_resource(show_spinner=False, max_entries=64)
def _read_report(stamps: Stamps, _evaluation: Evaluation) -> EvaluationReport:
    return report_files.read_report(_evaluation.folder)


def read_difference(pair: Pair) -> Comparison | Problem | None:
    """Return the paired difference of two runs as kept on disk; None where it is not kept."""
    first, second = (measured.provenance for measured in pair.both)

    def read() -> Comparison | None:
        for root in (paths.RESULTS, paths.evaluations()):
            kept = read_either_way(root, first, second)
            if kept is not None:
                return kept
        return None

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
    kept = [folder for folder in folders if (folder / run_folder.FILE).is_file()]
    return attempt(lambda: pd.DataFrame(run_folder.read_history(kept[0]))) if kept else None


def read_published() -> Publication | Problem:
    """Return the tables of the report, as printed, read once a server."""
    return attempt(_read_published)


@st.cache_resource(show_spinner=False)
def _read_published() -> Publication:
    return read_publication()


def read_leak_table() -> tuple[LeakRow, ...] | Problem | None:
    """Return what the leak of the report's protocol was worth; None where it was not measured."""
    file = paths.RESULTS / LEAK_TABLE
    return attempt(lambda: leak.read_leak_table(file)) if file.is_file() else None


def list_photographs(dataset: str) -> Photographs | Problem | None:
    """Return where a data set's photographs are; None without a data folder or for other sets.

    A sound folder is read once a server, a broken one once a session, until
    ``forget_photographs``.
    """
    folder = paths.data_dir()
    if folder is None:
        return None
    key = dataset, str(folder)
    return attempt_once(_PHOTOGRAPHS, key, lambda: _list_photographs(*key))


@st.cache_resource(show_spinner="Reading the data folder", max_entries=4)
def _list_photographs(dataset: str, folder: str) -> Photographs | None:
    return find_photographs(dataset, Path(folder))


def forget_photographs() -> None:
    """Have the data folder read anew the next time its photographs are asked for."""
    _list_photographs.clear()
    forget_attempts(_PHOTOGRAPHS)


def read_photograph(photograph: Photograph) -> NDArray[np.uint8] | Problem:
    """Return one photograph as networks get it, or why it cannot be shown."""
    return attempt(lambda: open_photograph(photograph))


def explain_photograph(
    run_id: str, image_id: str, code: str, image: NDArray[np.uint8], method: str | None = None
) -> Explanation | Problem:
    """Return where a run's network looked on one photograph of a public data set.

    The network is loaded the first time, which takes seconds; no other one is waited for.

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
    classifier = services.open_run(run_id)
    return classifier.explain(_image, method or classifier.methods[0], code)
