"""TensorFlow's engine: a graph a step, batches gathered from the host's memory."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from skinmodel.data.rows import PixelRows
from skinmodel.diagnoses import CODES
from skinmodel.training.checkpoint import AVERAGE, check_shapes
from skinmodel.training.device import Device, cpu_has_bfloat16, cpu_name, gpu_precision
from skinmodel.training.engine import Advance, Arrays, Epoch, Images
from skinmodel.training.network import Network, get_weights
from skinmodel.training.recipes import TrainConfig
from skinmodel.training.tensorflow_engine.augmentation import build_batches
from skinmodel.training.tensorflow_engine.optimizer import FusedAdam, WeightAverage
from skinmodel.training.tensorflow_engine.step import Predictor, TrainStep


def choose_device() -> Device:
    """Return the first GPU where there is one, else the CPU, with its fastest sound precision."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return Device("CPU", cpu_name(), "bfloat16" if cpu_has_bfloat16() else "float32")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    details = tf.config.experimental.get_device_details(gpus[0])
    capability = tuple(details.get("compute_capability", (0, 0)))
    return Device("GPU", str(details.get("device_name", gpus[0].name)), gpu_precision(capability))


def build(
    network: Network, config: TrainConfig, images: Images, weights: NDArray[np.float32]
) -> "TensorFlowEngine":
    """Return an engine, see ``engine.EngineModule``."""
    return TensorFlowEngine(network, config, images, weights)


class TensorFlowEngine:
    """See ``engine.Engine``; arguments as of ``engine.EngineModule.build``."""

    def __init__(
        self, network: Network, config: TrainConfig, images: Images, weights: NDArray[np.float32]
    ):
        self.network = network
        self.config = config
        self.images = images
        self.optimizer = FusedAdam(network.whole.trainable_variables, config)
        self.average = WeightAverage(network.kept, config.average) if config.average else None
        self.step = TrainStep(network.helped, self.optimizer, config, weights, self.average)
        self.predictor = Predictor(network.model, config)

    def train_epoch(
        self, epoch: Epoch, advance: Advance
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Train on an epoch, batch by batch."""
        images, size = self.images, epoch.rows.shape[1]
        losses, hits = [], []
        batches = build_batches(images.pixels, images.truth, size, epoch.rows.reshape(-1))
        for number, (pixels, truth) in enumerate(batches):
            loss, hit = self.step.run(
                pixels,
                truth,
                tf.constant(epoch.rates[number], tf.float32),
                tf.constant([self.config.seed, epoch.first_step + number], tf.int32),
                tf.constant(epoch.guidance[number], tf.float32),
                self._answers(epoch.rows[number]),
            )
            losses.append(float(loss))
            hits.append(float(hit))
            advance(size, float(np.mean(losses)))
        return np.array(losses), np.array(hits)

    def _answers(self, rows: NDArray[np.int64]) -> tf.Tensor:
        if self.images.answers is None:
            return tf.zeros((len(rows), len(CODES)))
        return tf.constant(self.images.answers[rows])

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let the network answer with the weights that are kept inside."""
        with nullcontext() if self.average is None else self.average.applied():
            yield

    def predict(self, pixels: NDArray[np.uint8] | PixelRows) -> NDArray[np.float32]:
        """Return the network's probabilities."""
        return self.predictor(pixels)

    def get_weights(self) -> Arrays:
        """Return the network's weights."""
        return get_weights(self.network.model)

    def get_state(self) -> tuple[Arrays, Arrays]:
        """Return all weights, and the optimizer's arrays with the average's."""
        averages = self.average.get_state() if self.average is not None else {}
        return get_weights(self.network.whole), {**self.optimizer.get_state(), **averages}

    def set_state(self, weights: Arrays, optimizer: Arrays) -> None:
        """Restore a checkpoint."""
        variables = self.network.weights
        check_shapes(
            "The weights", weights, {name: tuple(v.shape) for name, v in variables.items()}
        )
        averages = {name: a for name, a in optimizer.items() if name.startswith(AVERAGE)}
        if self.average is not None:
            self.average.set_state(averages)
        self.optimizer.set_state({n: a for n, a in optimizer.items() if n not in averages})
        for name, variable in variables.items():
            variable.assign(weights[name])
