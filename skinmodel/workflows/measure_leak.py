"""A run of the report's leaky protocol: measured, kept without its weights, and set beside ours."""

import json
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.data.report.leakage import unseen_images, unseen_pictures
from skinmodel.data.report.protocol import build_pictures, split_report
from skinmodel.data.sets import ham10000
from skinmodel.data.sets.loading import load_evaluation_set
from skinmodel.data.splits import split_grouped
from skinmodel.errors import ConfigError
from skinmodel.evaluation.leak import FILE, LeakRow, MeasuredWeights, compute_leak_table, to_frame
from skinmodel.evaluation.predictions import read_predictions
from skinmodel.evaluation.report import PREDICTIONS
from skinmodel.files import write_atomically, write_text
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.inference.classifier import Classifier
from skinmodel.models.registry import get_spec
from skinmodel.training.checkpoint import read_so_far
from skinmodel.training.run_folder import FinishedRun, write_history
from skinmodel.workflows.evaluate import evaluate

_REPORT_TEST: Final = "report:test"
_SETS: Final = (_REPORT_TEST, "ham10000:test", "isic2019")


def measure_leak(run: Path, ours: str, data: Path, results: Path) -> tuple[LeakRow, ...]:
    """Measure a run of the report's recipe where it leaks and where not, and write it.

    A run that was stopped on the way is measured as far as it came; its row says how far.

    Its recipe, history, predictions and figures are kept in ``results``, its weights are not: they
    look better than ours and are not. The rows replace those of the same network in ``leak.csv``.

    Args:
        run: folder of a run of the split ``report`` that is not being trained.
        ours: id of a run of the grouped split whose evaluations on HAM10000's test and on ISIC
            2019 are in ``results``.
        data: folder that holds HAM10000 and ISIC2019.
        results: the folder of results.

    Raises:
        ConfigError: the run is not of the report's split of these data, ours was not evaluated, or
            the results cannot be written.
        SkinModelError: see the parts.
    """
    finished = read_so_far(run)
    index = ham10000.read_index(data)
    pictures = build_pictures(index)
    report = split_report(pictures)
    if finished.data["split"] != report.to_dict():
        raise ConfigError(
            f"Run '{finished.result.run_id}' was trained on the split {finished.data['split']}, "
            f"not on the report's split of these data, {report.to_dict()}. Give a run of the "
            "recipe 'report' and the data it was trained on."
        )
    reference = {name: results / ours / name for name in ("ham10000-test", "isic2019")}
    missing = [str(f) for f in reference.values() if not (f / PREDICTIONS).is_file()]
    if missing:
        raise ConfigError(
            f"Run '{ours}' was not evaluated: there are no predictions in {', '.join(missing)}. "
            "Make them with: python -m skinmodel evaluate --model RUN --dataset NAME --out FOLDER."
        )
    tables = _evaluate(finished, data, results / finished.result.run_id)
    title = get_spec(finished.config["model"]).title
    recipe = f"{finished.result.run_id}, {describe_epochs(finished)}"
    rows = compute_leak_table(
        MeasuredWeights(
            f"{title}, the report's recipe ({recipe})",
            tables["ham10000:test"],
            tables["isic2019"],
        ),
        tables[_REPORT_TEST],
        MeasuredWeights(
            f"{title}, ours ({ours})",
            *(read_predictions(folder / PREDICTIONS) for folder in reference.values()),
        ),
        unseen_images(index, pictures, report, split_grouped(index)).image_ids,
        unseen_pictures(pictures, report).image_ids,
    )
    _write(results / FILE, title, rows)
    return rows


def describe_epochs(finished: FinishedRun) -> str:
    """Return which epoch was kept of how many, and how many the recipe asks for."""
    done, asked = len(finished.history), finished.config["epochs"]
    kept = f"epoch {finished.result.epoch} of {done}"
    return kept if done == asked else f"{kept} trained, {asked} asked for"


def _evaluate(finished: FinishedRun, data: Path, folder: Path) -> dict[str, pd.DataFrame]:
    classifier = Classifier(
        get_spec(finished.config["model"]),
        finished.weights,
        Preprocessing(**finished.config["preprocessing"]),
        finished.result.run_id,
    )
    tables = {}
    for name in _SETS:
        dataset = load_evaluation_set(name, data)
        out = folder / dataset.folder()
        evaluate(classifier, finished.data["split"], dataset, out)
        tables[name] = read_predictions(out / PREDICTIONS)
    try:
        recipe = json.dumps(finished.config, indent=1, sort_keys=True)
        write_text(folder / "recipe.json", recipe + "\n")
        write_history(folder, finished.history)
    except OSError as error:
        raise ConfigError(f"The results could not be written to '{folder}' ({error}).") from error
    return tables


def _write(file: Path, title: str, rows: tuple[LeakRow, ...]) -> None:
    table = to_frame(rows)
    if file.is_file():
        before = pd.read_csv(file)
        others = before[~before["weights"].str.startswith(f"{title}, ")]
        table = pd.concat([others, table], ignore_index=True)
    try:
        write_atomically(file, lambda path: table.to_csv(path, index=False))
    except OSError as error:
        raise ConfigError(f"'{file}' could not be written ({error}).") from error
