"""``report.json``: every figure of one run on one data set, with its provenance."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from skinmodel.errors import ConfigError
from skinmodel.evaluation.bootstrap import DRAWS, LEVEL, SEED, Interval, compute_intervals
from skinmodel.evaluation.calibration import Calibration, apply_temperature, compute_calibration
from skinmodel.evaluation.metrics import compute_metrics
from skinmodel.evaluation.plain import with_nan, without_nan
from skinmodel.evaluation.predictions import to_arrays
from skinmodel.evaluation.subgroups import Subgroup, compute_subgroups
from skinmodel.evaluation.thresholds import (
    TARGETS,
    OperatingPoint,
    at_threshold,
    compute_operating_intervals,
    compute_target_interval,
    target_of,
    threshold_for_sensitivity,
    threshold_for_specificity,
)
from skinmodel.results import DISCLAIMER

FILE: Final = "report.json"
PREDICTIONS: Final = "predictions.csv"
SCHEMA_VERSION: Final = 1
LEVELS: Final = (0.80, 0.90, 0.95)
"""The sensitivities and specificities for which a threshold is reported."""


@dataclass(frozen=True)
class TargetPoint:
    """What a threshold gives that reaches a chosen sensitivity or specificity on this data set.

    Attributes:
        at: what was asked for, such as ``sensitivity 0.90``.
        point: the counts and shares at the threshold.
        sensitivity: with its interval at this fixed threshold.
        specificity: likewise.
    """

    at: str
    point: OperatingPoint
    sensitivity: Interval
    specificity: Interval


@dataclass(frozen=True)
class TargetReport:
    """One group of diagnoses against the rest: the area under its ROC curve, and thresholds."""

    auc: Interval
    points: tuple[TargetPoint, ...]


@dataclass(frozen=True)
class Provenance:
    """Where figures come from.

    Attributes:
        run_id: the training run.
        model: registry name of the network.
        dataset: name of the evaluation set, such as ``ham10000:test``.
        dataset_title: the same in words.
        leaks: True when the run was trained on lesions of this set: every figure is too good.
        remark: what a reader must know of the set.
        views: test-time views, 1 or 8.
        temperature: what the probabilities were calibrated with.
        dropped: rows of the source that are not in the set, by reason.
        images_per_second: decoding included.
        versions: of the libraries that computed the probabilities.
    """

    run_id: str
    model: str
    dataset: str
    dataset_title: str
    leaks: bool
    remark: str
    views: int
    temperature: float
    dropped: dict[str, int]
    images_per_second: float
    versions: dict[str, str]

    @property
    def folder(self) -> str:
        """Name of the folder that holds the predictions and the report."""
        name = self.dataset.replace(":", "-")
        return name if self.views == 1 else f"{name}-{self.views}-views"


@dataclass(frozen=True)
class EvaluationReport:
    """Every figure of one run on one data set.

    Attributes:
        schema_version: of this layout.
        disclaimer: what the figures are not.
        provenance: where they come from.
        images: number of images.
        lesions: number of lesions; intervals resample these.
        intervals: level, draws, seed and unit of the resampling.
        metrics: every figure of ``Metrics.flat`` with its interval, NaN where undefined.
        confusion: counts; rows are the truth, columns the leading diagnosis.
        targets: melanoma, and any malignancy, against the rest.
        calibration: ``before`` and ``after`` the temperature.
        subgroups: by patient, site and source.
    """

    schema_version: int
    disclaimer: str
    provenance: Provenance
    images: int
    lesions: int
    intervals: dict[str, Any]
    metrics: dict[str, Interval]
    confusion: tuple[tuple[int, ...], ...]
    targets: dict[str, TargetReport]
    calibration: dict[str, Calibration]
    subgroups: tuple[Subgroup, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: what is not defined is null."""
        plain: dict[str, Any] = without_nan(asdict(self))
        return plain


def build_report(
    table: pd.DataFrame, index: pd.DataFrame, provenance: Provenance
) -> EvaluationReport:
    """Return every figure of a table of calibrated predictions.

    Args:
        table: see ``evaluation.predictions``.
        index: image_id and, where known, sex, age, site, dx_type and source.
        provenance: of the table.
    """
    truth, probabilities, lesions = to_arrays(table)
    raw = apply_temperature(probabilities, 1 / provenance.temperature)
    return EvaluationReport(
        schema_version=SCHEMA_VERSION,
        disclaimer=DISCLAIMER,
        provenance=provenance,
        images=len(table),
        lesions=len(np.unique(lesions)),
        intervals={"level": LEVEL, "draws": DRAWS, "seed": SEED, "unit": "lesion"},
        metrics=dict(compute_intervals(truth, probabilities, lesions)),
        confusion=compute_metrics(truth, probabilities).confusion,
        targets={name: _build_target(name, table) for name in TARGETS},
        calibration={
            "before": compute_calibration(truth, raw),
            "after": compute_calibration(truth, probabilities),
        },
        subgroups=tuple(compute_subgroups(table, index)),
    )


def _build_target(name: str, table: pd.DataFrame) -> TargetReport:
    truth, probabilities, lesions = to_arrays(table)
    positive, score = target_of(name, truth, probabilities)
    points = []
    if positive.any() and not positive.all():
        for level in LEVELS:
            asked = {
                f"sensitivity {level:.2f}": threshold_for_sensitivity(positive, score, level),
                f"specificity {level:.2f}": threshold_for_specificity(positive, score, level),
            }
            for at, threshold in asked.items():
                figures = compute_operating_intervals(positive, score, lesions, threshold)
                point = at_threshold(positive, score, threshold)
                points.append(
                    TargetPoint(at, point, figures["sensitivity"], figures["specificity"])
                )
    return TargetReport(compute_target_interval(positive, score, lesions), tuple(points))


def read_report(folder: Path) -> EvaluationReport:
    """Return the report in a folder that ``evaluate`` wrote.

    Raises:
        ConfigError: it is missing, damaged or of another version of the program.
    """
    file = folder / FILE
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        return _VALIDATOR.validate_python(with_nan(values, _NULLABLE))
    except (OSError, ValueError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"The report '{file}' cannot be read ({reason}). Restore it from the repository, or "
            "make it again with: python -m skinmodel evaluate."
        ) from error


@dataclass(frozen=True)
class Evaluation:
    """One saved evaluation: enough to choose it by.

    Attributes:
        provenance: of its figures.
        folder: with ``predictions.csv`` and ``report.json``.
    """

    provenance: Provenance
    folder: Path


def find_evaluations(*roots: Path) -> tuple[Evaluation, ...]:
    """Return every evaluation below the given folders, ``ROOT/RUN_ID/DATASET``, in a fixed order.

    Raises:
        ConfigError: a report cannot be read.
    """
    files = [file for root in roots for file in sorted(root.glob(f"*/*/{FILE}"))]
    return tuple(Evaluation(read_report(file.parent).provenance, file.parent) for file in files)


_VALIDATOR: Final = TypeAdapter(EvaluationReport)
# A group too small to be measured has no figures, which is not a figure that is not defined.
_NULLABLE: Final = ("figures",)
