"""One step of training, and the network's answers, as TensorFlow graphs."""

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from skinmodel.data.changes import to_input
from skinmodel.data.rows import PixelRows
from skinmodel.models.auxiliary import Supervised
from skinmodel.training.objective import Objective
from skinmodel.training.recipes import FLOAT16_LOSS_SCALE, TrainConfig
from skinmodel.training.tensorflow_engine.augmentation import augment, build_batches
from skinmodel.training.tensorflow_engine.optimizer import FusedAdam, WeightAverage


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
        self.objective = Objective(helped, config, weights)
        self.average = average
        self.optimizer = optimizer
        self.config = config
        self.loss_scale = FLOAT16_LOSS_SCALE if config.precision == "float16" else 1.0
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
            total, loss, hits = self.objective.compute(
                self.model(inputs, training=True), truth, answers, changed[..., -1], guidance
            )
            scaled = total * self.loss_scale
        gradients = tape.gradient(scaled, [v.value for v in self.optimizer.variables])
        self._update(gradients, rate)
        if self.average is not None:
            self.average.update()
        return loss, hits

    def _update(self, gradients: list[tf.Tensor], rate: tf.Tensor) -> None:
        if self.loss_scale == 1.0:
            self.optimizer.apply(gradients, rate)
            return
        gradients = [g / self.loss_scale for g in gradients]
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in gradients])
        if finite:  # AutoGraph makes this a branch of the graph; an overflowing step is skipped
            self.optimizer.apply(gradients, rate)


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
