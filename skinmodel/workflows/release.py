"""A finished run made ready to ship: compact weights, calibrated, and what they measured."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.data import cache
from skinmodel.data.sets import ham10000
from skinmodel.data.sets.loading import load_evaluation_set
from skinmodel.data.splits import split_grouped
from skinmodel.diagnoses import class_index
from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.bootstrap import DRAWS, Interval, compute_intervals
from skinmodel.evaluation.measures.calibration import fit_temperature
from skinmodel.evaluation.measures.metrics import HEADLINES
from skinmodel.evaluation.report import EvaluationReport
from skinmodel.files import write_text
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.inference.base import BaseClassifier
from skinmodel.inference.classifier import Classifier
from skinmodel.inference.engine import OnnxEngine
from skinmodel.inference.parity import check_parity
from skinmodel.inference.quick import QuickClassifier
from skinmodel.models.registry import get_spec
from skinmodel.results import DISCLAIMER
from skinmodel.training.run_folder import FinishedRun, read_finished, write_history
from skinmodel.weights.compact import decode, encode
from skinmodel.weights.record import WeightsRecord
from skinmodel.workflows.evaluate import evaluate, predict_all
from skinmodel.workflows.train import publish_run

FILE: Final = "release.json"
# What is evaluated, by the name the record gives it.
_MEASURED: Final = {
    "val": ("ham10000:val", 1),
    "val_8_views": ("ham10000:val", 8),
    "test": ("ham10000:test", 1),
    "test_8_views": ("ham10000:test", 8),
}


@dataclass(frozen=True)
class Release:
    """What was shipped.

    Attributes:
        record: of the compact weights.
        summary: what ``release.json`` holds.
        folder: where recipe, history, ``release.json`` and the evaluations are.
    """

    record: WeightsRecord
    summary: dict[str, Any]
    folder: Path


def release(run: Path, data: Path, weights_folder: Path, results_folder: Path) -> Release:
    """Measure a finished run on validation and test folds and write it in the form that ships.

    The predictions written are those of the compact weights, calibrated: the ones a user gets. One
    temperature is fitted on the validation folds, one view an image, and serves every later use.
    They are ONNX Runtime's where the network has a graph, as a user's are.

    Args:
        run: folder of a finished run of a split that does not leak.
        data: folder that holds ``HAM10000``.
        weights_folder: gets the compact weights and their record.
        results_folder: gets a folder of the run's id with recipe, history, ``release.json`` and one
            folder an evaluation.

    Raises:
        ConfigError: the run is unfinished, its split or its pixels are not those of this data, or
            the results cannot be written.
        SkinModelError: see the parts.
    """
    finished = read_finished(run)
    _check_data(finished, data)
    coded, coding = encode(finished.weights)
    # The compact form is measured as it will be read, from the very bytes that ship.
    weights = decode(coded, "the compact weights")
    raw = _load(finished, weights)
    graph = raw.build_graph()
    temperature = _fit(_make_quick(raw, weights, graph), data)
    folder = results_folder / finished.result.run_id
    compact, exact = (
        _make_quick(_load(finished, w, temperature), w, graph) for w in (weights, finished.weights)
    )
    reports = {}
    for name, (dataset, views) in _MEASURED.items():
        loaded = load_evaluation_set(dataset, data)
        out = folder / loaded.folder(views)
        reports[name] = evaluate(compact, finished.data["split"], loaded, out, views=views)
    metrics = {name: select_headlines(report) for name, report in reports.items()}
    summary = {
        "disclaimer": DISCLAIMER,
        "run_id": finished.result.run_id,
        "model": finished.config["model"],
        "epoch": finished.result.epoch,
        "training_hours": finished.result.seconds / 3600,
        "weights_bytes": len(coded),
        "largest_coding_error": coding.largest_error,
        "temperature": temperature,
        "intervals": f"95 %, {DRAWS} resamples of lesions",
        "float32": {"test": _measure(exact, data)},
        "shipped": metrics,
    }
    # The results come first: weights that a manifest names never lack the proof of their figures.
    _write(folder, finished, summary)
    record = publish_run(finished, weights_folder, coded, metrics, "compact", temperature, graph)
    return Release(record, summary, folder)


def select_headlines(report: EvaluationReport) -> dict[str, dict[str, float]]:
    """Return the figures that a weights record holds, by name, with their intervals."""
    return {name: report.metrics[name].to_dict() for name in HEADLINES}


def _check_data(finished: FinishedRun, data: Path) -> None:
    """Refuse data that are not, to the pixel, those the run was trained beside.

    Raises:
        ConfigError: another split, or other pixels.
    """
    index = ham10000.read_index(data)
    split = split_grouped(index)
    if finished.data["split"] != split.to_dict():
        raise ConfigError(
            f"Run '{finished.result.run_id}' was trained on the split {finished.data['split']}, "
            f"but this data gives {split.to_dict()}: its test folds would not be unseen. Use the "
            "same data."
        )
    pixels = cache.load_pixels(
        list(index["path"]), Preprocessing(**finished.config["preprocessing"])
    )
    found, expected = cache.fingerprint(pixels), finished.data["pixels_sha256"]
    if found != expected:
        raise ConfigError(
            f"The decoded images have the SHA-256 {found}, but run '{finished.result.run_id}' was "
            f"trained on {expected}: its figures would be those of other pictures. Use the same "
            "images and the same versions of Pillow and OpenCV, or train again."
        )


def _load(
    finished: FinishedRun, weights: Mapping[str, NDArray[np.float32]], temperature: float = 1.0
) -> Classifier:
    preprocessing = Preprocessing(**finished.config["preprocessing"])
    spec = get_spec(finished.config["model"])
    return Classifier(spec, weights, preprocessing, finished.result.run_id, temperature)


def _make_quick(
    classifier: Classifier, weights: Mapping[str, NDArray[np.float32]], graph: bytes | None
) -> BaseClassifier:
    """Return what will answer users, found to agree with what was trained.

    Raises:
        WeightsError: it does not agree.
    """
    if graph is None:
        return classifier
    engine = OnnxEngine(graph, weights)
    quick = QuickClassifier(
        classifier.spec,
        classifier.preprocessing,
        classifier.run_id,
        classifier.temperature,
        open_engine=lambda: engine,
        open_tensorflow=lambda: classifier,
    )
    check_parity(quick, classifier)
    return quick


def _fit(raw: BaseClassifier, data: Path) -> float:
    dataset = load_evaluation_set("ham10000:val", data)
    truth = np.array([class_index(code) for code in dataset.index["truth"]], dtype=np.int64)
    return fit_temperature(truth, predict_all(raw, dataset))


def _measure(exact: BaseClassifier, data: Path) -> dict[str, dict[str, float]]:
    dataset = load_evaluation_set("ham10000:test", data)
    truth = np.array([class_index(code) for code in dataset.index["truth"]], dtype=np.int64)
    lesions = dataset.index["group_id"].to_numpy(str)
    intervals: Mapping[str, Interval] = compute_intervals(
        truth, predict_all(exact, dataset), lesions
    )
    return {name: intervals[name].to_dict() for name in HEADLINES}


def _write(folder: Path, finished: FinishedRun, summary: dict[str, Any]) -> None:
    recipe = json.dumps(finished.config, indent=1, sort_keys=True)
    try:
        write_text(folder / FILE, json.dumps(summary, indent=1) + "\n")
        write_text(folder / "recipe.json", recipe + "\n")
        write_history(folder, finished.history)
    except OSError as error:
        raise ConfigError(
            f"The results could not be written to '{folder}' ({error}); no weights were shipped. "
            "Free some space, or choose another folder with --results, and release again."
        ) from error
