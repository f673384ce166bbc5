"""What training minimises: one formula for every engine, written in ``keras.ops``."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from skinmodel.imaging.placement import WHOLE, Placement, overlap
from skinmodel.models.auxiliary import Supervised
from skinmodel.training.recipes import TrainConfig


class Objective:
    """The loss of a network and of those that help to train it.

    Args:
        helped: names the helpers, and says where the maps' cells lie.
        config: the shares of each part.
        weights: float32, (K,), loss weight of each class.
    """

    def __init__(self, helped: Supervised, config: TrainConfig, weights: NDArray[np.float32]):
        self.names = helped.names
        self.placement = helped.placement
        self.config = config
        self.weights = weights

    def compute(
        self, outputs: Any, truth: Any, answers: Any, masks: Any, guidance: Any
    ) -> tuple[Any, Any, Any]:
        """Return what is minimised, the network's own loss and its hits.

        Args:
            outputs: of the helped network: float32, (B, K) where nothing helps, else a list of
                that and of each helper's.
            truth: integers, (B,), class indices.
            answers: float32, (B, K), the teachers'; unused where the recipe has none.
            masks: float32, (B, H, W), 0-255, the lesions; unused where no maps are guided.
            guidance: float32, (), weight of the maps' divergence from the masks at this step.

        Returns:
            float32, () each: the objective, the mean loss and the number of hits.
        """
        probabilities, *others = outputs if self.names else [outputs]
        helpers = dict(zip(self.names, others, strict=True))
        loss = self.own_loss(truth, probabilities, answers)
        total = self.join(loss, truth, probabilities, helpers, answers)
        if "maps" in helpers:
            total += guidance * compute_divergence(masks, helpers["maps"], self.placement)
        hits = ops.cast(ops.equal(ops.argmax(probabilities, axis=1), truth), "float32")
        return total, loss, ops.sum(hits)

    def join(
        self,
        loss: Any,
        truth: Any,
        probabilities: Any,
        helpers: Mapping[str, Any],
        answers: Any = None,
    ) -> Any:
        """Return ``loss``, taught by the deep helper, joined by those of all helpers."""
        config, total = self.config, loss
        if "deep" in helpers:
            softer = ops.stop_gradient(helpers["deep"])
            distilled = keras.losses.categorical_crossentropy(softer, probabilities)
            distilled = self._mean(distilled, truth)
            total = (1 - config.distillation) * loss + config.distillation * distilled
            total += config.auxiliary * self.own_loss(truth, helpers["deep"], answers)
        if "attended" in helpers:
            total += config.attended * self.own_loss(truth, helpers["attended"], answers)
        return total

    def own_loss(self, truth: Any, probabilities: Any, answers: Any = None) -> Any:
        """Return the mean cross-entropy, smoothed, weighed by class and taught: float32, ()."""
        targets = ops.one_hot(truth, probabilities.shape[-1])
        losses = keras.losses.categorical_crossentropy(
            targets, probabilities, label_smoothing=self.config.label_smoothing
        )
        if self.config.taught > 0:
            taught = keras.losses.categorical_crossentropy(answers, probabilities)
            losses = (1 - self.config.taught) * losses + self.config.taught * taught
        return self._mean(losses, truth)

    def _mean(self, losses: Any, truth: Any) -> Any:
        return ops.mean(losses * ops.take(ops.convert_to_tensor(self.weights), truth))


def compute_divergence(masks: Any, maps: Any, placement: Placement = WHOLE) -> Any:
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
    shares = ops.einsum("ih,bhw,jw->bij", rows, masks, columns) / 255.0
    area = ops.sum(shares, axis=(1, 2), keepdims=True)
    lesion = shares / ops.maximum(area, 1e-30)
    attention = ops.sum(maps, axis=-1) / heads
    logs = ops.log(ops.maximum(lesion, 1e-9)) - ops.log(ops.maximum(attention, 1e-9))
    return ops.mean(ops.sum(lesion * logs, axis=(1, 2)))
