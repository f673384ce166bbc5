"""The training loop: an epoch, a validation, a checkpoint, again."""

import logging
import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

import skinmodel
from skinmodel.data.pipeline import build_batches, shuffled_order
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.evaluation.metrics import compute_summary
from skinmodel.models.registry import get_spec
from skinmodel.training import checkpoint
from skinmodel.training.device import compute_in
from skinmodel.training.history import write_history
from skinmodel.training.optimizer import FusedAdam
from skinmodel.training.recipes import TrainConfig
from skinmodel.training.runs import RunResult, check_config, read_result, write_result
from skinmodel.training.schedule import class_weights, learning_rate
from skinmodel.training.selection import is_better, smooth
from skinmodel.training.step import Predictor, TrainStep, reseed_dropout

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Images:
    """Decoded images with their truth.

    Attributes:
        pixels: uint8, (N, h, w, 3), RGB, 0-255; may be mapped from disk.
        truth: int64, (N,), class indices.
    """

    pixels: NDArray[np.uint8]
    truth: NDArray[np.int64]


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
        self.config = config
        self.train = train
        self.val = val
        self.run = run
        self.progress = progress
        keras.utils.set_random_seed(config.seed)
        with compute_in(config.precision):
            self.model = get_spec(config.model).build(
                batch_norm_momentum=config.batch_norm_momentum, dropout=config.dropout
            )
        self.optimizer = FusedAdam(self.model.trainable_variables, config)
        weights = class_weights(train.truth, len(CODES), config.class_weight_power)
        self.step = TrainStep(self.model, self.optimizer, config, weights)
        self.predict = Predictor(self.model, config)

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
            return checkpoint.RunState()
        state, weights, optimizer = loaded
        for variable in self.model.variables:
            if variable.path in weights:
                variable.assign(weights[variable.path])
        self.optimizer.set_state(optimizer)
        log.info("resuming after epoch %d of %d", state.epoch, self.config.epochs)
        return state

    def _run_epoch(self, state: checkpoint.RunState) -> checkpoint.RunState:
        epoch = state.epoch + 1
        row = {"epoch": float(epoch), **self._train_epoch(epoch), **self._validate()}
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
            checkpoint.save_best(self.run, epoch, get_weights(self.model))
        weights = get_weights(self.model)
        checkpoint.save(self.run, state, weights, self.optimizer.get_state())
        write_history(self.run, history)
        log.info("%s", describe(row, self.config.epochs, state))
        return state

    def _train_epoch(self, epoch: int) -> dict[str, float]:
        config = self.config
        order = shuffled_order(len(self.train.truth), config.batch_size, config.seed, epoch)
        steps = -(-len(order) // config.batch_size)
        reseed_dropout(self.model, config.seed, epoch)
        losses, hits, seconds = [], [], []
        batches = build_batches(self.train.pixels, self.train.truth, config.batch_size, order)
        title = f"{config.model} epoch {epoch}/{config.epochs}"
        bar = tqdm(total=len(order), desc=title, unit="img", disable=not self.progress, leave=False)
        rate = 0.0
        with bar, logging_redirect_tqdm():
            started = time.perf_counter()
            for number, (pixels, truth) in enumerate(batches):
                step = (epoch - 1) * steps + number
                rate = learning_rate(config, step, steps * config.epochs)
                seed = tf.constant([config.seed, step], tf.int32)
                loss, hit = self.step.run(pixels, truth, tf.constant(rate, tf.float32), seed)
                losses.append(float(loss))
                hits.append(float(hit))
                bar.update(len(truth))
                bar.set_postfix(loss=f"{np.mean(losses):.3f}", refresh=False)
            seconds.append(time.perf_counter() - started)
        return {
            "learning_rate": rate,
            "train_loss": float(np.mean(losses)),
            "train_accuracy": sum(hits) / len(order),
            "images_per_second": len(order) / sum(seconds),
            "seconds": sum(seconds),
        }

    def _validate(self) -> dict[str, float]:
        probabilities = self.predict(self.val.pixels)
        summary = compute_summary(self.val.truth, probabilities)
        chosen = probabilities[np.arange(len(self.val.truth)), self.val.truth]
        return {
            "val_loss": float(-np.log(np.maximum(chosen, 1e-12)).mean()),
            "val_accuracy": summary.accuracy,
            "val_balanced_accuracy": summary.balanced_accuracy,
            "val_macro_auc": summary.macro_auc,
        }


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


def get_weights(model: Any) -> dict[str, NDArray[np.float32]]:
    """Return every float32 weight of a network by its path, moving statistics included."""
    return {v.path: np.asarray(v.numpy()) for v in model.variables if str(v.dtype) == "float32"}


def versions() -> dict[str, str]:
    """Return the versions a result depends on."""
    return {
        "skinmodel": skinmodel.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


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
