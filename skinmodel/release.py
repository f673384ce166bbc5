"""From a finished run to weights that ship: measured on test, made compact, measured again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from skinmodel.data import cache, ham10000
from skinmodel.data.splits import Split, split_grouped
from skinmodel.errors import ConfigError
from skinmodel.evaluation.bootstrap import DRAWS, Interval, compute_intervals
from skinmodel.evaluation.predictions import (
    DECIMALS,
    build_predictions,
    to_arrays,
    write_predictions,
)
from skinmodel.files import write_text
from skinmodel.inference.classifier import Classifier
from skinmodel.models.registry import get_spec
from skinmodel.preprocess import Preprocessing
from skinmodel.results import DISCLAIMER
from skinmodel.training.history import write_history
from skinmodel.training.publication import publish_run
from skinmodel.training.runs import FinishedRun, read_finished
from skinmodel.weights.compact import decode, encode
from skinmodel.weights.record import WeightsRecord

Pixels = NDArray[np.uint8]

_CHUNK: Final = 64
# What is measured, by number of test-time views.
_VIEWS: Final = {1: "test", 8: "test_8_views"}


@dataclass(frozen=True)
class Release:
    """What was shipped.

    Attributes:
        record: of the compact weights.
        report: what ``report.json`` holds.
        folder: where recipe, history, predictions and report are.
    """

    record: WeightsRecord
    report: dict[str, Any]
    folder: Path


def release(run: Path, data: Path, weights_folder: Path, results_folder: Path) -> Release:
    """Measure a finished run on the test folds and write it in the form that ships.

    The predictions written are those of the compact weights: the ones a user runs.

    Args:
        run: folder of a finished run of a split that does not leak.
        data: folder that holds ``HAM10000``.
        weights_folder: gets the compact weights and their record.
        results_folder: gets a folder of the run's id with recipe, history, predictions, report.

    Raises:
        ConfigError: the run is unfinished, its split or its pixels are not those of this data, or
            the results cannot be written.
        SkinModelError: see the parts.
    """
    finished = read_finished(run)
    index = ham10000.read_index(data)
    split = split_grouped(index)
    if finished.data["split"] != split.to_dict():
        raise ConfigError(
            f"The run in '{run}' was trained on the split {finished.data['split']}, but this data "
            f"gives {split.to_dict()}: its test folds would not be unseen. Use the same data."
        )
    test = split.of(index, "test")
    pixels = list(_load_test_pixels(finished, index, split))
    exact = _measure(_load(finished, finished.weights), pixels, test)
    # The compact form is measured as it will be read, from the very bytes that ship.
    coded, coding = encode(finished.weights)
    compact = _measure(_load(finished, decode(coded, "the compact weights")), pixels, test)
    folder = results_folder / finished.result.run_id
    report = {
        "disclaimer": DISCLAIMER,
        "run_id": finished.result.run_id,
        "model": finished.config["model"],
        "dataset": "HAM10000, test folds of the grouped split",
        "images": len(test),
        "lesions": int(test["group_id"].nunique()),
        "intervals": f"95 %, {DRAWS} resamples of lesions",
        "epoch": finished.result.epoch,
        "training_hours": finished.result.seconds / 3600,
        "weights_bytes": len(coded),
        "largest_coding_error": coding.largest_error,
        "float32": _figures(exact),
        "shipped": _figures(compact),
    }
    # The results come first: weights that a manifest names never lack the proof of their figures.
    _write_results(folder, finished, report, {name: t for name, (t, _) in compact.items()})
    metrics = {"val": finished.result.val, **_figures(compact)}
    record = publish_run(finished, weights_folder, coded, metrics, "compact")
    return Release(record, report, folder)


def _load_test_pixels(finished: FinishedRun, index: pd.DataFrame, split: Split) -> Pixels:
    """Return the test images as the run's own decoding gave them: uint8, (N, h, w, 3), RGB.

    Raises:
        ConfigError: the images are not, to the pixel, those the run was trained beside.
    """
    preprocessing = Preprocessing(**finished.config["preprocessing"])
    pixels = cache.load_pixels(list(index["path"]), preprocessing)
    found, expected = cache.fingerprint(pixels), finished.data["pixels_sha256"]
    if found != expected:
        raise ConfigError(
            f"The decoded images have the SHA-256 {found}, but run '{finished.result.run_id}' was "
            f"trained on {expected}: its figures would be those of other pictures. Use the same "
            "images and the same versions of Pillow and OpenCV, or train again."
        )
    return pixels[(index["image_id"].map(split.side) == "test").to_numpy()]


def _load(finished: FinishedRun, weights: Mapping[str, NDArray[np.float32]]) -> Classifier:
    preprocessing = Preprocessing(**finished.config["preprocessing"])
    spec = get_spec(finished.config["model"])
    return Classifier(spec, weights, preprocessing, finished.result.run_id)


def _measure(
    classifier: Classifier, pixels: Sequence[Pixels], test: pd.DataFrame
) -> dict[str, tuple[pd.DataFrame, Mapping[str, Interval]]]:
    measured = {}
    for views, name in _VIEWS.items():
        starts = tqdm(range(0, len(pixels), _CHUNK), desc=f"testing, {views} view(s)")
        rows = [classifier.predict(pixels[i : i + _CHUNK], views) for i in starts]
        # Rounded as they are written: whoever recomputes the figures from the file gets these,
        # also where a class is told from another in the seventh decimal only.
        table = build_predictions(test, np.concatenate(rows).round(DECIMALS))
        measured[name] = (table, compute_intervals(*to_arrays(table)))
    return measured


def _figures(
    measured: dict[str, tuple[pd.DataFrame, Mapping[str, Interval]]],
) -> dict[str, dict[str, dict[str, float]]]:
    return {
        name: {figure: interval.to_dict() for figure, interval in figures.items()}
        for name, (_, figures) in measured.items()
    }


def _write_results(
    folder: Path,
    finished: FinishedRun,
    report: dict[str, Any],
    tables: Mapping[str, pd.DataFrame],
) -> None:
    recipe = json.dumps(finished.config, indent=1, sort_keys=True)
    try:
        for name, table in tables.items():
            write_predictions(folder / f"predictions_{name}.csv", table)
        write_text(folder / "report.json", json.dumps(report, indent=1) + "\n")
        write_text(folder / "recipe.json", recipe + "\n")
        write_history(folder, finished.history)
    except OSError as error:
        raise ConfigError(
            f"The results could not be written to '{folder}' ({error}); no weights were shipped. "
            "Free some space, or choose another folder with --results, and release again."
        ) from error
