"""One step of training, and the device and precision it runs in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from skinmodel.data.pipeline import PixelRows, augment, build_batches, to_input
from skinmodel.imaging.placement import WHOLE, Placement, overlap
from skinmodel.models.auxiliary import Supervised
from skinmodel.training.optimizer import FusedAdam, WeightAverage
from skinmodel.training.recipes import Precision, TrainConfig

# Processor flags that mean bfloat16 products in hardware; without them they are emulated, slowly.
_BFLOAT16_FLAGS: Final = {"avx512_bf16", "amx_bf16"}
_CPU_INFO: Final = Path("/proc/cpuinfo")
_BFLOAT16_CAPABILITY: Final = (8, 0)
_FLOAT16_CAPABILITY: Final = (7, 0)


@dataclass(frozen=True)
class Device:
    """Attributes: kind (``GPU`` or ``CPU``), name, and the precision training uses on it."""

    kind: str
    name: str
    precision: Precision

    def __str__(self) -> str:
        """Return one line for a log."""
        mixed = "" if self.precision == "float32" else " (mixed precision)"
        return f"{self.kind} {self.name}, {self.precision}{mixed}"


def choose_device() -> Device:
    """Return the first GPU where there is one, else the CPU, with its fastest sound precision."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return Device("CPU", _cpu_name(), "bfloat16" if _cpu_has_bfloat16() else "float32")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    details = tf.config.experimental.get_device_details(gpus[0])
    capability = tuple(details.get("compute_capability", (0, 0)))
    precision: Precision = "float32"
    if capability >= _BFLOAT16_CAPABILITY:
        precision = "bfloat16"
    elif capability >= _FLOAT16_CAPABILITY:
        precision = "float16"
    return Device("GPU", str(details.get("device_name", gpus[0].name)), precision)


@contextmanager
def compute_in(precision: Precision) -> Iterator[None]:
    """Let layers built inside compute in ``precision``; their weights stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _cpu_has_bfloat16() -> bool:
    return bool(_BFLOAT16_FLAGS & set(_cpu_field("flags").split()))


def _cpu_name() -> str:
    return _cpu_field("model name") or "of unknown name"


def _cpu_field(name: str) -> str:
    if not _CPU_INFO.exists():  # not Linux
        return ""
    for line in _CPU_INFO.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


# float16 loses gradients below 6e-8; bfloat16 has float32's range and needs no scaling.
_FLOAT16_LOSS_SCALE = 1024.0


class TrainStep:
    """Augmentation, forward, backward and update in one graph, traced once.

    Args:
        helped: the network, with the classifiers that help to train it.
        optimizer: over the network's trainable variables.
        config: augmentation, smoothing and seed.
        weights: float32, (K,), loss weight of each class.
        average: of the network's weights, updated with them; None for none.
    """

    def __init__(
        self,
        helped: Supervised,
        optimizer: FusedAdam,
        config: TrainConfig,
        weights: NDArray[np.float32],
        average: WeightAverage | None = None,
    ):
        self.model = helped.model
        self.helpers = helped.names
        self.placement = helped.placement
        self.average = average
        self.optimizer = optimizer
        self.config = config
        self.weights = tf.constant(weights)
        self.loss_scale = _FLOAT16_LOSS_SCALE if config.precision == "float16" else 1.0
        self.run = tf.function(self._step)

    def _step(
        self,
        pixels: tf.Tensor,
        truth: tf.Tensor,
        rate: tf.Tensor,
        seed: tf.Tensor,
        guidance: tf.Tensor = 0.0,
        answers: tf.Tensor = 0.0,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Train on one batch.

        Args:
            pixels: uint8, (B, h, w, 3), RGB, 0-255; (B, h, w, 4) with the lesion's mask, 0-255, as
                the last channel where the maps are guided.
            truth: int64, (B,), class indices.
            rate: float32, (), learning rate.
            seed: int32, (2,), of the augmentation.
            guidance: float32, (), weight of the maps' divergence from the masks at this step.
            answers: float32, (B, K), the teachers'; unused where the recipe has none.

        Returns:
            The mean loss and the number of hits before the update, both float32, (), and both
            of the network's own output.
        """
        changed = augment(pixels, self.config.augmentation, seed)
        inputs = to_input(changed[..., :3], self.config.preprocessing)
        with tf.GradientTape() as tape:
            probabilities, *others = tf.nest.flatten(self.model(inputs, training=True))
            helpers = dict(zip(self.helpers, others, strict=True))
            loss = self._loss(truth, probabilities, answers)
            total = self._objective(loss, truth, probabilities, helpers, answers)
            if "maps" in helpers:
                total += guidance * compute_divergence(
                    changed[..., 3], helpers["maps"], self.placement
                )
            scaled = total * self.loss_scale
        gradients = tape.gradient(scaled, [v.value for v in self.optimizer.variables])
        self._update(gradients, rate)
        if self.average is not None:
            self.average.update()
        hits = tf.cast(tf.argmax(probabilities, axis=1) == truth, tf.float32)
        return loss, tf.reduce_sum(hits)

    def _objective(
        self,
        loss: tf.Tensor,
        truth: tf.Tensor,
        probabilities: tf.Tensor,
        helpers: dict[str, tf.Tensor],
        answers: tf.Tensor = 0.0,
    ) -> tf.Tensor:
        """Return what is minimised: ``loss``, taught by the deep helper, joined by those of all."""
        config, total = self.config, loss
        if "deep" in helpers:
            softer = tf.stop_gradient(helpers["deep"])
            distilled = keras.losses.categorical_crossentropy(softer, probabilities)
            distilled = tf.reduce_mean(distilled * tf.gather(self.weights, truth))
            total = (1 - config.distillation) * loss + config.distillation * distilled
            total += config.auxiliary * self._loss(truth, helpers["deep"], answers)
        if "attended" in helpers:
            total += config.attended * self._loss(truth, helpers["attended"], answers)
        return total

    def _loss(
        self, truth: tf.Tensor, probabilities: tf.Tensor, answers: tf.Tensor = 0.0
    ) -> tf.Tensor:
        targets = tf.one_hot(truth, probabilities.shape[-1])
        losses = keras.losses.categorical_crossentropy(
            targets, probabilities, label_smoothing=self.config.label_smoothing
        )
        if self.config.taught > 0:
            taught = keras.losses.categorical_crossentropy(answers, probabilities)
            losses = (1 - self.config.taught) * losses + self.config.taught * taught
        return tf.reduce_mean(losses * tf.gather(self.weights, truth))

    def _update(self, gradients: list[tf.Tensor], rate: tf.Tensor) -> None:
        if self.loss_scale == 1.0:
            self.optimizer.apply(gradients, rate)
            return
        gradients = [g / self.loss_scale for g in gradients]
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in gradients])
        if finite:  # AutoGraph makes this a branch of the graph; an overflowing step is skipped
            self.optimizer.apply(gradients, rate)


def compute_divergence(
    masks: tf.Tensor, maps: tf.Tensor, placement: Placement = WHOLE
) -> tf.Tensor:
    """Return how far soft attention lies from the lesion: KL(mask || map), the mean over pictures.

    Both are taken as distributions over the cells of the map: the lesion's share of what each cell
    looks at, and the maps summed over the heads. A picture without lesion there adds nothing.

    Args:
        masks: float32, (B, H, W), 0-255, 255 in the lesion; as moved as the pictures.
        maps: float32, (B, h, w, M), each summing to 1 over its positions.
        placement: which part of the picture the cells tile; without padding it is the middle only.

    Returns:
        float32, (), in nats, >= 0.
    """
    h, w, heads = maps.shape[1:]
    rows = overlap(masks.shape[1], h, placement.top, placement.bottom).astype(np.float32)
    columns = overlap(masks.shape[2], w, placement.left, placement.right).astype(np.float32)
    shares = tf.einsum("ih,bhw,jw->bij", rows, masks, columns) / 255.0
    area = tf.reduce_sum(shares, axis=(1, 2), keepdims=True)
    lesion = tf.math.divide_no_nan(shares, area)
    attention = tf.reduce_sum(maps, axis=-1) / heads
    logs = tf.math.log(tf.maximum(lesion, 1e-9)) - tf.math.log(tf.maximum(attention, 1e-9))
    return tf.reduce_mean(tf.reduce_sum(lesion * logs, axis=(1, 2)))


class Predictor:
    """Probabilities of many images, in batches, without augmentation.

    Args:
        model: the network.
        config: gives preprocessing and batch size.
    """

    def __init__(self, model: keras.Model, config: TrainConfig):
        height, width = config.preprocessing.height, config.preprocessing.width
        self.batch_size = config.batch_size

        def predict(pixels: tf.Tensor) -> tf.Tensor:
            return model(to_input(pixels, config.preprocessing), training=False)

        self.predict = tf.function(
            predict, input_signature=[tf.TensorSpec((None, height, width, 3), tf.uint8)]
        )

    def __call__(self, pixels: NDArray[np.uint8] | PixelRows) -> NDArray[np.float32]:
        """Return float32, (N, K), for uint8 pixels, (N, h, w, 3)."""
        batches = build_batches(pixels, np.zeros(len(pixels), np.int64), self.batch_size)
        return np.concatenate([self.predict(batch).numpy() for batch, _ in batches])


def reseed_dropout(model: Any, seed: int, epoch: int) -> None:
    """Make dropout a function of seed and epoch, so that a resumed run draws the same masks."""
    for number, layer in enumerate(model.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            state = np.random.SeedSequence([seed, epoch, number]).generate_state(2)
            generator.state.assign(state.astype(generator.state.dtype))
