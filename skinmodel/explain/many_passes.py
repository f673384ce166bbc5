"""Methods that ask the network many times about one picture: slow, run only on request."""

from abc import ABC, abstractmethod
from functools import partial
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tf_keras_vis.saliency import Saliency
from tf_keras_vis.scorecam import Scorecam
from tf_keras_vis.utils.scores import CategoricalScore

from skinmodel.explain.grad_cam import LogitTwin
from skinmodel.explain.registry import NOISY_COPIES, SCORED_CHANNELS, Map

NOISE: Final = 0.15
"""Standard deviation of SmoothGrad's noise, as a share of the input's range."""

CELLS: Final = 20
"""Rows and columns of SmoothGrad's map: single pixels of it are noise."""

_BATCH: Final = 8
_SEED: Final = 1706


class _OneByOne(ABC):
    """What both methods share: many images are explained one after the other."""

    def __call__(self, inputs: NDArray[np.float32], class_index: int, /) -> Map:
        """Return the map of one image for one class, float32, (h, w), >= 0."""
        return Map(values=self._explain(inputs, class_index))

    def explain_many(
        self, inputs: NDArray[np.float32], class_indices: NDArray[np.int64], /
    ) -> NDArray[np.float32]:
        """Return the maps of many images, each for a class of its own, float32, (N, h, w)."""
        pairs = zip(inputs, class_indices, strict=True)
        return np.stack([self._explain(image[None], int(index)) for image, index in pairs])

    @abstractmethod
    def _explain(self, inputs: NDArray[np.float32], class_index: int) -> NDArray[np.float32]:
        """Return the map of one image for one class, float32, (h, w), >= 0."""


class FasterScoreCam(_OneByOne):
    """Faster Score-CAM: channels weighed by what is left of the class where they alone are shown.

    Score-CAM (Wang et al. 2020) on the ``SCORED_CHANNELS`` channels that vary most over the
    picture (github.com/tabayashi0117/Score-CAM).

    Args:
        model: a network that ends in a Dense layer with softmax.
        layer: name of the convolution whose channels are weighed.
    """

    def __init__(self, model: Any, layer: str):
        self._layer = layer
        self._twin = LogitTwin(model)
        channels = int(model.get_layer(layer).output.shape[-1])
        self._channels = min(SCORED_CHANNELS, channels)
        logits = self._twin.model
        logits.predict = partial(logits.predict, verbose=0)  # else it prints a progress bar
        self._cam = Scorecam(logits)

    def _explain(self, inputs: NDArray[np.float32], class_index: int) -> NDArray[np.float32]:
        self._twin.refresh()
        cam = self._cam(
            CategoricalScore([class_index]),
            tf.constant(inputs),
            penultimate_layer=self._layer,
            seek_penultimate_conv_layer=False,
            batch_size=_BATCH,
            max_N=self._channels,
            expand_cam=False,
            normalize_cam=False,
        )
        return np.asarray(cam, dtype=np.float32)[0]


class SmoothGrad(_OneByOne):
    """SmoothGrad (Smilkov et al. 2017): how much each pixel moves the logit, averaged over noise.

    The noise is drawn here, from a seed, so that a picture always gets the same map.

    Args:
        model: a network that ends in a Dense layer with softmax.
    """

    def __init__(self, model: Any):
        self._twin = LogitTwin(model)
        self._saliency = Saliency(self._twin.model, clone=False)

    def _explain(self, inputs: NDArray[np.float32], class_index: int) -> NDArray[np.float32]:
        self._twin.refresh()
        rng = np.random.default_rng(_SEED)
        size = NOISE * float(np.ptp(inputs))
        total = np.zeros(inputs.shape[1:], np.float64)
        for start in range(0, NOISY_COPIES, _BATCH):
            count = min(_BATCH, NOISY_COPIES - start)
            noise = rng.normal(0.0, size, (count, *inputs.shape[1:]))
            gradients = self._saliency(
                CategoricalScore([class_index] * count),
                tf.constant((inputs + noise).astype(np.float32)),
                keepdims=True,
                normalize_map=False,
            )
            total += np.asarray(gradients, np.float64).sum(axis=0)
        strongest = (total / NOISY_COPIES).max(axis=-1)
        cells = tf.image.resize(strongest[..., None], (CELLS, CELLS), method="area")
        return np.asarray(cells, dtype=np.float32)[..., 0]
