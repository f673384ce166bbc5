"""``two_classes.json``: one run where the truth tells one target from the rest, and no diagnoses.

Of the figures of a full report only those are defined that need no more than two classes: the
ranking by the target's summed probability, what thresholds on it give, and how often the leading
diagnosis is one of the target's.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError, escape
from skinmodel.evaluation.measures.bootstrap import (
    DRAWS,
    LEVEL,
    SEED,
    Interval,
    resample,
    to_interval,
)
from skinmodel.evaluation.measures.metrics import (
    Floats,
    build_ranking,
    compute_auc,
    compute_average_precision,
    count_flagged,
    divide,
)
from skinmodel.evaluation.measures.thresholds import TARGETS, TITLES, Bools, target_of
from skinmodel.evaluation.predictions import PROBABILITIES
from skinmodel.evaluation.report import (
    MAX_BYTES,
    UNITS,
    Provenance,
    TargetPoint,
    check_provenance,
    compute_points,
    with_nan,
    without_nan,
)
from skinmodel.files import read_json
from skinmodel.results import DISCLAIMER

FILE: Final = "two_classes.json"
SCHEMA_VERSION: Final = 1
FIGURES: Final = ("auc", "average_precision", "sensitivity", "specificity", "ppv", "npv")
"""All with intervals; the last four of taking the leading diagnosis for the answer."""


@dataclass(frozen=True)
class TwoClassReport:
    """Every figure of one run on images of two classes.

    Attributes:
        schema_version: of this layout.
        disclaimer: what the figures are not.
        provenance: where they come from.
        target: what is told from the rest, a name of ``TARGETS``.
        images: number of images.
        positives: how many of them are of the target.
        groups: what intervals resample, in number.
        intervals: level, draws, seed and unit of the resampling.
        figures: ``FIGURES``, NaN where undefined.
        points: thresholds on the summed probability, see ``report.LEVELS``.
    """

    schema_version: int
    disclaimer: str
    provenance: Provenance
    target: str
    images: int
    positives: int
    groups: int
    intervals: dict[str, Any]
    figures: dict[str, Interval]
    points: tuple[TargetPoint, ...]

    @property
    def title(self) -> str:
        """The target in words."""
        return TITLES[self.target]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: what is not defined is null."""
        plain: dict[str, Any] = without_nan(asdict(self))
        return plain


def build_two_class_report(
    table: pd.DataFrame, target: str, provenance: Provenance, unit: str
) -> TwoClassReport:
    """Return the figures of a table of calibrated predictions.

    Args:
        table: as ``evaluation.predictions`` builds it, with the target's name or ``rest`` as truth.
        target: a name of ``TARGETS``.
        provenance: of the table.
        unit: what its groups are.
    """
    probabilities = table[list(PROBABILITIES)].to_numpy(np.float32)
    groups = table["lesion_id"].to_numpy(np.str_)
    positive = (table["truth"] == target).to_numpy(np.bool_)
    _, score = target_of(target, np.zeros(len(table), np.int64), probabilities)
    leading = np.isin(np.array(CODES)[probabilities.argmax(axis=1)], TARGETS[target])
    return TwoClassReport(
        schema_version=SCHEMA_VERSION,
        disclaimer=DISCLAIMER,
        provenance=provenance,
        target=target,
        images=len(table),
        positives=int(positive.sum()),
        groups=len(np.unique(groups)),
        intervals={"level": LEVEL, "draws": DRAWS, "seed": SEED, "unit": unit},
        figures=_compute_figures(positive, score, leading, groups),
        points=tuple(compute_points(positive, score, groups)),
    )


def _compute_figures(
    positive: Bools, score: Floats, leading: Bools, groups: NDArray[np.str_]
) -> dict[str, Interval]:
    ranking = build_ranking(positive, score)

    def compute(weights: Floats) -> dict[str, Floats]:
        flagged = count_flagged(ranking, weights)
        tp, fn, fp, tn = (
            weights[:, one & other].sum(axis=1)
            for one in (positive, ~positive)
            for other in (leading, ~leading)
        )
        return {
            "auc": compute_auc(flagged),
            "average_precision": compute_average_precision(flagged),
            "sensitivity": divide(tp, tp + fn),
            "specificity": divide(tn, tn + fp),
            "ppv": divide(tp, tp + fp),
            "npv": divide(tn, tn + fn),
        }

    values = compute(np.ones((1, len(score))))
    drawn = resample(compute, groups)
    return {name: to_interval(float(values[name][0]), drawn[name]) for name in FIGURES}


def describe(report: TwoClassReport) -> str:
    """Return the figures in a few lines."""
    origin = report.provenance
    unit = report.intervals["unit"]
    lines = [
        f"{origin.run_id} on {origin.dataset_title}: {report.images:,} images "
        f"({report.positives:,} {report.target}), {report.groups:,} {unit}s, "
        f"{origin.views} view(s), {origin.images_per_second:.0f} images/s",
        f"Two classes: {report.title} against the rest. Other figures need diagnoses and are not "
        "defined here.",
        *(f"Left out, {reason}: {count:,}" for reason, count in origin.dropped.items()),
        *([f"LEAKS. {origin.remark}"] if origin.leaks else [origin.remark] * bool(origin.remark)),
        *(f"{n} {i.value:.4f} [{i.low:.4f}, {i.high:.4f}]" for n, i in report.figures.items()),
        report.disclaimer,
    ]
    return "\n".join(lines)


def read_two_class_report(file: Path) -> TwoClassReport:
    """Return a report that ``evaluate`` wrote, checked.

    Raises:
        ConfigError: it is missing, damaged or of another version of the program.
    """
    try:
        values = read_json(file, MAX_BYTES)
        version = values.get("schema_version") if isinstance(values, dict) else None
        if version != SCHEMA_VERSION:
            raise ValueError(f"schema_version {version!r}, this program reads {SCHEMA_VERSION}")
        report = _VALIDATOR.validate_python(with_nan(values))
        check_provenance(report.provenance)
        if report.target not in TARGETS or set(report.figures) != set(FIGURES):
            raise ValueError("another target, or other figures")
        if report.intervals.get("unit") not in UNITS:
            raise ValueError("another unit of resampling")
    except (OSError, ValueError, ValidationError) as error:
        reason = escape(str(error).splitlines()[0])
        raise ConfigError(
            f"The report '{file}' cannot be read ({reason}). Make it again with: python -m "
            "skinmodel evaluate."
        ) from error
    return report


def survey_two_class_reports(
    roots: Iterable[Path],
) -> tuple[tuple[TwoClassReport, ...], tuple[ConfigError, ...]]:
    """Return every such report below the folders, ``ROOT/RUN_ID/DATASET``, and why others fail."""
    found, damaged = [], []
    for file in (file for root in roots for file in sorted(root.glob(f"*/*/{FILE}"))):
        try:
            found.append(read_two_class_report(file))
        except ConfigError as error:
            damaged.append(error)
    return tuple(found), tuple(damaged)


_VALIDATOR: Final = TypeAdapter(TwoClassReport)
