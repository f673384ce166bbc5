"""What is known of a network from saved evaluations, as a printed case has it."""

from pathlib import Path
from typing import Final

from skinmodel.case_report.case import Answer, Figure, Measured
from skinmodel.diagnoses import CODES
from skinmodel.evaluation.answers import compute_worth
from skinmodel.evaluation.predictions import read_predictions, to_arrays
from skinmodel.evaluation.report import FILE, PREDICTIONS, read_report
from skinmodel.faithfulness.verdict import describe_fault, read_of_run
from skinmodel.findings.worth import describe_worth
from skinmodel.results import Explanation, Prediction
from skinmodel.trust.wording import describe_trust
from skinmodel.weights.record import WeightsRecord

TEST: Final = "ham10000-test"
"""Evaluation whose pictures answers are held against: one view of each test picture."""

_SETS: Final = (TEST, "isic2019")
_FIGURES: Final = {
    "balanced_accuracy": "Balanced accuracy",
    "macro_auc": "Macro AUC",
    "recall.mel": "Sensitivity, melanoma",
    "specificity.mel": "Specificity, melanoma",
}


def build_answer(
    title: str,
    prediction: Prediction,
    record: WeightsRecord,
    results: tuple[Path, ...],
    explanation: Explanation | None = None,
    *,
    is_lesion: bool = True,
) -> Answer:
    """Return what a network says, with what its saved evaluations tell of such answers.

    Args:
        title: what people call the network.
        prediction: of one picture.
        record: of the network's weights.
        results: folders of saved evaluations; the first that has one is taken.
        explanation: where it looked.
        is_lesion: False for a drawing, which nothing counted on lesions holds for.

    Raises:
        ConfigError: a saved evaluation cannot be read.
    """
    folders = {name: find_evaluation(prediction.run_id, name, results) for name in _SETS}
    measured = tuple(_read_measured(folder) for folder in folders.values() if folder is not None)
    remark = ""
    if explanation is not None:
        found = read_of_run(prediction.run_id, list(results))
        remark = describe_fault(None if found is None else found[0], explanation.method)
    versions = ", ".join(f"{n} {v}" for n, v in sorted(record.versions.items()) if n != "skinmodel")
    return Answer(
        title,
        prediction,
        lines=() if prediction.trust is None else describe_trust(prediction.trust),
        worth=_describe(prediction, folders[TEST]) if is_lesion else "",
        explanation=explanation,
        remark=remark,
        measured=measured,
        versions=f"weights {record.sha256[:12]}, made with {versions}",
    )


def find_evaluation(run_id: str, name: str, results: tuple[Path, ...]) -> Path | None:
    """Return the folder of a run's saved evaluation on a data set; None where there is none."""
    folders = (root / run_id / name for root in results)
    return next((folder for folder in folders if (folder / FILE).is_file()), None)


def _describe(prediction: Prediction, folder: Path | None) -> str:
    if folder is None or not (folder / PREDICTIONS).is_file():
        return ""
    table = to_arrays(read_predictions(folder / PREDICTIONS))
    found = compute_worth(*table, prediction.probabilities)[CODES.index(prediction.code)]
    return "" if found is None else describe_worth(found)


def _read_measured(folder: Path) -> Measured:
    report = read_report(folder)
    title = report.provenance.dataset_title
    leaky = " (leaky protocol)" if report.provenance.leaks else ""
    return Measured(
        f"{title}{leaky}, {report.images:,} images of {report.lesions:,} lesions",
        tuple(
            Figure(name, f"{i.value:.3f} ({i.low:.3f}–{i.high:.3f})")
            for key, name in _FIGURES.items()
            for i in [report.metrics[key]]
        ),
    )
