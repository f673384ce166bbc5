"""One image file, some networks and their maps, as a printed case."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from skinmodel import paths
from skinmodel.case_report.case import MOST_NETWORKS, Case, Paper
from skinmodel.case_report.collect import build_answer
from skinmodel.errors import ConfigError, UsageError
from skinmodel.faithfulness.verdict import choose_method, read_of_run
from skinmodel.files import write_atomically
from skinmodel.findings.cautions import compute_cautions
from skinmodel.findings.verdict import compute_verdict
from skinmodel.imaging import images
from skinmodel.results import Prediction, join_gates
from skinmodel.weights import store

if TYPE_CHECKING:  # a network that has no graph loads TensorFlow
    from skinmodel.inference.classifier import Classifier
    from skinmodel.inference.quick import QuickClassifier


def check_report(file: Path, networks: int) -> None:
    """Refuse a report that could not be written, before anything slow is done.

    Raises:
        UsageError: its folder is not there, it is no PDF, or there are too many networks.
    """
    if file.suffix.lower() != ".pdf" or file.is_dir():
        raise UsageError(f"--report '{file}' is no PDF file; name one that ends in .pdf.")
    if not file.parent.is_dir():
        raise UsageError(f"--report '{file}': there is no folder '{file.parent}'. Make it first.")
    if networks > MOST_NETWORKS:
        raise UsageError(
            f"A report holds one to {MOST_NETWORKS} networks, not {networks}. Name fewer with "
            "--model."
        )


def report_case(
    image_file: Path,
    classifiers: Mapping[str, "Classifier | QuickClassifier"],
    file: Path,
    now: datetime,
    *,
    method: str | None = None,
    views: int = 1,
    paper: Paper = "A4",
) -> None:
    """Write the report of one picture.

    Args:
        image_file: the picture.
        classifiers: by the name the caller used.
        file: the PDF to write.
        now: printed as its date.
        method: of the maps, where a network has it; else the one that its measurements favour.
        views: 1, or 8 to average over all flips and quarter turns.
        paper: its format.

    Raises:
        ImageError: the picture cannot be read.
        ConfigError: a saved evaluation or the report's file cannot be read or written.
    """
    from skinmodel.case_report.pdf import render_case

    data = images.read_bytes(image_file)
    decoded = images.decode_noted(data)
    results = (paths.RESULTS, paths.evaluations())
    answers, titles = [], {}
    for name, classifier in classifiers.items():
        [prediction] = classifier.classify([decoded.image], views)
        measured = read_of_run(prediction.run_id, results)
        favoured = choose_method(classifier.methods, None if measured is None else measured[0])
        chosen = method if method in classifier.methods else favoured
        explanation = classifier.explain(decoded.image, chosen, prediction.code)
        titles[prediction.model] = classifier.spec.title
        record = store.find(name)[0]
        answers.append(
            build_answer(classifier.spec.title, prediction, record, results, explanation)
        )
    predictions = [answer.prediction for answer in answers]
    cautions = compute_cautions(predictions, titles, decoded.image.shape)
    width, height = decoded.size
    case = Case(
        image=decoded.image,
        sha256=hashlib.sha256(data).hexdigest(),
        picture=f"A file of {width} x {height} pixels",
        verdict=compute_verdict(predictions, titles, _find_refusal(predictions)),
        cautions=(*([decoded.note] if decoded.note else []), *cautions),
        answers=answers,
        created=now,
    )
    printed = render_case(case, paper)
    try:
        write_atomically(file, lambda path: _write(path, printed))
    except OSError as error:
        raise ConfigError(
            f"The report '{file}' could not be written ({error.strerror}). Check the folder and "
            "the disk."
        ) from error


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _find_refusal(predictions: Sequence[Prediction]) -> str:
    """Return why the networks' gate declines the picture; empty where it does not."""
    gate = join_gates(p.trust.gate for p in predictions if p.trust is not None)
    return " ".join(gate.reasons) if gate is not None and gate.declined else ""
