"""A trained network on a whole data set: predictions, a submission and every figure."""

import csv
import io
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from skinmodel.data.report.protocol import apply_transform
from skinmodel.data.sets.evaluation_set import EvaluationSet, join_remarks
from skinmodel.data.tables import to_cell
from skinmodel.errors import ConfigError, DatasetError, ImageError, summarize_ids
from skinmodel.evaluation import two_classes
from skinmodel.evaluation.measures.calibration import DECIMALS
from skinmodel.evaluation.predictions import (
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
from skinmodel.evaluation.two_classes import TwoClassReport, build_two_class_report
from skinmodel.files import write_text
from skinmodel.imaging import images
from skinmodel.imaging.preprocess import Preprocessing, resize
from skinmodel.inference.base import BaseClassifier
from skinmodel.libraries import read_versions

SUBMISSION: Final = "submission.csv"
UNREADABLE: Final = "image file cannot be read"
UNREADABLE_FILE: Final = "unreadable.csv"
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
    skip: bool = False,
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
        skip: leave out images that cannot be read; they are listed in ``unreadable.csv``, counted,
            and the report says so.

    Raises:
        DatasetError: images cannot be read; all are named.
        ConfigError: the folder cannot be written.
    """
    measured = _measure(classifier, split, dataset, views, progress, skip)
    index, unit = measured.dataset.index, measured.dataset.unit
    report = build_report(measured.table, index, measured.provenance, unit)
    _write(out, measured, report.to_dict(), FILE)
    return report


def evaluate_two_classes(
    classifier: BaseClassifier,
    split: dict[str, Any],
    dataset: EvaluationSet,
    out: Path,
    *,
    views: int = 1,
    progress: bool = True,
    skip: bool = False,
) -> TwoClassReport:
    """Measure a network where the truth is one target or the rest, as ``evaluate`` does.

    Args:
        classifier: the network.
        split: of its run.
        dataset: with a target.
        out: folder for ``predictions.csv``, ``submission.csv`` and ``two_classes.json``.
        views: 1 or 8.
        progress: show a progress bar.
        skip: leave out images that cannot be read.

    Raises:
        DatasetError: images cannot be read; all are named.
        ConfigError: the folder cannot be written.
    """
    assert dataset.target is not None
    measured = _measure(classifier, split, dataset, views, progress, skip)
    report = build_two_class_report(
        measured.table, dataset.target, measured.provenance, dataset.unit
    )
    _write(out, measured, report.to_dict(), two_classes.FILE)
    return report


@dataclass(frozen=True)
class _Measured:
    """A data set as it was read, with the table of predictions."""

    dataset: EvaluationSet
    table: pd.DataFrame = field(repr=False)
    provenance: Provenance
    faults: Mapping[str, str]


def _measure(
    classifier: BaseClassifier,
    split: dict[str, Any],
    dataset: EvaluationSet,
    views: int,
    progress: bool,
    skip: bool,
) -> _Measured:
    started = time.perf_counter()
    probabilities, faults = predict_readable(
        classifier, dataset, views=views, progress=progress, skip=skip
    )
    dataset = leave_out(dataset, faults)
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
    return _Measured(dataset, table, provenance, faults)


def predict_all(
    classifier: BaseClassifier, dataset: EvaluationSet, *, views: int = 1, progress: bool = True
) -> NDArray[np.float32]:
    """Return the network's probabilities for every image of a set, float32, (N, K).

    Raises:
        DatasetError: images cannot be read; all are named.
    """
    return predict_readable(classifier, dataset, views=views, progress=progress)[0]


def predict_readable(
    classifier: BaseClassifier,
    dataset: EvaluationSet,
    *,
    views: int = 1,
    progress: bool = True,
    skip: bool = False,
) -> tuple[NDArray[np.float32], dict[str, str]]:
    """Return the network's probabilities for every image of a set, and what cannot be read.

    Args:
        classifier: the network.
        dataset: images.
        views: 1 or 8.
        progress: show a progress bar.
        skip: go on without images that cannot be read.

    Returns:
        float32, (N, K), of the images that can be read, and the reason by id of the others.

    Raises:
        DatasetError: images cannot be read, or not one can; all are named.
    """
    rows: list[NDArray[np.float32]] = []
    faults: dict[str, str] = {}
    name = f"{classifier.spec.title} on {dataset.name}"
    bar = tqdm(total=len(dataset.index), desc=name, unit="img", disable=not progress)
    with bar:
        for decoded in read_chunks(dataset.index, classifier.preprocessing):
            faults |= {i: str(e) for i, e in decoded.items() if isinstance(e, ImageError)}
            pictures = [p for p in decoded.values() if not isinstance(p, ImageError)]
            # Without leave to skip, after the first broken image the rest is only looked through.
            if pictures and (skip or not faults):
                rows.append(classifier.predict(pictures, views))
            bar.update(len(decoded))
    if faults and not (skip and rows):
        first = next(iter(faults.values()))
        raise DatasetError(
            f"Images of {dataset.title} cannot be read: {summarize_ids(tuple(faults))}. The first: "
            f"{first} Nothing was written. Get these files anew, or leave them out with "
            "--skip-unreadable."
        )
    return np.concatenate(rows), faults


def leave_out(dataset: EvaluationSet, faults: Mapping[str, str]) -> EvaluationSet:
    """Return a set without the images that cannot be read, with their number and a remark."""
    if not faults:
        return dataset
    left = ~dataset.index["image_id"].isin(faults.keys())
    share = f"{len(faults):,} of {len(dataset.index):,}"
    return replace(
        dataset,
        index=dataset.index[left].reset_index(drop=True),
        dropped=dataset.dropped | {UNREADABLE: len(faults)},
        remark=join_remarks(
            [dataset.remark, f"{share} images could not be read: the figures are of the others."]
        ),
    )


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
    reduced = resize(image, spec)  # here, beside the network
    if transform is None:
        return reduced
    # As in training: first to the network's square input, then turned.
    [turned] = apply_transform(reduced[None], [transform])
    return np.asarray(turned)


def _write(out: Path, measured: _Measured, report: dict[str, Any], file: str) -> None:
    try:
        write_predictions(out / PREDICTIONS, measured.table)
        write_submission(out / SUBMISSION, measured.table, measured.dataset)
        if measured.faults:
            write_text(out / UNREADABLE_FILE, _list_faults(measured.faults))
        write_text(out / file, json.dumps(report, indent=1) + "\n")
    except OSError as error:
        raise ConfigError(
            f"The results could not be written to '{out}' ({error}). Free some space, or name "
            "another folder with --out."
        ) from error


def _list_faults(faults: Mapping[str, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image_id", "reason"])
    writer.writerows([to_cell(name), reason] for name, reason in faults.items())
    return text.getvalue()
