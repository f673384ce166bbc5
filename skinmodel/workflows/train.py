"""From names to a trained run and its weights in the store: what the command line asks for."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinmodel import paths
from skinmodel.data import cache, masks
from skinmodel.data.report.protocol import build_pictures, split_report
from skinmodel.data.rows import PixelRows
from skinmodel.data.sets import ham10000
from skinmodel.data.splits import Split, split_grouped
from skinmodel.diagnoses import class_index
from skinmodel.errors import ConfigError, DatasetError, summarize_ids
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.libraries import quiet_start
from skinmodel.models.registry import get_spec
from skinmodel.training.engine import Images, open_engine
from skinmodel.training.recipes import (
    DEFAULT_ENGINE,
    EngineName,
    Precision,
    TrainConfig,
    load_recipe,
)
from skinmodel.training.run_folder import FinishedRun, RunResult, choose_folder, read_finished
from skinmodel.weights import store
from skinmodel.weights.compact import encode
from skinmodel.weights.manifest import read_manifest
from skinmodel.weights.record import Form, WeightsRecord
from skinmodel.weights.state import WeightsState
from skinmodel.workflows.teach import load_answers


def publish_run(
    finished: FinishedRun,
    folder: Path,
    data: bytes,
    metrics: dict[str, Any],
    form: Form,
    temperature: float,
    graph: bytes | None = None,
) -> WeightsRecord:
    """Write a run's encoded weights and their record into ``folder``.

    Args:
        finished: the run.
        folder: a weights folder.
        data: the run's weights as ``weights.compact.encode`` gives them; written as they are.
        metrics: nested finite numbers measured on these very weights.
        form: what ``data`` is.
        temperature: fitted on validation images; 1 for none.
        graph: of the network, see ``inference.graph``; None where TensorFlow is to answer.

    Raises:
        WeightsError: see ``store.publish``.
    """
    return store.publish(
        folder,
        data,
        model=finished.config["model"],
        run_id=finished.result.run_id,
        preprocessing=Preprocessing(**finished.config["preprocessing"]),
        temperature=temperature,
        recipe=finished.config,
        recipe_fingerprint=finished.fingerprint,
        split=finished.data["split"],
        versions=finished.result.versions,
        metrics=metrics,
        form=form,
        graph=graph,
    )


log = logging.getLogger(__name__)


def run_training(
    model: str,
    recipe: str,
    data: Path,
    runs: Path,
    *,
    seed: int | None = None,
    epochs: int | None = None,
    precision: Precision | None = None,
    engine: EngineName = DEFAULT_ENGINE,
    resume: bool = False,
    force: bool = False,
    progress: bool = True,
) -> tuple[Path, RunResult]:
    """Train ``model`` by ``recipe`` on the HAM10000 in ``data``.

    Args:
        model: registry name of the network.
        recipe: name of a recipe, or the path of a TOML file.
        data: folder that holds ``HAM10000``.
        runs: folder in which the run's folder is made, see ``run_folder.choose_folder``.
        seed: instead of the recipe's.
        epochs: instead of the recipe's.
        precision: instead of the fastest sound one of this machine, to go on with a run of another.
        engine: what computes; it needs a process in which Keras runs on no other backend.
        resume: go on with an unfinished run.
        force: throw an earlier run away.
        progress: show progress bars.

    Returns:
        The run's folder and its result.

    Raises:
        SkinModelError: names, data, or the run on disk do not allow it; see the parts.
    """
    # What can be refused is refused before data are read and TensorFlow is loaded.
    load_recipe(recipe, model, "float32", seed=seed, epochs=epochs, engine=engine)
    index = ham10000.read_index(data)

    with quiet_start():
        device = open_engine(engine).choose_device()
        from skinmodel.training.loop import train

        if device.kind == "CPU" and not get_spec(model).bfloat16:
            device = replace(device, precision="float32")
        if precision is not None:
            device = replace(device, precision=precision)
    log.info("training on %s", device)
    config = load_recipe(recipe, model, device.precision, seed=seed, epochs=epochs, engine=engine)
    run = choose_folder(runs, config, resume=resume)
    pixels = cache.load_pixels(list(index["path"]), config.preprocessing, progress=progress)
    pictures, split = _split(index, config)
    parts = {}
    for side in ("train", "val"):
        rows = split.of(pictures, side)
        truth = np.array([class_index(code) for code in rows["truth"]], dtype=np.int64)
        turns = list(rows["transform"]) if "transform" in rows else None
        guides = _load_masks(data, rows, config) if side == "train" and config.guidance else None
        chosen = PixelRows(pixels, rows["source_row"].to_numpy(), turns, guides)
        parts[side] = Images(chosen, truth)
    provenance: dict[str, Any] = {
        "name": "HAM10000",
        "pixels_sha256": cache.fingerprint(pixels),
        "split": split.to_dict(),
    }
    if config.teachers:
        files = list(split.of(pictures, "train")["path"])
        answers, taught_by = load_answers(config.teachers, files, progress=progress)
        parts["train"] = replace(parts["train"], answers=answers)
        provenance["teachers"] = taught_by
    if config.initial == "shipped":
        provenance["initial_run"] = store.find(config.model, "shipped")[0].run_id
    result = train(
        config,
        parts["train"],
        parts["val"],
        run,
        provenance,
        resume=resume,
        force=force,
        progress=progress,
    )
    return run, result


def _load_masks(data: Path, rows: pd.DataFrame, config: TrainConfig) -> NDArray[np.uint8]:
    """Return the lesions' masks of training pictures; see ``masks.load_masks``.

    Raises:
        DatasetError: pictures without a mask.
        ConfigError: the recipe's pictures are turned copies, whose masks would have to turn too.
    """
    if "transform" in rows:
        raise ConfigError(
            f"Recipe '{config.recipe}' guides by masks (guidance = {config.guidance}) and trains "
            "on turned copies, which have none. Set guidance = 0.0."
        )
    files = masks.find_masks(ham10000.find_root(data))
    missing = [image for image in rows["image_id"] if image not in files]
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(rows)} training pictures have no lesion mask in "
            f"'{masks.FOLDER}': {summarize_ids(missing)}. Recipe '{config.recipe}' is guided by "
            "them: get the data set's masks, or set guidance = 0.0."
        )
    spec = config.preprocessing
    chosen = [Path(files[image]) for image in rows["image_id"]]
    return masks.load_masks(chosen, spec.height, spec.width)


def keep(run: Path) -> None:
    """Put a finished run's weights, bit for bit, into the user's store, unless they are there.

    A run trained again (``--force``) has the id of the one before but not its weights.

    Raises:
        ConfigError: the run cannot be read.
        WeightsError: the store cannot be written.
    """
    finished = read_finished(run)
    folder = paths.home() / "weights"
    # Calibrated on images that the network was not trained on; a leaky split has none.
    leaks = finished.data["split"]["leaks"]
    temperature = 1.0 if leaks else finished.result.val["temperature"]
    metrics = {"val": finished.result.val}
    if any(
        record.run_id == finished.result.run_id
        and record.metrics == metrics
        and store.verify(folder, record) is WeightsState.OK
        for record in read_manifest(folder)
    ):
        return
    data, _ = encode(finished.weights, None)
    publish_run(finished, folder, data, metrics, "float32", temperature)


def _split(index: pd.DataFrame, config: TrainConfig) -> tuple[pd.DataFrame, Split]:
    """Return the pictures of a recipe's protocol, see ``build_pictures``, and their split."""
    if config.split == "report":
        pictures = build_pictures(index)
        return pictures, split_report(pictures)
    return index.assign(source_row=np.arange(len(index))), split_grouped(index)
