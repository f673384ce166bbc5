"""A trained network on a whole data set: predictions, a submission and every figure."""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from skinmodel.data.report.protocol import apply_transform
from skinmodel.data.sets.evaluation_set import EvaluationSet
from skinmodel.errors import ConfigError, DatasetError, ImageError, summarize_ids
from skinmodel.evaluation.predictions import (
    DECIMALS,
    build_predictions,
    write_predictions,
    write_submission,
)
from skinmodel.evaluation.report import (
    FILE,
    PREDICTIONS,
    EvaluationReport,
    Provenance,
    build_report,
)
from skinmodel.files import write_text
from skinmodel.imaging import images
from skinmodel.imaging.preprocess import Preprocessing, resize
from skinmodel.inference.base import BaseClassifier
from skinmodel.libraries import read_versions

SUBMISSION: Final = "submission.csv"
_CHUNK: Final = 64
_LEAKS: Final = "The run was trained on images of this set's lesions: every figure is too good."


def evaluate(
    classifier: BaseClassifier,
    split: dict[str, Any],
    dataset: EvaluationSet,
    out: Path,
    *,
    views: int = 1,
    progress: bool = True,
) -> EvaluationReport:
    """Measure a network on a data set and write predictions, submission and report.

    Nothing is written before every image has its answer.

    Args:
        classifier: the network.
        split: what its run was trained on, as ``Split.to_dict`` says it.
        dataset: images and truth.
        out: folder for ``predictions.csv``, ``submission.csv`` and ``report.json``.
        views: 1, or 8 to average over all flips and quarter turns.
        progress: show a progress bar.

    Raises:
        DatasetError: images cannot be read; all are named.
        ConfigError: the folder cannot be written.
    """
    started = time.perf_counter()
    probabilities = predict_all(classifier, dataset, views=views, progress=progress)
    rate = len(probabilities) / (time.perf_counter() - started)
    # Rounded as they are written: whoever recomputes the figures from the file gets these, also
    # where a class is told from another in the seventh decimal only.
    table = build_predictions(dataset.index, probabilities.round(DECIMALS))
    leaks = dataset.leaks or knows(split, dataset)
    provenance = Provenance(
        run_id=classifier.run_id,
        model=classifier.spec.name,
        dataset=dataset.name,
        dataset_title=dataset.title,
        leaks=leaks,
        remark=" ".join(part for part in (dataset.remark, _LEAKS if leaks else "") if part),
        views=views,
        temperature=classifier.temperature,
        dropped=dataset.dropped,
        images_per_second=rate,
        versions=read_versions(),
    )
    report = build_report(table, dataset.index, provenance)
    _write(out, table, report, dataset)
    return report


def predict_all(
    classifier: BaseClassifier, dataset: EvaluationSet, *, views: int = 1, progress: bool = True
) -> NDArray[np.float32]:
    """Return the network's probabilities for every image of a set, float32, (N, K).

    Raises:
        DatasetError: images cannot be read; all are named.
    """
    rows: list[NDArray[np.float32]] = []
    faults: dict[str, str] = {}
    name = f"{classifier.spec.title} on {dataset.name}"
    bar = tqdm(total=len(dataset.index), desc=name, unit="img", disable=not progress)
    with bar:
        for decoded in read_chunks(dataset.index, classifier.preprocessing):
            faults |= {i: str(e) for i, e in decoded.items() if isinstance(e, ImageError)}
            pictures = [p for p in decoded.values() if not isinstance(p, ImageError)]
            if not faults:  # after the first broken image the rest is only looked through
                rows.append(classifier.predict(pictures, views))
            bar.update(len(decoded))
    if faults:
        first = next(iter(faults.values()))
        raise DatasetError(
            f"Images of {dataset.title} cannot be read: {summarize_ids(tuple(faults))}. The first: "
            f"{first} Nothing was written. Get these files anew."
        )
    return np.concatenate(rows)


def knows(split: dict[str, Any], dataset: EvaluationSet) -> bool:
    """Return whether a run of this split may have been trained on lesions of the data set."""
    if dataset.split_fingerprint is None:
        return False
    return bool(split["fingerprint"] != dataset.split_fingerprint)


Decoded = NDArray[np.uint8] | ImageError


def read_chunks(index: pd.DataFrame, spec: Preprocessing) -> Iterator[dict[str, Decoded]]:
    """Yield images by id, or why one cannot be read; the next ones are decoded meanwhile."""
    ids, paths = list(index["image_id"]), list(index["path"])
    transforms = list(index["transform"]) if "transform" in index else [None] * len(ids)
    starts = range(0, len(ids), _CHUNK)
    with ThreadPoolExecutor(1) as ahead, ThreadPoolExecutor(2) as pool:

        def read(start: int) -> Sequence[Decoded]:
            chosen = slice(start, start + _CHUNK)
            return list(pool.map(lambda p, t: _read(p, t, spec), paths[chosen], transforms[chosen]))

        waiting = ahead.submit(read, 0)
        for start in starts:
            chunk = waiting.result()
            if start + _CHUNK < len(ids):
                waiting = ahead.submit(read, start + _CHUNK)
            yield dict(zip(ids[start : start + _CHUNK], chunk, strict=True))


def _read(path: str, transform: str | None, spec: Preprocessing) -> Decoded:
    try:
        image = images.read(Path(path))
    except ImageError as error:
        return error
    if transform is None:
        return image
    # As in training: first to the network's square input, then turned.
    [turned] = apply_transform(resize(image, spec)[None], [transform])
    return np.asarray(turned)


def _write(
    out: Path, table: pd.DataFrame, report: EvaluationReport, dataset: EvaluationSet
) -> None:
    try:
        write_predictions(out / PREDICTIONS, table)
        write_submission(out / SUBMISSION, table, dataset)
        write_text(out / FILE, json.dumps(report.to_dict(), indent=1) + "\n")
    except OSError as error:
        raise ConfigError(
            f"The results could not be written to '{out}' ({error}). Free some space, or name "
            "another folder with --out."
        ) from error
