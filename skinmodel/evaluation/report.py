"""``report.json``: every figure of one run on one data set with provenance; as Markdown."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError, escape, summarize_ids
from skinmodel.evaluation.measures.bootstrap import DRAWS, LEVEL, SEED, Interval, compute_intervals
from skinmodel.evaluation.measures.calibration import (
    Calibration,
    apply_temperature,
    compute_calibration,
)
from skinmodel.evaluation.measures.metrics import NAMES, compute_metrics
from skinmodel.evaluation.measures.thresholds import (
    TARGETS,
    OperatingPoint,
    at_threshold,
    compute_operating_intervals,
    compute_target_interval,
    target_of,
    threshold_for_sensitivity,
    threshold_for_specificity,
)
from skinmodel.evaluation.predictions import to_arrays
from skinmodel.evaluation.subgroups import FIGURES, Subgroup, compute_subgroups
from skinmodel.files import read_json
from skinmodel.models.registry import get_spec
from skinmodel.results import DISCLAIMER


def without_nan(value: Any) -> Any:
    """Return plain values with None for every NaN, at any depth."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, Mapping):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    return value


def with_nan(value: Any, keep: Collection[str] = (), key: str = "") -> Any:
    """Return plain values with NaN for every None, at any depth.

    Args:
        value: as ``json.loads`` gives it.
        keep: names under which None has a meaning of its own and stays.
        key: the name ``value`` stands under.
    """
    if value is None:
        return None if key in keep else math.nan
    if isinstance(value, Mapping):
        return {name: with_nan(inner, keep, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_nan(inner, keep, key) for inner in value]
    return value


FILE: Final = "report.json"
PREDICTIONS: Final = "predictions.csv"
SCHEMA_VERSION: Final = 1
MAX_BYTES: Final = 4 * 1024 * 1024
"""Largest report or comparison that is read; those that ship have 60 kB at most."""
UNITS: Final = ("patient", "lesion", "image")
"""What intervals resample as one."""
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
        lesions: number of lesions, or of what the unit of ``intervals`` is; these are resampled.
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
    table: pd.DataFrame, index: pd.DataFrame, provenance: Provenance, unit: str = "lesion"
) -> EvaluationReport:
    """Return every figure of a table of calibrated predictions.

    Args:
        table: see ``evaluation.predictions``.
        index: image_id and, where known, sex, age, site, dx_type and source.
        provenance: of the table.
        unit: what is resampled as one, which stands as lesion_id in the table: ``patient``,
            ``lesion`` or ``image``.
    """
    truth, probabilities, lesions = to_arrays(table)
    raw = apply_temperature(probabilities, 1 / provenance.temperature)
    return EvaluationReport(
        schema_version=SCHEMA_VERSION,
        disclaimer=DISCLAIMER,
        provenance=provenance,
        images=len(table),
        lesions=len(np.unique(lesions)),
        intervals={"level": LEVEL, "draws": DRAWS, "seed": SEED, "unit": unit},
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
    points = tuple(compute_points(positive, score, lesions))
    return TargetReport(compute_target_interval(positive, score, lesions), points)


def compute_points(
    positive: NDArray[np.bool_], score: NDArray[np.float64], lesions: NDArray[np.str_]
) -> list[TargetPoint]:
    """Return what the thresholds give that reach ``LEVELS``; none where one side has no image.

    Args:
        positive: bool, (N,).
        score: float64, (N,).
        lesions: str, (N,), what is resampled as one.
    """
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
    return points


def read_report(folder: Path) -> EvaluationReport:
    """Return the report in a folder that ``evaluate`` wrote, checked.

    Raises:
        ConfigError: it is missing, damaged or of another version of the program.
    """
    file = folder / FILE
    try:
        values = read_json(file, MAX_BYTES)
        version = values.get("schema_version") if isinstance(values, dict) else None
        if version != SCHEMA_VERSION:
            raise ValueError(f"schema_version {version!r}, this program reads {SCHEMA_VERSION}")
        report = _VALIDATOR.validate_python(with_nan(values, _NULLABLE))
        check_provenance(report.provenance)
        _check_figures(report)
    except (OSError, ValueError, ValidationError) as error:
        reason = escape(str(error).splitlines()[0])
        raise ConfigError(
            f"The report '{file}' cannot be read ({reason}). Restore it from the repository, or "
            "make it again with: python -m skinmodel evaluate."
        ) from error
    return report


def check_provenance(known: Provenance) -> None:
    """Refuse names and texts that no program of ours writes: they become file names and pages.

    Raises:
        ValueError: one of them is no plain name, or no plain text.
    """
    for field, name in (("run_id", known.run_id), ("model", known.model)):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{field} is '{escape(name, 80)}', no plain name")
    if not _DATASET.fullmatch(known.dataset):
        raise ValueError(f"dataset is '{escape(known.dataset, 80)}', no plain name")
    texts = (known.dataset_title, known.remark, *known.dropped, *known.versions.values())
    if wrong := [t for t in texts if len(t) > _LONGEST_TEXT or not t.isprintable()]:
        raise ValueError(f"a text is too long or cannot be printed: '{escape(wrong[0], 80)}'")
    if not (known.views >= 1 and 0 < known.temperature < math.inf):
        raise ValueError(f"views {known.views}, temperature {known.temperature}")


def _check_figures(report: EvaluationReport) -> None:
    """Refuse a report that lacks figures that every one has, or has impossible ones."""
    for what, found, expected in (
        ("metrics", report.metrics, NAMES),
        ("targets", report.targets, TARGETS),
        ("calibration", report.calibration, ("before", "after")),
        ("intervals", report.intervals, ("level", "draws", "seed", "unit")),
    ):
        if missing := sorted(set(expected) - set(found)):
            raise ValueError(f"{what} lack {summarize_ids(missing)}")
    if type(report.intervals["draws"]) is not int:
        raise ValueError("the number of draws is no whole number")
    if report.intervals["unit"] not in UNITS:
        raise ValueError(f"the unit is none of {', '.join(UNITS)}")
    outside = [n for n, i in report.metrics.items() if not _is_share(i)]
    if outside:
        raise ValueError(f"metrics outside 0 to 1: {summarize_ids(outside)}")
    rows = report.confusion
    if [len(row) for row in rows] != [len(CODES)] * len(CODES):
        raise ValueError(f"the confusion matrix is not {len(CODES)} x {len(CODES)}")
    if min(map(min, rows)) < 0 or sum(map(sum, rows)) != report.images:
        raise ValueError(f"the confusion matrix does not count the {report.images} images")
    odd = [s for s in report.subgroups if s.figures is not None and set(s.figures) != set(FIGURES)]
    if odd or not all(_WORDS.fullmatch(f"{s.attribute} {s.value}") for s in report.subgroups):
        raise ValueError("a subgroup has other figures, or a value that is no plain words")


def _is_share(interval: Interval) -> bool:
    """Return whether a figure and its ends are in [0, 1], or not defined."""
    return all(math.isnan(v) or 0 <= v <= 1 for v in (interval.value, interval.low, interval.high))


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
    found, damaged = survey_evaluations(*roots)
    if damaged:
        raise damaged[0]
    return found


def survey_evaluations(*roots: Path) -> tuple[tuple[Evaluation, ...], tuple[ConfigError, ...]]:
    """Return every evaluation that can be read, and why the others cannot."""
    found, damaged = [], []
    for root in roots:
        for file in sorted(root.glob(f"*/*/{FILE}")):
            try:
                found.append(Evaluation(read_report(file.parent).provenance, file.parent))
            except ConfigError as error:
                damaged.append(error)
    return tuple(found), tuple(damaged)


_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DATASET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,99}")
_WORDS: Final = re.compile(r"\w[\w .,;:()&/+%-]{0,199}")
_LONGEST_TEXT: Final = 2000
_VALIDATOR: Final = TypeAdapter(EvaluationReport)
# A group too small to be measured has no figures, which is not a figure that is not defined.
_NULLABLE: Final = ("figures",)


TABLE_COLUMNS: Final = {
    "balanced_accuracy": "balanced accuracy",
    "macro_auc": "macro AUC",
    "accuracy": "accuracy",
}


def render_markdown(reports: Sequence[EvaluationReport]) -> str:
    """Return a Markdown table of headline figures with their 95 % intervals.

    Args:
        reports: one row each, in this order.
    """
    lines = [
        f"| network | images | views | {' | '.join(TABLE_COLUMNS.values())} |",
        f"|---|---|---|{'---|' * len(TABLE_COLUMNS)}",
    ]
    for report in reports:
        origin = report.provenance
        title = get_spec(origin.model).title
        leaky = " (LEAKY)" if origin.leaks else ""
        cells = " | ".join(_cell(report.metrics[name]) for name in TABLE_COLUMNS)
        images = f"{origin.dataset_title}{leaky}, {report.images:,}"
        lines.append(f"| {title} | {images} | {origin.views} | {cells} |")
    runs = sorted(
        {f"{get_spec(r.provenance.model).title} `{r.provenance.run_id}`" for r in reports}
    )
    return "\n".join([*lines, "", f"Runs: {', '.join(runs)}."])


def _cell(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"
