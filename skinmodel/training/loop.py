"""A run from start to result: epochs, validation, and which epoch is kept."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from skinmodel.data.rows import shuffled_order
from skinmodel.data.splits import class_weights
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.calibration import fit_temperature
from skinmodel.evaluation.measures.metrics import compute_metrics
from skinmodel.training import checkpoint
from skinmodel.training.checkpoint import summarize
from skinmodel.training.engine import Epoch, Images, open_engine
from skinmodel.training.network import build_network, reseed_dropout
from skinmodel.training.recipes import TrainConfig, guidance_weight, learning_rate
from skinmodel.training.run_folder import (
    RunResult,
    check_config,
    locked,
    read_result,
    write_history,
    write_result,
    writing_to,
)


def smooth(values: Sequence[float], epochs: int) -> float:
    """Return the mean of the last ``epochs`` values, or of all where there are fewer.

    Averaging keeps one lucky validation from picking the epoch; see ``is_better``.
    """
    window = values[-epochs:]
    return sum(window) / len(window)


def is_better(values: Sequence[float], epochs: int, best: float) -> bool:
    """Return whether the newest epoch is to be kept instead of the best so far.

    The first whole window wins over every shorter one before it: a lucky start is not picked.
    Shorter windows only serve runs that end before one is whole.

    Args:
        values: the validation figure of every epoch so far, newest last.
        epochs: the width of the smoothing window.
        best: smoothed figure of the epoch kept so far; -1 before the first.
    """
    return len(values) == epochs or bool(smooth(values, epochs) > best)


log = logging.getLogger(__name__)


class Trainer:
    """One run: a configuration, its data and a folder that holds its state.

    Args:
        config: everything that changes the result.
        train: training images.
        val: validation images, which pick the epoch.
        run: folder of the run.
        progress: show a progress bar.
    """

    def __init__(
        self, config: TrainConfig, train: Images, val: Images, run: Path, *, progress: bool = True
    ):
        if bool(config.teachers) != (train.answers is not None):
            raise ConfigError(
                f"Run {config.run_id} has {len(config.teachers)} teachers, but its training "
                f"pictures have {'no' if train.answers is None else 'some'} answers of teachers."
            )
        self.config = config
        self.train = train
        self.val = val
        self.run = run
        self.progress = progress
        engine = open_engine(config.engine)
        self.network = build_network(config, fresh=not checkpoint.last_epoch(run))
        weights = class_weights(train.truth, len(CODES), config.class_weight_power)
        self.engine = engine.build(self.network, config, train, weights)

    def fit(self) -> checkpoint.RunState:
        """Train from the last whole epoch on disk, or from the start, to the last epoch.

        Returns:
            The state after the last epoch; the picked weights are in ``best_file`` of the run.

        Raises:
            ConfigError: a checkpoint cannot be read or written, or the loss is no number.
        """
        state = self._restore()
        while state.epoch < self.config.epochs:
            state = self._run_epoch(state)
        return state

    def _restore(self) -> checkpoint.RunState:
        loaded = checkpoint.load(self.run)
        if loaded is None:
            return checkpoint.RunState(fingerprint=self.config.fingerprint)
        state, weights, optimizer = loaded
        if state.fingerprint not in ("", self.config.fingerprint):
            raise ConfigError(
                f"The checkpoint of epoch {state.epoch} in '{self.run}' was made with settings of "
                f"fingerprint {state.fingerprint}, but these have {self.config.fingerprint}. "
                "Choose another --runs folder, or throw that run away with --force."
            )
        self.engine.set_state(weights, optimizer)
        log.info("resuming after epoch %d of %d", state.epoch, self.config.epochs)
        return replace(state, fingerprint=self.config.fingerprint)

    def _run_epoch(self, state: checkpoint.RunState) -> checkpoint.RunState:
        epoch = state.epoch + 1
        row = {"epoch": float(epoch), **self._train_epoch(epoch)}
        with self.engine.kept():
            row |= self._validate()
            picked = self.engine.get_weights()
        # The last step of an epoch can ruin the weights: its own loss does not show it yet.
        if not np.isfinite([row["train_loss"], row["val_loss"]]).all():
            raise ConfigError(
                f"The loss of epoch {epoch} is not a number. Lower learning_rate in the recipe "
                f"(now {self.config.learning_rate}) and train again with --force; what "
                f"'{self.run}' holds is sound up to epoch {epoch - 1}."
            )
        history = [*state.history, row]
        scores = [r[f"val_{self.config.selection}"] for r in history]
        state = replace(state, epoch=epoch, history=history)
        if is_better(scores, self.config.smoothing, state.best_score):
            score = smooth(scores, self.config.smoothing)
            state = replace(state, best_epoch=epoch, best_score=score)
            checkpoint.save_best(self.run, epoch, picked)
        checkpoint.save(self.run, state, *self.engine.get_state())
        with writing_to(self.run):
            write_history(self.run, history)
        log.info("%s", describe(row, self.config.epochs, state))
        return state

    def _train_epoch(self, number: int) -> dict[str, float]:
        config = self.config
        epoch = plan_epoch(config, len(self.train.truth), number)
        reseed_dropout(self.network.model, config.seed, number)
        title = f"{config.model} epoch {number}/{config.epochs}"
        count = epoch.rows.size
        bar = tqdm(total=count, desc=title, unit="img", disable=not self.progress, leave=False)

        def advance(images: int, loss: float) -> None:
            bar.update(images)
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)

        with bar, logging_redirect_tqdm():
            started = time.perf_counter()
            losses, hits = self.engine.train_epoch(epoch, advance)
            seconds = time.perf_counter() - started
        return {
            "learning_rate": float(epoch.rates[-1]),
            "train_loss": float(np.mean(losses)),
            "train_accuracy": float(sum(hits)) / count,
            "images_per_second": count / seconds,
            "seconds": seconds,
        }

    def _validate(self) -> dict[str, float]:
        probabilities = self.engine.predict(self.val.pixels)
        metrics = compute_metrics(self.val.truth, probabilities)
        chosen = probabilities[np.arange(len(self.val.truth)), self.val.truth]
        return {
            "val_temperature": fit_temperature(self.val.truth, probabilities),
            "val_loss": float(-np.log(np.maximum(chosen, 1e-12)).mean()),
            "val_accuracy": metrics.accuracy,
            "val_balanced_accuracy": metrics.balanced_accuracy,
            "val_macro_auc": metrics.macro_auc,
        }


def plan_epoch(config: TrainConfig, count: int, number: int) -> Epoch:
    """Return the steps of an epoch, a function of the recipe alone.

    Args:
        config: seed, batch size and schedule.
        count: of training images.
        number: of the epoch, from 1.
    """
    order = shuffled_order(count, config.batch_size, config.seed, number)
    steps = -(-len(order) // config.batch_size)
    first, whole = (number - 1) * steps, steps * config.epochs
    numbers = range(first, first + steps)
    return Epoch(
        first_step=first,
        rows=order.reshape(steps, -1),
        rates=np.array([learning_rate(config, step, whole) for step in numbers]),
        guidance=np.array([guidance_weight(config, step, whole) for step in numbers]),
    )


def describe(row: dict[str, float], epochs: int, state: checkpoint.RunState) -> str:
    """Return one line about an epoch."""
    left = (epochs - row["epoch"]) * np.mean([r["seconds"] for r in state.history])
    return (
        f"epoch {row['epoch']:.0f}/{epochs}: loss {row['train_loss']:.4f}, "
        f"train accuracy {row['train_accuracy']:.3f}, val loss {row['val_loss']:.4f}, "
        f"val accuracy {row['val_accuracy']:.3f}, "
        f"val balanced accuracy {row['val_balanced_accuracy']:.3f}, "
        f"val macro AUC {row['val_macro_auc']:.3f}, {row['images_per_second']:.0f} images/s, "
        f"kept epoch {state.best_epoch}, about {left / 60:.0f} min left"
    )


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
    result = summarize(run, config.to_dict(), state)
    with writing_to(run):
        write_history(run, state.history)  # lacks its last row after a kill at the last checkpoint
        write_result(run, result)
    checkpoint.discard(run)
    return result
