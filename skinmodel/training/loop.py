"""A run from start to result: epochs, validation, and which epoch is kept."""

import logging
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from skinmodel.data.pipeline import PixelRows, build_batches, shuffled_order
from skinmodel.data.splits import class_weights
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.calibration import fit_temperature
from skinmodel.evaluation.measures.metrics import compute_metrics
from skinmodel.models.auxiliary import add_helpers
from skinmodel.models.backbones.pretrained import load_pretrained
from skinmodel.models.registry import ModelSpec, get_spec
from skinmodel.training import checkpoint
from skinmodel.training.checkpoint import summarize
from skinmodel.training.optimizer import PREFIX, FusedAdam, WeightAverage, check_shapes
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
from skinmodel.training.step import Predictor, TrainStep, compute_in, reseed_dropout
from skinmodel.weights import store


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


@dataclass(frozen=True)
class Images:
    """Decoded images with their truth.

    Attributes:
        pixels: uint8, (N, h, w, 3), RGB, 0-255; may be mapped from disk, or rows of such an array.
        truth: int64, (N,), class indices.
        answers: float32, (N, K), the teachers' probabilities; None where none teach.
    """

    pixels: NDArray[np.uint8] | PixelRows
    truth: NDArray[np.int64]
    answers: NDArray[np.float32] | None = None


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
        keras.utils.set_random_seed(config.seed)
        spec = get_spec(config.model)
        with compute_in(config.precision):
            self.model = spec.build(
                batch_norm_momentum=config.batch_norm_momentum, dropout=config.dropout
            )
            # What is trained; ``model`` is the part of it that is kept.
            helped = add_helpers(
                self.model,
                deep=config.auxiliary > 0,
                attended=config.attended > 0,
                maps=config.guidance > 0,
            )
        self.whole = helped.model
        # A checkpoint brings all weights with it.
        if not checkpoint.last_epoch(run):
            if config.initial == "pretrained":
                load_pretrained(self.model, spec)
            elif config.initial == "shipped":
                load_shipped(self.model, spec)
            if config.trains == "attention":
                revive_attention(self.model, spec)
        if config.trains == "attention":
            freeze_features(self.model, spec)
        self.optimizer = FusedAdam(self.whole.trainable_variables, config)
        kept = [v for v in self.model.variables if is_weight(v)]
        self.average = WeightAverage(kept, config.average) if config.average else None
        weights = class_weights(train.truth, len(CODES), config.class_weight_power)
        self.step = TrainStep(helped, self.optimizer, config, weights, self.average)
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
            return checkpoint.RunState(fingerprint=self.config.fingerprint)
        state, weights, optimizer = loaded
        if state.fingerprint not in ("", self.config.fingerprint):
            raise ConfigError(
                f"The checkpoint of epoch {state.epoch} in '{self.run}' was made with settings of "
                f"fingerprint {state.fingerprint}, but these have {self.config.fingerprint}. "
                "Choose another --runs folder, or throw that run away with --force."
            )
        variables = {v.path: v for v in self.whole.variables if is_weight(v)}
        shapes = {name: tuple(v.shape) for name, v in variables.items()}
        check_shapes("The weights", weights, shapes)
        averages = {name: a for name, a in optimizer.items() if name.startswith(PREFIX)}
        if self.average is not None:
            self.average.set_state(averages)
        self.optimizer.set_state({n: a for n, a in optimizer.items() if n not in averages})
        for name, variable in variables.items():
            variable.assign(weights[name])
        log.info("resuming after epoch %d of %d", state.epoch, self.config.epochs)
        return replace(state, fingerprint=self.config.fingerprint)

    def _run_epoch(self, state: checkpoint.RunState) -> checkpoint.RunState:
        epoch = state.epoch + 1
        row = {"epoch": float(epoch), **self._train_epoch(epoch)}
        with self._averaged():
            row |= self._validate()
            picked = get_weights(self.model)
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
        averages = self.average.get_state() if self.average is not None else {}
        optimizer = {**self.optimizer.get_state(), **averages}
        checkpoint.save(self.run, state, get_weights(self.whole), optimizer)
        with writing_to(self.run):
            write_history(self.run, history)
        log.info("%s", describe(row, self.config.epochs, state))
        return state

    def _averaged(self) -> AbstractContextManager[None]:
        return nullcontext() if self.average is None else self.average.applied()

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
                guidance = guidance_weight(config, step, steps * config.epochs)
                rows = order[number * config.batch_size :][: config.batch_size]
                loss, hit = self.step.run(
                    pixels,
                    truth,
                    tf.constant(rate, tf.float32),
                    seed,
                    tf.constant(guidance, tf.float32),
                    self._answers(rows),
                )
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

    def _answers(self, rows: NDArray[np.int64]) -> tf.Tensor:
        if self.train.answers is None:
            return tf.zeros((len(rows), len(CODES)))
        return tf.constant(self.train.answers[rows])

    def _validate(self) -> dict[str, float]:
        probabilities = self.predict(self.val.pixels)
        metrics = compute_metrics(self.val.truth, probabilities)
        chosen = probabilities[np.arange(len(self.val.truth)), self.val.truth]
        return {
            "val_temperature": fit_temperature(self.val.truth, probabilities),
            "val_loss": float(-np.log(np.maximum(chosen, 1e-12)).mean()),
            "val_accuracy": metrics.accuracy,
            "val_balanced_accuracy": metrics.balanced_accuracy,
            "val_macro_auc": metrics.macro_auc,
        }


def load_shipped(model: Any, spec: ModelSpec) -> None:
    """Put the weights that ship for a network into it, checked by SHA-256.

    Raises:
        WeightsError: none ship, or they are corrupt.
    """
    record, folder = store.find(spec.name, "shipped")
    weights = store.load_weights(record, folder)
    for variable in model.variables:
        if is_weight(variable):
            variable.assign(weights[variable.path])
    log.info("%s starts from the shipped run %s", spec.name, record.run_id)


def freeze_features(model: Any, spec: ModelSpec) -> None:
    """Let only the soft attention train; every other layer answers as it is.

    Raises:
        ConfigError: the network has no soft attention.
    """
    if spec.attention_layer is None:
        raise ConfigError(
            f"Network '{spec.name}' has no soft attention, so a recipe with trains = "
            '"attention" leaves nothing to train. Use another recipe, or a network with "_sa".'
        )
    for layer in model.layers:
        layer.trainable = layer.name == spec.attention_layer


def revive_attention(model: Any, spec: ModelSpec) -> None:
    """Set a gamma that fell to 0 or below back to where the layer starts.

    Features that a ReLU has seen are never negative, so what a negative gamma makes of them is cut
    off by the ReLU after the join: attention adds nothing, and no gradient ever brings it back.
    """
    for layer in model.layers:
        if layer.name != spec.attention_layer or not hasattr(layer, "gamma"):
            continue
        if float(layer.gamma) <= 0:
            log.info("gamma was %.4f: attention added nothing", float(layer.gamma))
            layer.gamma.assign(layer.initial_gamma)


def get_weights(model: Any) -> dict[str, NDArray[np.float32]]:
    """Return every float32 weight of a network by its path, moving statistics included."""
    return {v.path: np.asarray(v.numpy()) for v in model.variables if is_weight(v)}


def is_weight(variable: Any) -> bool:
    """Return whether a variable belongs to the network, not to a random generator in it."""
    return str(variable.dtype) == "float32"


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
    result = summarize(run, config.run_id, state)
    with writing_to(run):
        write_history(run, state.history)  # lacks its last row after a kill at the last checkpoint
        write_result(run, result)
    checkpoint.discard(run)
    return result
