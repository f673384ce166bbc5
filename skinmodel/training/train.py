"""A run from start to result: trained, gone on with, or returned as it was finished."""

import logging
from pathlib import Path
from typing import Any

from skinmodel.training import checkpoint
from skinmodel.training.history import write_history
from skinmodel.training.outcome import summarize
from skinmodel.training.recipes import TrainConfig
from skinmodel.training.runs import (
    RunResult,
    check_config,
    locked,
    read_result,
    write_result,
    writing_to,
)
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
        KeyboardInterrupt: Ctrl-C; its message says what is safe and how to go on.
    """
    with locked(run):
        with writing_to(run):
            check_config(run, config, data, resume=resume, force=force)
        finished = read_result(run)
        if finished is not None:
            log.info("this run is finished: nothing to train (--force trains it again)")
            return finished
        return _train(config, train_images, val_images, run, progress)


def _train(
    config: TrainConfig, train_images: Images, val_images: Images, run: Path, progress: bool
) -> RunResult:
    try:
        state = Trainer(config, train_images, val_images, run, progress=progress).fit()
    except KeyboardInterrupt as interrupt:
        epoch = checkpoint.last_epoch(run)
        raise KeyboardInterrupt(
            f"interrupted; '{run}' is safe up to epoch {epoch} of {config.epochs}. Give the same "
            "command with --resume to go on."
        ) from interrupt
    result = summarize(run, config.run_id, state)
    with writing_to(run):
        write_history(run, state.history)  # lacks its last row after a kill at the last checkpoint
        write_result(run, result)
    checkpoint.discard(run)
    return result
