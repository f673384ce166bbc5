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

from skinmodel import images
from skinmodel.data import ham10000
from skinmodel.data.splits import split_grouped
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
from skinmodel.training.runs import FinishedRun, read_finished
from skinmodel.weights import store
from skinmodel.weights.compact import decode, encode
from skinmodel.weights.record import WeightsRecord

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
        ConfigError: the run is unfinished, or its split is not that of this data.
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
    pixels = [images.read(Path(path)) for path in tqdm(test["path"], desc="reading test images")]
    exact = _measure(_load(finished, finished.weights), pixels, test)
    # The compact form is measured as it will be read, not as it was meant to be.
    coded, coding = encode(finished.weights)
    compact = _measure(_load(finished, decode(coded, "the compact weights")), pixels, test)
    metrics = {"val": finished.result.val, **_figures(compact)}
    record = _publish(finished, weights_folder, metrics)
    folder = results_folder / record.run_id
    report = {
        "disclaimer": DISCLAIMER,
        "run_id": record.run_id,
        "model": record.model,
        "dataset": "HAM10000, test folds of the grouped split",
        "images": len(test),
        "lesions": int(test["group_id"].nunique()),
        "intervals": f"95 %, {DRAWS} resamples of lesions",
        "epoch": finished.result.epoch,
        "training_hours": finished.result.seconds / 3600,
        "weights_bytes": record.bytes,
        "largest_coding_error": coding.largest_error,
        "float32": _figures(exact),
        "shipped": _figures(compact),
    }
    _write_results(folder, finished, report, {name: t for name, (t, _) in compact.items()})
    return Release(record, report, folder)


def _load(finished: FinishedRun, weights: Mapping[str, NDArray[np.float32]]) -> Classifier:
    preprocessing = Preprocessing(**finished.config["preprocessing"])
    spec = get_spec(finished.config["model"])
    return Classifier(spec, weights, preprocessing, finished.result.run_id)


def _measure(
    classifier: Classifier, pixels: Sequence[NDArray[np.uint8]], test: pd.DataFrame
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


def _publish(finished: FinishedRun, folder: Path, metrics: dict[str, Any]) -> WeightsRecord:
    record, _ = store.publish(
        folder,
        finished.weights,
        model=finished.config["model"],
        run_id=finished.result.run_id,
        preprocessing=Preprocessing(**finished.config["preprocessing"]),
        recipe=finished.config,
        recipe_fingerprint=finished.fingerprint,
        split=finished.data["split"],
        versions=finished.result.versions,
        metrics=metrics,
    )
    return record


def _write_results(
    folder: Path,
    finished: FinishedRun,
    report: dict[str, Any],
    tables: Mapping[str, pd.DataFrame],
) -> None:
    for name, table in tables.items():
        write_predictions(folder / f"predictions_{name}.csv", table)
    write_text(folder / "report.json", json.dumps(report, indent=1) + "\n")
    write_text(folder / "recipe.json", json.dumps(finished.config, indent=1, sort_keys=True) + "\n")
    write_history(folder, finished.history)
