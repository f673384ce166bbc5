"""Paired comparisons of two runs on one data set, computed once and kept beside the evaluations."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from skinmodel.errors import ConfigError, escape, summarize_ids
from skinmodel.evaluation.comparison import Comparison, compare
from skinmodel.evaluation.figures import NAMES
from skinmodel.evaluation.metrics import compute_metrics
from skinmodel.evaluation.plain import with_nan, without_nan
from skinmodel.evaluation.predictions import read_predictions, to_arrays
from skinmodel.evaluation.report import (
    MAX_BYTES,
    PREDICTIONS,
    Evaluation,
    EvaluationReport,
    Provenance,
    check_provenance,
)
from skinmodel.files import read_json, write_text
from skinmodel.results import DISCLAIMER

FOLDER: Final = "comparisons"


@dataclass(frozen=True)
class SavedComparison:
    """What two runs differ by on the same images.

    Attributes:
        disclaimer: what the figures are not.
        first: where the first run's predictions come from.
        second: likewise; differences are second minus first.
        comparison: the figures.
    """

    disclaimer: str
    first: Provenance
    second: Provenance
    comparison: Comparison


def compare_evaluations(first: Evaluation, second: Evaluation) -> SavedComparison:
    """Compare two saved evaluations of one data set.

    Raises:
        ConfigError: they are not of the same images with the same truth.
    """
    tables = [read_predictions(e.folder / PREDICTIONS) for e in (first, second)]
    check_paired(*tables)
    truth, ours, lesions = to_arrays(tables[0])
    _, theirs, _ = to_arrays(tables[1])
    found = compare(truth, ours, theirs, lesions)
    return SavedComparison(DISCLAIMER, first.provenance, second.provenance, found)


def check_paired(first: pd.DataFrame, second: pd.DataFrame) -> None:
    """Refuse tables that are not, row by row, of the same images.

    Raises:
        ConfigError: ids, lesions or truth differ.
    """
    same = len(first) == len(second) and all(
        np.array_equal(first[name].to_numpy(str), second[name].to_numpy(str))
        for name in ("image_id", "lesion_id", "truth")
    )
    if not same:
        raise ConfigError(
            f"The two tables of predictions ({len(first):,} and {len(second):,} rows) are not of "
            "the same images, lesions and diagnoses in the same order, so nothing can be paired. "
            "Evaluate both runs on the same data set."
        )


def check_of_one(report: EvaluationReport, table: pd.DataFrame, folder: Path) -> None:
    """Refuse a report and predictions that are not of one evaluation.

    Raises:
        ConfigError: the predictions give another confusion matrix than the report.
    """
    truth, probabilities, _ = to_arrays(table)
    if compute_metrics(truth, probabilities).confusion != report.confusion:
        raise ConfigError(
            f"Report and predictions in '{folder}' are not of one evaluation: their confusion "
            "matrices differ. Restore both from the repository, or make them again with: python "
            "-m skinmodel evaluate."
        )


def write_comparison(root: Path, saved: SavedComparison) -> Path:
    """Write a comparison below ``root`` and return its file."""
    file = find_file(root, saved.first, saved.second)
    write_text(file, json.dumps(without_nan(asdict(saved)), indent=1) + "\n")
    return file


def read_comparison(root: Path, first: Provenance, second: Provenance) -> SavedComparison | None:
    """Return the saved comparison of two evaluations, or None where none is saved.

    One of the same names but of other predictions, such as those before a temperature was fitted
    anew, does not count.

    Raises:
        ConfigError: the file is damaged.
    """
    file = find_file(root, first, second)
    if not file.is_file():
        return None
    try:
        saved = _VALIDATOR.validate_python(with_nan(read_json(file, MAX_BYTES)))
        for provenance in (saved.first, saved.second):
            check_provenance(provenance)
        if missing := sorted(set(NAMES) - set(saved.comparison.differences)):
            raise ValueError(f"differences lack {summarize_ids(missing)}")
    except (OSError, ValueError, ValidationError) as error:
        reason = escape(str(error).splitlines()[0])
        raise ConfigError(
            f"The comparison '{file}' cannot be read ({reason}). Restore it from the repository, "
            "or make it again with: python -m skinmodel compare."
        ) from error
    return saved if (saved.first, saved.second) == (first, second) else None


def find_file(root: Path, first: Provenance, second: Provenance) -> Path:
    """Return where the comparison of two evaluations is kept."""
    return root / FOLDER / f"{first.folder}--{first.run_id}--{second.run_id}.json"


_VALIDATOR: Final = TypeAdapter(SavedComparison)
