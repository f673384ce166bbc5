"""A run from start to result: trained, gone on with, or returned as it was finished."""

import logging
import platform
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from filelock import FileLock, Timeout

import skinmodel
from skinmodel.errors import ConfigError
from skinmodel.training import checkpoint
from skinmodel.training.history import write_history
from skinmodel.training.recipes import TrainConfig
from skinmodel.training.runs import RunResult, check_config, read_result, write_result
from skinmodel.training.trainer import Images, Trainer

log = logging.getLogger(__name__)


def train(
    config: TrainConfig,
    train_images: Images,
    val_images: Images,
    run: Path,
    data: dict[str, Any],
    *,
    resume: bool = False,
    force: bool = False,
    progress: bool = True,
) -> RunResult:
    """Train a run, go on with it, or return what it already gave.

    Args:
        config: everything that changes the result.
        train_images: what is trained on.
        val_images: what picks the epoch.
        run: folder of the run.
        data: what the images are (split, fingerprints), stored with the run and compared on a
            resume.
        resume: go on with an unfinished run.
        force: throw an earlier run of this folder away.
        progress: show progress bars.

    Raises:
        ConfigError: another process trains it, an unfinished run is there without ``resume``, the
            run on disk was made with other settings, or the folder cannot be written.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        with FileLock(run / "lock", timeout=0):
            check_config(run, config, data, resume=resume, force=force)
            finished = read_result(run)
            if finished is not None:
                log.info("this run is finished: nothing to train (--force trains it again)")
                return finished
            return _train(config, train_images, val_images, run, progress)
    except Timeout as error:
        raise ConfigError(
            f"Another process trains in '{run}'. Wait for it, or choose another --runs folder."
        ) from error
    except OSError as error:
        raise ConfigError(
            f"The run's folder '{run}' cannot be used ({error}). Free some space and go on with "
            "--resume, or choose another --runs folder."
        ) from error


def _train(
    config: TrainConfig, train_images: Images, val_images: Images, run: Path, progress: bool
) -> RunResult:
    state = Trainer(config, train_images, val_images, run, progress=progress).fit()
    best = state.history[state.best_epoch - 1]
    result = RunResult(
        run_id=config.run_id,
        epoch=state.best_epoch,
        weights=checkpoint.best_file(run, state.best_epoch).name,
        val={k.removeprefix("val_"): v for k, v in best.items() if k.startswith("val_")},
        seconds=sum(row["seconds"] for row in state.history),
        versions=versions(),
    )
    write_history(run, state.history)  # a run killed after its last checkpoint lacks the last row
    write_result(run, result)
    checkpoint.discard(run)
    return result


def versions() -> dict[str, str]:
    """Return the versions a result depends on."""
    return {
        "skinmodel": skinmodel.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
